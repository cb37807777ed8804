"""Sums of products of bytes, which TFLite has on scales only, by sums of floats that are exact.

float32 holds every integer up to 2 ** 24. So many products as cannot go beyond that, whatever the
inputs are, are added as floats; what comes of that is added as int32.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ir import DType
from likewise.targets.litert.compositions import composed

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.ir import Array, Value
    from likewise.ops.build import GraphBuilder

_LARGEST: Final = 255
"""The magnitude of a byte less a zero point."""
_EXACT: Final = 1 << 24
_MOST_PARTS: Final = 64


@composed("MatMulInteger")
def matmul_integer(
    b: GraphBuilder,
    _: Any,
    x: Value,
    w: Value,
    x_zero: Value | None = None,
    w_zero: Value | None = None,
) -> Value:
    """Products of floats, each of some rows of `w`."""
    if x_zero is not None and b.type(x_zero).rank == 1 and b.type(x_zero).size != 1:
        x_zero = _shaped(b, x_zero, -1, 1)
    left, right = _less(b, x, x_zero), _less(b, w, w_zero)
    axis = max(b.type(w).rank - 2, 0)
    sizes = np.moveaxis(_magnitudes(b, right), axis, 0)

    def product(first: int, last: int) -> Value:
        made: Value = b.MatMul(_part(b, left, first, last, -1), _part(b, right, first, last, axis))
        return made

    return _in_parts(b, sizes.reshape(len(sizes), -1), product)


@composed("ConvInteger")
def conv_integer(
    b: GraphBuilder,
    operator: Any,
    x: Value,
    w: Value,
    x_zero: Value | None = None,
    w_zero: Value | None = None,
) -> Value:
    """Convolutions of floats, each of some of the input channels."""
    if w_zero is not None:
        w_zero = _shaped(b, w_zero, -1, *[1] * (b.type(w).rank - 1))
    left, right = _less(b, x, x_zero), _less(b, w, w_zero)
    sizes = _magnitudes(b, right)
    sizes = sizes.reshape(*sizes.shape[:2], -1).sum(2).T

    def product(first: int, last: int) -> Value:
        whole = last - first == len(sizes)
        if not whole and operator.group > 1:
            raise UnsupportedError("groups of so many products are not composed")
        parts = [one if whole else _part(b, one, first, last, 1) for one in (left, right)]
        made: Value = b.Conv(*parts, **operator.attributes())
        return made

    return _in_parts(b, sizes, product)


def _shaped(b: GraphBuilder, x: Value, *sizes: int) -> Value:
    """Zero points in a shape that broadcasts; constants stay some."""
    content = b.type(x).constant
    if content is not None:
        return b.constant(content.reshape(sizes))
    made: Value = b.Reshape(x, b.ints(*sizes))
    return made


def _less(b: GraphBuilder, x: Value, zero: Value | None) -> Value:
    """Bytes less their zero point as floats; constants stay some."""
    content = [None if one is None else b.type(one).constant for one in (x, zero)]
    known = [one.astype(np.float32) for one in content if one is not None]
    if content[0] is not None and len(known) == 1 + (zero is not None):
        return b.constant(known[0] - known[1] if zero is not None else known[0])
    wide: Value = b.Cast(x, to=DType.FLOAT.value)
    return wide if zero is None else b.Sub(wide, b.Cast(zero, to=DType.FLOAT.value))


def _magnitudes(b: GraphBuilder, w: Value) -> Array:
    """The largest ones that these numbers can have."""
    content, shape = b.type(w).constant, cast("tuple[int, ...]", b.type(w).shape)
    if 0 in shape:
        raise UnsupportedError("TFLite has no tensors without elements", given=list(shape))
    return np.full(shape, _LARGEST) if content is None else np.abs(content)


def _part(b: GraphBuilder, x: Value, first: int, last: int, axis: int) -> Value:
    if (first, last) == (0, b.type(x).shape[axis]):
        return x
    made: Value = b.Slice(x, b.ints(first), b.ints(last), b.ints(axis))
    return made


def _in_parts(b: GraphBuilder, sizes: Array, product: Callable[[int, int], Value]) -> Value:
    """The int32 sum of products over parts of what is summed.

    `sizes` [summed, sums] is what each step adds to each sum at most, times the largest byte.
    """
    steps = sizes.astype(np.int64) * _LARGEST
    ends, total = [0], np.zeros_like(steps[0])
    for at, step in enumerate(steps):
        if at and (total + step).max() > _EXACT:
            ends.append(at)
            total = np.zeros_like(step)
        total = total + step
    if len(ends) > _MOST_PARTS or steps.max() > _EXACT:
        raise UnsupportedError("so many products are not composed")
    pairs = zip(ends, [*ends[1:], len(steps)], strict=True)
    sums = [b.Cast(product(*pair), to=DType.INT32.value) for pair in pairs]
    made: Value = reduce(b.Add, sums)
    return made
