"""StringNormalizer: stop words taken out, case changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, strings
from likewise.ops.checks import check_dtype, check_rank
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array


class StringNormalizer(Operator, versions=(10,)):
    """Of strings [C] or [1, C] those that are no stop words, in lower or upper case.

    Where none is left, one empty string. `locale` is ignored: case is changed by Unicode's rules,
    so that every machine gives the same.
    """

    case_change_action: Literal["LOWER", "UPPER", "NONE"] = "NONE"
    is_case_sensitive: bool = False
    locale: str = ""
    stopwords: tuple[str, ...] = ()

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, {DType.STRING}, "X")
        check_rank(x, {1, 2}, "X")
        if x.rank == 2 and isinstance(x.shape[0], int) and x.shape[0] != 1:
            raise InferenceError("X has more than one row", given=x, allowed="[C] or [1, C]")
        kept = fresh("words") if self.stopwords or x.shape[-1] == 0 else x.shape[-1]
        return x.with_shape((kept,) if x.rank == 1 else (1, kept))

    def evaluate(self, x: Array) -> Array:
        words: list[str] = x.ravel().tolist()
        if self.is_case_sensitive:
            stop = set(self.stopwords)
            words = [word for word in words if word not in stop]
        else:
            stop = {word.lower() for word in self.stopwords}
            words = [word for word in words if word.lower() not in stop]
        if self.case_change_action == "LOWER":
            words = [word.lower() for word in words]
        elif self.case_change_action == "UPPER":
            words = [word.upper() for word in words]
        made = np.array(words or [""], object)
        return made if x.ndim == 1 else made[None]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = strings(["Mon", "tue", "WED"])
        yield Case(cls(), [x], [x])
        yield Case(cls(case_change_action="LOWER"), [x], [strings(["mon", "tue", "wed"])])
        upper = cls(case_change_action="UPPER", stopwords=("mon",))
        yield Case(upper, [x[None]], [strings([["TUE", "WED"]])])
        exact = cls(is_case_sensitive=True, stopwords=("mon", "tue"))
        yield Case(exact, [x], [strings(["Mon", "WED"])])
        yield Case(cls(stopwords=("MON", "tue", "wed")), [x], [strings([""])])
        yield Case(cls(), [strings([["a"], ["b"]])], error="X has more than one row")
