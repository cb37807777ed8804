"""Bernoulli: ones and zeros, each drawn with its own probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, boolean, f32, f64, i32
from likewise.ops.checks import NUMBERS, check_float
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder

_MADE = NUMBERS | {DType.BOOL}


class Bernoulli(Operator, versions=(15, 22)):
    """1 with the probability that the input gives, else 0, of `dtype` or the input's type.

    So says the text of ONNX; the function body that it gives has the probabilities exchanged.
    """

    dtype: DType | None = None
    seed: float | None = None
    deterministic = False

    def infer(self, x: TensorType) -> TensorType:
        check_float(x, "input")
        made = self.dtype or x.dtype
        if made not in _MADE:
            raise InferenceError(
                "dtype is none that the operator makes",
                given=made,
                allowed=", ".join(sorted(map(str, _MADE))),
            )
        return x.with_dtype(made)

    def expand(self, b: Builder[V], x: V) -> V:
        given = {} if self.seed is None else {"seed": self.seed}
        drawn = b.RandomUniformLike(x, dtype=DType.DOUBLE.value, **given)
        chosen = b.Less(drawn, b.Cast(x, to=DType.DOUBLE.value))
        made: V = b.Cast(chosen, to=(self.dtype or b.type(x).dtype).value)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([[0, 1], [1, 0]])], [f32([[0, 1], [1, 0]])])
        yield Case(cls(seed=3.0, dtype=DType.INT32), [f64([1, 0])], [i32([1, 0])])
        yield Case(cls(dtype=DType.BOOL), [f32(1)], [boolean(True)])
        yield Case(cls(), [i32([1])], error="input has an element type")
        yield Case(cls(dtype=DType.STRING), [f32([1])], error="dtype is none that")
