"""CategoryMapper: integers to strings, or back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64, strings
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array


class CategoryMapper(Operator, versions=(1,)):
    """`cats_int64s[i]` for `cats_strings[i]` and the other way, by the input's element type."""

    cats_int64s: tuple[int, ...]
    cats_strings: tuple[str, ...]
    default_int64: int = -1
    default_string: str = "_Unused"

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, {DType.STRING, DType.INT64}, "X")
        if len(self.cats_int64s) != len(self.cats_strings):
            raise InferenceError(
                "cats_int64s and cats_strings differ in length",
                given=f"{len(self.cats_int64s)} and {len(self.cats_strings)}",
            )
        return TensorType(DType.STRING if x.dtype is DType.INT64 else DType.INT64, x.dims)

    def evaluate(self, x: Array) -> Array:
        items = x.ravel().tolist()
        if x.dtype == object:
            numbers = dict(zip(self.cats_strings, self.cats_int64s, strict=True))
            made = np.array([numbers.get(item, self.default_int64) for item in items], np.int64)
        else:
            names = dict(zip(self.cats_int64s, self.cats_strings, strict=True))
            made = np.array([names.get(item, self.default_string) for item in items], object)
        return made.reshape(x.shape)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        mapper = cls(cats_int64s=(5, 7), cats_strings=("a", "b"))
        yield Case(mapper, [strings([["b", "a", "z"]])], [i64([[7, 5, -1]])])
        yield Case(mapper, [i64([7, 0])], [strings(["b", "_Unused"])])
        yield Case(mapper, [i64([])], [strings([])])
        yield Case(mapper, [f32(1)], error="X has an element type")
        wrong = cls(cats_int64s=(5,), cats_strings=("a", "b"))
        yield Case(wrong, [i64([7])], error="differ in length; given: 1 and 2")
