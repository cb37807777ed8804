"""TopK: the largest or smallest elements along an axis and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, f32, i64, u8
from likewise.ops.checks import NUMBERS, check_dtype, check_rank, normalize_axis
from likewise.ops.operator import Operator
from likewise.ops.sizes import as_dim
from likewise.ops.sorting import top_of_rows
from likewise.ops.static import content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm


class TopK(Operator, versions=(1, 10, 11, 24)):
    """`K` elements along `axis` in order, `largest` or smallest first; of equal ones the first.

    NaN counts as larger than every number, as NumPy sorts it. Without `sorted` the order is left
    open: here it is the same.
    """

    axis: int = -1
    largest: bool = True
    sorted: bool = True

    def infer(self, X: TensorType, K: TensorType) -> tuple[TensorType, TensorType]:
        check_dtype(X, NUMBERS, "X")
        check_dtype(K, {DType.INT64}, "K")
        check_rank(K, (0, 1), "K")
        axis = normalize_axis(self.axis, X.rank)
        count: Dim = fresh("topk")
        if K.value is not None and K.value.size == 1:
            count = as_dim(K.value.reshape(-1)[0])
        size = X.shape[axis]
        if isinstance(count, int) and (count < 0 or (isinstance(size, int) and count > size)):
            raise InferenceError("K is out of range", given=count, allowed=f"0 to {size}")
        dims = (*X.shape[:axis], count, *X.shape[axis + 1 :])
        return X.with_shape(dims), TensorType(DType.INT64, dims)

    def evaluate(self, X: Array, K: Array) -> tuple[Array, Array]:
        count, size = int(K.item()), X.shape[self.axis]
        if not 0 <= count <= size:
            raise LikewiseError("K is out of range", given=count, allowed=f"0 to {size}")
        where = self._order(X, count, size)
        values = np.take_along_axis(X, where, self.axis)
        return values, where.astype(np.int64, copy=False)

    def _order(self, X: Array, count: int, size: int) -> Array:
        index: list[Any] = [slice(None)] * X.ndim
        if self.largest:
            # Backwards, so that a stable sort leaves the first of equal elements last.
            back = np.argsort(np.flip(X, self.axis), self.axis, kind="stable")
            index[self.axis] = slice(size - count, None)
            return size - 1 - np.flip(back[tuple(index)], self.axis)
        index[self.axis] = slice(count)
        return np.argsort(X, self.axis, kind="stable")[tuple(index)]

    def lower(
        self, lowering: Lowering, X: TensorView, K: TensorView
    ) -> tuple[TensorView, TensorView]:
        count, axis = int(content(K, "K").item()), self.axis % X.rank
        order = [*(i for i in range(X.rank) if i != axis), axis]
        back = [order.index(i) for i in range(X.rank)]
        made = top_of_rows(lowering, X.transpose(order), count, largest=self.largest)
        values, indices = (one.transpose(back) for one in made)
        return values, indices

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        if "k" in old.attributes:
            old.attributes["k"] = [old.attributes["k"]]
            old.to_input("k", 1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[3, 1, 3, 2], [-1, np.inf, -np.inf, -1]])
        largest = f32([[3, 3, 2], [np.inf, -1, -1]]), i64([[0, 2, 3], [1, 0, 3]])
        yield Case(cls(), [x, i64([3])], largest)
        smallest = f32([[1, 2], [-np.inf, -1]]), i64([[1, 3], [2, 0]])
        yield Case(cls(largest=False), [x, i64([2])], smallest)
        yield Case(cls(axis=0), [x, i64([1])], [f32([[3, np.inf, 3, 2]]), i64([[0, 1, 0, 0]])])
        yield Case(cls(), [u8([0, 255, 1]), i64([2])], [u8([255, 1]), i64([1, 2])])
        yield Case(cls(), [f32([1, np.nan, 2]), i64([2])], [f32([np.nan, 2]), i64([1, 2])])
        nothing = [np.zeros((2, 0), np.float32), np.zeros((2, 0), np.int64)]
        yield Case(cls(), [x, i64([0])], nothing)
        yield Case(cls(), [x, i64([5])], error="K is out of range; given: 5; allowed: 0 to 4")
