"""What docs/numerics.md says of corners, held in compiled modules and in NumPy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.ir import DType, TensorType, Value
from likewise.ops.build import GraphBuilder
from likewise.targets.numpy.plan import Plan
from likewise.targets.wasm import Numerics, compile_graph

if TYPE_CHECKING:
    from likewise.ir import Graph

INF, NAN = float("inf"), float("nan")
F16, F32, F64, I8, I32, I64, U8, U64 = (
    np.dtype(one)
    for one in ("float16", "float32", "float64", "int8", "int32", "int64", "uint8", "uint64")
)
BF16 = DType.BFLOAT16.numpy
LEAST = -(2**31)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "numerics.md"

AGREED: list[tuple[str, list[tuple[np.dtype, list[Any]]], list[Any]]] = [
    ("Add", [(I8, [127, -128]), (I8, [1, -1])], [-128, 127]),
    ("Mul", [(U64, [2**63, 2**64 - 1]), (U64, [2, 2])], [0, 2**64 - 2]),
    ("Neg", [(I32, [LEAST, 5])], [LEAST, -5]),
    ("Abs", [(I32, [LEAST, -5])], [LEAST, 5]),
    ("Div", [(I32, [7, -7, LEAST, 7]), (I32, [-2, 2, -1, 0])], [-3, -3, LEAST, 0]),
    ("Mod", [(I32, [7, -7, 7, 7]), (I32, [-2, 2, 2, 0])], [-1, 1, 1, 0]),
    ("Div", [(F32, [1, -1, 0]), (F32, [0, 0, 0])], [INF, -INF, NAN]),
    ("Max", [(F32, [NAN, 1, -0.0]), (F32, [1, NAN, 0.0])], [NAN, NAN, 0.0]),
    ("Equal", [(F32, [NAN, 0.0]), (F32, [NAN, -0.0])], [False, True]),
    ("Add", [(F16, [2048, 2048, 65504]), (F16, [1, 3, 32])], [2048, 2052, INF]),
    ("Add", [(BF16, [256, 256]), (BF16, [1, 3])], [256, 260]),
    ("Round", [(F32, [0.5, 1.5, -0.5, 2.5])], [0, 2, -0.0, 2]),
]
CASTS: list[tuple[np.dtype, list[Any], DType, list[Any]]] = [
    (F32, [1.75, -1.75], DType.INT32, [1, -1]),
    (I32, [300, -129], DType.INT8, [44, 127]),
    (I64, [2**53 + 1, -1], DType.DOUBLE, [2**53, -1]),
    (I64, [2**24 + 1, 2**24 + 3], DType.FLOAT, [2**24, 2**24 + 4]),
    (F64, [1 + 2**-11 + 2**-30, 65520, 2.0**-25], DType.FLOAT16, [1 + 2**-10, INF, 0]),
    (F32, [1 + 2**-8, 1 + 3 * 2**-8], DType.BFLOAT16, [1, 1 + 2**-6]),
    (F32, [NAN, -0.0], DType.BOOL, [True, False]),
]
COMPILED_ALONE: list[tuple[np.dtype, list[Any], DType, list[Any]]] = [
    (F32, [NAN, INF, -INF, 3e9], DType.INT32, [0, 2**31 - 1, LEAST, 2**31 - 1]),
    (F64, [NAN, 1e30, -1e30], DType.INT64, [0, 2**63 - 1, -(2**63)]),
]


def graph_of(name: str, inputs: list[np.ndarray], **attributes: Any) -> Graph:
    b = GraphBuilder()
    values = [
        Value(f"x{at}", TensorType(DType.of(one.dtype), one.shape)) for at, one in enumerate(inputs)
    ]
    return b.graph("g", values, [b.op(name, *values, **attributes)])


def in_wasm(graph: Graph, inputs: list[np.ndarray], mode: Numerics) -> np.ndarray:
    feeds = {value.name: one for value, one in zip(graph.inputs, inputs, strict=True)}
    (made,) = compile_graph(graph, numerics=mode).load().run(feeds).values()
    return made


def hold(made: np.ndarray, expected: list[Any]) -> None:
    wanted = np.array(expected, made.dtype)
    np.testing.assert_array_equal(made, wanted)
    if made.dtype.kind == "f":
        numbers = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(made[numbers]), np.signbit(wanted[numbers]))


@pytest.mark.parametrize("mode", ["numpy", "strict", "fast"])
@pytest.mark.parametrize(("name", "given", "expected"), AGREED)
def test_operators(
    name: str, given: list[tuple[np.dtype, list[Any]]], expected: list[Any], mode: Any
) -> None:
    inputs = [np.array(values, dtype) for dtype, values in given]
    graph = graph_of(name, inputs)
    made = Plan(graph).run(inputs)[0] if mode == "numpy" else in_wasm(graph, inputs, mode)
    hold(made, expected)


@pytest.mark.parametrize("mode", ["numpy", "strict", "fast"])
@pytest.mark.parametrize(("dtype", "values", "to", "expected"), CASTS)
def test_casts(
    dtype: np.dtype, values: list[Any], to: DType, expected: list[Any], mode: Any
) -> None:
    x = np.array(values, dtype)
    graph = graph_of("Cast", [x], to=to)
    hold(Plan(graph).run([x])[0] if mode == "numpy" else in_wasm(graph, [x], mode), expected)


@pytest.mark.parametrize("mode", ["strict", "fast"])
@pytest.mark.parametrize(("dtype", "values", "to", "expected"), COMPILED_ALONE)
def test_casts_that_onnx_leaves_open(
    dtype: np.dtype, values: list[Any], to: DType, expected: list[Any], mode: Numerics
) -> None:
    x = np.array(values, dtype)
    hold(in_wasm(graph_of("Cast", [x], to=to), [x], mode), expected)


def test_the_page_names_tests_that_are_there() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 4
    assert not [name for name in named if not (PAGE.parents[1] / name).is_file()]
