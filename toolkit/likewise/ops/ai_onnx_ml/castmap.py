"""CastMap: the values of a map as a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from likewise.errors import InferenceError, LikewiseError
from likewise.ir import DType, MapType, TensorType, Type, fresh
from likewise.ops.case import Case, f32, i64, strings
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array

_DTYPES = {"TO_FLOAT": DType.FLOAT, "TO_STRING": DType.STRING, "TO_INT64": DType.INT64}


class CastMap(Operator, versions=(1,)):
    """[1, n]: the values in the order of their integer keys (DENSE), or each at its key (SPARSE).

    A sparse tensor has `max_map` columns, zeros or "" where there is no key. Floats as strings
    have six digits behind the point, as onnxruntime writes them.
    """

    cast_to: Literal["TO_FLOAT", "TO_STRING", "TO_INT64"] = "TO_FLOAT"
    map_form: Literal["DENSE", "SPARSE"] = "DENSE"
    max_map: int = 1

    def infer(self, x: MapType) -> TensorType:
        check_map(x)
        if x.key is not DType.INT64:
            raise InferenceError("the keys of X are not integers", given=x)
        columns = fresh("map") if self.map_form == "DENSE" else self.max_map
        return TensorType(_DTYPES[self.cast_to], (1, columns))

    def evaluate(self, x: dict[int, Any]) -> Array:
        dtype = _DTYPES[self.cast_to].numpy
        keys = sorted(x)
        values = [self._cast(x[key]) for key in keys]
        if self.map_form == "DENSE":
            return np.array([values], dtype)
        if keys and not 0 <= keys[0] <= keys[-1] < self.max_map:
            raise LikewiseError(
                "a key of a sparse map is out of range",
                given=keys[-1] if keys[0] >= 0 else keys[0],
                allowed=f"0 to {self.max_map - 1}",
            )
        made = np.full((1, self.max_map), "" if self.cast_to == "TO_STRING" else 0, dtype)
        made[0, keys] = values
        return made

    def _cast(self, value: Any) -> Any:
        if self.cast_to == "TO_STRING":
            return value if isinstance(value, str) else f"{value:.6f}"
        return float(value) if self.cast_to == "TO_FLOAT" else int(float(value))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = {3: np.float32(1.5), 1: np.float32(-2.75)}
        yield Case(cls(), [x], [f32([[-2.75, 1.5]])])
        yield Case(cls(cast_to="TO_STRING"), [x], [strings([["-2.750000", "1.500000"]])])
        sparse = cls(cast_to="TO_INT64", map_form="SPARSE", max_map=4)
        yield Case(sparse, [x], [i64([[0, -2, 0, 1]])])
        yield Case(cls(), [{5: "2.5"}], [f32([[2.5]])])
        yield Case(cls(map_form="SPARSE", max_map=3), [x], error="out of range; given: 3")
        yield Case(cls(), [{"a": 1.0}], error="the keys of X are not integers")
        yield Case(cls(), [f32(1)], error="X is not a map")


def check_map(x: Type) -> None:
    """Refuse what is not a map."""
    if not isinstance(x, MapType):
        raise InferenceError("X is not a map", given=x)
