"""The official ONNX cases as TFLite files on ai-edge-litert.

`tests/expected/litert.toml` says what is refused or fails, and for which cases the parameters
(axes, shapes, k, …) must be constants of the model, since the case itself feeds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import likewise
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.targets.litert import compile_graph
from tests.conformance.compiling import with_fixed_parameters
from tests.conformance.ledger import expected_failures, listed
from tests.conformance.onnx_cases import assert_similar, onnx_cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from likewise.ir import Graph
    from likewise.targets.litert import Artefact

CASES = onnx_cases()
EXPECTED = expected_failures("litert", CASES)
FIXED = listed("litert", "fixed", CASES)


def compiled(graph: Graph, feeds: Mapping[str, Any]) -> Artefact:
    """The file for the shapes of `feeds`."""
    shapes = {name: array.shape for name, array in feeds.items()}
    return compile_graph(simplify(specialize(graph, shapes)))


def run(name: str) -> bool:
    """Hold the case; whether parameters had to be constants."""
    case = CASES[name]
    model = likewise.load(case.model())
    fixed = False
    for inputs, outputs in case.data_sets():
        feeds = {port.name: value for port, value in zip(model.inputs, inputs, strict=False)}
        artefact, constants = with_fixed_parameters(model.graph, feeds, compiled)
        fixed |= bool(constants)
        live = {name: feeds[name] for name in feeds if name not in constants}
        made = list(artefact.load().run(live).values())
        assert len(made) == len(outputs)
        for one, other in zip(made, outputs, strict=True):
            assert_similar(one, other, case.rtol, case.atol)
    return fixed


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[pytest.mark.xfail(strict=True, reason=EXPECTED[name])]
            if name in EXPECTED
            else [],
        )
        for name in CASES
    ],
)
def test_litert_case(name: str) -> None:
    assert run(name) == (name in FIXED), "fixed parameters: see the ledger"
