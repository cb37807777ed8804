"""Steps that quantise, and that compute with what is quantised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from tests.random_graphs.writer import Step, dtype_of, shape_of

if TYPE_CHECKING:
    from likewise.ir import Value
    from tests.random_graphs.writer import Writer

__all__ = ["QUANTIZED"]

BYTES = (DType.INT8, DType.UINT8)
SCALES = (0.5, 0.25, 2.0)
"""Powers of two: what is quantised lies on halves, and rounds to even everywhere."""


def quantized(w: Writer, x: Value) -> Any:
    dtype = w.pick(BYTES)
    axis = w.axis(x) if shape_of(x) and w.flag() else None
    return w.b.QuantizeLinear(x, *_scale(w, x, dtype, axis), axis=1 if axis is None else axis)


def dequantized(w: Writer, x: Value) -> Any:
    axis = w.axis(x) if shape_of(x) and w.flag() else None
    scale, zero = _scale(w, x, dtype_of(x), axis)
    return w.b.DequantizeLinear(x, scale, zero, axis=1 if axis is None else axis)


def dynamically_quantized(w: Writer, x: Value) -> Any:
    """The bytes alone: their scale is rounded."""
    return w.b.DynamicQuantizeLinear(x, outputs=3)[0]


def integer_product(w: Writer, x: Value) -> Any:
    depth = shape_of(x)[-1]
    weights = w.b.constant(w.array((depth, w.whole(1, 9)), w.pick(BYTES)))
    zero = w.b.constant(np.array(w.whole(0, 3), dtype_of(x).numpy))
    return w.b.MatMulInteger(x, weights, zero, None)


def integer_convolution(w: Writer, x: Value) -> Any:
    channels, *sizes = shape_of(x)[1:]
    kernel = [w.whole(1, min(size, 3)) for size in sizes]
    weights = w.b.constant(w.array((w.whole(1, 5), channels, *kernel), DType.INT8))
    zero = w.b.constant(np.array(w.whole(0, 3), dtype_of(x).numpy))
    pads = [w.whole(0, 1) for _ in (*sizes, *sizes)]
    return w.b.ConvInteger(x, weights, zero, None, pads=pads)


def quantized_product(w: Writer, x: Value) -> Any:
    dtype = dtype_of(x)
    weights = w.b.constant(w.array((shape_of(x)[-1], w.whole(1, 9)), dtype))
    scale, zero = _scale(w, x, dtype, None)
    small = w.b.constant(np.array(w.pick([0.125, 0.5]), np.float32))
    return w.b.QLinearMatMul(x, scale, zero, weights, small, zero, scale, zero)


def product_of_dequantized(w: Writer, x: Value) -> Any:
    """A convolution, maybe with a bias, or a product, of what DequantizeLinear makes."""
    of_images = len(shape_of(x)) > 2 and w.flag()
    depth, made = shape_of(x)[1 if of_images else -1], w.whole(1, 9)
    shape, channel = [depth, made], 1
    if of_images:
        shape, channel = [made, depth, *(w.whole(1, min(n, 3)) for n in shape_of(x)[2:])], 0
    weights = w.b.constant(w.array(shape, w.pick(BYTES)))
    given = _scale(w, weights, dtype_of(weights), channel if w.flag() else None)
    left = w.b.DequantizeLinear(x, *_scale(w, x, dtype_of(x), None))
    right = w.b.DequantizeLinear(weights, *given, axis=channel)
    if not of_images:
        return w.b.MatMul(left, right)
    steps = w.b.constant(np.array(w.pick(SCALES), np.float32))
    bias = w.b.DequantizeLinear(w.b.constant(w.array((made,), DType.INT32)), steps)
    return w.b.Conv(left, right, bias if w.flag() else None)


def _scale(w: Writer, x: Value, dtype: DType, axis: int | None) -> tuple[Value, Value]:
    shape = () if axis is None else (shape_of(x)[axis],)
    rng = np.random.default_rng(w.whole(0, 99))
    scale = rng.choice(np.array(SCALES, np.float32), shape)
    zero = rng.integers(0, 5, shape).astype(dtype.numpy)
    return w.b.constant(np.asarray(scale, np.float32)), w.b.constant(zero)


QUANTIZED = (
    Step(quantized, (DType.FLOAT,), (0, 4), "needs", numbers=True),
    Step(dequantized, BYTES, (0, 4), "keeps"),
    Step(dynamically_quantized, (DType.FLOAT,), (1, 4), "needs", numbers=True),
    Step(integer_product, BYTES, (2, 3)),
    Step(integer_convolution, BYTES, (3, 4)),
    Step(quantized_product, BYTES, (2, 3)),
    Step(product_of_dequantized, BYTES, (2, 4), "keeps"),
)
