"""ConstantOfShape: a tensor of a given shape, one value everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType, TensorType, fresh_dims
from likewise.ops.case import Case, f32, i32, i64
from likewise.ops.checks import check_dtype, check_rank
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import TensorView


class ConstantOfShape(Operator, versions=(9, 20, 21, 23, 24, 25)):
    """The one element of `value` (float32 0 where it is absent) at every place of the shape.

    The array that `evaluate` gives is a view that repeats it: read only.
    """

    value: np.ndarray | None = None
    symbolic = True

    def infer(self, shape: TensorType) -> TensorType:
        check_dtype(shape, {DType.INT64}, "input")
        check_rank(shape, 1, "input")
        value = self._value()
        dtype = DType.of(value.dtype)
        if shape.value is None:
            rank = shape.shape[0]
            if not isinstance(rank, int):
                return TensorType(dtype, None)
            return TensorType(dtype, fresh_dims("constant", rank))
        dims = [int(dim) if isinstance(dim, (int, np.integer)) else dim for dim in shape.value]
        if any(isinstance(dim, int) and dim < 0 for dim in dims):
            raise InferenceError("the shape holds a negative size", given=dims)
        return TensorType(dtype, tuple(dims))

    def evaluate(self, shape: Array) -> Array:
        dims = shape.tolist()
        if any(dim < 0 for dim in dims):
            raise InferenceError("the shape holds a negative size", given=dims)
        return np.broadcast_to(self._value(), dims)

    def _value(self) -> Array:
        if self.value is None:
            return np.zeros((), np.float32)
        if self.value.size != 1:
            raise InferenceError(
                "value is not one element", given=f"{self.value.size} elements", allowed="1"
            )
        return self.value.reshape(())

    def lower(self, *_: object) -> TensorView:
        raise UnsupportedError("the shape of the output depends on data")

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i64([2, 1])], [f32([[0], [0]])])
        yield Case(cls(value=i32([7])), [i64([2])], [i32([7, 7])])
        yield Case(cls(value=i32([7])), [i64([])], [i32(7)])
        yield Case(cls(), [i64([2, 0])], [np.zeros((2, 0), np.float32)])
        yield Case(cls(), [i64([2, -1])], error="the shape holds a negative size; given: [2, -1]")
        yield Case(cls(value=i32([1, 2])), [i64([2])], error="value is not one element")
        yield Case(cls(), [i32([2])], error="input has an element type")
