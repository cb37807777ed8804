"""The float64 oracle of every official case gives what the case expects, in the widened types.

It does so for arrays that lie in memory as nobody would expect, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import likewise
from likewise.ir import DType, TensorType, verify
from likewise.passes.widen import widen, widened_array
from likewise.targets.numpy.plan import Plan
from tests.conformance.ledger import listed
from tests.conformance.onnx_cases import assert_similar, onnx_cases

CASES = onnx_cases()
DRAWN = listed("numpy", "random", CASES)


def coarseness(value: Any) -> float:
    """How far rounding to the expected element type may have gone."""
    coarse = isinstance(value, np.ndarray) and value.dtype.itemsize <= 2
    return 1e-2 if coarse else 1e-3


def strided(value: Any) -> Any:
    """The same array with its first axis the innermost and gaps between elements."""
    if isinstance(value, list):
        return [strided(one) for one in value]
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return value
    room = np.zeros([2 * size for size in reversed(value.shape)], value.dtype).T
    found = room[tuple(slice(None, None, 2) for _ in value.shape)]
    found[...] = value
    return found


@pytest.mark.parametrize("name", [name for name in CASES if name not in DRAWN])
def test_oracle(name: str) -> None:
    case = CASES[name]
    graph = widen(likewise.load(case.model()).graph)
    verify(graph)
    for inputs, outputs in case.data_sets():
        wide = [widened_array(one) for one in inputs]
        for given in (wide, [strided(one) for one in wide]):
            made = Plan(graph).run(given)
            for one, expected, value in zip(made, outputs, graph.outputs, strict=True):
                if isinstance(value.type, TensorType):
                    assert DType.of(one.dtype) is value.type.dtype
                rtol = max(case.rtol, coarseness(expected))
                assert_similar(one, widened_array(expected), rtol, max(case.atol, 1e-6))
