"""Pow: powers, element by element, with broadcasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.ir import DType
from likewise.loop import math
from likewise.loop.conversions import convert
from likewise.loop.types import F32, I64, U64, S
from likewise.ops.ai_onnx.families.arithmetic import align_second_input
from likewise.ops.case import Case, f16, f32, f64, i32, i64, u8
from likewise.ops.checks import FLOATS, NUMBERS, broadcast, check_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop.builder import FunctionBuilder
    from likewise.loop.values import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import OldForm


class Pow(Operator, versions=(1, 7, 12, 13, 15)):
    """X to the Y, in the element type of X.

    Integers wrap; a power of two integers that is no integer is 0, and so is 0 to less than 0. An
    integer to a float is computed in float64 and loses its fraction.
    """

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        check_dtype(x, FLOATS | {DType.INT32, DType.INT64}, "X")
        check_dtype(y, NUMBERS, "Y")
        return x.with_shape(broadcast(x.shape, y.shape))

    def evaluate(self, x: Array, y: Array) -> Array:
        if x.dtype.kind == "i" and y.dtype.kind in "iu":
            return _integer_power(x, y)
        exponent = float(y.item()) if y.size == 1 and y.ndim <= x.ndim else 0.0
        if exponent in (2.0, 3.0) and x.dtype.kind == "f" and x.dtype.itemsize >= 4:
            return x * x if exponent == 2.0 else x * x * x
        base, by = _widened(x), _widened(y)
        power = np.power(base, by)
        if (half := by == 0.5).any():  # a repeated one NumPy takes for a square root: -inf, -0
            power = np.where(half & ((base == 0) | np.isinf(base)), np.abs(base), power)
        return np.asarray(power).astype(x.dtype, copy=False)

    def lower(self, lowering: Lowering, x: TensorView, y: TensorView) -> TensorView:
        exponent = None if y.data is None or y.size != 1 or y.rank > x.rank else y.data.item()
        if exponent in (2, 3) and x.dtype in (DType.FLOAT, DType.DOUBLE):
            return lowering.elementwise(
                lambda _, a: a * a if exponent == 2 else a * a * a, x.dtype, x
            )
        source, target = y.storage, x.storage

        def compute(k: Kernel, a: Value, b: Value) -> Value:
            if a.type.is_int and b.type.is_int:
                return _whole_power(k, convert(k, a, target, S.i64), b.cast(I64)).cast(a.type)
            if a.type is b.type:
                return math.power(k, a, b)
            # In the type that holds both: f32 unless the exponent is wider than that.
            wide = S.f32 if target.value is F32 and source.bytes <= 2 else S.f64
            found = math.power(k, convert(k, a, target, wide), convert(k, b, source, wide))
            return convert(k, found, wide, target)

        return lowering.elementwise(compute, x.dtype, x, y, cost=80)

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        align_second_input(old)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1, -2, 3]), f32([[2], [-1]])], [f32([[1, 4, 9], [1, -0.5, 1 / 3]])])
        yield Case(cls(), [f32([-2, 4, np.nan]), i64(3)], [f32([-8, 64, np.nan])])
        yield Case(cls(), [f64([0, 2]), f64([[0]])], [f64([[1, 1]])])
        yield Case(cls(), [f32([-8]), f32([1 / 3])], [f32([np.nan])])
        edges = f32([-np.inf, np.inf, -0.0, 4, -4])
        yield Case(cls(), [f32([-0.0, 0, -np.inf, 0.25, -0.25]), f32(-1)], [edges])
        yield Case(cls(), [edges, f32(0.5)], [f32([np.inf, np.inf, 0, 2, np.nan])])
        yield Case(cls(), [f16([300, 1.5]), f16(2)], [f16([np.inf, 2.25])])
        yield Case(cls(), [i32([3, -2, 2**16]), u8([2, 3, 2])], [i32([9, -8, 0])])
        yield Case(cls(), [i64([2, -1, 1, 0]), i64([-1, -3, -2, -1])], [i64([0, -1, 1, 0])])
        yield Case(cls(), [i32([2, 3]), f32(0.5)], [i32([1, 1])])
        yield Case(cls(), [f32([]), f32([2])], [f32([])])
        yield Case(cls(), [u8([2]), u8([2])], error="X has an element type")
        yield Case(cls(), [f32([1, 2]), f32([1, 2, 3])], error="do not broadcast")


def _widened(x: Array) -> Array:
    """bfloat16 and float16 as float32; 64-bit integers stay, and meet float32 in float64."""
    return x if x.dtype.kind in "iuf" and x.dtype != np.float16 else x.astype(np.float32)


def _whole_power(b: FunctionBuilder, x: Value, y: Value) -> Value:
    """Of i64, by repeated squaring; see `_integer_power`."""
    if x.type is not I64:
        raise b.fault("powers of integers are computed one by one", given=x.type)
    total, factor, left = b.var(1, I64), b.var(x), b.var(abs(y))
    with b.while_(lambda: left.get().ne(0)):
        bits = left.get()
        total.set(b.select((bits & 1).ne(0), total.get() * factor.get(), total.get()))
        factor.set(factor.get() * factor.get())
        left.set((bits.cast(U64) >> 1).cast(I64))
    gone = (y < 0) & (abs(x)).ne(1)
    return b.select(gone, b.const(0, I64), total.get())


def _integer_power(x: Array, y: Array) -> Array:
    exponent = y.astype(np.int64)
    power = np.power(x.astype(np.int64), np.abs(exponent))
    power = np.where((exponent < 0) & (np.abs(x) != 1), 0, power)
    return power.astype(x.dtype)
