"""ConvInteger: the convolution of bytes, in int32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType
from likewise.ops.ai_onnx.conv import check_convolution
from likewise.ops.case import Case, f32, i8, i32, u8
from likewise.ops.checks import check_dtype, check_same_dtype
from likewise.ops.convolution import convolve
from likewise.ops.integer_products import BYTES, check_per_channel, check_scalar, shifted
from likewise.ops.windows import Windowed, Windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.lower import Lowering, TensorView


class ConvInteger(Windowed, versions=(10,)):
    """The convolution of x - x_zero_point with w - w_zero_point; sums wrap in int32.

    x_zero_point is a scalar, and what padding holds; w_zero_point a scalar or one an output
    channel.
    """

    group: int = 1
    kernel_shape: tuple[int, ...] | None = None

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        x_zero_point: TensorType | None = None,
        w_zero_point: TensorType | None = None,
    ) -> TensorType:
        check_bytes(x, w, x_zero_point, w_zero_point)
        made = check_convolution(x, w, self.group, self.kernel_shape)
        check_scalar(x_zero_point, "x_zero_point")
        check_per_channel(w_zero_point, made, "w_zero_point")
        windows = self.windows(x.shape[2:], self.kernel_shape or w.shape[2:])
        return x.with_dtype(DType.INT32).with_shape((x.shape[0], made, *windows.output))

    def evaluate(
        self,
        x: Array,
        w: Array,
        x_zero_point: Array | None = None,
        w_zero_point: Array | None = None,
    ) -> Array:
        windows = self.windows(x.shape[2:], w.shape[2:])
        return convolve_bytes(x, w, windows, self.group, (x_zero_point, w_zero_point))

    def lower(
        self,
        lowering: Lowering,
        x: TensorView,
        w: TensorView,
        x_zero_point: TensorView | None = None,
        w_zero_point: TensorView | None = None,
    ) -> TensorView:
        windows = self.windows(x.shape[2:], w.shape[2:])
        if x_zero_point is not None:
            x_zero_point = x_zero_point.reshape(())
        if w_zero_point is not None:
            column = (w_zero_point.size, *[1] * (w.rank - 1))
            w_zero_point = w_zero_point.reshape(column if w_zero_point.size > 1 else ())
        left = shifted(lowering, x, x_zero_point)
        right = shifted(lowering, w, w_zero_point)
        return lowering.convolve(left, right, windows, self.group, small=True)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = u8([[[[2, 3, 4], [5, 6, 7], [8, 9, 10]]]])
        ones = np.ones((1, 1, 2, 2), np.uint8)
        made = i32([[[[12, 16], [24, 28]]]])
        yield Case(cls(), [x, ones, u8(1)], [made])
        padded = i32([[[[1, 3, 5, 3], [5, 12, 16, 9], [11, 24, 28, 15], [7, 15, 17, 9]]]])
        yield Case(cls(pads=(1, 1, 1, 1)), [x, ones, u8(1)], [padded])
        pair = np.concatenate([ones, 2 * ones])
        both = np.concatenate([0 * made, made], 1)
        yield Case(cls(), [x, pair, u8([1]), u8([1, 1])], [both])
        grouped = cls(group=2, strides=(2,))
        lines, weights = u8([[[1, 2, 3, 4], [5, 6, 7, 8]]]), i8([[[1, -1]], [[2, 0]]])
        yield Case(grouped, [lines, weights], [i32([[[-1, -1], [10, 14]]])])
        deep = np.full((1, 1000, 1), 255, np.uint8)
        yield Case(cls(), [deep, deep], [i32([[[65025000]]])])
        yield Case(cls(), [x, pair, u8([1, 2])], error="x_zero_point is not a scalar")
        yield Case(cls(), [x, ones, u8(1), u8([1, 2])], error="w_zero_point and the output")
        yield Case(cls(), [f32(x), ones], error="x has an element type")


def check_bytes(
    x: TensorType, w: TensorType, x_zero_point: TensorType | None, w_zero_point: TensorType | None
) -> None:
    """Refuse a convolution of anything but bytes, each with zero points of its own type."""
    check_dtype(x, BYTES, "x")
    check_dtype(w, BYTES, "w")
    check_same_dtype(x=x, x_zero_point=x_zero_point)
    check_same_dtype(w=w, w_zero_point=w_zero_point)


def convolve_bytes(
    x: Array,
    w: Array,
    windows: Windows,
    group: int,
    zero_points: tuple[Array | None, Array | None],
    bias: Array | None = None,
) -> Array:
    """The convolution of `x` and `w` less their zero points, plus `bias` [M], in int32."""
    wide, weights = x.astype(np.int32), w.astype(np.int32)
    x_zero, w_zero = zero_points
    if x_zero is not None:
        wide -= x_zero.reshape(()).astype(np.int32)
    if w_zero is not None:
        weights -= w_zero.reshape(-1, *[1] * (w.ndim - 1)).astype(np.int32)
    made = convolve(wide, weights, windows, group)
    return made if bias is None else made + bias.reshape(-1, *[1] * (made.ndim - 2))
