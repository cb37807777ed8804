"""AveragePool: the mean under each window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, f16, f32
from likewise.ops.convolution import working_dtype
from likewise.ops.pooling import Pool, over_windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView
    from likewise.ops.windows import Windows


class AveragePool(Pool, versions=(1, 7, 10, 11, 19, 22)):
    """The mean over the elements of X under each window.

    With `count_include_pad` the padding counts as zeros; what `ceil_mode` adds beyond it never
    counts (ONNX is silent; onnxruntime and PyTorch do the same).
    """

    count_include_pad: bool = False

    def evaluate(self, X: Array) -> Array:
        windows = self.placed(X)
        x = X.astype(working_dtype(X.dtype), copy=False)
        total = over_windows(np.add, x, windows, 0)
        if total is x:
            return X
        total /= self.counts(X.shape[2:], windows).astype(total.dtype)
        return total.astype(X.dtype, copy=False)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        windows = self.windows(x.shape[2:], self.kernel_shape, ceil_mode=self.ceil_mode)
        dtype = x.dtype
        work = DType.FLOAT if dtype in {DType.FLOAT16, DType.BFLOAT16} else dtype
        if work is not dtype:
            x = lowering.elementwise(lambda _, v: v, work, x, exact=True)
        total = lowering.pool(x, windows, 0, lambda _, a, b: a + b, "averagepool")
        counts = np.broadcast_to(self.counts(x.shape[2:], windows), windows.output)
        if counts.size and (counts == counts.flat[0]).all():
            number = float(counts.flat[0])
            return lowering.elementwise(lambda _, v: v / number, dtype, total)
        table = lowering.constant(counts.astype(work.numpy))
        return lowering.elementwise(lambda _, a, b: a / b, dtype, total, table)

    def counts(self, spatial: tuple[int, ...], windows: Windows) -> Array:
        """How many elements count under each window: an array that broadcasts to [*output]."""
        counts = np.ones((1,) * len(spatial), np.int64)
        for axis, size in enumerate(spatial):
            taps = np.arange(windows.kernel[axis]) * windows.dilations[axis] - windows.begin[axis]
            at = np.arange(windows.output[axis])[:, None] * windows.strides[axis] + taps
            low, high = 0, size
            if self.count_include_pad:
                low, high = -windows.begin[axis], size + windows.end[axis]
            along = ((at >= low) & (at < high)).sum(1)
            counts = counts * along.reshape([-1] + [1] * (len(spatial) - 1 - axis))
        return counts

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[1, 2, 3, 4, 6]]])
        yield Case(cls(kernel_shape=(2,)), [x], [f32([[[1.5, 2.5, 3.5, 5]]])])
        pads: dict[str, Any] = {"kernel_shape": (2,), "strides": (2,), "pads": (1, 0)}
        yield Case(cls(**pads), [x], [f32([[[1, 2.5, 5]]])])
        yield Case(cls(**pads, count_include_pad=True), [x], [f32([[[0.5, 2.5, 5]]])])
        ceil: dict[str, Any] = {"kernel_shape": (2,), "strides": (2,), "ceil_mode": True}
        yield Case(cls(**ceil), [x], [f32([[[1.5, 3.5, 6]]])])
        yield Case(cls(**ceil, count_include_pad=True), [x], [f32([[[1.5, 3.5, 6]]])])
        over: dict[str, Any] = {"kernel_shape": (8,), "strides": (8,), "ceil_mode": True}
        yield Case(cls(**over), [x], [f32([[[3.2]]])])
        yield Case(cls(**over, count_include_pad=True), [x], [f32([[[3.2]]])])
        over["strides"] = (3,)
        yield Case(cls(**over), [x], error="the window is larger than the padded input")
        same: dict[str, Any] = {"kernel_shape": (2,), "strides": (2,)}
        yield Case(cls(**same, auto_pad="SAME_UPPER"), [x], [f32([[[1.5, 3.5, 6]]])])
        yield Case(cls(**same, auto_pad="SAME_LOWER"), [x], [f32([[[1, 2.5, 5]]])])
        yield Case(cls(kernel_shape=(2,), dilations=(3,)), [x], [f32([[[2.5, 4]]])])
        large = f16([[[60000, 60000]]])
        yield Case(cls(kernel_shape=(2,)), [large], [large[:, :, :1]])
        yield Case(cls(kernel_shape=(2, 2)), [x], error="kernel_shape does not fit the input")
