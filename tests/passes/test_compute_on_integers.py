"""Products between DequantizeLinear and QuantizeLinear: which are computed on integers, and right.

What comes out is held against the same graph in float64: another byte may come out only where the
number that is rounded lies, as nearly as float32 can tell, in the middle of two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.ir import DType, Graph, TensorType, Value, verify
from likewise.ops.build import GraphBuilder
from likewise.passes.compute_on_integers import compute_on_integers
from likewise.passes.widen import widen
from likewise.targets.numpy.plan import Plan
from likewise.targets.wasm import compile_graph, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.ir import Array

RNG = np.random.default_rng(11)
START = RNG.bit_generator.state
INTEGER_PRODUCTS = {"ConvInteger", "MatMulInteger"}
FLOAT_PRODUCTS = {"Conv", "Gemm", "MatMul"}
NEAR = 1e-3
"""Of a step: so near to the middle of two bytes float32 may round to either."""
X_SCALE, Y_SCALE = np.float32(0.013), np.float32(0.05)
MIDDLE = 100


@pytest.fixture(autouse=True)
def the_same_draws_in_any_order() -> None:
    RNG.bit_generator.state = START


def products(graph: Graph) -> set[str]:
    return {node.operator.name for node in graph.nodes} & (INTEGER_PRODUCTS | FLOAT_PRODUCTS)


def bytes_of(dtype: Any, *shape: int) -> Array:
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, limits.max + 1, shape, dtype)


def scales(*count: int) -> Array:
    return np.asarray(RNG.uniform(0.001, 0.01, count), np.float32)


def dequantized(b: Any, x: Any, scale: Any, zero: Any = None, axis: int = 0) -> Value:
    """Of a value, or of an array as a constant."""
    given = [
        b.constant(one) if isinstance(one, (np.ndarray, np.generic)) else one
        for one in (x, scale, zero)
    ]
    made: Value = b.DequantizeLinear(*given, axis=axis)
    return made


def quantized(b: Any, y: Value, scale: Any = Y_SCALE, dtype: Any = np.uint8) -> Value:
    made: Value = b.QuantizeLinear(y, b.constant(scale), b.constant(dtype(MIDDLE)))
    return made


def input_of(b: Any, x: Array, scale: Any = X_SCALE, zero: int = 0) -> tuple[Value, Value]:
    """The input for x, and the numbers it stands for."""
    value = Value("x", TensorType(DType.of(x.dtype), x.shape))
    return value, dequantized(b, value, scale, np.array(zero, x.dtype))


def graph_of(b: GraphBuilder, x: Value, *outputs: Value) -> Graph:
    named = [b.op_named("Identity", [one], f"y{at}") for at, one in enumerate(outputs)]
    return b.graph("test", [x], named)


def answers(graph: Graph, x: Array) -> list[list[Array]]:
    """What NumPy gives once the pass is through, and the modules in fast and strict numerics."""
    changed = compute_on_integers(graph)
    verify(changed)
    made = compile_graph(graph)
    assert made.plain is not None
    modules = [list(load(one).run({"x": x}).values()) for one in (made.data, made.plain)]
    return [Plan(changed).run([x]), *modules]


def check(write: Callable[[Any, Value], Value], x: Array, zero: int = 0) -> None:
    """Quantize what is written behind the input, and hold the bytes against float64."""
    b = GraphBuilder()
    value, numbers = input_of(b, x, zero=zero)
    y = write(b, numbers)
    (exact,) = Plan(widen(b.graph("plain", [value], [y]))).run([x])
    graph = graph_of(b, value, quantized(b, y))
    assert products(compute_on_integers(graph)) in ({"ConvInteger"}, {"MatMulInteger"})

    steps = exact / np.float64(Y_SCALE)
    expected = np.clip(np.rint(steps) + MIDDLE, 0, 255)
    sure = np.abs(steps - np.floor(steps) - 0.5) > NEAR
    assert sure.mean() > 0.9
    assert np.unique(expected).size > min(8, expected.size // 2)
    for (given,) in answers(graph, x):
        np.testing.assert_array_equal(given[sure], expected[sure])
        assert np.abs(given - expected).max() <= 1


CONVOLUTIONS = [
    # C, spatial, M, kernel, attributes
    (8, (9, 11), 16, (3, 3), {"pads": (1, 1, 1, 1)}),
    (3, (9, 11), 7, (3, 3), {"strides": (2, 2), "pads": (0, 1, 1, 0)}),
    (5, (8, 6), 3, (1, 1), {}),
    (12, (7, 5), 9, (3, 2), {"group": 3, "dilations": (2, 1), "pads": (2, 0, 1, 1)}),
    (7, (9, 9), 7, (3, 3), {"group": 7, "strides": (2, 1), "pads": (1, 1, 1, 1)}),
    (4, (9, 9), 8, (5, 5), {"group": 4, "auto_pad": "SAME_UPPER"}),
    (6, (40,), 7, (5,), {"strides": (3,), "pads": (2, 2)}),
]


@pytest.mark.parametrize(("x_type", "zero"), [(np.uint8, 0), (np.uint8, 131), (np.int8, -7)])
@pytest.mark.parametrize("w_type", [np.uint8, np.int8])
@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution(
    case: tuple[Any, ...], per_channel: bool, w_type: Any, x_type: Any, zero: int
) -> None:
    channels, spatial, made, kernel, given = case
    count = (made,) if per_channel else ()
    w, scale = bytes_of(w_type, made, channels // given.get("group", 1), *kernel), scales(*count)
    zeros = np.asarray(RNG.integers(100, 140, count), w_type) if w_type is np.uint8 else None
    bias = RNG.integers(-5000, 5000, made, np.int32)

    def write(b: Any, x: Value) -> Value:
        right = dequantized(b, w, scale, zeros)
        steps = np.broadcast_to(X_SCALE * scale, made).copy()
        y: Value = b.Conv(x, right, dequantized(b, bias, steps), **given)
        return y

    check(write, bytes_of(x_type, 2, channels, *spatial), zero)


@pytest.mark.parametrize("zero", [0, 131])
@pytest.mark.parametrize("rows", [(1,), (3,), (2, 5)])
@pytest.mark.parametrize("columns", [1, 13, 40])
@pytest.mark.parametrize("per_column", [True, False])
def test_product(per_column: bool, columns: int, rows: tuple[int, ...], zero: int) -> None:
    w, scale = bytes_of(np.int8, 33, columns), scales(*[columns] * per_column)

    def write(b: Any, x: Value) -> Value:
        y: Value = b.MatMul(x, dequantized(b, w, scale, axis=-1))
        return y

    check(write, bytes_of(np.uint8, *rows, 33), zero)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", ["none", "in steps of the product", "in other steps", "floats"])
def test_general_product(kind: str, turned: bool) -> None:
    w, scale = bytes_of(np.int8, 20, 9), scales(9)
    whole = RNG.integers(-5000, 5000, 9, np.int32)

    def bias(b: Any) -> Value | None:
        if kind == "none":
            return None
        if kind == "floats":
            made: Value = b.constant(RNG.normal(0, 2, (6, 9)).astype(np.float32))
            return made
        return dequantized(b, whole, X_SCALE * scale if "product" in kind else scale / 10)

    def write(b: Any, x: Value) -> Value:
        stored = np.ascontiguousarray(w.T) if turned else w
        right = dequantized(b, stored, scale, axis=0 if turned else 1)
        y: Value = b.Gemm(x, right, bias(b), transB=turned)
        return y

    check(write, bytes_of(np.uint8, 6, 20), 128)


@pytest.mark.parametrize("activation", ["Relu", "Clip", "HardSwish"])
def test_what_stands_behind_a_product_stays(activation: str) -> None:
    w, bias = bytes_of(np.int8, 6, 4, 3, 3), RNG.normal(0, 1, 6).astype(np.float32)
    limits = (0.0, 6.0) if activation == "Clip" else ()

    def write(b: Any, x: Value) -> Value:
        made = b.Conv(x, dequantized(b, w, np.float32(0.002)), b.constant(bias))
        y: Value = b.op(activation, made, *limits)
        return y

    check(write, bytes_of(np.uint8, 1, 4, 8, 8), 100)


def test_a_network_in_powers_of_two_has_the_bits_of_numpy() -> None:
    """Its floats are exact, and so is every byte, in the middle of two as well.

    What several read, as bytes and as floats, is one of its outputs.
    """
    b, x = GraphBuilder(), bytes_of(np.uint8, 2, 8, 7, 9)
    value, numbers = input_of(b, x, np.float32(0.5), 128)

    def there_and_back(y: Value, scale: float, dtype: Any = np.uint8) -> Value:
        narrow = quantized(b, y, np.float32(scale), dtype)
        return dequantized(b, narrow, np.float32(scale), dtype(MIDDLE))

    each = np.asarray(2.0 ** RNG.integers(-6, -3, 8), np.float32)
    first = dequantized(b, bytes_of(np.int8, 8, 8, 3, 3), each)
    second = dequantized(b, bytes_of(np.int8, 8, 1, 3, 3), np.float32(2**-5))
    last = dequantized(b, bytes_of(np.int8, 9, 7), np.float32(2**-6))
    y = there_and_back(b.Relu(b.Conv(numbers, first, pads=(1, 1, 1, 1))), 8.0)
    y = b.Conv(y, second, group=8, pads=(1, 1, 1, 1))
    added = b.Add(there_and_back(y, 32.0, np.int8), numbers)
    made = b.MatMul(there_and_back(added, 16.0), last)
    graph = graph_of(b, value, quantized(b, made, np.float32(64)), added, y)
    assert products(compute_on_integers(graph)) == INTEGER_PRODUCTS
    expected = Plan(graph).run([x])
    assert min(np.unique(one).size for one in expected) > 20
    for given in answers(graph, x):
        for one, other in zip(given, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def conv(b: Any, x: Value, w: Any = None, scale: Any = None, **given: Any) -> Value:
    w = bytes_of(np.int8, 6, 4, 3, 3) if w is None else w
    y: Value = b.Conv(x, dequantized(b, w, X_SCALE if scale is None else scale, **given))
    return y


def of_variable_weights(b: Any, x: Value) -> Value:
    w = b.QuantizeLinear(x, b.constant(X_SCALE), b.constant(np.uint8(0)))
    return conv(b, x, b.Slice(w, b.ints(0), b.ints(1), b.ints(2)))


def of_a_variable_scale(b: Any, x: Value) -> Value:
    return conv(b, x, scale=b.Reshape(b.ReduceMax(x), b.ints()))


def of_a_variable_zero_point(b: Any, x: Value) -> Value:
    zero = b.Cast(b.Reshape(b.ReduceMax(x), b.ints()), to=DType.INT8)
    return conv(b, x, zero=zero)


def of_weights_scaled_along_the_depth(b: Any, x: Value) -> Value:
    return conv(b, x, bytes_of(np.int8, 4, 4, 3, 3), scales(4), axis=1)


def of_words(b: Any, x: Value) -> Value:
    words = b.QuantizeLinear(x, b.constant(X_SCALE), b.constant(np.uint16(9)))
    return conv(b, dequantized(b, words, X_SCALE, np.uint16(9)))


def of_an_input_scaled_along_an_axis(b: Any, x: Value) -> Value:
    scale, zero = b.constant(scales(4)), b.constant(np.zeros(4, np.uint8))
    made = b.DequantizeLinear(b.QuantizeLinear(x, scale, zero), scale, zero)
    return conv(b, made)


def of_floats_on_one_side(b: Any, x: Value) -> Value:
    return conv(b, b.Relu(x))


def between_types(b: Any, x: Value, scale: Any, result: DType) -> Value:
    """A convolution of `result`, the scales of both sides being `scale`."""
    narrow, step = b.QuantizeLinear(x, b.constant(X_SCALE)), b.constant(scale)
    w = b.constant(bytes_of(np.int8, 6, 4, 3, 3))
    sides = (b.DequantizeLinear(one, step, output_dtype=result.value) for one in (narrow, w))
    y: Value = b.Cast(b.Conv(*sides), to=DType.FLOAT)
    return y


def of_scales_of_float16(b: Any, x: Value) -> Value:
    return between_types(b, x, np.float16(0.3), DType.FLOAT)


def of_float16(b: Any, x: Value) -> Value:
    return between_types(b, x, np.float32(0.3), DType.FLOAT16)


def of_a_multiple(b: Any, x: Value) -> Value:
    narrow = b.QuantizeLinear(b.Reshape(x, b.ints(-1, 4)), b.constant(X_SCALE))
    right = dequantized(b, bytes_of(np.int8, 4, 3), X_SCALE)
    y: Value = b.Gemm(dequantized(b, narrow, X_SCALE), right, alpha=0.5)
    return y


def of_blocks(b: Any, x: Value) -> Value:
    w, scale = b.constant(bytes_of(np.int8, 8, 4)), b.constant(scales(8, 2))
    y: Value = b.MatMul(x, b.DequantizeLinear(w, scale, axis=1, block_size=2))
    return y


def of_scales_whose_product_is_too_large(b: Any, x: Value) -> Value:
    narrow = b.QuantizeLinear(x, b.constant(X_SCALE))
    return conv(b, dequantized(b, narrow, np.float32(1e30)), scale=np.float32(1e30))


def of_more_than_int32_holds(b: Any, x: Value) -> Value:
    many = b.Expand(b.Reshape(x, b.ints(-1, 1, 1)), b.ints(1, 1, 70000))
    w = dequantized(b, np.full((70000, 1), 127, np.int8), X_SCALE)
    narrow = quantized(b, many, X_SCALE)
    y: Value = b.MatMul(dequantized(b, narrow, X_SCALE), w)
    return y


@pytest.mark.parametrize(
    "write",
    [
        of_variable_weights,
        of_a_variable_scale,
        of_a_variable_zero_point,
        of_weights_scaled_along_the_depth,
        of_words,
        of_an_input_scaled_along_an_axis,
        of_floats_on_one_side,
        of_scales_of_float16,
        of_float16,
        of_a_multiple,
        of_blocks,
        of_scales_whose_product_is_too_large,
        of_more_than_int32_holds,
    ],
)
def test_other_products_stay_as_they_are(write: Callable[[Any, Value], Value]) -> None:
    b, x = GraphBuilder(), bytes_of(np.uint8, 1, 4, 8, 8)
    value, numbers = input_of(b, x, zero=100)
    graph = graph_of(b, value, write(b, numbers))
    changed = compute_on_integers(graph)
    assert products(changed) == products(graph)
    assert products(graph) <= FLOAT_PRODUCTS
    for one, other in zip(Plan(changed).run([x]), Plan(graph).run([x]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_largest_sums_that_fit_are_right() -> None:
    """Of 66310 products of 255 and 127 the sum is 2**31 less 12098."""
    b, x = GraphBuilder(), np.full((1, 66310), 255, np.uint8)
    value, numbers = input_of(b, x, np.float32(1))
    w = dequantized(b, np.full((66310, 2), 127, np.int8), np.float32(1))
    graph = graph_of(b, value, b.MatMul(numbers, w))
    assert products(compute_on_integers(graph)) == {"MatMulInteger"}
    for (given,) in answers(graph, x):
        np.testing.assert_array_equal(given, np.float32(66310 * 255 * 127))
