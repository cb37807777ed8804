"""Reductions over axes: sums, means, extremes, norms.

Nothing reduced gives the identity: 0 for sums, 1 for products, minus and plus infinity (or the
limits of an integer type) for maxima and minima. float16 and bfloat16 accumulate in float32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from likewise.ir import DType, TensorType, fresh
from likewise.ops.case import Case, boolean, f32, i32, i64
from likewise.ops.checks import FLOATS, NUMBERS, check_dtype, normalize_axes
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from likewise.ir import Array, Dim
    from likewise.ops.build import Builder, OldForm

_WIDE = frozenset({DType.INT32, DType.INT64, DType.UINT32, DType.UINT64}) | FLOATS


class Reduction(Operator):
    """Base: reduces over `axes`, over all of them where none are given.

    With `noop_with_empty_axes` and no axes nothing is reduced; each element is then a set of its
    own.
    """

    keepdims: bool = True
    noop_with_empty_axes: bool = False
    takes: ClassVar[Collection[DType]] = _WIDE
    symbolic = False
    input_axes_since: ClassVar[int] = 18
    """The opset in which `axes` became an input."""

    def infer(self, data: TensorType, axes: TensorType | None = None) -> TensorType:
        check_dtype(data, self.takes, "data")
        if axes is not None and axes.constant is None and axes.size != 0:
            if self.keepdims:
                return data.with_shape(fresh("reduced") for _ in data.shape)
            return TensorType(data.dtype, None)
        chosen = self._axes(data.rank, None if axes is None else axes.constant)
        shape: list[Dim] = []
        for axis, dim in enumerate(data.shape):
            if axis not in chosen:
                shape.append(dim)
            elif self.keepdims:
                shape.append(1)
        return data.with_shape(shape)

    def _axes(self, rank: int, axes: Array | None) -> tuple[int, ...]:
        given = () if axes is None else tuple(axes.reshape(-1).tolist())
        if given or self.noop_with_empty_axes:
            return normalize_axes(given, rank)
        return tuple(range(rank))

    def evaluate(self, data: Array, axes: Array | None = None) -> Array:
        chosen = self._axes(data.ndim, axes)
        half = data.dtype.kind in "fV" and data.dtype.itemsize == 2
        wide = data.astype(np.float32) if half else data
        return np.asarray(self.reduce(wide, chosen), dtype=data.dtype)

    def reduce(self, data: Array, axes: tuple[int, ...]) -> Any:
        """`data` reduced over `axes`, which may be empty."""
        raise NotImplementedError

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        if old.opset < cls.input_axes_since:
            old.to_input("axes", 1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        if cls is Reduction:
            return
        x = f32([[1, 2, 4], [0.5, 3, 1]])
        yield Case(cls(), [x], [cls().evaluate(x)], rtol=1e-6)
        for axes in (i64([1]), i64([-2]), i64([0, 1])):
            each = cls(keepdims=False).reduce_each(x, tuple(axes.tolist()))
            yield Case(cls(keepdims=False), [x, axes], [each], rtol=1e-6)
        yield Case(cls(noop_with_empty_axes=True), [x], [cls().reduce_each(x, ())], rtol=1e-6)
        yield Case(cls(), [x, i64([2])], error="axes: 2 is out of range; allowed: -2 to 1")
        yield Case(cls(), [np.array(["a"], object)], error="data has an element type")

    def reduce_each(self, x: Array, axes: tuple[int, ...]) -> Array:
        """The definition, set by set: what the cases are checked against."""
        kept = [axis for axis in range(x.ndim) if axis not in [a % x.ndim for a in axes]]
        flat = x.transpose(*kept, *[a for a in range(x.ndim) if a not in kept])
        sets = flat.reshape(*[x.shape[a] for a in kept], -1)
        made = [self.define(one.astype(np.float64)) for one in sets.reshape(-1, sets.shape[-1])]
        return np.array(made).astype(x.dtype).reshape(sets.shape[:-1])

    def define(self, values: Array) -> float:
        """The reduction of one set of float64 values."""
        raise NotImplementedError


class ReduceSum(Reduction, versions=(1, 11, 13)):
    """The sum."""

    input_axes_since = 13
    symbolic = True

    def reduce(self, data: Array, axes: tuple[int, ...]) -> Any:
        return data.sum(axes, keepdims=self.keepdims, dtype=data.dtype)

    def define(self, values: Array) -> float:
        return sum(values.tolist())


class ReduceMean(Reduction, versions=(1, 11, 13, 18)):
    """The mean; of integers, truncated towards zero."""

    def reduce(self, data: Array, axes: tuple[int, ...]) -> Any:
        if data.dtype.kind != "f":
            return np.trunc(data.mean(axes, keepdims=self.keepdims, dtype=np.float64))
        return data.mean(axes, keepdims=self.keepdims)

    def define(self, values: Array) -> float:
        return sum(values.tolist()) / len(values)


class ReduceProd(Reduction, versions=(1, 11, 13, 18)):
    """The product."""

    symbolic = True

    def reduce(self, data: Array, axes: tuple[int, ...]) -> Any:
        return data.prod(axes, keepdims=self.keepdims, dtype=data.dtype)

    def define(self, values: Array) -> float:
        return float(np.prod(values))


class _Extreme(Reduction):
    takes = NUMBERS | {DType.BOOL}
    greatest: ClassVar[bool]

    def reduce(self, data: Array, axes: tuple[int, ...]) -> Any:
        function = np.max if self.greatest else np.min
        return function(data, axes, keepdims=self.keepdims, initial=self._least(data.dtype))

    def _least(self, dtype: np.dtype[Any]) -> Any:
        if dtype.kind == "b":
            return not self.greatest
        if dtype.kind == "f":
            return -np.inf if self.greatest else np.inf
        limits = np.iinfo(dtype)
        return limits.min if self.greatest else limits.max


class ReduceMax(_Extreme, versions=(1, 11, 12, 13, 18, 20)):
    """The greatest; NaN where there is one."""

    greatest = True

    def define(self, values: Array) -> float:
        return max(values.tolist())

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield from super().cases()
        yield Case(cls(), [boolean([[1, 0], [0, 0]]), i64([1])], [boolean([[1], [0]])])
        yield Case(cls(), [np.zeros((0, 2), np.int32), i64([0])], [i32([[-(2**31), -(2**31)]])])
        yield Case(cls(), [f32([1, np.nan])], [f32([np.nan])])


class ReduceMin(_Extreme, versions=(1, 11, 12, 13, 18, 20)):
    """The least; NaN where there is one."""

    greatest = False

    def define(self, values: Array) -> float:
        return min(values.tolist())


class ReduceL1(Reduction, versions=(1, 11, 13, 18)):
    """The sum of the absolute values."""

    def reduce(self, data: Array, axes: tuple[int, ...]) -> Any:
        return np.abs(data).sum(axes, keepdims=self.keepdims, dtype=data.dtype)

    def expand(self, b: Builder[V], x: V, axes: V | None = None) -> V:
        return _sum(self, b, b.Abs(x), axes)

    def define(self, values: Array) -> float:
        return sum(abs(values).tolist())


class ReduceSumSquare(Reduction, versions=(1, 11, 13, 18)):
    """The sum of the squares."""

    def reduce(self, data: Array, axes: tuple[int, ...]) -> Any:
        return np.square(data).sum(axes, keepdims=self.keepdims, dtype=data.dtype)

    def expand(self, b: Builder[V], x: V, axes: V | None = None) -> V:
        return _sum(self, b, b.Mul(x, x), axes)

    def define(self, values: Array) -> float:
        return float((values * values).sum())


class ReduceL2(Reduction, versions=(1, 11, 13, 18)):
    """The square root of the sum of the squares; of integers, truncated."""

    def reduce(self, data: Array, axes: tuple[int, ...]) -> Any:
        wide = data if data.dtype.kind == "f" else data.astype(np.float64)
        return np.sqrt(np.square(wide).sum(axes, keepdims=self.keepdims))

    def expand(self, b: Builder[V], x: V, axes: V | None = None) -> V:
        kind = b.type(x).dtype
        if kind.is_float:
            return b.Sqrt(_sum(self, b, b.Mul(x, x), axes))
        wide = b.Cast(x, to=DType.DOUBLE.value)
        return b.Cast(b.Sqrt(_sum(self, b, b.Mul(wide, wide), axes)), to=kind.value)

    def define(self, values: Array) -> float:
        return float(np.sqrt((values * values).sum()))


class ReduceLogSum(Reduction, versions=(1, 11, 13, 18, 28)):
    """The logarithm of the sum."""

    def reduce(self, data: Array, axes: tuple[int, ...]) -> Any:
        wide = data if data.dtype.kind == "f" else data.astype(np.float64)
        return np.log(wide.sum(axes, keepdims=self.keepdims))

    def expand(self, b: Builder[V], x: V, axes: V | None = None) -> V:
        kind = b.type(x).dtype
        if kind.is_float:
            return b.Log(_sum(self, b, x, axes))
        wide = b.Cast(x, to=DType.DOUBLE.value)
        return b.Cast(b.Log(_sum(self, b, wide, axes)), to=kind.value)

    def define(self, values: Array) -> float:
        return float(np.log(values.sum()))


class ReduceLogSumExp(Reduction, versions=(1, 11, 13, 18, 28)):
    """log(sum(exp(x))), computed as m + log(sum(exp(x - m))) with the greatest finite m."""

    def reduce(self, data: Array, axes: tuple[int, ...]) -> Any:
        wide = data if data.dtype.kind == "f" else data.astype(np.float64)
        top = wide.max(axes, keepdims=True, initial=-np.inf)
        top[~np.isfinite(top)] = 0
        total = np.log(np.exp(wide - top).sum(axes, keepdims=True)) + top
        return total if self.keepdims else total.squeeze(axes)

    def expand(self, b: Builder[V], x: V, axes: V | None = None) -> V:
        kind = b.type(x).dtype
        wide = x if kind.is_float else b.Cast(x, to=DType.DOUBLE.value)
        given = {"noop_with_empty_axes": int(self.noop_with_empty_axes)}
        top = b.ReduceMax(wide, axes, keepdims=1, **given)
        endless = b.Or(b.IsInf(top), b.IsNaN(top))
        top = b.Where(endless, b.constant(0, b.type(wide).dtype), top)
        total = b.Log(b.ReduceSum(b.Exp(b.Sub(wide, top)), axes, keepdims=1, **given))
        made = b.Add(total, top)
        if not self.keepdims:
            made = b.Reshape(made, b.Shape(_sum(self, b, wide, axes)), allowzero=1)
        return made if kind.is_float else b.Cast(made, to=kind.value)

    def define(self, values: Array) -> float:
        return float(np.log(np.exp(values).sum()))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield from super().cases()
        yield Case(cls(), [f32([1000, 1000])], [f32([1000 + np.log(2)])], rtol=1e-6)
        yield Case(cls(), [f32([-np.inf, -np.inf])], [f32([-np.inf])])
        yield Case(cls(), [f32([])], [f32([-np.inf])])


def _sum(operator: Reduction, b: Builder[V], x: V, axes: V | None) -> V:
    return b.ReduceSum(
        x,
        axes,
        keepdims=int(operator.keepdims),
        noop_with_empty_axes=int(operator.noop_with_empty_axes),
    )
