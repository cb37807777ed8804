"""Graphs as TFLite operations: layouts, fused activations, names, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.errors import UnsupportedError
from likewise.ir import DType
from likewise.targets.litert import emit_program
from tests.targets.litert.running import built, drawn, outputs_of, reference

if TYPE_CHECKING:
    from collections.abc import Callable

RNG = np.random.default_rng(1)


def weights(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32) / 10


def builtins(graph: Any) -> list[str]:
    return [operation.builtin for operation in emit_program(graph).operations]


def check(graph: Any) -> None:
    """The interpreter gives what NumPy gives, under the same names, in the same order."""
    feeds = drawn(graph)
    made, expected = outputs_of(graph, feeds), reference(graph, feeds)
    assert list(made) == list(expected)
    for name, one in expected.items():
        assert made[name].dtype == one.dtype
        assert made[name].shape == one.shape
        np.testing.assert_allclose(made[name], one, rtol=1e-5, atol=1e-5)


def conv_of(channels: int, made: int) -> Callable[..., Any]:
    def write(b: Any, x: Any) -> Any:
        return b.Conv(x, b.constant(weights(made, channels, 3, 3)), pads=(1, 1, 1, 1))

    return write


EIGHTS = {"x": (8, 8, 8, 8)}


def chain(b: Any, x: Any) -> Any:
    """Two convolutions, an addition of a plain tensor between them, and a sum over one axis."""
    y = b.Relu(conv_of(8, 8)(b, x))
    y = b.Add(y, x)
    return b.ReduceSum(conv_of(8, 8)(b, y), b.ints(2), keepdims=0)


def swapped(b: Any, x: Any) -> Any:
    """Transposes that cancel out in storage: of width and height, and back."""
    y = b.Transpose(conv_of(8, 8)(b, x), perm=(0, 1, 3, 2))
    y = b.Mul(y, b.constant(weights(8, 1, 1)))
    return b.Transpose(conv_of(8, 8)(b, b.Transpose(y, perm=(0, 1, 3, 2))), perm=(0, 2, 3, 1))


def flattened(b: Any, x: Any) -> Any:
    """Pixels as rows of a matrix, as vision transformers take them."""
    y = b.Reshape(conv_of(8, 8)(b, x), b.ints(8, 8, 64))
    return b.MatMul(b.Transpose(y, perm=(0, 2, 1)), b.constant(weights(8, 8)))


def mixed(b: Any, x: Any) -> Any:
    """A concatenation, a slice, a softmax and a reversal along axes of one size."""
    y = conv_of(8, 8)(b, x)
    y = b.Concat(y, b.Transpose(x, perm=(0, 2, 3, 1)), axis=2)
    y = b.Slice(y, b.ints(2, 15), b.ints(6, -17), b.ints(1, 2), b.ints(1, -2))
    return b.Softmax(y, axis=1)


GOLDEN = {
    "chain": """\
TRANSPOSE (float[8, 8, 8, 8], const int32[4]) -> float[8, 8, 8, 8]
CONV_2D Padding=SAME StrideH=1 StrideW=1 FusedActivationFunction=RELU \
(float[8, 8, 8, 8], const float[8, 3, 3, 8], const float[8]) -> float[8, 8, 8, 8]
ADD (float[8, 8, 8, 8], float[8, 8, 8, 8]) -> float[8, 8, 8, 8]
CONV_2D Padding=SAME StrideH=1 StrideW=1 \
(float[8, 8, 8, 8], const float[8, 3, 3, 8], const float[8]) -> float[8, 8, 8, 8]
SUM (float[8, 8, 8, 8], const int32[1]) -> float[8, 8, 8]
TRANSPOSE (float[8, 8, 8], const int32[3]) -> float[8, 8, 8]""",
    "flattened": """\
TRANSPOSE (float[8, 8, 8, 8], const int32[4]) -> float[8, 8, 8, 8]
CONV_2D Padding=SAME StrideH=1 StrideW=1 \
(float[8, 8, 8, 8], const float[8, 3, 3, 8], const float[8]) -> float[8, 8, 8, 8]
RESHAPE (float[8, 8, 8, 8], const int32[3]) -> float[8, 64, 8]
FULLY_CONNECTED KeepNumDims=True (float[8, 64, 8], const float[8, 8], -) -> float[8, 64, 8]""",
}


@pytest.mark.parametrize("write", [chain, swapped, flattened, mixed])
def test_equal_sizes_do_not_confuse_the_layout(write: Callable[..., Any]) -> None:
    graph = built(EIGHTS, write)
    check(graph)
    if write.__name__ in GOLDEN:
        assert str(emit_program(graph)) == GOLDEN[write.__name__]


def test_transposes_stand_at_the_edges_only() -> None:
    graph = built({"x": (1, 3, 16, 16)}, lambda b, x: conv_of(4, 5)(b, b.Relu(conv_of(3, 4)(b, x))))
    assert builtins(graph) == ["TRANSPOSE", "CONV_2D", "CONV_2D", "TRANSPOSE"]
    check(graph)


def test_an_output_that_is_an_input_or_another_output() -> None:
    graph = built({"x": (2, 3)}, lambda b, x: (x, y := b.Exp(x), y, b.constant(weights(2))))
    assert [value.name for value in graph.outputs] == ["y0", "y1", "y2", "y3"]
    check(graph)


@pytest.mark.parametrize(
    "dtype", [DType.INT8, DType.UINT8, DType.INT16, DType.FLOAT16, DType.INT64]
)
def test_narrow_types_are_computed_in_wider_ones(dtype: DType) -> None:
    graph = built({"x": (3, 40), "z": (40,)}, lambda b, x, z: b.Mul(b.Add(x, z), x), dtype)
    feeds = drawn(graph)
    made = outputs_of(graph, feeds)["y"]
    np.testing.assert_array_equal(made, reference(graph, feeds)["y"])


@pytest.mark.parametrize("dtype", [DType.INT8, DType.UINT8, DType.INT32, DType.INT64])
def test_the_smallest_integers_where_the_least_has_no_negative(dtype: DType) -> None:
    graph = built({"x": (6,)}, lambda b, x: b.TopK(x, b.ints(4), largest=0, outputs=2), dtype)
    least = np.iinfo(dtype.numpy).min
    feeds = {"x": np.array([least, 5, 3, 9, least, 1], dtype.numpy)}
    made = outputs_of(graph, feeds)
    for name, expected in reference(graph, feeds).items():
        np.testing.assert_array_equal(made[name], expected)


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap"])
def test_padding_from_further_than_the_tensor_goes(mode: str) -> None:
    check(built({"x": (2, 3)}, lambda b, x: b.Pad(x, b.ints(3, 1, 2, 7), mode=mode)))


def test_everything_refused_is_listed() -> None:
    def write(b: Any, x: Any) -> Any:
        return b.NonZero(b.Det(x)), b.Mod(x, x, fmod=1)

    graph = built({"x": (4, 3, 3)}, write, DType.DOUBLE)
    with pytest.raises(UnsupportedError) as refused:
        emit_program(graph)
    assert "output 'y0': TFLite needs every size; given: int64[" in str(refused.value)
    graph = built({"x": (4, 3, 3)}, lambda b, x: (b.Det(x), b.Exp(x)), DType.DOUBLE)
    with pytest.raises(UnsupportedError) as refused:
        emit_program(graph)
    assert str(refused.value).splitlines() == [
        "2 inputs, nodes and outputs cannot be compiled to TFLite; given: ",
        "  node 'det_1' (Det): TFLite has no builtin for it",
        "  node 'exp_2' (Exp): TFLite's EXP does not take double",
    ]


def test_no_reshape_of_a_reshape() -> None:
    """Interpreters add in place to what shares memory with a value that is still read."""

    def write(b: Any, x: Any) -> Any:
        pixels = b.Unsqueeze(b.Neg(x), b.ints(1))
        more = b.Add(b.Reshape(pixels, b.ints(24, 1)), b.constant([[5]], DType.INT64))
        return b.Sub(b.Reshape(more, b.ints(2, 1, 3, 4)), pixels)

    check(built({"x": (2, 3, 4)}, write, DType.INT64))


def test_positions_of_many_axes() -> None:
    def write(b: Any, x: Any) -> Any:
        places = b.Clip(b.Cast(x, to=DType.INT64), b.constant(-5), b.constant(2))
        return b.GatherElements(x, places, axis=1)

    check(built({"x": (3, 5, 2, 2, 2)}, write))


@pytest.mark.parametrize(
    ("shape", "slope", "expected"),
    [
        ((2, 3, 4, 4), (3, 1, 1), "PRELU"),
        ((2, 3, 4, 4), (1,), "LEAKY_RELU"),
        ((2, 3, 4, 4), (4,), "SELECT_V2"),
        ((2, 3), (3,), "SELECT_V2"),
    ],
)
def test_prelu_where_every_interpreter_has_it(
    shape: tuple[int, ...], slope: tuple[int, ...], expected: str
) -> None:
    graph = built({"x": shape}, lambda b, x: b.PRelu(x, b.constant(np.abs(weights(*slope)))))
    assert expected in builtins(graph)
    check(graph)
