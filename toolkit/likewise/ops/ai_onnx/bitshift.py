"""BitShift: the bits of integers moved left or right, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.ops.case import Case, f32, i8, i32, u8, u16
from likewise.ops.checks import INTEGERS, broadcast, check_dtype, check_same_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop.values import Value
    from likewise.lower import Kernel, Lowering, TensorView


class BitShift(Operator, versions=(11, 28)):
    """X shifted by Y bits. Right shifts keep the sign; a Y no bit survives leaves only that."""

    direction: Literal["LEFT", "RIGHT"]

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        check_dtype(x, INTEGERS, "X")
        check_same_dtype(X=x, Y=y)
        return x.with_shape(broadcast(x.shape, y.shape))

    def evaluate(self, x: Array, y: Array) -> Array:
        # NumPy takes a shift below zero or beyond the bits as ONNX does.
        return np.left_shift(x, y) if self.direction == "LEFT" else np.right_shift(x, y)

    def lower(self, lowering: Lowering, x: TensorView, y: TensorView) -> TensorView:
        bits = x.dtype.bits

        def shift(k: Kernel, a: Value, by: Value) -> Value:
            zero = k.const(0, a.type)
            inside = (by >= 0) & (by < bits) if a.type.kind == "i" else by < bits
            if self.direction == "LEFT":
                return k.select(inside, a << k.select(inside, by, 0), zero)
            spent = k.select(a < 0, ~zero, zero) if a.type.kind == "i" else zero
            return k.select(inside, a >> k.select(inside, by, 0), spent)

        return lowering.elementwise(shift, x.dtype, x, y, cost=4)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        left, right = cls(direction="LEFT"), cls(direction="RIGHT")
        yield Case(left, [u8([1, 129, 1]), u8([1, 1, 8])], [u8([2, 2, 0])])
        yield Case(right, [u16([16, 4]), u16([[1], [16]])], [u16([[8, 2], [0, 0]])])
        negative = i32([-8, -8, -8, 8, 8])
        by = i32([1, 32, -1, 40, -2])
        yield Case(right, [negative, by], [i32([-4, -1, -1, 0, 0])])
        yield Case(left, [negative, by], [i32([-16, 0, 0, 0, 0])])
        yield Case(left, [i8([65]), i8([1])], [i8([-126])])
        yield Case(left, [f32([1]), f32([1])], error="X has an element type")
