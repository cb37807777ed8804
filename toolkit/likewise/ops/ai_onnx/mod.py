"""Mod: the remainder of a division, element by element, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.loop.math import fmod
from likewise.ops.case import Case, f32, i8, i32, i64, u8
from likewise.ops.checks import NUMBERS, broadcast, check_dtype, check_same_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop.values import Value
    from likewise.lower import Kernel, Lowering, TensorView


class Mod(Operator, versions=(10, 13, 28)):
    """A - floor(A / B) * B, of the sign of B; with `fmod` A - trunc(A / B) * B, of that of A.

    An integer modulo 0 is 0, as NumPy has it; ONNX does not say.
    """

    fmod: bool = False
    symbolic = True

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        check_dtype(a, NUMBERS, "A")
        check_same_dtype(A=a, B=b)
        return a.with_shape(broadcast(a.shape, b.shape))

    def evaluate(self, a: Array, b: Array) -> Array:
        remainder = np.fmod if self.fmod else np.mod
        if a.dtype.kind in "iufO":
            return remainder(a, b)
        return np.asarray(remainder(a.astype(np.float32), b.astype(np.float32))).astype(a.dtype)

    def lower(self, lowering: Lowering, a: TensorView, b: TensorView) -> TensorView:
        def remainder(k: Kernel, x: Value, y: Value) -> Value:
            if x.type.is_int:
                return x.rem(y) if self.fmod else x % y
            rest = fmod(k, x, y)
            if self.fmod:
                return rest
            other_sign = (rest < 0.0) ^ (y < 0.0)
            moved = k.select(other_sign, rest + y, rest)
            return k.select(rest.eq(0.0), k.apply("copysign", rest, y), moved)

        return lowering.elementwise(remainder, a.dtype, a, b, cost=40)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = i32([7, -7, 7, -7, 5]), i32([3, 3, -3, -3, 0])
        yield Case(cls(), [a, b], [i32([1, 2, -2, -1, 0])])
        yield Case(cls(fmod=True), [a, b], [i32([1, -1, 1, -1, 0])])
        x, y = f32([5.5, -5.5, np.inf, 1, -1, 1]), f32([2, 2, 2, 0, np.inf, np.inf])
        yield Case(cls(), [x, y], [f32([1.5, 0.5, np.nan, np.nan, np.inf, 1])])
        yield Case(cls(fmod=True), [x, y], [f32([1.5, -1.5, np.nan, np.nan, -1, 1])])
        yield Case(cls(), [i8([-128]), i8([-1])], [i8([0])])
        yield Case(cls(), [u8([200, 7]), u8([[7], [5]])], [u8([[4, 0], [0, 2]])])
        yield Case(cls(), [i64([1]), i32([1])], error="the element types differ")
