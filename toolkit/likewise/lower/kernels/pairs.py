"""Numbers of 16 bits by twos in an int32, as the product of two such vectors takes them.

Bytes less their zero points have 9 bits and a sign. WebAssembly multiplies eight at once and adds
neighbours, which is exact: products of 9 bits by twos, and sums that wrap, as int32 does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType

if TYPE_CHECKING:
    from likewise.loop.values import Value
    from likewise.lower.kernel import Kernel
    from likewise.lower.lowering import Lowering
    from likewise.lower.view import Index, TensorView

__all__ = ["as_bytes", "pairs_of", "pairs_of_weights"]


def pairs_of(lowering: Lowering, x: TensorView, axis: int) -> TensorView:
    """An int32 view of small numbers with neighbours along `axis` in one element.

    Of an odd number of them the last is with one that is there already, whose weight is 0.
    """
    size = x.shape[axis]
    shape = [-(-one // 2) if at == axis else one for at, one in enumerate(x.shape)]

    def half(second: int) -> TensorView:
        def back(k: Kernel, index: Index) -> list[Value]:
            at = index[axis] * 2 + second
            if second and size % 2:
                at = k.min(at, size - 1)
            return [at if one == axis else place for one, place in enumerate(index)]

        return replace(x.viewed(shape, back), order=x.order)

    def join(_: Kernel, low: Value, high: Value) -> Value:
        return (low & 0xFFFF) | (high << 16)

    return lowering.elementwise(join, DType.INT32, half(0), half(1), exact=True)


def pairs_of_weights(w: np.ndarray[Any, Any], axis: int) -> np.ndarray[Any, Any]:
    """The same of numbers that are known, filled up with a 0."""
    moved = np.moveaxis(w, axis, -1)
    if moved.shape[-1] % 2:
        moved = np.concatenate([moved, np.zeros_like(moved[..., :1])], -1)
    both = np.ascontiguousarray(moved.astype("<i2")).view("<i4").astype(np.int32)
    return np.ascontiguousarray(np.moveaxis(both, -1, axis))


def as_bytes(pairs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The numbers of such pairs in bytes, two for one; the pairs where one does not fit a byte."""
    numbers = pairs.astype("<i4").view("<i2")
    narrow = numbers.astype(np.int8)
    return narrow if np.array_equal(narrow, numbers) else pairs
