"""Constant: a tensor that the model holds as an attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64, strings
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array


class Constant(Operator, versions=(1, 9, 11, 12, 13, 19, 21, 23, 24, 25)):
    """The one attribute that is given: a tensor, or numbers and strings as 0-d or 1-d tensors."""

    value: np.ndarray | None = None
    sparse_value: np.ndarray | None = None
    value_float: float | None = None
    value_floats: tuple[float, ...] | None = None
    value_int: int | None = None
    value_ints: tuple[int, ...] | None = None
    value_string: str | None = None
    value_strings: tuple[str, ...] | None = None

    def infer(self) -> TensorType:
        made = self.evaluate()
        return TensorType(DType.of(made.dtype), made.shape, made)

    def evaluate(self) -> Array:
        given = self.attributes()
        if len(given) != 1:
            raise InferenceError("not exactly one value is given", given=", ".join(given) or "none")
        name, value = next(iter(given.items()))
        kinds = {"float": np.float32, "int": np.int64, "string": object}
        kind = next(
            (kind for word, kind in kinds.items() if name.startswith(f"value_{word}")), None
        )
        return np.asarray(value) if kind is None else np.array(value, kind)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(value=f32([1, 2])), [], [f32([1, 2])])
        yield Case(cls(value_ints=(1, 2)), [], [i64([1, 2])])
        yield Case(cls(value_float=0.5), [], [f32(0.5)])
        yield Case(cls(value_strings=("a", "b")), [], [strings(["a", "b"])])
        yield Case(cls(), [], error="not exactly one value is given")
