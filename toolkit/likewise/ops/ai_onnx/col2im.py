"""Col2Im: blocks laid side by side as columns, put back into an image and added up."""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType, fresh, fresh_dims, product
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank, unify
from likewise.ops.operator import Operator
from likewise.ops.sizes import known_dims
from likewise.ops.static import content, output_shape
from likewise.ops.windows import add_windows, slide

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim
    from likewise.lower import Lowering, TensorView
    from likewise.ops.windows import Windows


class Col2Im(Operator, versions=(18,)):
    """[N, C * block, places] as [N, C, *image_shape]; where blocks overlap they are added.

    `block_shape`, `dilations`, `pads` and `strides` place the blocks over the image.
    """

    bounded = False  # padding may be of any size

    dilations: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def infer(
        self,
        input: TensorType,  # noqa: A002 — ONNX's name
        image_shape: TensorType,
        block_shape: TensorType,
    ) -> TensorType:
        check_rank(input, 3, "input")
        for name, x in {"image_shape": image_shape, "block_shape": block_shape}.items():
            check_dtype(x, {DType.INT64}, name)
            check_rank(x, 1, name)
        image, block = known_dims(image_shape), known_dims(block_shape)
        if image is None:
            rank = unify(image_shape.shape[0], block_shape.shape[0], "image_shape and block_shape")
            if not isinstance(rank, int):
                return TensorType(input.dtype, None)
            image = list(fresh_dims("image", rank))
        if block is None:
            return input.with_shape((input.shape[0], fresh("channels"), *image))
        taps = product(block)
        channels = _divided(input.shape[1], taps)
        unify(input.shape[2], product(self._windows(image, block).output), "the number of blocks")
        return input.with_shape((input.shape[0], channels, *image))

    def _windows(self, image: Sequence[Dim], block: Sequence[Dim]) -> Windows:
        return slide(
            tuple(image),
            tuple(block),
            strides=self.strides,
            dilations=self.dilations,
            pads=self.pads,
        )

    def evaluate(self, x: Array, image_shape: Array, block_shape: Array) -> Array:
        image, block = tuple(image_shape.tolist()), tuple(block_shape.tolist())
        windows = self._windows(image, block)
        _divided(x.shape[1], math.prod(block))
        channels = x.shape[1] // math.prod(block)
        columns = x.reshape(x.shape[0], channels, *block, *windows.output)
        return add_windows(columns, windows, image)

    def lower(
        self, lowering: Lowering, x: TensorView, image_shape: TensorView, block_shape: TensorView
    ) -> TensorView:
        shape = output_shape(self, x, image_shape, block_shape)
        image, block = shape[2:], content(block_shape, "block_shape").tolist()
        windows = self._windows(image, block)
        columns = lowering.shared(x.reshape((*shape[:2], *block, *windows.output)), 2)
        zero = lowering.constant(np.zeros((), x.dtype.numpy), x.dtype)
        made = lowering.empty(x.dtype, shape)
        lowering.write(zero.broadcast(shape), made)
        with lowering.kernel(f"{x.storage}_col2im") as k, ExitStack() as stack:
            index = tuple(stack.enter_context(k.loop(n)) for n in columns.shape)
            taps, places = index[2 : 2 + len(image)], index[2 + len(image) :]
            at = [
                place * stride + tap * dilation - first
                for place, stride, tap, dilation, first in zip(
                    places, windows.strides, taps, windows.dilations, windows.begin, strict=True
                )
            ]
            for one, size in zip(at, image, strict=True):
                stack.enter_context(k.if_((one >= 0) & (one < size)))
            buffer, position = made.address(k, (*index[:2], *at))
            total = k.read(buffer, position) + columns.read(k, index)
            k.write(buffer, position, k.narrow(total, x.storage))
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32(np.arange(1, 9).reshape(1, 2, 4))
        two = i64([1, 2])
        y = f32([[[[1, 7, 9, 11, 8]]]])
        yield Case(cls(), [x, i64([1, 5]), two], [y])
        yield Case(cls(pads=(0, 1, 0, 1)), [x, i64([1, 3]), two], [y[..., 1:4]])
        apart = f32([[[[1, 5, 2, 6, 3, 7, 4, 8]]]])
        yield Case(cls(strides=(1, 2)), [x, i64([1, 8]), two], [apart])
        yield Case(cls(), [x[:0], i64([1, 5]), two], [np.zeros((0, 1, 1, 5), np.float32)])
        yield Case(
            cls(), [x, i64([1, 6]), two], error="the number of blocks differ; given: 4 and 5"
        )
        yield Case(cls(), [x, i64([1, 6]), i64([1, 3])], error="rows are not whole blocks of 3")


def _divided(rows: Dim, taps: Dim) -> Dim:
    if isinstance(rows, int) and isinstance(taps, int) and (taps < 1 or rows % taps):
        raise InferenceError(f"the rows are not whole blocks of {taps}", given=rows)
    return rows // taps
