"""Rectifiers: activations that keep what lies above a bound, and what all activations share.

float16 and bfloat16 are computed in float32 and rounded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from likewise.ir import DType
from likewise.loop import math as loop_math
from likewise.ops.case import Case, f32, i32
from likewise.ops.checks import FLOATS, NUMBERS, check_dtype
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from likewise.ir import Array, TensorType
    from likewise.loop.values import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import Builder, OldForm

_X = f32([-3, -1, -0.25, 0, 0.5, 2])


class Activation(Operator):
    """Base: `compute` is the function of a float32 or float64 array, which it may not change."""

    takes: ClassVar[Collection[DType]] = FLOATS

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, self.takes, "X")
        return x.with_shape(x.shape)

    def evaluate(self, x: Array) -> Array:
        if x.ndim == 0:  # NumPy makes scalars of these, which cannot be written to
            return self.evaluate(x[None]).reshape(())
        if x.dtype == np.float16:
            return self.compute(x.astype(np.float32)).astype(x.dtype)
        return self.compute(x)

    def compute(self, x: Array) -> Array:
        """The function of a float32, float64 or (where taken) integer array."""
        raise NotImplementedError

    def define(self, x: float) -> float:
        """The function of one Python number: what the cases are checked against."""
        raise NotImplementedError

    @classmethod
    def upgrade(cls, old: OldForm) -> Any:
        old.attributes.pop("consumed_inputs", None)

    @classmethod
    def uses(cls) -> Iterator[Activation]:
        """The uses that the cases try."""
        yield cls()

    @classmethod
    def cases(cls) -> Iterator[Case]:
        if not cls.versions:
            return
        for use in cls.uses():
            made = f32([use.define(x) for x in _X.tolist()])
            yield Case(use, [_X], [made], rtol=2e-6, atol=1e-7)
            half = made.astype(np.float16)
            yield Case(use, [_X.astype(np.float16)], [half], rtol=1e-3, atol=1e-3)
        yield Case(cls(), [_X[1]], [f32(cls().define(-1))], rtol=2e-6)
        yield Case(cls(), [np.zeros((2, 0), np.float32)], [np.zeros((2, 0), np.float32)])
        yield Case(cls(), [np.array(True)], error="X has an element type")


class Relu(Activation, versions=(1, 6, 13, 14)):
    """max(x, 0)."""

    takes = FLOATS | {DType.INT8, DType.INT16, DType.INT32, DType.INT64}

    def compute(self, x: Array) -> Array:
        if x.dtype.kind == "f":  # three times as fast as `np.maximum` with a scalar
            return np.clip(x, x.dtype.type(0), x.dtype.type(np.inf))
        return np.maximum(x, x.dtype.type(0))

    def expand(self, b: Builder[V], x: V) -> V:
        return b.Max(x, 0)

    def define(self, x: float) -> float:
        return max(x, 0.0)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield from super().cases()
        yield Case(cls(), [i32([-2, 3])], [i32([0, 3])])
        yield Case(cls(), [f32([np.nan, -np.inf])], [f32([np.nan, 0])])


class LeakyRelu(Activation, versions=(1, 6, 16)):
    """x, below zero alpha * x."""

    alpha: float = 0.009999999776482582

    def compute(self, x: Array) -> Array:
        made = x * x.dtype.type(self.alpha)
        if 0 < self.alpha <= 1:
            return np.maximum(made, x, out=made)
        return np.where(x < 0, made, x)

    def expand(self, b: Builder[V], x: V) -> V:
        return b.Where(b.Less(x, 0), b.Mul(x, self.alpha), x)

    def define(self, x: float) -> float:
        return x if x >= 0 else self.alpha * x

    @classmethod
    def uses(cls) -> Iterator[Activation]:
        yield cls()
        yield cls(alpha=0.5)


def _with_tail(x: Array, alpha: float) -> Array:
    """x, below zero alpha * (exp(x) - 1): as a sum, since to choose by a mask is slower."""
    made = np.minimum(x, x.dtype.type(0))
    np.expm1(made, out=made)
    made *= x.dtype.type(alpha)
    made += np.maximum(x, x.dtype.type(0))
    return made


class Elu(Activation, versions=(1, 6, 22)):
    """x, below zero alpha * (exp(x) - 1)."""

    alpha: float = 1.0

    def compute(self, x: Array) -> Array:
        return _with_tail(x, self.alpha)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        def compute(k: Kernel, v: Value) -> Value:
            return k.select(v < 0.0, loop_math.expm1(k, v) * self.alpha, v)

        return lowering.elementwise(compute, x.dtype, x, cost=30)

    def define(self, x: float) -> float:
        return x if x >= 0 else self.alpha * float(np.expm1(x))

    @classmethod
    def uses(cls) -> Iterator[Activation]:
        yield cls()
        yield cls(alpha=2.0)


class Selu(Activation, versions=(1, 6, 22)):
    """gamma * x, below zero gamma * alpha * (exp(x) - 1)."""

    alpha: float = 1.6732631921768188
    gamma: float = 1.0507010221481323

    def compute(self, x: Array) -> Array:
        made = _with_tail(x, self.alpha)
        made *= x.dtype.type(self.gamma)
        return made

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        def compute(k: Kernel, v: Value) -> Value:
            return k.select(v <= 0.0, loop_math.expm1(k, v) * self.alpha, v) * self.gamma

        return lowering.elementwise(compute, x.dtype, x, cost=30)

    def define(self, x: float) -> float:
        return self.gamma * (x if x > 0 else self.alpha * float(np.expm1(x)))

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        super().upgrade(old)
        if old.opset < 6:
            old.attributes.setdefault("alpha", float(np.float32(1.6732)))
            old.attributes.setdefault("gamma", float(np.float32(1.0507)))


class Celu(Activation, versions=(12, 28)):
    """max(0, x) + min(0, alpha * (exp(x / alpha) - 1))."""

    alpha: float = 1.0

    def compute(self, x: Array) -> Array:
        alpha = x.dtype.type(self.alpha)
        return np.maximum(x, 0) + np.minimum(np.expm1(x / alpha) * alpha, 0)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        def compute(k: Kernel, v: Value) -> Value:
            below = loop_math.expm1(k, v / self.alpha) * self.alpha
            return k.max(v, 0.0) + k.min(below, 0.0)

        return lowering.elementwise(compute, x.dtype, x, cost=30)

    def define(self, x: float) -> float:
        return max(0.0, x) + min(0.0, self.alpha * float(np.expm1(x / self.alpha)))

    @classmethod
    def uses(cls) -> Iterator[Activation]:
        yield cls()
        yield cls(alpha=2.0)


class ThresholdedRelu(Activation, versions=(10, 22)):
    """x where it is above alpha, else 0."""

    alpha: float = 1.0

    def compute(self, x: Array) -> Array:
        return np.where(x > x.dtype.type(self.alpha), x, x.dtype.type(0))

    def expand(self, b: Builder[V], x: V) -> V:
        kind = b.type(x).dtype
        return b.Where(b.Greater(x, self.alpha), x, b.constant(0, kind))

    def define(self, x: float) -> float:
        return x if x > self.alpha else 0.0


class Shrink(Activation, versions=(9,)):
    """x + bias below -lambd, x - bias above lambd, else 0."""

    bias: float = 0.0
    lambd: float = 0.5
    takes = NUMBERS

    def compute(self, x: Array) -> Array:
        zero = x.dtype.type(0)
        wide = x if x.dtype.kind == "f" else x.astype(np.float64)
        bias = wide.dtype.type(self.bias)
        above = np.where(wide > self.lambd, wide - bias, zero)
        return np.where(wide < -self.lambd, wide + bias, above).astype(x.dtype)

    def expand(self, b: Builder[V], x: V) -> V:
        kind = b.type(x).dtype
        wide = x if kind.is_float else b.Cast(x, to=DType.DOUBLE.value)
        zero = b.constant(0, b.type(wide).dtype)
        above = b.Where(b.Greater(wide, self.lambd), b.Sub(wide, self.bias), zero)
        made = b.Where(b.Less(wide, -self.lambd), b.Add(wide, self.bias), above)
        return made if kind.is_float else b.Cast(made, to=kind.value)

    def define(self, x: float) -> float:
        if x < -self.lambd:
            return x + self.bias
        return x - self.bias if x > self.lambd else 0.0

    @classmethod
    def uses(cls) -> Iterator[Activation]:
        yield cls()
        yield cls(bias=0.5, lambd=1.0)
