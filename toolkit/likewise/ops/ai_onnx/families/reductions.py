"""ReduceSum, ReduceMean, ReduceMax and their kin: one value from all along some axes.

float16 and bfloat16 are computed in float32 and rounded once, as onnxruntime does; integers wrap.
The axes were an attribute before opset 13 (ReduceSum) and 18 (the others).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ir import DType, TensorType, fresh, maximum, minimum
from likewise.loop import I64, U64
from likewise.ops.case import Case, boolean, f16, f32, f64, i8, i32, i64, u8
from likewise.ops.checks import FLOATS, check_dtype, check_rank, normalize_axes
from likewise.ops.convolution import working_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import Builder, OldForm

_TYPES: Final = FLOATS | {DType.INT32, DType.INT64, DType.UINT32, DType.UINT64}
_ORDERED: Final = _TYPES | {DType.INT8, DType.UINT8, DType.BOOL}
_SUM: Final[Any] = np.add.reduce
_PRODUCT: Final[Any] = np.multiply.reduce
_LARGER: Final = np.frompyfunc(maximum, 2, 1)
_SMALLER: Final = np.frompyfunc(minimum, 2, 1)


class Reduction(Operator):
    """Base of the ten: which axes, and the types.

    No `axes` (absent or empty) are all axes, or none with `noop_with_empty_axes`; then what
    belongs to an operator besides the reduction (a square, a logarithm) is still done.
    """

    keepdims: bool = True
    noop_with_empty_axes: bool = False

    types: ClassVar[Collection[DType]] = _TYPES

    def infer(self, data: TensorType, axes: TensorType | None = None) -> TensorType:
        check_dtype(data, self.types, "data")
        if axes is not None:
            check_dtype(axes, {DType.INT64}, "axes")
            check_rank(axes, 1, "axes")
            if axes.constant is None and axes.shape[0] != 0:
                return self._of_unknown_axes(data, axes)
        gone = self.axes(data.rank, None if axes is None else axes.constant)
        if self.keepdims:
            return data.with_shape(1 if i in gone else dim for i, dim in enumerate(data.shape))
        return data.with_shape(dim for i, dim in enumerate(data.shape) if i not in gone)

    def _of_unknown_axes(self, data: TensorType, axes: TensorType) -> TensorType:
        if self.keepdims:
            return data.with_shape(1 if dim == 1 else fresh("reduce") for dim in data.shape)
        count = axes.shape[0]
        if not isinstance(count, int):
            return TensorType(data.dtype, None)
        return data.with_shape(fresh("reduce") for _ in range(data.rank - count))

    def axes(self, rank: int, given: Array | None) -> tuple[int, ...]:
        """The axes to reduce, counted from the front."""
        if given is None or given.size == 0:
            return () if self.noop_with_empty_axes else tuple(range(rank))
        return normalize_axes(given, rank)

    def evaluate(self, data: Array, axes: Array | None = None) -> Array:
        made = self.reduce(data, self.axes(data.ndim, axes))
        return np.asarray(made).astype(data.dtype, copy=False)

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Any:
        """`x` reduced over `axes`, in any dtype that keeps what the result's can hold."""
        raise NotImplementedError

    def sum(self, x: Array, axes: tuple[int, ...]) -> Array:
        """The sum over `axes`, in float32 for the small floats, wrapping for integers."""
        dtype = x.dtype if x.dtype.kind in "iuO" else working_dtype(x.dtype)
        return np.asarray(_SUM(x, axes, dtype, None, self.keepdims))

    def expand_sum(self, b: Builder[V], x: V, axes: V | None) -> V:
        """ReduceSum of `x` with the axes and attributes of this operator."""
        made: V = b.ReduceSum(
            x, axes, keepdims=self.keepdims, noop_with_empty_axes=self.noop_with_empty_axes
        )
        return made

    def exact(self, b: Builder[V], x: V) -> V:
        """`x` in a dtype with room for what comes between: the floats in float32 at least."""
        dtype = b.type(x).dtype
        if dtype in {DType.FLOAT16, DType.BFLOAT16}:
            x = b.Cast(x, to=DType.FLOAT.value)
        return x

    def rounded(self, b: Builder[V], x: V, like: V) -> V:
        """`x` in the dtype of `like`."""
        dtype = b.type(like).dtype
        return x if b.type(x).dtype is dtype else b.Cast(x, to=dtype.value)

    def lower_with(
        self,
        lowering: Lowering,
        x: TensorView,
        axes: TensorView | None,
        start: float,
        combine: Callable[[Kernel, Value, Value], Value],
        **options: Any,
    ) -> TensorView:
        """`x` reduced with an associative `combine` over the axes of this operator."""
        if axes is not None and axes.data is None and axes.size:
            raise UnsupportedError("axes are not known at compile time")
        gone = self.axes(x.rank, None if axes is None else axes.data)
        return lowering.reduce(
            x, gone, start, combine, keepdims=self.keepdims, name=_named(self, x), **options
        )

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        old.to_input("axes", 1)


class ReduceSum(Reduction, versions=(1, 11, 13)):
    """The sum; 0 of nothing."""

    symbolic = True

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        return self.sum(x, axes)

    def lower(
        self, lowering: Lowering, x: TensorView, axes: TensorView | None = None
    ) -> TensorView:
        return self.lower_with(lowering, x, axes, 0, lambda _, a, b: a + b)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
        yield Case(cls(), [x, i64([1])], [x[:, :1] + x[:, 1:]])
        yield Case(cls(keepdims=False), [x, i64([-1, 0])], [f32([27, 39])])
        yield Case(cls(), [x], [f32([[[66]]])])
        yield Case(cls(keepdims=False), [x, np.zeros(0, np.int64)], [f32(66)])
        yield Case(cls(noop_with_empty_axes=True), [x], [x])
        yield Case(cls(), [x[:0], i64([0])], [np.zeros((1, 2, 2), np.float32)])
        yield Case(cls(), [f32(3)], [f32(3)])
        yield Case(cls(), [i32([2**31 - 1, 1])], [i32([-(2**31)])])
        yield Case(cls(), [np.full(4096, 1, np.float16)], [f16([4096])])
        yield Case(cls(), [x, i64([3])], error="axes: 3 is out of range; allowed: -3 to 2")
        yield Case(cls(), [x, i64([0, -3])], error="an axis is named twice")
        yield Case(cls(), [u8([1])], error="data has an element type")


class ReduceMean(Reduction, versions=(1, 11, 13, 18)):
    """The sum divided by the count; for integers without the fraction. Of nothing NaN (or 0)."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Any:
        count = math.prod(x.shape[axis] for axis in axes)
        if x.dtype.kind not in "iu":
            total = self.sum(x, axes)
            return np.divide(total, total.dtype.type(count), out=total)
        wide = np.uint64 if x.dtype.kind == "u" else np.int64
        total = np.asarray(_SUM(x, axes, wide, None, self.keepdims))
        if count == 0:
            return total
        quotient = total // wide(count)
        return quotient + ((total < 0) & (total % wide(count) != 0)).astype(wide)

    def lower(
        self, lowering: Lowering, x: TensorView, axes: TensorView | None = None
    ) -> TensorView:
        count = math.prod(
            x.shape[axis] for axis in self.axes(x.rank, None if axes is None else axes.data)
        )
        if not x.dtype.is_integer:
            return self.lower_with(
                lowering, x, axes, 0, lambda _, a, b: a + b, finish=lambda _, total: total / count
            )
        signed = x.storage.value.kind == "i"
        wide, work = (I64, DType.INT64) if signed else (U64, DType.UINT64)
        narrow, data_type = x.storage.value, x.dtype
        x = lowering.elementwise(lambda _, v: v.cast(wide), work, x)
        total = self.lower_with(
            lowering, x, axes, 0, lambda _, a, b: a + b, finish=lambda _, total: total.div(count)
        )
        return lowering.elementwise(lambda _, v: v.cast(narrow), data_type, total)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 6], [3, 4, -1]])
        yield Case(cls(), [x, i64([1])], [f32([[3], [2]])])
        yield Case(cls(keepdims=False), [x], [f32(2.5)])
        yield Case(cls(), [i32([-3, -4])], [i32([-3])])
        yield Case(cls(), [f16([60000, 60000])], [f16([60000])])
        yield Case(cls(), [x[:0], i64([0])], [np.full((1, 3), np.nan, np.float32)])
        yield Case(cls(), [x[:0], i64([1])], [np.zeros((0, 1), np.float32)])
        yield Case(cls(noop_with_empty_axes=True), [x], [x])


class ReduceMax(Reduction, versions=(1, 11, 12, 13, 18, 20)):
    """The largest, NaN where there is one; of nothing the smallest value of the type."""

    symbolic = True
    types = _ORDERED

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Any:
        if x.dtype == object:
            return _LARGER.reduce(x, axes[0] if axes else (), keepdims=self.keepdims)
        start: Any = {} if x.size else {"initial": _limit(x.dtype, -1)}
        return np.maximum.reduce(x, axes, keepdims=self.keepdims, **start)

    def lower(
        self, lowering: Lowering, x: TensorView, axes: TensorView | None = None
    ) -> TensorView:
        start = _bound(x.dtype, -1)
        if x.dtype is DType.BOOL:
            return self.lower_with(lowering, x, axes, start, lambda _, a, b: a | b)
        return self.lower_with(lowering, x, axes, start, lambda k, a, b: k.max(a, b))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, np.nan], [3, -np.inf]])
        yield Case(cls(), [x, i64([1])], [f32([[np.nan], [3]])])
        yield Case(cls(keepdims=False), [i8([[-3, 5], [2, 1]]), i64([0])], [i8([2, 5])])
        yield Case(
            cls(),
            [boolean([[True, False], [False, False]]), i64([1])],
            [boolean([[True], [False]])],
        )
        yield Case(cls(), [x[:0], i64([0])], [f32([[-np.inf, -np.inf]])])
        yield Case(cls(), [i32([])], [i32([-(2**31)])])
        yield Case(cls(), [boolean([])], [boolean([False])])


class ReduceMin(Reduction, versions=(1, 11, 12, 13, 18, 20)):
    """The smallest, NaN where there is one; of nothing the largest value of the type."""

    symbolic = True
    types = _ORDERED

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Any:
        if x.dtype == object:
            return _SMALLER.reduce(x, axes[0] if axes else (), keepdims=self.keepdims)
        start: Any = {} if x.size else {"initial": _limit(x.dtype, 1)}
        return np.minimum.reduce(x, axes, keepdims=self.keepdims, **start)

    def lower(
        self, lowering: Lowering, x: TensorView, axes: TensorView | None = None
    ) -> TensorView:
        start = _bound(x.dtype, 1)
        if x.dtype is DType.BOOL:
            return self.lower_with(lowering, x, axes, start, lambda _, a, b: a & b)
        return self.lower_with(lowering, x, axes, start, lambda k, a, b: k.min(a, b))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, np.nan], [3, -np.inf]])
        yield Case(cls(), [x, i64([1])], [f32([[np.nan], [-np.inf]])])
        yield Case(cls(keepdims=False), [u8([3, 5]), i64([-1])], [u8(3)])
        yield Case(cls(), [x[:0], i64([0])], [f32([[np.inf, np.inf]])])
        yield Case(cls(), [boolean([])], [boolean([True])])


class ReduceProd(Reduction, versions=(1, 11, 13, 18)):
    """The product; 1 of nothing."""

    symbolic = True

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Any:
        dtype = x.dtype if x.dtype.kind in "iuO" else working_dtype(x.dtype)
        return _PRODUCT(x, axes, dtype, None, self.keepdims)

    def lower(
        self, lowering: Lowering, x: TensorView, axes: TensorView | None = None
    ) -> TensorView:
        return self.lower_with(lowering, x, axes, 1, lambda _, a, b: a * b)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2, 6], [3, 4, -1]])
        yield Case(cls(), [x, i64([1])], [f32([[12], [-12]])])
        yield Case(cls(keepdims=False), [i64([2**62, 4])], [i64(0)])
        yield Case(cls(), [x[:, :0], i64([1])], [f32([[1], [1]])])


class ReduceL1(Reduction, versions=(1, 11, 13, 18)):
    """The sum of absolute values."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        return self.sum(np.abs(x), axes)

    def expand(self, b: Builder[V], x: V, axes: V | None = None) -> V:
        return self.expand_sum(b, b.Abs(x), axes)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([[1, -2], [-3, 4]]), i64([1])], [f32([[3], [7]])])
        yield Case(cls(noop_with_empty_axes=True), [i32([-3, 2])], [i32([3, 2])])


class ReduceSumSquare(Reduction, versions=(1, 11, 13, 18)):
    """The sum of squares."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        wide = x if x.dtype.kind in "iu" else x.astype(working_dtype(x.dtype), copy=False)
        return self.sum(wide * wide, axes)

    def expand(self, b: Builder[V], x: V, axes: V | None = None) -> V:
        wide = self.exact(b, x)
        return self.rounded(b, self.expand_sum(b, b.Mul(wide, wide), axes), x)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([[1, -2], [-3, 4]]), i64([1])], [f32([[5], [25]])])
        yield Case(cls(noop_with_empty_axes=True), [i32([-3, 2])], [i32([9, 4])])
        yield Case(cls(), [f16([200, 100])], [f16([50000])])


class ReduceL2(ReduceSumSquare, versions=(1, 11, 13, 18)):
    """The root of the sum of squares; for integers without the fraction."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        return np.sqrt(super().reduce(x if x.dtype.kind not in "iu" else x.astype(float), axes))

    def expand(self, b: Builder[V], x: V, axes: V | None = None) -> V:
        wide = _float(b, self.exact(b, x))
        return self.rounded(b, b.Sqrt(self.expand_sum(b, b.Mul(wide, wide), axes)), x)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([[3, -4], [5, 12]]), i64([1])], [f32([[5], [13]])])
        yield Case(cls(), [f16([300, 400])], [f16([500])])
        yield Case(cls(keepdims=False), [i32([1, 2])], [i32(2)])


class ReduceLogSum(Reduction, versions=(1, 11, 13, 18, 28)):
    """The logarithm of the sum; for integers, which opset 28 dropped, without the fraction."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        return np.log(self.sum(x if x.dtype.kind not in "iu" else x.astype(float), axes))

    def expand(self, b: Builder[V], x: V, axes: V | None = None) -> V:
        wide = _float(b, self.exact(b, x))
        return self.rounded(b, b.Log(self.expand_sum(b, wide, axes)), x)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f64([[1, 3], [0, 1]])
        yield Case(cls(), [x, i64([1])], [np.log(f64([[4], [1]]))])
        yield Case(cls(), [x[:0], i64([0])], [f64([[-np.inf, -np.inf]])])
        yield Case(cls(), [i32([10, 20])], [i32([3])])


class ReduceLogSumExp(Reduction, versions=(1, 11, 13, 18, 28)):
    """log(sum(exp(x))), computed as max + log(sum(exp(x - max))) so that nothing overflows."""

    def reduce(self, x: Array, axes: tuple[int, ...]) -> Array:
        work = np.dtype(np.float64) if x.dtype.kind in "iu" else working_dtype(x.dtype)
        x = x.astype(work, copy=False)
        top = np.maximum.reduce(x, axes, keepdims=True, initial=-np.inf)
        top = np.where(np.isfinite(top), top, work.type(0))
        total = np.log(self.sum(np.exp(x - top), axes))
        return total + top.reshape(total.shape)

    def expand(self, b: Builder[V], x: V, axes: V | None = None) -> V:
        wide = _float(b, self.exact(b, x))
        noop = self.noop_with_empty_axes
        top = b.ReduceMax(wide, axes, noop_with_empty_axes=noop)
        top = b.Where(b.Less(b.Abs(top), math.inf), top, b.constant(0, b.type(top).dtype))
        total = self.expand_sum(b, b.Exp(b.Sub(wide, top)), axes)
        made = b.Add(b.Log(total), b.Reshape(top, b.Shape(total), allowzero=1))
        return self.rounded(b, made, x)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1000, 1000], [0, -np.inf], [-np.inf, -np.inf], [np.inf, 1], [np.nan, 1]])
        y = f32([1000 + math.log(2), 0, -np.inf, np.inf, np.nan])
        yield Case(cls(keepdims=False), [x, i64([1])], [y], rtol=1e-7)
        yield Case(cls(), [x[:0], i64([0])], [f32([[-np.inf, -np.inf]])])
        yield Case(cls(noop_with_empty_axes=True), [f32([3, -2])], [f32([3, -2])])


def _limit(dtype: np.dtype[Any], sign: int) -> Any:
    """The greatest (sign 1) or least (-1) value of a type, infinities included."""
    if dtype.kind == "b":
        return sign > 0
    if dtype.kind in "iu":
        return np.iinfo(dtype).max if sign > 0 else np.iinfo(dtype).min
    return dtype.type(sign * np.inf)


def _bound(dtype: DType, sign: int) -> float:
    """`_limit` as a number for a constant of the loop IR."""
    if dtype is DType.BOOL or dtype.is_integer:
        return int(_limit(dtype.numpy, sign))
    return sign * math.inf


def _named(operator: Operator, x: TensorView) -> str:
    return f"{x.storage}_{operator.name.lower()}"


def _float(b: Builder[V], x: V) -> V:
    """Integers as float64."""
    return b.Cast(x, to=DType.DOUBLE.value) if b.type(x).dtype.is_integer else x
