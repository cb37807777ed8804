"""AffineGrid: the places of a regular grid after an affine map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_float, check_rank, unify
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Dim
    from likewise.ops.build import Builder


class AffineGrid(Operator, versions=(20,)):
    """theta [N, r, r + 1] applied to places from -1 to 1, for an image of `size` [N, C, d1 … dr].

    Gives [N, d1 … dr, r], the coordinate along the last axis first. -1 and 1 are the middle of
    the outermost elements with `align_corners`, else their outer side. An axis of one element is
    at 0, as in PyTorch, to which ONNX's text refers; onnxruntime puts it at 1 with `align_corners`.
    """

    align_corners: bool = False

    def infer(self, theta: TensorType, size: TensorType) -> TensorType:
        check_float(theta, "theta")
        check_rank(theta, 3, "theta")
        check_dtype(size, {DType.INT64}, "size")
        check_rank(size, 1, "size")
        axes = theta.shape[1]
        length = size.shape[0]
        if not isinstance(axes, int):
            axes = length - 2 if isinstance(length, int) else axes
        if axes not in (2, 3):
            raise InferenceError("theta maps to 2 or 3 coordinates", given=theta)
        unify(length, axes + 2, "the length of size and what theta asks for")
        unify(theta.shape[2], axes + 1, "the columns of theta and its rows and one")
        if size.value is None:
            spatial: Sequence[Dim] = [fresh("grid") for _ in range(axes)]
        else:
            spatial = [int(d) if isinstance(d, np.integer) else d for d in size.value[2:]]
        return theta.with_shape((theta.shape[0], *spatial, axes))

    def expand(self, b: Builder[V], theta: V, size: V) -> V:
        dtype = b.type(theta).dtype
        length = b.type(size).shape[0]
        axes = int(length) - 2 if isinstance(length, int) else b.type(theta).rank - 1
        column = (0, *[1] * axes, axes)

        def of_theta(index: int) -> V:
            return b.Reshape(
                b.Gather(theta, b.constant(index, DType.INT64), axis=2), b.ints(*column)
            )

        total = of_theta(axes)
        for axis in range(axes):
            count = b.Gather(size, b.constant(axis + 2, DType.INT64), axis=0)
            zero, one = b.constant(0, DType.INT64), b.constant(1, DType.INT64)
            whole = b.Cast(b.Range(zero, count, one), to=dtype.value)
            # Twice the place, in steps of elements, counted from the middle.
            middle = b.Cast(b.Sub(count, one), to=dtype.value)
            steps = count if not self.align_corners else b.Max(b.Sub(count, one), one)
            place = b.Div(b.Sub(b.Mul(whole, 2), middle), b.Cast(steps, to=dtype.value))
            shape = [1] * (axes + 2)
            shape[axis + 1] = -1
            total = b.Add(total, b.Mul(of_theta(axes - 1 - axis), b.Reshape(place, b.ints(*shape))))
        return total

    @classmethod
    def cases(cls) -> Iterator[Case]:
        same = f32([[[1, 0, 0], [0, 1, 0]]])
        size = i64([1, 1, 2, 2])
        half = f32([[[[-0.5, -0.5], [0.5, -0.5]], [[-0.5, 0.5], [0.5, 0.5]]]])
        yield Case(cls(), [same, size], [half])
        yield Case(cls(align_corners=True), [same, size], [half * 2])
        moved = f32([[[2, 0, 1], [0, 1, -1]]])
        yield Case(cls(), [moved, size], [half * f32(2, 1) + f32(1, -1)])
        yield Case(cls(align_corners=True), [same, i64([1, 1, 1, 1])], [f32([[[[0, 0]]]])])
        yield Case(cls(), [same, i64([1, 1, 2])], error="the length of size")
