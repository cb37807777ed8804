"""ArrayFeatureExtractor: chosen columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, f64, i64, strings
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.ops.build import Builder

_TYPES = frozenset({DType.FLOAT, DType.DOUBLE, DType.INT64, DType.INT32, DType.STRING})


class ArrayFeatureExtractor(Operator, versions=(1,)):
    """The entries of the last axis that Y names; X of one dim counts as one row."""

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        check_dtype(x, _TYPES, "X")
        check_dtype(y, {DType.INT64}, "Y")
        return x.with_shape((*(x.shape[:-1] if x.rank > 1 else (1,)), y.size))

    def evaluate(self, x: Array, y: Array) -> Array:
        rows = x if x.ndim > 1 else x.reshape(1, -1)
        return rows[..., y.ravel()]

    def expand(self, b: Builder[V], x: V, y: V) -> V:
        rows = x if b.type(x).rank > 1 else b.Reshape(x, b.ints(1, -1))
        return b.Gather(rows, b.Reshape(y, b.ints(-1)), axis=-1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 3], [4, 5, 6]])
        yield Case(cls(), [x, i64([[2, 0]])], [f32([[3, 1], [6, 4]])])
        yield Case(cls(), [strings(["a", "b"]), i64([1, 1, 0])], [strings([["b", "b", "a"]])])
        yield Case(cls(), [x, f64([0])], error="Y has an element type")
