"""QLinearConv: the convolution of two quantized tensors, quantized again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.ir import DType
from likewise.ops.ai_onnx.conv import check_convolution
from likewise.ops.ai_onnx.convinteger import check_bytes, convolve_bytes
from likewise.ops.case import Case, f32, i8, i32, u8
from likewise.ops.checks import check_dtype, check_rank, unify
from likewise.ops.integer_products import (
    BYTES,
    check_per_channel,
    check_scalar,
    requantize,
    requantized,
)
from likewise.ops.windows import Windowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.ops.build import Builder
    from likewise.ops.operator import V


class QLinearConv(Windowed, versions=(10,)):
    """saturate(round((ConvInteger(x, w) + B) * scale) + y_zero_point), ties to even.

    scale is x_scale * w_scale / y_scale, computed in float32. The scale and zero point of w are
    scalars or one an output channel, the others scalars. B [M] is int32, in steps of
    x_scale * w_scale.
    """

    group: int = 1
    kernel_shape: tuple[int, ...] | None = None

    def infer(
        self,
        x: TensorType,
        x_scale: TensorType,
        x_zero_point: TensorType,
        w: TensorType,
        w_scale: TensorType,
        w_zero_point: TensorType,
        y_scale: TensorType,
        y_zero_point: TensorType,
        B: TensorType | None = None,
    ) -> TensorType:
        check_bytes(x, w, x_zero_point, w_zero_point)
        check_dtype(y_zero_point, BYTES, "y_zero_point")
        made = check_convolution(x, w, self.group, self.kernel_shape)
        for name, scale in (("x_scale", x_scale), ("w_scale", w_scale), ("y_scale", y_scale)):
            check_dtype(scale, {DType.FLOAT}, name)
        check_per_channel(w_scale, made, "w_scale")
        check_per_channel(w_zero_point, made, "w_zero_point")
        check_scalar(x_scale, "x_scale")
        check_scalar(x_zero_point, "x_zero_point")
        check_scalar(y_scale, "y_scale")
        check_scalar(y_zero_point, "y_zero_point")
        if B is not None:
            check_dtype(B, {DType.INT32}, "B")
            check_rank(B, 1, "B")
            unify(B.shape[0], made, "the sizes of B and the output channels")
        windows = self.windows(x.shape[2:], self.kernel_shape or w.shape[2:])
        return x.with_dtype(y_zero_point.dtype).with_shape((x.shape[0], made, *windows.output))

    def evaluate(
        self,
        x: Array,
        x_scale: Array,
        x_zero_point: Array,
        w: Array,
        w_scale: Array,
        w_zero_point: Array,
        y_scale: Array,
        y_zero_point: Array,
        B: Array | None = None,
    ) -> Array:
        windows = self.windows(x.shape[2:], w.shape[2:])
        total = convolve_bytes(x, w, windows, self.group, (x_zero_point, w_zero_point), B)
        multiplier = x_scale.reshape(-1) * w_scale.reshape(-1) / y_scale.reshape(-1)
        multiplier = multiplier.reshape(-1, *[1] * (x.ndim - 2))
        return requantize(total, multiplier, y_zero_point.reshape(()))

    def expand(
        self,
        b: Builder[V],
        x: V,
        x_scale: V,
        x_zero_point: V,
        w: V,
        w_scale: V,
        w_zero_point: V,
        y_scale: V,
        y_zero_point: V,
        bias: V | None = None,
    ) -> V:
        per_channel = b.ints(-1, *[1] * (b.type(x).rank - 2))
        total = b.ConvInteger(x, w, x_zero_point, w_zero_point, **self.attributes())
        if bias is not None:
            total = b.Add(total, b.Reshape(bias, per_channel))
        multiplier = b.Reshape(b.Div(b.Mul(x_scale, w_scale), y_scale), per_channel)
        return requantized(b, total, multiplier, b.Reshape(y_zero_point, b.ints()))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x: list[Any] = [u8([[[2, 3, 4], [5, 6, 7]]]), f32(0.5), u8(1)]
        w: list[Any] = [i8([[[1], [1]], [[-1], [2]]]), f32([1, 2]), i8([0, 1])]
        y: list[Any] = [f32(0.5), u8(10)]
        yield Case(cls(), [*x, *w, *y], [u8([[[15, 17, 19], [14, 12, 10]]])])
        yield Case(cls(), [*x, *w, *y, i32([1, -2])], [u8([[[16, 18, 20], [10, 8, 6]]])])
        small: list[Any] = [f32([4]), i8([0])]
        made = i8([[[1, 1, 1], [0, 0, 0]]])
        yield Case(cls(), [*x, w[0], f32(1), i8(0), *small], [made + i8([[[0], [1]]])])
        padded = cls(pads=(1, 0), strides=(2,))
        yield Case(padded, [*x, *w, *y], [u8([[[10, 17], [10, 12]]])])
        yield Case(cls(), [*x, *w, f32([1, 2]), u8(0)], error="y_scale is not a scalar")
        yield Case(cls(), [*x, *w, *y, i32([1])], error="the sizes of B and the output channels")
        yield Case(cls(), [*x, *w, f32(1), i32(0)], error="y_zero_point has an element type")
