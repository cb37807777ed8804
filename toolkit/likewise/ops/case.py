"""A case: inputs with the outputs, or the error, that an operator must give for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Array
    from likewise.ops.operator import Operator

__all__ = [
    "Case",
    "boolean",
    "f16",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "strings",
    "u8",
    "u16",
    "u32",
    "u64",
]


@dataclass(frozen=True)
class Case:
    """One use of an operator, run by the generic tests on every path.

    `inputs` are arrays (lists for sequences, None for absent). Either `outputs` are what must
    come out, compared with `rtol` and `atol` (0 and 0: equal), dtypes exactly; or `error` is a
    part of the message that must be raised by `infer` or, where only values tell, `evaluate`.
    """

    operator: Operator
    inputs: Sequence[Any]
    outputs: Sequence[Any] = field(default=())
    error: str = ""
    rtol: float = 0.0
    atol: float = 0.0


class _Maker(Protocol):
    def __call__(self, *values: Any) -> Array: ...


def _maker(dtype: Any) -> _Maker:
    def make(*values: Any) -> Array:
        return np.array(values[0] if len(values) == 1 else values, dtype)

    return make


# `i64(2, 3)` is a 1-d array, `i64([2])` too, `i64(2)` is 0-d, `i64([[1, 2]])` is 2-d.
boolean, strings = _maker(bool), _maker(object)
f16, f32, f64 = _maker(np.float16), _maker(np.float32), _maker(np.float64)
i8, i16, i32, i64 = _maker(np.int8), _maker(np.int16), _maker(np.int32), _maker(np.int64)
u8, u16, u32, u64 = _maker(np.uint8), _maker(np.uint16), _maker(np.uint32), _maker(np.uint64)
