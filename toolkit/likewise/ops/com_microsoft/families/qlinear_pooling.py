"""QLinearAveragePool, QLinearGlobalAveragePool: means of quantized elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, f32, u8
from likewise.ops.com_microsoft.nhwcconv import channels_first
from likewise.ops.com_microsoft.quantized import dequantized, quantized
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class _Pooling(Operator):
    """Base of the two: dequantize, pool, quantize; the channels last with `channels_last`."""

    channels_last: bool = False

    def infer(
        self,
        x: TensorType,
        x_scale: TensorType,
        x_zero_point: TensorType | None = None,
        y_scale: TensorType | None = None,
        y_zero_point: TensorType | None = None,
    ) -> TensorType:
        if y_scale is None:
            raise InferenceError("y_scale must be given")
        made: TensorType = infer_expansion(self, x, x_scale, x_zero_point, y_scale, y_zero_point)
        return made

    def expand(
        self,
        b: Builder[V],
        x: V,
        x_scale: V,
        x_zero_point: V | None = None,
        y_scale: V | None = None,
        y_zero_point: V | None = None,
    ) -> V:
        real = dequantized(b, x, x_scale, x_zero_point)
        if self.channels_last:
            made = channels_first(b, real, lambda moved: self._pooled(b, moved))
        else:
            made = self._pooled(b, real)
        return quantized(b, made, y_scale, y_zero_point, b.type(x).dtype)

    def _pooled(self, b: Builder[V], x: V) -> V:
        raise NotImplementedError


class QLinearGlobalAveragePool(_Pooling, versions=(1,)):
    """The mean over all spatial axes."""

    def _pooled(self, b: Builder[V], x: V) -> V:
        made: V = b.GlobalAveragePool(x)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = u8([[[[0, 2], [4, 6]], [[8, 8], [8, 8]]]])
        inputs: list[Any] = [f32(1), u8(1), f32(0.5), u8(3)]
        yield Case(cls(), [x, *inputs], [u8([[[[7]], [[17]]]])])
        last = np.moveaxis(x, 1, -1).copy()
        yield Case(cls(channels_last=True), [last, *inputs], [u8([[[[7, 17]]]])])


class QLinearAveragePool(_Pooling, versions=(1,)):
    """The mean over windows."""

    auto_pad: Literal["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"] = "NOTSET"
    ceil_mode: bool = False
    count_include_pad: bool = False
    kernel_shape: tuple[int, ...]
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def _pooled(self, b: Builder[V], x: V) -> V:
        given = {"pads": self.pads, "strides": self.strides}
        made: V = b.AveragePool(
            x,
            auto_pad=self.auto_pad,
            ceil_mode=int(self.ceil_mode),
            count_include_pad=int(self.count_include_pad),
            kernel_shape=self.kernel_shape,
            **{name: value for name, value in given.items() if value is not None},
        )
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = u8([[[1, 3, 7, 9]]])
        inputs: list[Any] = [f32(1), u8(1), f32(0.5), u8(0)]
        yield Case(cls(kernel_shape=(2,), strides=(2,)), [x, *inputs], [u8([[[2, 14]]])])
        last = cls(kernel_shape=(2,), strides=(2,), channels_last=True)
        yield Case(last, [x.reshape(1, 4, 1), *inputs], [u8([[[2], [14]]])])
