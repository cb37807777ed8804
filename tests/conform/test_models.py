"""`conform` on real models over the targets of this machine, with a ledger of what breaks it.

Peers are run too: what parts them from the oracle, `bisect` names.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import TensorProto, helper

import likewise
from likewise.conform.bisect import Side, bisect
from likewise.conform.check import Answered, conform
from likewise.conform.subject import Subject
from tests.conform.conftest import feeds, model_of
from tests.conformance.ledger import expected_failures
from tests.models.feeds import pages
from tests.models.light import NETWORKS, drawn, file_of
from tools.models import ensure

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.conform.engines import Engine
    from likewise.conform.subject import Feeds

MODELS = ("magika", "minilm", "ppocr_det", "resnet50", "silero_vad")
TARGETS = ("numpy", "pyodide", "wasm", "node", "chromium", "litert")
LIGHT = ("light_densenet121", *(f"drawn_{name}" for name in NETWORKS if name != "vgg19"))
"""Networks of the `onnx` package, but for one that takes 6 GB."""
QUICK = {"drawn_shufflenet", "drawn_squeezenet"}
CASES = [f"{model}-{target}" for model in MODELS for target in TARGETS]
CASES += [f"{model}-{target}" for model in LIGHT for target in ("numpy", "wasm", "litert")]
EXPECTED = expected_failures("conform", CASES)


def subject_of(name: str) -> tuple[Subject, Feeds]:
    if name in LIGHT:
        kind, network = name.split("_", 1)
        subject = drawn(network) if kind == "drawn" else Subject(likewise.load(file_of(network)))
        return subject, feeds(subject)
    file = ensure(name)
    shapes: dict[str, dict[str, tuple[int, ...]]] = {
        "magika": {"bytes": (1, 2048)},
        "ppocr_det": {"x": (1, 3, 320, 320)},
        "silero_vad": {"input": (1, 576), "state": (2, 1, 128)},
    }
    constants = {"sr": 16000} if name == "silero_vad" else {}
    subject = Subject(likewise.load(file), shapes.get(name, {}), constants, file=file)
    given = feeds(subject)
    if name == "ppocr_det":
        given["x"] = pages(1, 320, 320)
    return subject, given


@pytest.fixture(scope="module")
def answers(here: dict[str, Engine]) -> Callable[[str], dict[str, list[Answered]]]:
    """What each target answered to a model."""

    @cache
    def of(name: str) -> dict[str, list[Answered]]:
        subject, given = subject_of(name)
        targets = [case.rpartition("-")[2] for case in CASES if case.startswith(f"{name}-")]
        report = conform(subject, [given], [here[target] for target in targets])
        assert [one.apart for one in report.bits] == [()] * (2 if "node" in targets else 0)
        found: dict[str, list[Answered]] = {}
        for one in report.answers:
            found.setdefault(one.engine, []).append(one)
        return found

    return of


def marks(case: str) -> list[pytest.MarkDecorator]:
    name = case.rpartition("-")[0]
    found = [] if name in QUICK else [pytest.mark.slow]
    if name not in LIGHT:
        found.append(pytest.mark.network)
    if case in EXPECTED:
        found.append(pytest.mark.xfail(strict=True, reason=EXPECTED[case]))
    return found


@pytest.mark.parametrize(
    ("name", "target"),
    [pytest.param(*case.rsplit("-", 1), id=case, marks=marks(case)) for case in CASES],
)
def test_the_contract_holds(
    answers: Callable[[str], dict[str, list[Answered]]], name: str, target: str
) -> None:
    wrong = [
        f"{one.label}: {one.error or one.worst}" for one in answers(name)[target] if not one.good
    ]
    assert not wrong


def test_a_real_difference_between_two_peers_is_named(here: dict[str, Engine]) -> None:
    """Far below 0 onnxruntime's Sigmoid has a fixed absolute error, not a relative one.

    In PP-OCRv4 detection that is what parts it from all others: 3e-4 of the output's scale where
    a picture has no text.
    """
    node = helper.make_node
    rng = np.random.default_rng(7)
    model = model_of(
        [
            node("MatMul", ["x", "c"], ["m"], name="product"),
            node("Sub", ["m", "far"], ["d"], name="shift"),
            node("Sigmoid", ["d"], ["y"], name="sigmoid"),
        ],
        {"x": (TensorProto.FLOAT, [16, 8])},
        {"y": TensorProto.FLOAT},
        c=rng.standard_normal((8, 8)).astype(np.float32),
        far=np.full(1, 16, np.float32),
    )
    subject = Subject(model)
    found = bisect(subject, feeds(subject), (Side(here["litert"]), Side(here["onnxruntime"])))
    assert found.node is not None
    assert found.node.name == "sigmoid"
    assert found.alone
    assert found.after > 100 * found.before
