"""benchmarks/conformance: other engines are judged fairly, and may crash or hang."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.conformance.peers import PEERS, Peer
from benchmarks.conformance.processes import run_cases
from benchmarks.conformance.report import matrix, ours
from benchmarks.conformance.verdict import Outcome, held
from tests.conformance.onnx_cases import onnx_cases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORKER = """
import os, sys, time
print('{"kind": "ready"}', flush=True)
for line in sys.stdin:
    if line == "crash\\n":
        os._exit(3)
    if line == "hang\\n":
        time.sleep(60)
    print('{"kind": "pass", "reason": ""}', flush=True)
"""


def test_a_worker_that_crashes_or_hangs_is_replaced() -> None:
    said: list[str] = []
    names = ["one", "crash", "two", "hang", "three"]
    found = run_cases([sys.executable, "-c", WORKER], names, 2, said.append)
    assert [one.kind for one in found.values()] == ["pass", "crash", "pass", "hang", "pass"]
    assert [found[name].reason for name in ("crash", "hang")] == [
        "exit status 3",
        "no answer in 2 s",
    ]
    assert said == ["crash: crash", "hang: hang"]


def test_a_worker_that_does_not_start() -> None:
    with pytest.raises(RuntimeError, match="the worker does not start: exit status 7"):
        run_cases([sys.executable, "-c", "raise SystemExit(7)"], ["one"])


@pytest.mark.parametrize("peer", [p for p in PEERS if p.version], ids=lambda peer: peer.name)
@pytest.mark.parametrize("name", ["test_add", "test_softmax_axis_0", "test_relu"])
def test_peers_pass_what_every_engine_does(peer: Peer, name: str) -> None:
    case = onnx_cases()[name]
    assert held(case, peer.opened(case.model())) == Outcome("pass")


def test_onnxruntime_is_asked_for_types_that_numpy_has_not() -> None:
    for name in ("test_cast_FLOAT_to_BFLOAT16", "test_cast_FLOAT8E5M2_to_FLOAT"):
        case = onnx_cases()[name]
        assert held(case, PEERS[0].opened(case.model())) == Outcome("pass")


@pytest.mark.parametrize(
    ("run", "kind"),
    [
        (lambda inputs: [inputs[0] + inputs[1]], "pass"),
        (lambda inputs: [inputs[0] - inputs[1]], "wrong"),
        (lambda inputs: [(inputs[0] + inputs[1]).astype("f8")], "wrong"),
        (lambda _: [], "wrong"),
        (lambda inputs: inputs[9], "refused"),
    ],
)
def test_what_an_engine_made_of_a_case(
    run: Callable[[Sequence[Any]], list[Any]], kind: str
) -> None:
    assert held(onnx_cases()["test_add"], run).kind == kind


def test_the_matrix() -> None:
    kinds = {"a": "node", "b": "node", "c": "simple"}
    good, wrong = Outcome("pass"), Outcome("wrong", "why")
    engines = {
        "likewise: NumPy": {"a": good, "b": good, "c": Outcome("refused", "no | such")},
        "peer": {"a": good, "b": wrong, "c": good},
    }
    text = matrix(kinds, engines, {"peer": "1.2"})
    for row in (
        "| likewise: NumPy | 2 | 0 | 0 | 0 | **2** |",
        "| peer 1.2 | 1 | 1 | 0 | 0 | **2** |",
        "| cases | 2 | 1 | 0 | 0 | 3 |",
        "| peer | 0 | 1 | 0 | 0 |",
        "| peer | 1 / 1 |",
        "| no \\| such | 1 |",
    ):
        assert row in text


def test_ours_are_what_the_ledgers_say() -> None:
    cases = onnx_cases()
    found = ours(cases)
    assert len(found["likewise: NumPy"]) == len(cases)
    refused = found["likewise: WebAssembly"]["test_cast_FLOAT_to_FLOAT8E5M2"]
    assert refused.reason.endswith("no such element type: float8e5m2")
