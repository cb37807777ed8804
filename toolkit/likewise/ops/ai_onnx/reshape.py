"""Reshape: the same elements in the same order under another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType, fresh_dims, product
from likewise.ops.case import Case, i64
from likewise.ops.checks import check_dtype, check_rank
from likewise.ops.operator import Operator
from likewise.ops.static import output_shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim, Shape
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm


class Reshape(Operator, versions=(1, 5, 13, 14, 19, 21, 23, 24, 25)):
    """`shape` may hold one -1 (inferred) and 0 (copied from the input, unless `allowzero`)."""

    allowzero: bool = False
    symbolic = True
    on_narrow = "take"

    def infer(self, data: TensorType, shape: TensorType) -> TensorType:
        check_dtype(shape, {DType.INT64}, "shape")
        check_rank(shape, 1, "shape")
        if shape.value is None:
            rank = shape.shape[0]
            if not isinstance(rank, int):
                return TensorType(data.dtype, None)
            return TensorType(data.dtype, fresh_dims("reshape", rank))
        return data.with_shape(self._resolve(data.shape, list(shape.value)))

    def _resolve(self, dims: Shape, wanted: Sequence[Dim]) -> Shape:
        target: list[Dim] = [_number(dim) for dim in wanted]
        if not self.allowzero:
            if any(dim == 0 and axis >= len(dims) for axis, dim in enumerate(target)):
                raise InferenceError(
                    "shape copies a dim that the input lacks", given=f"{list(dims)} to {target}"
                )
            target = [dims[axis] if dim == 0 else dim for axis, dim in enumerate(target)]
        negative = [axis for axis, dim in enumerate(target) if isinstance(dim, int) and dim < 0]
        if len(negative) > 1 or any(target[axis] != -1 for axis in negative):
            raise InferenceError("shape may hold one -1 and no other negative", given=target)
        total = product(dims)
        if negative:
            rest = product(dim for axis, dim in enumerate(target) if axis not in negative)
            target[negative[0]] = total // rest if rest != 0 else 0
        made = product(target)
        if isinstance(total, int) and isinstance(made, int) and total != made:
            raise InferenceError(
                "the number of elements changes",
                given=f"{list(dims)} ({total}) to {target} ({made})",
            )
        return tuple(target)

    def evaluate(self, data: Array, shape: Array) -> Array:
        target = shape.tolist()
        if not self.allowzero:
            target = [data.shape[axis] if dim == 0 else dim for axis, dim in enumerate(target)]
        if -1 in target and data.size == 0:
            target = list(self._resolve(data.shape, target))
        return data.reshape(target)

    def lower(self, _: Lowering, data: TensorView, shape: TensorView) -> TensorView:
        return data.reshape(output_shape(self, data, shape))

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        old.attributes.pop("consumed_inputs", None)
        old.to_input("shape", 1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        yield Case(cls(), [x, i64([3, 2])], [x.reshape(3, 2)])
        yield Case(cls(), [x, i64([0, -1, 1])], [x.reshape(2, 3, 1)])
        yield Case(cls(), [x[:0], i64([0, -1])], [np.zeros((0, 0), np.float32)])
        yield Case(cls(allowzero=True), [x[:0], i64([3, 0])], [np.zeros((3, 0), np.float32)])
        yield Case(cls(), [x[0, 0], i64([1])], [np.zeros(1, np.float32)])
        yield Case(cls(), [x, i64([4, 2])], error="the number of elements changes")
        yield Case(cls(), [x, i64([-1, -1])], error="one -1")


def _number(dim: Dim) -> Dim:
    return int(dim) if isinstance(dim, (int, np.integer)) else dim
