"""STFT: Fourier transforms of a window that slides over a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.ai_onnx.dft import DFT
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_float, check_rank, check_same_dtype, unify
from likewise.ops.conversion import convert
from likewise.ops.operator import Operator
from likewise.ops.spectrum import as_complex, as_parts, transformed
from likewise.ops.static import content, output_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim
    from likewise.lower import Index, Kernel, Lowering, TensorView


class STFT(Operator, versions=(17,)):
    """[batch, length, 1 or 2] → [batch, frames, bins, 2]; frames start `frame_step` apart.

    A frame has the length of `window`, else `frame_length`, else of the signal. `onesided`, for
    real signals only, keeps the bins 0 to frame length // 2.
    """

    onesided: bool = True

    def infer(
        self,
        signal: TensorType,
        frame_step: TensorType,
        window: TensorType | None = None,
        frame_length: TensorType | None = None,
    ) -> TensorType:
        check_float(signal, "signal")
        check_same_dtype(signal=signal, window=window)
        check_rank(signal, 3, "signal")
        for name, x in (("frame_step", frame_step), ("frame_length", frame_length)):
            if x is not None:
                check_dtype(x, {DType.INT32, DType.INT64}, name)
        batch, size, parts = signal.shape
        if isinstance(parts, int) and parts not in ((1,) if self.onesided else (1, 2)):
            raise InferenceError(
                "the last dim of signal does not fit", given=signal, allowed="1; 2 if not onesided"
            )
        length: Dim = size
        if window is not None:
            check_rank(window, 1, "window")
            length = window.shape[0]
        if frame_length is not None:
            known = frame_length.constant
            given = fresh("frame") if known is None else int(known.item())
            length = given if window is None else unify(length, given, "window and frame_length")
        frames: Dim = fresh("frames")
        if frame_step.constant is not None and frame_step.constant.item() > 0:
            frames = (size - length) // int(frame_step.constant.item()) + 1
        bins = length // 2 + 1 if self.onesided else length
        return signal.with_shape((batch, frames, bins, 2))

    def evaluate(
        self,
        signal: Array,
        frame_step: Array,
        window: Array | None = None,
        frame_length: Array | None = None,
    ) -> Array:
        length, step = signal.shape[1], int(frame_step.item())
        if window is not None:
            length = len(window)
        elif frame_length is not None:
            length = int(frame_length.item())
        if step < 1 or not 1 <= length <= signal.shape[1]:
            raise LikewiseError(
                "frames do not fit the signal",
                given=f"frames of {length}, {step} apart, signal of {signal.shape[1]}",
            )
        frames = sliding_window_view(as_complex(signal), length, 1)[:, ::step]
        if window is not None:
            frames = frames * window.astype(frames.real.dtype)
        transform = np.fft.rfft if self.onesided else np.fft.fft
        return as_parts(transform(frames), signal.dtype)

    def lower(
        self,
        lowering: Lowering,
        signal: TensorView,
        frame_step: TensorView,
        window: TensorView | None = None,
        frame_length: TensorView | None = None,
    ) -> TensorView:
        shape = output_shape(self, signal, frame_step, window, frame_length)
        step, length = int(content(frame_step, "frame_step").item()), signal.shape[1]
        if window is not None:
            length = window.shape[0]
        elif frame_length is not None:
            length = int(content(frame_length, "frame_length").item())
        batch, frames, parts = signal.shape[0], shape[1], signal.shape[2]

        def back(_: Kernel, index: Index) -> Index:
            sample, frame, at, part = index
            return sample, frame * step + at, part

        cut = signal.viewed((batch, frames, length, parts), back)
        transform, taper = DFT(onesided=self.onesided), np.ones((length, 1))
        if window is not None and window.data is not None:
            taper = convert(window.data, DType.DOUBLE).reshape(length, 1)
        elif window is not None:
            factor = window.reshape((length, 1))
            cut = lowering.elementwise(lambda _, x, y: x * y, signal.dtype, cut, factor)
        signals = cut.reshape((batch * frames, length, parts))
        made = transformed(lowering, signals, lambda x: transform.evaluate(x * taper))
        return made.reshape(shape)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([1, 2, 3, 4, 5]).reshape(1, 5, 1)
        made = f32([[[[3, 0], [-1, 0]], [[7, 0], [-1, 0]]]])
        yield Case(cls(), [x, i64(2), None, i64(2)], [made], atol=1e-6)
        yield Case(cls(onesided=False), [x, i64(2), f32([1, 1])], [made], atol=1e-6)
        windowed = f32([[[[2, 0], [-2, 0]], [[4, 0], [-4, 0]]]])
        yield Case(cls(), [x, i64(2), f32([0, 1])], [windowed], atol=1e-6)
        parts = np.concatenate([0 * x, x], -1)
        turned = f32([[[[0, 15]]]])
        yield Case(cls(onesided=False), [parts[:, :1] + f32([0, 14]), i64(1)], [turned])
        yield Case(cls(), [x, i64(1), None, i64(6)], error="frames do not fit the signal")
        yield Case(cls(), [parts, i64(1)], error="the last dim of signal does not fit")
        yield Case(cls(), [x, i64(1), f32([1, 1]), i64(3)], error="window and frame_length differ")
