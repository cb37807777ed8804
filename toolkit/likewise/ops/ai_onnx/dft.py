"""DFT: the discrete Fourier transform along an axis, and its inverse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f16, f32, f64, i32, i64
from likewise.ops.checks import check_dtype, check_float, normalize_axis
from likewise.ops.operator import Operator
from likewise.ops.spectrum import as_complex, as_parts, transformed
from likewise.ops.static import content, output_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm


class DFT(Operator, versions=(17, 20)):
    """The transform along `axis` of a signal whose last dim holds its parts: 1 real, 2 complex.

    `onesided` forward takes a real signal and keeps the bins 0 to length // 2; `onesided` and
    `inverse` takes such bins and gives the real signal. The input is cut or filled up with zeros
    to `dft_length`. Computed in float32, for double in float64.
    """

    inverse: bool = False
    onesided: bool = False

    def infer(
        self,
        data: TensorType,
        dft_length: TensorType | None = None,
        axis: TensorType | None = None,
    ) -> TensorType:
        check_float(data, "input")
        for name, x in (("dft_length", dft_length), ("axis", axis)):
            if x is not None:
                check_dtype(x, {DType.INT32, DType.INT64}, name)
        self._check_parts(data)
        dims = list(data.shape)
        dims[-1] = 1 if self.inverse and self.onesided else 2
        if axis is not None and axis.constant is None:
            return data.with_shape([*(fresh("dft") for _ in dims[:-1]), dims[-1]])
        place = self._axis(axis.constant if axis is not None else None, data.rank)
        length = self._length(dims[place])
        if dft_length is not None:
            length = fresh("dft")
            if dft_length.constant is not None:
                length = int(dft_length.constant.item())
        dims[place] = length // 2 + 1 if self.onesided and not self.inverse else length
        return data.with_shape(dims)

    def _check_parts(self, data: TensorType) -> None:
        parts = data.shape[-1] if data.rank > 1 else 0
        if isinstance(parts, int) and parts not in (1, 2):
            raise InferenceError("the last dim of the input is not 1 or 2", given=data)
        if self.onesided and parts == (1 if self.inverse else 2):
            raise InferenceError(
                "a one-sided transform goes from real to complex, its inverse back", given=data
            )

    @staticmethod
    def _axis(axis: Array | None, rank: int) -> int:
        place = normalize_axis(-2 if axis is None else int(axis.item()), rank)
        if place == rank - 1:
            raise InferenceError(
                f"axis {place} is the one of the real and imaginary parts",
                allowed=f"{-rank} to -2, 0 to {rank - 2}",
            )
        return place

    def _length(self, size: Dim) -> Dim:
        return 2 * (size - 1) if self.inverse and self.onesided else size

    def evaluate(
        self, data: Array, dft_length: Array | None = None, axis: Array | None = None
    ) -> Array:
        place = self._axis(axis, data.ndim)
        length = self._length(data.shape[place])
        length = length if dft_length is None else int(dft_length.item())
        if not isinstance(length, int) or length < 1:
            raise LikewiseError("the length of the transform is not positive", given=length)
        signal = as_complex(data)
        if not self.onesided:
            transform = np.fft.ifft if self.inverse else np.fft.fft
        elif self.inverse:
            return np.fft.irfft(signal, length, place)[..., None].astype(data.dtype)
        else:
            transform = np.fft.rfft
        return as_parts(transform(signal, length, place), data.dtype)

    def lower(
        self,
        lowering: Lowering,
        data: TensorView,
        dft_length: TensorView | None = None,
        axis: TensorView | None = None,
    ) -> TensorView:
        shape = output_shape(self, data, dft_length, axis)
        place = self._axis(None if axis is None else content(axis, "axis"), data.rank)
        length = self._length(data.shape[place])
        if dft_length is not None:
            length = int(content(dft_length, "dft_length").item())
        outer = [i for i in range(data.rank - 1) if i != place]
        order = [*outer, place, data.rank - 1]
        moved = data.transpose(order)
        signals = moved.reshape((math.prod(moved.shape[:-2]), *moved.shape[-2:]))
        last, first = np.array(length), np.array(1)
        made = transformed(lowering, signals, lambda x: self.evaluate(x, last, first))
        back = made.reshape([shape[i] for i in order])
        return back.transpose([order.index(i) for i in range(data.rank)])

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        """Opset 17: `axis` was an attribute, 1 by default."""
        old.attributes.setdefault("axis", 1)
        old.to_input("axis", 2)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([1, 2, 3, 4]).reshape(1, 4, 1)
        full = f32([[10, 0], [-2, 2], [-2, 0], [-2, -2]]).reshape(1, 4, 2)
        yield Case(cls(), [x], [full], atol=1e-6)
        yield Case(cls(), [f64(x), None, i64(1)], [f64(full)], atol=1e-14)
        yield Case(cls(), [f16(x), None, i32(-2)], [f16(full)], atol=1e-3)
        back = np.concatenate([x, 0 * x], -1)
        yield Case(cls(inverse=True), [full], [back], atol=1e-6)
        yield Case(cls(onesided=True), [x], [full[:, :3]], atol=1e-6)
        yield Case(cls(onesided=True, inverse=True), [full[:, :3]], [x], atol=1e-6)
        yield Case(cls(), [x, i64(2)], [f32([[[3, 0], [-1, 0]]])], atol=1e-6)
        yield Case(cls(), [x[:, :1], i64(3)], [f32([[[1, 0]] * 3])], atol=1e-6)
        yield Case(cls(), [x, None, i64(0)], [back], atol=1e-6)
        yield Case(cls(), [x, None, i64(2)], error="axis 2 is the one of the real and imaginary")
        yield Case(cls(onesided=True), [full], error="a one-sided transform goes from real")
        yield Case(cls(), [x[..., 0]], error="the last dim of the input is not 1 or 2")
