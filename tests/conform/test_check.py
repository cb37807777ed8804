"""A report: findings and verdicts of every target, bits, layers, and what each form of it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import jsonschema
import numpy as np
import pytest
from onnx import TensorProto, helper

import likewise
from likewise.conform.check import Report, conform
from likewise.conform.engines import Answer, Engine, engines
from likewise.conform.reports.as_html import as_html
from likewise.conform.reports.as_json import as_json, schema
from likewise.conform.reports.as_junit import as_junit
from likewise.conform.subject import Subject
from likewise.errors import LikewiseError
from tests.conform.conftest import feeds, model_of, small
from tools.browser import launch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class Changed(Engine):
    """NumPy with its outputs changed."""

    def __init__(self, name: str, change: Callable[[str, Any], Any], mode: str = "") -> None:
        self.name = name  # type: ignore[misc]
        self.modes = (mode,)  # type: ignore[misc]
        self.change = change

    def missing(self) -> str:
        return ""

    def version(self) -> str:
        return f"{self.name} 1"

    def answer(self, subject: Subject, feeds: Sequence[Any], mode: str = "") -> Answer:
        del mode
        made = [subject.reference(one) for one in feeds]
        return Answer([{name: self.change(name, x) for name, x in one.items()} for one in made])


class Absent(Changed):
    def missing(self) -> str:
        return "pip install it"


def peer(name: str, change: Callable[[str, Any], Any]) -> Changed:
    found = Changed(name, change)
    found.is_peer = True  # type: ignore[misc]
    return found


def off(factor: float) -> Callable[[str, Any], Any]:
    """Floats multiplied by a factor."""
    return lambda _, x: x * np.float32(factor) if x.dtype.kind == "f" else x


def refusing(*_: Any) -> Any:
    raise LikewiseError("no such\x1b operator")


def narrowed(_: str, x: Any) -> Any:
    return x.astype(np.int32) if x.dtype == np.int64 else x


SAME = off(1.0)


def report(*others: Engine, **options: Any) -> Report:
    subject = small()
    given = [feeds(subject, seed) for seed in (0, 1)]
    return conform(subject, given, [engines()["numpy"], *others], **options)


def test_targets_that_keep_the_contract() -> None:
    found = report(Changed("same", SAME))
    assert found.good
    numpy, same = found.answers
    assert [(one.output, one.run) for one in numpy.findings] == [
        ("y", 0),
        ("best", 0),
        ("y", 1),
        ("best", 1),
    ]
    assert [one.difference for one in same.findings] == [one.difference for one in numpy.findings]


@pytest.mark.parametrize(
    ("change", "output", "reason"),
    [
        (off(1.0001), "y", "an error of "),
        (off(float("nan")), "y", "15 elements are NaN on one side alone"),
        (lambda name, x: x + (name == "best"), "best", "an error of 1, 0 allowed"),
        (
            lambda name, x: x.astype(np.int32) if name == "best" else x,
            "best",
            "it is int32[3, 1], int64[3, 1]",
        ),
        (lambda name, x: x[:1] if name == "y" else x, "y", "it is float32[1, 5], float32[3, 5]"),
    ],
)
def test_a_target_that_breaks_it(change: Any, output: str, reason: str) -> None:
    found = report(Changed("broken", change))
    assert not found.good
    worst = found.answers[1].worst
    assert worst is not None
    assert worst.output == output
    assert worst.verdict.reason.startswith(reason)
    assert report(Changed("broken", off(1.0001)), times=1e6).good


def test_a_peer_is_not_bound_by_the_contract() -> None:
    found = report(peer("other", off(1.01)), peer("cannot", refusing))
    assert found.good
    assert [one.good for one in found.answers] == [True, False, False]


def test_a_target_that_fails() -> None:
    found = report(Changed("cannot", refusing))
    assert not found.good
    assert found.answers[1].error == "no such\x1b operator"


def test_targets_promise_each_other_the_same_bits() -> None:
    nearly = off(np.nextafter(np.float32(1), np.float32(2)))
    found = report(Changed("a", SAME, "strict"), Changed("b", nearly, "strict"))
    assert [one.good for one in found.answers] == [True] * 3
    (bits,) = found.bits
    assert bits.members == ("a strict", "b strict")
    assert len(bits.apart) == 1
    assert bits.apart[0].startswith("a strict and b strict: ")
    assert bits.apart[0].endswith(" elements of 'y'")
    assert not found.good


def test_targets_that_are_not_here() -> None:
    found = report(Absent("far", SAME))
    assert found.good
    assert found.absent == {"far": "pip install it"}
    with pytest.raises(likewise.InputError, match=r"none of the targets is here.*pip install it"):
        conform(small(), [], [Absent("far", SAME)])


def test_text_is_compared_as_it_is() -> None:
    text = [helper.make_node("Identity", ["x"], ["y"])]
    subject = Subject(model_of(text, {"x": (TensorProto.STRING, [2])}, {"y": TensorProto.STRING}))
    given = [{"x": np.array(["a", "b"], object)}]
    other = Changed("other", lambda _, x: x[::-1])
    numpy, reversed_ = conform(subject, given, [engines()["numpy"], other]).answers
    assert numpy.good
    assert [one.verdict.reason for one in reversed_.findings] == ["it is not what NumPy gives"]


def test_layers_are_floats_in_order_on_every_target(here: dict[str, Engine]) -> None:
    subject = small()
    chosen = [here[name] for name in ("numpy", "wasm", "onnxruntime")]
    found = conform(subject, [feeds(subject)], chosen, layers=3).layers
    assert [one.operator for one in found] == ["MatMul", "Add", "Softmax"]
    assert [one.position for one in found] == [0, 1, 2]
    for one in found:
        assert set(one.errors) == {"numpy", "wasm", "onnxruntime"}
        assert all(error < 1e-6 for error in one.errors.values())


@pytest.fixture(scope="module")
def full() -> Report:
    """A report with everything in it, good and bad."""
    return report(
        Changed("a", SAME, "strict"),
        Changed("b", off(1.001), "strict"),
        Changed("cannot", refusing),
        peer("peer", off(float("inf"))),
        peer("lost", refusing),
        Absent("far", SAME),
        layers=4,
        origin="seeds 0 and 1 <b>",
    )


def test_json_keeps_its_schema(full: Report) -> None:
    content = json.loads(json.dumps(as_json(full), allow_nan=False))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(content, schema())
    assert not content["good"]
    assert [one["target"] for one in content["targets"]] == [one.engine for one in full.answers]
    assert content["targets"][1]["findings"][0]["difference"]["elements"] == 15
    assert content["absent"] == {"far": "pip install it"}
    del content["times"]
    with pytest.raises(jsonschema.ValidationError, match="'times' is a required property"):
        jsonschema.validate(content, schema())


def test_junit_fails_what_the_contract_binds(full: Report) -> None:
    suite = ET.fromstring(as_junit(full))
    cases = {(one.get("classname"), one.get("name")): one for one in suite.iter("testcase")}
    assert suite.get("tests") == str(len(cases))
    assert cases["a strict", "y, run 0"].find("failure") is None
    failure = cases["b strict", "y, run 0"].find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith("an error of")
    assert cases["peer", "y, run 0"].find("failure") is None
    assert cases["peer", "y, run 0"].find("system-out") is not None
    error = cases["cannot", "runs"].find("error")
    assert error is not None
    assert error.get("message") == r"no such\x1b operator"
    assert cases["far", "is there"].find("skipped") is not None
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("3", "1", "1")


def test_the_page_stands_alone(full: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(as_html(full), encoding="utf-8")
    asked = []
    with launch() as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        text = page.inner_text("body")
        drawings = page.locator("svg").evaluate_all("all => all.map(one => one.ariaLabel)")
        wide = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.set_viewport_size({"width": 360, "height": 800})
        narrow = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert "Not every target keeps the contract." in text
    assert "seeds 0 and 1 <b>" in text
    assert "not here: pip install it" in text
    assert "every bit" not in text
    assert drawings == ["Error by layer", "Errors in units of the last place"]
    assert wide
    assert narrow
