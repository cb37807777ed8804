"""Add, Sub, Mul, Div: element by element, with broadcasting.

Integer overflow wraps. Integer division truncates towards zero, as ONNX says since opset 14;
division by zero gives 0, as NumPy does. Before opset 7 broadcasting was one-sided and asked for
by the attributes `axis` and `broadcast`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ops.case import Case, f32, i8, i32, i64, u8
from likewise.ops.checks import NUMBERS, broadcast, check_dtype, check_same_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop.values import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import OldForm


class Arithmetic(Operator):
    """Base of the four: types, broadcasting and the forms before opset 7."""

    symbolic = True

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        check_dtype(a, NUMBERS, "A")
        check_same_dtype(A=a, B=b)
        return a.with_shape(broadcast(a.shape, b.shape))

    def lower(self, lowering: Lowering, a: TensorView, b: TensorView) -> TensorView:
        return lowering.elementwise(self.compute, a.dtype, a, b)

    @staticmethod
    def compute(_: Kernel, a: Value, b: Value) -> Value:
        """The function of one element of each."""
        raise NotImplementedError

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        align_second_input(old)


def align_second_input(old: OldForm) -> None:
    """Opset 1 and 6: `axis` says where B's dims stand in A; append dims of 1 behind them."""
    old.attributes.pop("consumed_inputs", None)
    axis = old.attributes.pop("axis", None)
    a, b = old.type(0), old.type(1)
    if not old.attributes.pop("broadcast", 0) or axis is None or a is None or b is None:
        return
    behind = a.rank - axis % a.rank - b.rank
    if behind > 0:
        axes = old.builder.ints(*range(b.rank, b.rank + behind))
        old.inputs[1] = old.builder.Unsqueeze(old.inputs[1], axes)


class Add(Arithmetic, versions=(1, 6, 7, 13, 14)):
    """A + B."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a + b

    @staticmethod
    def compute(_: Kernel, a: Value, b: Value) -> Value:
        return a + b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, -2], [np.inf, -0.0]])
        yield Case(cls(), [x, f32(0.5, 1)], [f32([[1.5, -1], [np.inf, 1]])])
        yield Case(cls(), [i8([127]), i8([1])], [i8([-128])])
        yield Case(cls(), [x, np.zeros((3, 1, 1), np.float32)], [np.stack([x + 0] * 3)])
        yield Case(cls(), [x, np.zeros(3, np.float32)], error="do not broadcast")
        yield Case(cls(), [x, np.zeros(2)], error="types differ; given: A float, B double")


class Sub(Arithmetic, versions=(1, 6, 7, 13, 14)):
    """A - B."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a - b

    @staticmethod
    def compute(_: Kernel, a: Value, b: Value) -> Value:
        return a - b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [u8([1, 3]), u8([2, 1])], [u8([255, 2])])


class Mul(Arithmetic, versions=(1, 6, 7, 13, 14)):
    """A * B."""

    def evaluate(self, a: Array, b: Array) -> Array:
        return a * b

    @staticmethod
    def compute(_: Kernel, a: Value, b: Value) -> Value:
        return a * b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i64([3, -4]), i64(5)], [i64([15, -20])])


class Div(Arithmetic, versions=(1, 6, 7, 13, 14)):
    """A / B; for integers the quotient without its fraction."""

    def evaluate(self, a: Array, b: Array) -> Array:
        if object in (a.dtype, b.dtype):  # sizes are never negative: floor is truncation
            return a // b
        if a.dtype.kind not in "iu":
            return a / b
        quotient = a // b
        if a.dtype.kind == "i":
            quotient += ((a % b != 0) & ((a < 0) != (b < 0))).astype(a.dtype)
        return quotient

    @staticmethod
    def compute(_: Kernel, a: Value, b: Value) -> Value:
        return a / b if a.type.is_float else a.div(b)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i32([7, -7, 7, -7]), i32([2, 2, -2, -2])], [i32([3, -3, -3, 3])])
        yield Case(
            cls(),
            [f32([1, -1, 0]), f32([0, 0, 0])],
            [f32([np.inf, -np.inf, np.nan])],
        )
