"""Scaler: features shifted and scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator, V
from likewise.ops.scores import FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.ops.build import Builder


class Scaler(Operator, versions=(1,)):
    """(X - offset) * scale as float32, the attributes one for all or one a column."""

    offset: tuple[float, ...]
    scale: tuple[float, ...]

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, FEATURES, "X")
        columns = x.shape[-1] if x.rank else 1
        for name, values in (("offset", self.offset), ("scale", self.scale)):
            if len(values) != 1 and isinstance(columns, int) and len(values) != columns:
                raise InferenceError(
                    f"{name} does not fit the columns",
                    given=f"{len(values)} values for {x}",
                    allowed=f"1 value or {columns}",
                )
        return TensorType(DType.FLOAT, x.dims)

    def evaluate(self, x: Array) -> Array:
        kind = np.float32 if x.dtype == np.float32 else np.float64
        made = (x - np.array(self.offset, kind)) * np.array(self.scale, kind)
        return made.astype(np.float32)

    def expand(self, b: Builder[V], x: V) -> V:
        kind = DType.FLOAT if b.type(x).dtype is DType.FLOAT else DType.DOUBLE
        shifted = b.Sub(b.Cast(x, to=kind), b.constant(self.offset, kind))
        return b.Cast(b.Mul(shifted, b.constant(self.scale, kind)), to=DType.FLOAT)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2], [3, 4]])
        yield Case(cls(offset=(1.0, 2.0), scale=(2.0, 0.5)), [x], [f32([[0, 0], [4, 1]])])
        yield Case(cls(offset=(1.0,), scale=(2.0,)), [i64([[3]])], [f32([[4]])])
        wrong = cls(offset=(1.0,), scale=(1.0, 2.0, 3.0))
        yield Case(wrong, [x], error="scale does not fit the columns; given: 3 values")
