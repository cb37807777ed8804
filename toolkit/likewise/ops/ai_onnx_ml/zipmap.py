"""ZipMap: the rows of a tensor as maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import InferenceError
from likewise.ir import DType, MapType, SequenceType, TensorType
from likewise.ops.case import Case, f32, f64
from likewise.ops.checks import check_dtype, check_rank, unify
from likewise.ops.operator import Operator
from likewise.ops.scores import labels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array


class ZipMap(Operator, versions=(1,)):
    """A sequence of one map a row (one for [C]), from the labels to the row's values."""

    classlabels_int64s: tuple[int, ...] | None = None
    classlabels_strings: tuple[str, ...] | None = None

    def infer(self, x: TensorType) -> SequenceType:
        check_dtype(x, {DType.FLOAT}, "X")
        check_rank(x, {1, 2}, "X")
        labels, dtype = labels_of(self.classlabels_strings, self.classlabels_int64s)
        unify(x.shape[-1], len(labels), "the columns and the labels")
        return SequenceType(MapType(dtype, TensorType(DType.FLOAT, ())))

    def evaluate(self, x: Array) -> list[dict[Any, Any]]:
        keys = self.classlabels_strings or self.classlabels_int64s or ()
        if x.shape[-1] != len(keys):
            raise InferenceError(
                "the columns and the labels differ", given=f"{x.shape[-1]} and {len(keys)}"
            )
        return [dict(zip(keys, row, strict=True)) for row in x.reshape(-1, len(keys))]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1.5, 2], [3, 4]])
        words = cls(classlabels_strings=("a", "b"))
        yield Case(words, [x], [[{"a": 1.5, "b": 2.0}, {"a": 3.0, "b": 4.0}]])
        yield Case(cls(classlabels_int64s=(5, 7)), [x[0]], [[{5: 1.5, 7: 2.0}]])
        yield Case(words, [f32([[1, 2, 3]])], error="the columns and the labels differ")
        yield Case(words, [f64([[1, 2]])], error="X has an element type")
        yield Case(cls(), [x], error="one of the two lists of class labels must be given")
