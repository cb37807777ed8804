"""The functions of one number, element by element, that NumPy computes itself.

Results keep the element type; float16 and bfloat16 are computed in float32 and rounded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from likewise.ir import DType
from likewise.loop import math
from likewise.ops.case import Case, boolean, f16, f32, f64, i8, i32, i64, u8
from likewise.ops.checks import FLOATS, INTEGERS, NUMBERS, check_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop.values import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import OldForm


class Elementary(Operator):
    """Base: one input, an output of the same type."""

    takes: ClassVar[Collection[DType]] = FLOATS
    compute: ClassVar[np.ufunc]
    cost: ClassVar[int] = 1
    """About how many operations `scalar` takes."""

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, self.takes, "input")
        return x.with_shape(x.shape)

    def evaluate(self, x: Array) -> Array:
        return self.compute(x)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        return lowering.elementwise(self.scalar, x.dtype, x, cost=self.cost)

    @staticmethod
    def scalar(k: Kernel, x: Value, /) -> Value:
        """The function of one element."""
        raise NotImplementedError

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        old.attributes.pop("consumed_inputs", None)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        for dtype in (np.float32, np.float64):
            x = np.array([[0.25, 0.5, 0.75]], dtype)
            yield Case(cls(), [x], [cls.compute(x)])
        yield Case(cls(), [f16(0.5)], [cls.compute(f32(0.5)).astype(np.float16)], rtol=1e-3)
        yield Case(cls(), [f32([]).reshape(0, 2)], [f32([]).reshape(0, 2)])
        yield Case(cls(), [boolean([True])], error="input has an element type")


class Abs(Elementary, versions=(1, 6, 13)):
    """|x|; the least integer stays itself."""

    takes = NUMBERS
    compute = np.absolute

    @staticmethod
    def scalar(_: Kernel, x: Value) -> Value:
        return x if x.type.kind == "u" else abs(x)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([-1.5, -0.0, np.inf])], [f32([1.5, 0, np.inf])])
        yield Case(cls(), [i8([-128, -1, 5])], [i8([-128, 1, 5])])


class Neg(Elementary, versions=(1, 6, 13)):
    """-x; integers wrap."""

    takes = NUMBERS
    symbolic = True
    compute = np.negative

    @staticmethod
    def scalar(_: Kernel, x: Value) -> Value:
        return -x

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1, -0.0])], [f32([-1, 0])])
        yield Case(cls(), [i8([-128, 3])], [i8([-128, -3])])


class Sign(Elementary, versions=(9, 13)):
    """-1, 0 or 1; NaN stays NaN."""

    takes = NUMBERS
    compute = np.sign

    @staticmethod
    def scalar(k: Kernel, x: Value) -> Value:
        one, zero = k.const(1, x.type), k.const(0, x.type)
        if x.type.kind == "u":
            return k.select(x.eq(0), zero, one)
        signed = k.select(x < 0, -one, k.select(x > 0, one, zero))
        return k.select(x.eq(x), signed, x) if x.type.is_float else signed

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([-2, 0, 3, np.nan])], [f32([-1, 0, 1, np.nan])])
        yield Case(cls(), [u8([0, 9])], [u8([0, 1])])


class Floor(Elementary, versions=(1, 6, 13)):
    """The greatest whole number not above x."""

    compute = np.floor

    @staticmethod
    def scalar(k: Kernel, x: Value) -> Value:
        return k.apply("floor", x)


class Ceil(Elementary, versions=(1, 6, 13)):
    """The least whole number not below x."""

    compute = np.ceil

    @staticmethod
    def scalar(k: Kernel, x: Value) -> Value:
        return k.apply("ceil", x)


class Round(Elementary, versions=(11, 22)):
    """The nearest whole number, ties to even."""

    compute = np.rint

    @staticmethod
    def scalar(k: Kernel, x: Value) -> Value:
        return k.apply("nearest", x)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([0.5, 1.5, -2.5, 2.6])], [f32([0, 2, -2, 3])])


class Sqrt(Elementary, versions=(1, 6, 13)):
    """The square root; NaN below zero."""

    compute = np.sqrt

    @staticmethod
    def scalar(k: Kernel, x: Value) -> Value:
        return k.sqrt(x)


class Reciprocal(Elementary, versions=(1, 6, 13)):
    """1 / x."""

    compute = np.reciprocal

    @staticmethod
    def scalar(_: Kernel, x: Value) -> Value:
        return 1.0 / x


class Exp(Elementary, versions=(1, 6, 13)):
    """e to the x."""

    compute = np.exp
    cost = 20
    scalar = staticmethod(math.exp)


class Log(Elementary, versions=(1, 6, 13)):
    """The natural logarithm; NaN below zero."""

    compute = np.log
    cost = 20
    scalar = staticmethod(math.log)


class Sin(Elementary, versions=(7, 22)):
    """The sine of an angle in radians."""

    compute = np.sin
    cost = 70
    scalar = staticmethod(math.sin)


class Cos(Elementary, versions=(7, 22)):
    """The cosine of an angle in radians."""

    compute = np.cos
    cost = 70
    scalar = staticmethod(math.cos)


class Tan(Elementary, versions=(7, 22)):
    """The tangent of an angle in radians."""

    compute = np.tan
    cost = 80
    scalar = staticmethod(math.tan)


class Asin(Elementary, versions=(7, 22)):
    """The angle in radians whose sine is x."""

    compute = np.arcsin
    cost = 20
    scalar = staticmethod(math.asin)


class Acos(Elementary, versions=(7, 22)):
    """The angle in radians whose cosine is x."""

    compute = np.arccos
    cost = 30
    scalar = staticmethod(math.acos)


class Atan(Elementary, versions=(7, 22)):
    """The angle in radians whose tangent is x."""

    compute = np.arctan
    cost = 20
    scalar = staticmethod(math.atan)


class Sinh(Elementary, versions=(9, 22)):
    """The hyperbolic sine."""

    compute = np.sinh
    cost = 50
    scalar = staticmethod(math.sinh)


class Cosh(Elementary, versions=(9, 22)):
    """The hyperbolic cosine."""

    compute = np.cosh
    cost = 50
    scalar = staticmethod(math.cosh)


class Tanh(Elementary, versions=(1, 6, 13)):
    """The hyperbolic tangent."""

    compute = np.tanh
    cost = 20
    scalar = staticmethod(math.tanh)


class Asinh(Elementary, versions=(9, 22)):
    """The inverse hyperbolic sine."""

    compute = np.arcsinh
    cost = 60
    scalar = staticmethod(math.asinh)


class Acosh(Elementary, versions=(9, 22)):
    """The inverse hyperbolic cosine."""

    compute = np.arccosh
    cost = 60
    scalar = staticmethod(math.acosh)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f64([1, 2])], [np.arccosh(f64([1, 2]))])


class Atanh(Elementary, versions=(9, 22)):
    """The inverse hyperbolic tangent."""

    compute = np.arctanh
    cost = 40
    scalar = staticmethod(math.atanh)


class Not(Elementary, versions=(1,)):
    """Logical negation."""

    takes = frozenset({DType.BOOL})
    compute = np.logical_not

    @staticmethod
    def scalar(_: Kernel, x: Value) -> Value:
        return ~x

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [boolean([True, False])], [boolean([False, True])])
        yield Case(cls(), [f32(1)], error="input has an element type")


class BitwiseNot(Elementary, versions=(18,)):
    """Every bit turned over."""

    takes = INTEGERS
    compute = np.invert

    @staticmethod
    def scalar(_: Kernel, x: Value) -> Value:
        return ~x

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [i32([0, 5])], [i32([-1, -6])])
        yield Case(cls(), [u8([0, 255])], [u8([255, 0])])
        yield Case(cls(), [f32(1)], error="input has an element type")


class IsNaN(Operator, versions=(9, 13, 20)):
    """Whether an element is NaN, as bool."""

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, _WITH_NAN, "input")
        return x.with_dtype(DType.BOOL)

    def evaluate(self, x: Array) -> Array:
        return np.isnan(x)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        return lowering.elementwise(lambda _, v: v.ne(v), DType.BOOL, x, exact=True)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([np.nan, np.inf, 1])], [boolean([True, False, False])])
        yield Case(cls(), [i64([1])], error="input has an element type")


class IsInf(Operator, versions=(10, 20)):
    """Whether an element is infinite, of the signs asked for."""

    detect_negative: bool = True
    detect_positive: bool = True

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, _WITH_NAN, "input")
        return x.with_dtype(DType.BOOL)

    def evaluate(self, x: Array) -> Array:
        found = np.isinf(x)
        if not self.detect_negative:
            found &= x > 0
        if not self.detect_positive:
            found &= x < 0
        return found

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        def infinite(_: Kernel, v: Value) -> Value:
            if self.detect_negative and self.detect_positive:
                return abs(v).eq(np.inf)
            if not self.detect_negative and not self.detect_positive:
                return v.ne(v) & v.eq(v)
            return v.eq(np.inf if self.detect_positive else -np.inf)

        return lowering.elementwise(infinite, DType.BOOL, x, exact=True)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([np.inf, -np.inf, np.nan, 1])
        yield Case(cls(), [x], [boolean([True, True, False, False])])
        yield Case(cls(detect_negative=False), [x], [boolean([True, False, False, False])])
        yield Case(cls(detect_positive=False), [x], [boolean([False, True, False, False])])


_WITH_NAN = FLOATS | {dtype for dtype in DType if dtype.name.startswith("FLOAT8E")}
