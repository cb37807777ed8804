"""float16 weights: what is rounded, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise.ir import DType
from likewise.targets.litert import compile_graph, emit_program
from likewise.targets.litert.halve import halve
from tests.targets.litert.running import built, drawn, reference

WEIGHTS = np.random.default_rng(2).standard_normal((8, 8)).astype(np.float32)
LARGE = np.full((8, 8), 1e6, np.float32)


def write(b: Any, x: Any) -> Any:
    y = b.MatMul(x, b.constant(WEIGHTS))
    return b.Add(b.Add(y, b.MatMul(x, b.constant(WEIGHTS))), b.Mul(x, b.constant(LARGE)))


def test_large_and_small_constants_stay() -> None:
    program = halve(emit_program(built({"x": (8, 8)}, write)))
    stored = [one for one in program.tensors() if one.data is not None]
    halves = [one for one in stored if one.dtype is DType.FLOAT16]
    np.testing.assert_array_equal(halves[0].data, WEIGHTS.T.astype(np.float16))
    assert [one.shape for one in stored if one.dtype is DType.FLOAT] == [(8, 8)]


def test_what_is_computed_stays_float32() -> None:
    graph = built({"x": (8, 8)}, lambda b, x: b.MatMul(x, b.constant(WEIGHTS)))
    feeds = drawn(graph)
    made = compile_graph(graph, weights_type="float16").load().run(feeds)["y"]
    rounded = feeds["x"] @ WEIGHTS.astype(np.float16).astype(np.float32)
    np.testing.assert_allclose(made, rounded, rtol=1e-5, atol=1e-5)
    assert np.abs(made - reference(graph, feeds)["y"]).max() > 1e-5
