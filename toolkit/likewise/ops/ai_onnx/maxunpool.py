"""MaxUnpool: puts maxima back where MaxPool found them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError, LikewiseError, UnsupportedError
from likewise.ir import DType, fresh
from likewise.loop import I32
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_float, check_rank, unify
from likewise.ops.operator import Operator
from likewise.ops.windows import per_dim, split_pads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Shape, TensorType
    from likewise.lower import Lowering, TensorView


class MaxUnpool(Operator, versions=(9, 11, 22)):
    """Zeros, but X [N, C, *spatial] at the flat indices I.

    The indices count through the output that kernel, strides and pads imply. Where
    `output_shape` is given and larger, that output stands in its first corner (ONNX says that
    the padding is worked out anew, but not how; its published cases decide).
    """

    kernel_shape: tuple[int, ...]
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def infer(
        self, X: TensorType, indices: TensorType, output_shape: TensorType | None = None
    ) -> TensorType:
        check_float(X, "X")
        check_dtype(indices, {DType.INT64}, "I")
        check_rank(indices, X.rank, "I")
        for a, b in zip(X.shape, indices.shape, strict=True):
            unify(a, b, "the dims of X and I")
        if output_shape is None:
            return X.with_shape(self._implied(X.shape))
        check_dtype(output_shape, {DType.INT64}, "output_shape")
        check_rank(output_shape, 1, "output_shape")
        unify(output_shape.shape[0], X.rank, "the length of output_shape and the rank of X")
        if output_shape.value is None:
            return X.with_shape(fresh("maxunpool") for _ in range(X.rank))
        return X.with_shape(output_shape.value)

    def _implied(self, shape: Shape) -> Shape:
        rank = len(shape) - 2
        if rank < 1 or len(self.kernel_shape) != rank:
            raise InferenceError(
                "kernel_shape does not fit the input",
                given=f"{list(self.kernel_shape)} for {list(shape)}",
            )
        strides = per_dim(self.strides, rank, 1, "strides")
        begin, end = split_pads(self.pads, rank)
        sizes = zip(shape[2:], strides, self.kernel_shape, begin, end, strict=True)
        return (*shape[:2], *((size - 1) * s + k - b - e for size, s, k, b, e in sizes))

    def evaluate(self, X: Array, indices: Array, output_shape: Array | None = None) -> Array:
        implied = self._implied(X.shape)
        y = np.zeros([int(size) for size in implied], X.dtype)  # type: ignore[arg-type]
        target = y.shape if output_shape is None else tuple(output_shape.tolist())
        if indices.size and (indices.min() < 0 or indices.max() >= y.size):
            raise LikewiseError("an index lies outside the output", given=int(indices.max()))
        y.reshape(-1)[indices.reshape(-1)] = X.reshape(-1)
        if target == y.shape:
            return y
        wide = np.zeros(target, X.dtype)
        common = tuple(slice(0, min(a, b)) for a, b in zip(target, y.shape, strict=True))
        wide[common] = y[common]
        return wide

    def lower(
        self,
        lowering: Lowering,
        x: TensorView,
        indices: TensorView,
        output_shape: TensorView | None = None,
    ) -> TensorView:
        if output_shape is not None and output_shape.data is None:
            raise UnsupportedError("output_shape is not known at compile time")
        implied = [size for size in self._implied(x.shape) if isinstance(size, int)]
        zero = lowering.generate(x.dtype, implied, lambda k, _: k.number(0, x.storage))
        y = lowering.materialise(zero)
        flat, places = x.reshape((x.size,)), indices.reshape((x.size,))
        line = y.reshape((y.size,))
        with lowering.kernel(f"{x.storage}_maxunpool") as k, k.loop(x.size) as i:
            at = places.read(k, (i,))
            with k.if_((at >= 0) & (at < y.size)):
                buffer, position = line.address(k, (at.cast(I32),))
                k.write(buffer, position, flat.read(k, (i,)))
        target = implied
        if output_shape is not None and output_shape.data is not None:
            target = [int(n) for n in output_shape.data]
        if target == implied:
            return y
        wide = lowering.materialise(
            lowering.generate(x.dtype, target, lambda k, _: k.number(0, x.storage))
        )
        common = [min(a, b) for a, b in zip(target, implied, strict=True)]
        starts, steps = [0] * x.rank, [1] * x.rank
        lowering.write(y.slice(starts, steps, common), wide.slice(starts, steps, common))
        return wide

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, at = f32([[[[5, 6], [7, 8]]]]), i64([[[[0, 3], [9, 14]]]])
        y = np.zeros((1, 1, 4, 4), np.float32)
        y.flat[[0, 3, 9, 14]] = [5, 6, 7, 8]
        unpool = cls(kernel_shape=(2, 2), strides=(2, 2))
        yield Case(unpool, [x, at], [y])
        wide = np.pad(y, ((0, 0), (0, 0), (0, 1), (0, 1)))
        yield Case(unpool, [x, at, i64([1, 1, 5, 5])], [wide])
        yield Case(unpool, [x, at + 2], error="an index lies outside the output")
        yield Case(unpool, [x, at[:, :, :1]], error="the dims of X and I differ")
