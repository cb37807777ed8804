"""Imputer: one value replaced by others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, f32, i64, u8
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator
from likewise.ops.scores import FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView


class Imputer(Operator, versions=(1,)):
    """Where X is `replaced_value_*` (NaN too): the imputed value, one for all or one a column."""

    imputed_value_floats: tuple[float, ...] | None = None
    imputed_value_int64s: tuple[int, ...] | None = None
    replaced_value_float: float = 0.0
    replaced_value_int64: int = 0

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, FEATURES, "X")
        floats = x.dtype.is_float
        count = len((self.imputed_value_floats if floats else self.imputed_value_int64s) or ())
        columns = x.shape[-1] if x.rank else 1
        if count == 0 or (count > 1 and isinstance(columns, int) and columns != count):
            raise InferenceError(
                f"imputed_value_{'floats' if floats else 'int64s'} does not fit the columns",
                given=f"{count} values for {x}",
                allowed=f"1 value or {columns}",
            )
        return x.with_shape(x.shape)

    def evaluate(self, x: Array) -> Array:
        old, imputed = self._values(x.dtype)
        found = np.isnan(x) if np.isnan(old) else x == old
        return np.where(found, imputed, x)

    def _values(self, dtype: np.dtype[Any]) -> tuple[Any, Array]:
        """What is replaced, and the values that replace it, in `dtype`."""
        floats = dtype.kind == "f"
        imputed = self.imputed_value_floats if floats else self.imputed_value_int64s
        old = dtype.type(self.replaced_value_float if floats else self.replaced_value_int64)
        return old, np.array(imputed, dtype)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        old, imputed = self._values(x.dtype.numpy)

        def replaced(k: Kernel, value: Value, new: Value) -> Value:
            found = value.ne(value) if np.isnan(old) else value.eq(old.item())
            return k.select(found, new, value)

        return lowering.elementwise(replaced, x.dtype, x, lowering.constant(imputed), exact=True)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, float("nan")], [3, 1]])
        gaps = cls(replaced_value_float=float("nan"), imputed_value_floats=(5.0, 6.0))
        yield Case(gaps, [x], [f32([[1, 6], [3, 1]])])
        integers = cls(replaced_value_int64=3, imputed_value_int64s=(9,))
        yield Case(integers, [i64([[3, 2], [1, 3]])], [i64([[9, 2], [1, 9]])])
        yield Case(cls(imputed_value_floats=(1.0, 2.0, 3.0)), [x], error="3 values for float[2, 2]")
        yield Case(cls(), [x], error="imputed_value_floats does not fit")
        yield Case(cls(), [u8([1])], error="X has an element type")
