"""OneHotEncoder: a 1 at the place of the category."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError, LikewiseError, UnsupportedError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64, strings
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator
from likewise.ops.scores import FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class OneHotEncoder(Operator, versions=(1,)):
    """Along a new last axis 1 at the element's place among the categories, else 0.

    Numbers are cast to integers first. An unknown category gives zeros only, or, unless `zeros`,
    is an error.
    """

    cats_int64s: tuple[int, ...] | None = None
    cats_strings: tuple[str, ...] | None = None
    zeros: bool = True

    def infer(self, x: TensorType) -> TensorType:
        if bool(self.cats_int64s) == bool(self.cats_strings):
            raise InferenceError("one of cats_int64s and cats_strings must be given")
        check_dtype(x, {DType.STRING} if self.cats_strings else FEATURES, "X")
        count = len(self.cats_strings or self.cats_int64s or ())
        return TensorType(DType.FLOAT, (*x.shape, count))

    def evaluate(self, x: Array) -> Array:
        if self.cats_strings:
            cats = np.array(self.cats_strings, object)
        else:
            cats, x = np.array(self.cats_int64s, np.int64), x.astype(np.int64)
        found = x[..., None] == cats
        if not self.zeros and not found.any(-1).all():
            unknown = x[~found.any(-1)].flat[0]
            raise LikewiseError("an element is none of the categories", given=repr(unknown))
        return found.astype(np.float32)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        if self.cats_strings:
            raise UnsupportedError("the categories are strings: compiled code has numbers only")
        if not self.zeros:
            raise UnsupportedError("an unknown category is to be an error, which is not compiled")
        whole = lowering.cast(x, DType.INT64).reshape((*x.shape, 1))
        cats = lowering.constant(np.array(self.cats_int64s, np.int64))
        found = lowering.elementwise(lambda _, v, cat: v.eq(cat), DType.BOOL, whole, cats)
        return lowering.cast(found, DType.FLOAT)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        numbers = cls(cats_int64s=(1, 2, 3))
        yield Case(numbers, [f32([[2.7, 9]])], [f32([[[0, 1, 0], [0, 0, 0]]])])
        words = cls(cats_strings=("a", "b"), zeros=False)
        yield Case(words, [strings(["b", "a"])], [f32([[0, 1], [1, 0]])])
        yield Case(
            words, [strings(["z"])], error="an element is none of the categories; given: 'z'"
        )
        yield Case(words, [i64([1])], error="X has an element type")
        yield Case(cls(), [i64([1])], error="one of cats_int64s and cats_strings")
