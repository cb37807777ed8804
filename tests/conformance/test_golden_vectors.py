"""Golden vectors of the official ONNX cases that compile: wasmtime gives them in both numerics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import likewise
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.targets.wasm import compile_graph, load
from tests.conformance.compiling import with_fixed_parameters
from tests.conformance.ledger import expected_failures
from tests.conformance.onnx_cases import onnx_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from likewise.ir import Graph
    from likewise.targets.wasm import Artefact

CASES = onnx_cases()
REFUSED = expected_failures("wasm", CASES)
NAMES = [name for name in CASES if name not in REFUSED]
SAMPLE = set(NAMES[::20])
"""Of every run; the others are slow."""


def compiled(graph: Graph, feeds: Mapping[str, Any]) -> Artefact:
    shapes = {name: array.shape for name, array in feeds.items()}
    return compile_graph(simplify(specialize(graph, shapes)), golden=True)


def without_vectors(names: list[str]) -> int:
    """Hold the cases; how many have no inputs that make golden vectors."""
    found, wrong = 0, {}
    for name in names:
        case = CASES[name]
        model = likewise.load(case.model())
        inputs, _ = next(iter(case.data_sets()))
        feeds = {port.name: value for port, value in zip(model.inputs, inputs, strict=False)}
        made, _ = with_fixed_parameters(model.graph, feeds, compiled)
        tested = [load(one).self_test() for one in (made.data, made.plain or b"")]
        found += tested == [None, None]
        if any(tested):
            wrong[name] = tested
    assert wrong == {}
    return found


def test_a_sample_holds() -> None:
    assert without_vectors(sorted(SAMPLE)) < len(SAMPLE) / 20


@pytest.mark.slow
def test_the_others_hold() -> None:
    others = [name for name in NAMES if name not in SAMPLE]
    assert without_vectors(others) < len(others) / 20
