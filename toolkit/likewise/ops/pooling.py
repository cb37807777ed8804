"""What AveragePool, MaxPool and LpPool share: their types, and sums and maxima over windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.checks import FLOATS, check_dtype
from likewise.ops.windows import Windowed, Windows

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from likewise.ir import Array, DType, TensorType

__all__ = ["Pool", "lowest", "over_windows"]


class Pool(Windowed):
    """Base of the poolings: X [N, C, *spatial] is [N, C, *output], each channel on its own."""

    _takes: ClassVar[AbstractSet[DType]] = FLOATS

    ceil_mode: bool = False
    kernel_shape: tuple[int, ...]

    def infer(self, X: TensorType) -> Any:
        check_dtype(X, self._takes, "X")
        if X.rank < 3:
            raise InferenceError("X has no spatial dims", given=X, allowed="N x C x D1 … Dn")
        windows = self.windows(X.shape[2:], self.kernel_shape, ceil_mode=self.ceil_mode)
        return X.with_shape((*X.shape[:2], *windows.output))

    def placed(self, x: Array) -> Windows:
        """The windows over the array `x`."""
        return self.windows(x.shape[2:], self.kernel_shape, ceil_mode=self.ceil_mode)


def lowest(dtype: np.dtype[Any]) -> Any:
    """What is below or equal to every element of `dtype`."""
    return np.iinfo(dtype).min if dtype.kind in "iu" else dtype.type(-np.inf)


def over_windows(ufunc: np.ufunc, x: Array, windows: Windows, start: Any) -> Array:
    """`ufunc`, associative and commutative with neutral `start`, over each window of `x`.

    One dim after the other: a window of k x k takes 2 k passes over the array, not k * k.
    """
    for dim in range(len(windows.kernel)):
        x = _along(ufunc, x, windows, dim, start)
    return x


def _along(ufunc: np.ufunc, x: Array, windows: Windows, dim: int, start: Any) -> Array:
    """`over_windows` for spatial dim `dim` alone."""
    axis = x.ndim - len(windows.kernel) + dim
    kernel, stride, dilation = windows.kernel[dim], windows.strides[dim], windows.dilations[dim]
    begin, output = windows.begin[dim], windows.output[dim]
    size = x.shape[axis]
    if (kernel, stride, begin, output) == (1, 1, 0, size):
        return x
    lead = (slice(None),) * axis
    reads = []
    # Of a kernel of any size only these taps meet an element at some place.
    nearest = -((stride * (output - 1) - begin) // dilation)
    furthest = (begin + size - 1) // dilation
    for tap in range(max(0, nearest), min(kernel, furthest + 1)):
        offset = tap * dilation - begin  # the tap meets x[place * stride + offset]
        first = max(0, -(offset // stride))
        last = min(output, (size - 1 - offset) // stride + 1)
        if first < last:
            origin = first * stride + offset
            taken = slice(origin, origin + (last - first - 1) * stride + 1, stride)
            reads.append((slice(first, last), taken))
    whole = next((read for read in reads if read[0] == slice(0, output)), None)
    shape = (*x.shape[:axis], output, *x.shape[axis + 1 :])
    if whole is None:
        total = np.full(shape, start, x.dtype)
    else:
        total = np.array(x[(*lead, whole[1])], order="C")
        reads.remove(whole)
    for places, taken in reads:
        there = total[(*lead, places)]
        ufunc(there, x[(*lead, taken)], out=there)
    return total
