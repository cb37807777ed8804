"""Comparisons, logic and bitwise operators of two tensors, with broadcasting."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from likewise.ir import DType, Expression, same
from likewise.ops.ai_onnx.families.arithmetic import align_second_input
from likewise.ops.case import Case, boolean, f32, i32, i64, strings, u8
from likewise.ops.checks import INTEGERS, NUMBERS, broadcast, check_dtype, check_same_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from likewise.ir import Array, Dim, TensorType
    from likewise.loop.values import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import OldForm

_BOOL = frozenset({DType.BOOL})


class Binary(Operator):
    """Base: two inputs of one type; the output is bool, or of their type for `keeps_type`."""

    takes: ClassVar[Collection[DType]] = NUMBERS
    keeps_type: ClassVar[bool] = False
    compute: ClassVar[np.ufunc]

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        check_dtype(a, self.takes, "A")
        check_same_dtype(A=a, B=b)
        made = a.with_shape(broadcast(a.shape, b.shape))
        return made if self.keeps_type else made.with_dtype(DType.BOOL)

    def evaluate(self, a: Array, b: Array) -> Array:
        made = self.compute(a, b)
        return made if self.keeps_type else np.asarray(made, bool)

    def lower(self, lowering: Lowering, a: TensorView, b: TensorView) -> TensorView:
        dtype = a.dtype if self.keeps_type else DType.BOOL
        return lowering.elementwise(self.scalar, dtype, a, b, exact=True)

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        """The function of one element of each."""
        raise NotImplementedError

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        align_second_input(old)


@partial(np.frompyfunc, nin=2, nout=1)
def _equal_dims(a: Dim, b: Dim) -> bool:
    """Whether two dims are equal whatever the sizes; raises ValueError where it depends on them."""
    found = same(a, b)
    if found is None:
        raise ValueError(f"whether {a} is {b} depends on the sizes")
    return found


class Equal(Binary, versions=(1, 7, 11, 13, 19)):
    """A = B; strings too. NaN equals nothing."""

    takes = NUMBERS | {DType.BOOL, DType.STRING}
    symbolic = True
    compute = np.equal

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a.eq(b)

    def evaluate(self, a: Array, b: Array) -> Array:
        if any(isinstance(x, Expression) for y in (a, b) if y.dtype == object for x in y.flat):
            return np.asarray(_equal_dims(a, b), bool)
        return super().evaluate(a, b)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i64([1, 2]), i64([[1], [2]])], [boolean([[1, 0], [0, 1]])])
        yield Case(cls(), [strings(["a", "b"]), strings(["a", "c"])], [boolean([1, 0])])
        yield Case(cls(), [f32([np.nan]), f32([np.nan])], [boolean([0])])
        yield Case(cls(), [f32([1]), i64([1])], error="the element types differ")


class Less(Binary, versions=(1, 7, 9, 13)):
    """A < B."""

    compute = np.less

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a < b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1, 2, np.nan]), f32(2)], [boolean([1, 0, 0])])


class Greater(Binary, versions=(1, 7, 9, 13)):
    """A > B."""

    compute = np.greater

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a > b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [u8([1, 255]), u8([2, 3])], [boolean([0, 1])])


class LessOrEqual(Binary, versions=(12, 16)):
    """A ≤ B."""

    compute = np.less_equal

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a <= b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1, 2, np.nan]), f32(1)], [boolean([1, 0, 0])])


class GreaterOrEqual(Binary, versions=(12, 16)):
    """A ≥ B."""

    compute = np.greater_equal

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a >= b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1, 2, np.nan]), f32(2)], [boolean([0, 1, 0])])


class And(Binary, versions=(1, 7)):
    """Both."""

    takes = _BOOL
    compute = np.logical_and

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a & b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [boolean([0, 1]), boolean([[0], [1]])], [boolean([[0, 0], [0, 1]])])
        yield Case(cls(), [f32(1), f32(1)], error="A has an element type")


class Or(Binary, versions=(1, 7)):
    """One or both."""

    takes = _BOOL
    compute = np.logical_or

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a | b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [boolean([0, 1]), boolean([[0], [1]])], [boolean([[0, 1], [1, 1]])])


class Xor(Binary, versions=(1, 7)):
    """One, not both."""

    takes = _BOOL
    compute = np.logical_xor

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a ^ b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [boolean([0, 1]), boolean([[0], [1]])], [boolean([[0, 1], [1, 0]])])


class BitwiseAnd(Binary, versions=(18,)):
    """The bits that both have."""

    takes = INTEGERS
    keeps_type = True
    compute = np.bitwise_and

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a & b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i32([6, -1]), i32([3, 9])], [i32([2, 9])])


class BitwiseOr(Binary, versions=(18,)):
    """The bits that either has."""

    takes = INTEGERS
    keeps_type = True
    compute = np.bitwise_or

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a | b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i32([6, 8]), i32([3, 1])], [i32([7, 9])])


class BitwiseXor(Binary, versions=(18,)):
    """The bits that only one has."""

    takes = INTEGERS
    keeps_type = True
    compute = np.bitwise_xor

    @staticmethod
    def scalar(_: Kernel, a: Value, b: Value) -> Value:
        return a ^ b

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i32([6, 8]), i32([3, 8])], [i32([5, 0])])
