"""Products of bytes to the last bit, in floats, and loops that are written out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.errors import UnsupportedError
from likewise.ir import DType, Graph, TensorType, Value
from likewise.ops.build import GraphBuilder
from likewise.targets.litert import emit_program
from tests.targets.litert.running import built, drawn, outputs_of, reference

if TYPE_CHECKING:
    from collections.abc import Callable

RNG = np.random.default_rng(6)


def integers(dtype: type[Any], *shape: int) -> np.ndarray:
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max, shape, dtype, endpoint=True)


def largest(graph: Graph) -> dict[str, np.ndarray]:
    """The largest bytes as inputs."""
    return {name: np.full_like(one, 255) for name, one in drawn(graph).items()}


def check_exact(graph: Graph, builtin: str, count: int) -> None:
    """The same integers as NumPy's, drawn and extreme, from so many of a builtin."""
    made = [operation.builtin for operation in emit_program(graph).operations]
    assert made.count(builtin) == count
    for feeds in (drawn(graph), largest(graph)):
        for name, expected in reference(graph, feeds).items():
            np.testing.assert_array_equal(outputs_of(graph, feeds)[name], expected)


MOST = np.full((1000, 5), -128, np.int8)
PRODUCTS = {
    "one product": (integers(np.int8, 300, 7), None, None, 1),
    "the largest of which are added in two parts": (MOST, None, None, 2),
    "zero points": (MOST, np.uint8(7), np.int8(127), 4),
    "one a row and one a column": (
        integers(np.int8, 300, 7),
        integers(np.uint8, 3),
        integers(np.int8, 7),
        1,
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_of_bytes_are_exact(name: str) -> None:
    w, *zeros, parts = PRODUCTS[name]

    def write(b: Any, x: Any) -> Any:
        return b.MatMulInteger(x, *(one if one is None else b.constant(one) for one in (w, *zeros)))

    check_exact(built({"x": (3, len(w))}, write, DType.UINT8), "FULLY_CONNECTED", parts)


def test_weights_that_are_no_constants_may_be_the_largest() -> None:
    graph = built(
        {"x": (3, 300), "w": (300, 4)}, lambda b, x, w: b.MatMulInteger(x, w), DType.UINT8
    )
    check_exact(graph, "BATCH_MATMUL", 2)


@pytest.mark.parametrize(("channels", "parts"), [(8, 1), (100, 2)])
def test_convolutions_of_bytes_are_exact(channels: int, parts: int) -> None:
    w = integers(np.int8, 6, channels, 3, 3)
    w[0] = -128

    def write(b: Any, x: Any) -> Any:
        zeros = (b.constant(np.uint8(9)), b.constant(integers(np.int8, 6)))
        return b.ConvInteger(x, b.constant(w), *zeros, pads=(1, 1, 1, 1))

    check_exact(built({"x": (2, channels, 5, 6)}, write, DType.UINT8), "CONV_2D", parts)


def too_deep(b: Any, x: Any) -> Any:
    return b.MatMulInteger(x, b.constant(np.full((70_000, 1), -128, np.int8)))


def of_nothing(b: Any, x: Any) -> Any:
    nothing = b.Slice(x, b.ints(0), b.ints(0), b.ints(1))
    return b.MatMulInteger(nothing, b.constant(np.zeros((0, 2), np.int8)))


def too_deep_in_groups(b: Any, x: Any) -> Any:
    w = b.constant(np.full((2, 1000, 1, 1), -128, np.int8))
    return b.ConvInteger(b.Reshape(x, b.ints(1, 2000, 35, 1)), w, group=2)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (too_deep, r"\(MatMulInteger\): so many products are not composed"),
        (of_nothing, r"\(MatMulInteger\): TFLite has no tensors without elements; given: \[0, 2\]"),
        (too_deep_in_groups, r"\(ConvInteger\): groups of so many products are not composed"),
    ],
)
def test_more_products_than_fit_or_none_are_refused(write: Callable[..., Any], reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        emit_program(built({"x": (1, 70_000)}, write, DType.UINT8))


def scan(steps: int, *, nested: bool = False, **given: Any) -> Graph:
    """Sums of what is scanned, times a value from around the loop."""
    inner = GraphBuilder("inner_")
    factor = Value("factor", TensorType(DType.FLOAT, (3,)))
    total, part = (Value(name, TensorType(DType.FLOAT, (3,))) for name in ("total", "part"))
    after = inner.Add(total, inner.Mul(part, factor))
    if nested:
        branch = GraphBuilder("branch_")
        taken = branch.graph("taken", [], [branch.Neg(after)])
        often = inner.Less(inner.ReduceSum(after, keepdims=0), 0.0)
        after = inner.If(often, then_branch=taken, else_branch=taken)
    body = inner.graph("body", [total, part], [after, inner.Exp(after)])
    outer = GraphBuilder()
    inputs = [Value("x", TensorType(DType.FLOAT, (steps, 3))), factor]
    first = outer.constant(np.zeros(3, np.float32))
    last, sums = outer.Scan(first, inputs[0], body=body, num_scan_inputs=1, outputs=2, **given)
    return outer.graph("scan", inputs, [last, sums])


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"scan_input_directions": (1,)},
        {"scan_output_directions": (1,), "scan_output_axes": (-1,)},
    ],
)
def test_a_scan_is_written_out(given: dict[str, Any]) -> None:
    graph = scan(4, **given)
    feeds = drawn(graph)
    expected = reference(graph, feeds)
    for name, made in outputs_of(graph, feeds).items():
        np.testing.assert_allclose(made, expected[name], rtol=1e-6)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (scan(513), r"so many steps are not written one by one; given: 513; allowed: 1 to 512"),
        (scan(2, nested=True), r"a body with branches or loops is not written out"),
    ],
    ids=["long", "nested"],
)
def test_a_scan_that_is_not_written_out_says_why(graph: Graph, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"\(Scan\): {reason}"):
        emit_program(graph)
