"""MaxPool: the largest element under each window, and where it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, f32, i64, u8
from likewise.ops.checks import FLOATS
from likewise.ops.pooling import Pool, lowest, over_windows
from likewise.ops.windows import pad_spatial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView
    from likewise.ops.windows import Windows


class MaxPool(Pool, versions=(1, 8, 10, 11, 12, 22)):
    """The maximum of X under each window, padding left out, and its index in the flattened X.

    The first of equal elements counts. A NaN under a window is its maximum. With `storage_order`
    1 the index runs through the spatial dims of a channel column by column.
    """

    _takes: ClassVar[AbstractSet[DType]] = FLOATS | {DType.INT8, DType.UINT8}

    storage_order: int = 0

    def infer(self, X: TensorType) -> tuple[TensorType, TensorType]:
        y = super().infer(X)
        return y, y.with_dtype(DType.INT64)

    def evaluate(self, X: Array) -> Any:
        windows = self.placed(X)
        if self.wanted > 1:
            return self._with_indices(X, windows)
        return over_windows(np.maximum, X, windows, lowest(X.dtype))

    def lower(self, lowering: Lowering, x: TensorView) -> Any:
        windows = self.windows(x.shape[2:], self.kernel_shape, ceil_mode=self.ceil_mode)
        low = int(lowest(x.dtype.numpy)) if x.dtype.is_integer else -math.inf
        if self.wanted > 1:
            return lowering.max_pool_indices(x, windows, low, by_columns=self.storage_order == 1)
        return lowering.pool(x, windows, low, lambda k, a, b: k.max(a, b), "maxpool")

    def _with_indices(self, x: Array, windows: Windows) -> tuple[Array, Array]:
        spatial = x.shape[2:]
        low = lowest(x.dtype)
        # What `ceil_mode` adds is padding as well.
        end = [max(0, one) for one in windows.overhang(spatial)]
        padded = pad_spatial(x, windows.begin, end, low)
        best = np.full(x.shape[:2] + windows.output, low, x.dtype)
        index = np.full(best.shape, -1, np.int64)
        for tap, where in windows.slices():
            seen = padded[where]
            at, inside = self._places(tap, windows, spatial)
            better = (seen > best) | ((index < 0) & inside)
            if x.dtype.kind not in "iu":
                better |= np.isnan(seen) & ~np.isnan(best)
            np.copyto(best, seen, where=better)
            np.copyto(index, np.broadcast_to(at, index.shape), where=better)
        size = int(np.prod(spatial, dtype=np.int64))
        channels = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *[1] * len(spatial))
        return best, index + channels * size

    def _places(
        self, tap: tuple[int, ...], windows: Windows, spatial: tuple[int, ...]
    ) -> tuple[Array, Array]:
        """The index within its channel of what `tap` meets under each window; if it is inside."""
        rank = len(spatial)
        at = np.zeros((1,) * rank, np.int64)
        inside = np.ones((1,) * rank, bool)
        for axis, size in enumerate(spatial):
            offset = tap[axis] * windows.dilations[axis] - windows.begin[axis]
            along = np.arange(windows.output[axis]) * windows.strides[axis] + offset
            along = along.reshape([-1] + [1] * (rank - 1 - axis))
            inside = inside & (along >= 0) & (along < size)
            others = spatial[:axis] if self.storage_order else spatial[axis + 1 :]
            at = at + along * int(np.prod(others, dtype=np.int64))
        return at, inside

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[[1, 2, 3], [6, 5, 4], [7, 9, 8]]]])
        y, at = f32([[[[6, 5], [9, 9]]]]), i64([[[[3, 4], [7, 7]]]])
        yield Case(cls(kernel_shape=(2, 2)), [x], [y])
        yield Case(cls(kernel_shape=(2, 2), wanted=2), [x], [y, at])
        columns = cls(kernel_shape=(2, 2), storage_order=1, wanted=2)
        yield Case(columns, [x], [y, i64([[[[1, 4], [5, 5]]]])])
        line = f32([[[-3, -1, -2, -2, -np.inf]]])
        ceil: dict[str, Any] = {"kernel_shape": (2,), "strides": (2,), "ceil_mode": True}
        last = [f32([[[-1, -2, -np.inf]]]), i64([[[1, 2, 4]]])]
        yield Case(cls(**ceil), [line], last[:1])
        yield Case(cls(**ceil, wanted=2), [line], last)
        padded = cls(kernel_shape=(3,), strides=(2,), pads=(1, 1), wanted=2)
        yield Case(padded, [line], [f32([[[-1, -1, -2]]]), i64([[[1, 1, 3]]])])
        apart = cls(kernel_shape=(2,), dilations=(3,))
        yield Case(apart, [line], [f32([[[-2, -1]]])])
        yield Case(cls(kernel_shape=(2,)), [u8([[[3, 200, 4]]])], [u8([[[200, 200]]])])
        nan = f32([[[np.nan, 1, 2]]])
        yield Case(cls(kernel_shape=(2,), wanted=2), [nan], [f32([[[np.nan, 2]]]), i64([[[0, 2]]])])
        yield Case(cls(kernel_shape=(6,)), [line], error="window is larger")
        yield Case(cls(kernel_shape=(2,)), [i64([[[1, 2]]])], error="X has an element type")
