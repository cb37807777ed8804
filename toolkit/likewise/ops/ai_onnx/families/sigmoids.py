"""Smooth activations: sigmoids, what is made of them, and the error function.

float16 and bfloat16 are computed in float32 and rounded once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.loop import math as loop_math
from likewise.ops.activations import sigmoid
from likewise.ops.ai_onnx.families.activations import Activation
from likewise.ops.checks import NUMBERS
from likewise.ops.error_function import erf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.loop.values import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.build import Builder
    from likewise.ops.operator import V


class HardSigmoid(Activation, versions=(1, 6, 22)):
    """max(0, min(1, alpha * x + beta))."""

    alpha: float = 0.20000000298023224
    beta: float = 0.5

    def compute(self, x: Array) -> Array:
        made = x * x.dtype.type(self.alpha)
        made += x.dtype.type(self.beta)
        return np.clip(made, 0, 1, out=made)

    def expand(self, b: Builder[V], x: V) -> V:
        return b.Max(b.Min(b.Add(b.Mul(x, self.alpha), self.beta), 1), 0)

    def define(self, x: float) -> float:
        return max(0.0, min(1.0, self.alpha * x + self.beta))


class HardSwish(Activation, versions=(14, 22)):
    """x * max(0, min(1, x / 6 + 0.5))."""

    def compute(self, x: Array) -> Array:
        made = x * x.dtype.type(1 / 6)
        made += x.dtype.type(0.5)
        np.clip(made, 0, 1, out=made)
        made *= x
        return made

    def expand(self, b: Builder[V], x: V) -> V:
        return b.Mul(x, b.HardSigmoid(x, alpha=1 / 6, beta=0.5))

    def define(self, x: float) -> float:
        return x * max(0.0, min(1.0, x / 6 + 0.5))


class Sigmoid(Activation, versions=(1, 6, 13)):
    """1 / (1 + exp(-x))."""

    def compute(self, x: Array) -> Array:
        return sigmoid(x)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        return lowering.elementwise(loop_math.sigmoid, x.dtype, x, cost=25)

    def define(self, x: float) -> float:
        return 1 / (1 + float(np.exp(-x)))


class Softplus(Activation, versions=(1, 22)):
    """log(1 + exp(x)), without overflow."""

    def compute(self, x: Array) -> Array:
        made = np.abs(x)
        np.negative(made, out=made)
        np.exp(made, out=made)
        np.log1p(made, out=made)
        made += np.maximum(x, x.dtype.type(0))
        return made

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        def compute(k: Kernel, v: Value) -> Value:
            return k.max(v, 0.0) + loop_math.log1p(k, loop_math.exp(k, -abs(v)))

        return lowering.elementwise(compute, x.dtype, x, cost=45)

    def define(self, x: float) -> float:
        return float(np.log1p(np.exp(x)))


class Softsign(Activation, versions=(1, 22)):
    """x / (1 + |x|)."""

    def compute(self, x: Array) -> Array:
        made = np.abs(x)
        made += 1
        return x / made

    def expand(self, b: Builder[V], x: V) -> V:
        return b.Div(x, b.Add(b.Abs(x), 1))

    def define(self, x: float) -> float:
        return x / (1 + abs(x))


class Mish(Activation, versions=(18, 22)):
    """x * tanh(log(1 + exp(x)))."""

    def compute(self, x: Array) -> Array:
        """With e = exp(x), the factor is n / (n + 2) for n = e * (e + 2): 1 from x = 20 on."""
        e = np.minimum(x, x.dtype.type(20))
        np.exp(e, out=e)
        n = e + x.dtype.type(2)
        n *= e
        np.add(n, x.dtype.type(2), out=e)
        n /= e
        n *= x
        return n

    def expand(self, b: Builder[V], x: V) -> V:
        return b.Mul(x, b.Tanh(b.Softplus(x)))

    def define(self, x: float) -> float:
        return x * float(np.tanh(np.log1p(np.exp(x))))


class Swish(Activation, versions=(24,)):
    """x * sigmoid(alpha * x)."""

    alpha: float = 1.0

    def compute(self, x: Array) -> Array:
        made = sigmoid(x if self.alpha == 1 else x * x.dtype.type(self.alpha))
        made *= x
        return made

    def expand(self, b: Builder[V], x: V) -> V:
        return b.Mul(x, b.Sigmoid(x if self.alpha == 1 else b.Mul(x, self.alpha)))

    def define(self, x: float) -> float:
        return x / (1 + float(np.exp(-self.alpha * x)))

    @classmethod
    def uses(cls) -> Iterator[Activation]:
        yield cls()
        yield cls(alpha=1.5)


class Gelu(Activation, versions=(20,)):
    """x * (1 + erf(x / √2)) / 2, or its form with tanh."""

    approximate: Literal["none", "tanh"] = "none"

    def compute(self, x: Array) -> Array:
        if self.approximate == "tanh":
            made = x * x
            made *= x.dtype.type(0.044715)
            made += 1
            made *= x * x.dtype.type(np.sqrt(2 / np.pi))
            made = np.tanh(made)
        else:
            made = erf(x * x.dtype.type(np.sqrt(0.5)))
        made += 1
        made *= x
        made *= x.dtype.type(0.5)
        return made

    def expand(self, b: Builder[V], x: V) -> V:
        if self.approximate == "tanh":
            cubic = b.Mul(b.Add(b.Mul(b.Mul(x, x), 0.044715), 1), x)
            inner = b.Tanh(b.Mul(cubic, float(np.sqrt(2 / np.pi))))
        else:
            inner = b.Erf(b.Mul(x, float(np.sqrt(0.5))))
        return b.Mul(b.Mul(b.Add(inner, 1), x), 0.5)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        compute = loop_math.gelu_by_tanh if self.approximate == "tanh" else loop_math.gelu
        return lowering.elementwise(compute, x.dtype, x, cost=30)

    def define(self, x: float) -> float:
        if self.approximate == "tanh":
            return 0.5 * x * (1 + float(np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))))
        return 0.5 * x * (1 + math.erf(x * np.sqrt(0.5)))

    @classmethod
    def uses(cls) -> Iterator[Activation]:
        yield cls()
        yield cls(approximate="tanh")


class Erf(Activation, versions=(9, 13)):
    """The error function."""

    takes = NUMBERS

    def compute(self, x: Array) -> Array:
        if x.dtype.kind != "f":
            return erf(x.astype(np.float64)).astype(x.dtype)
        return erf(x)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        if x.dtype.is_float:
            return lowering.elementwise(loop_math.erf, x.dtype, x, cost=30)
        # The fraction is lost: only 0 and what rounds to 1 is left.
        least = 6

        def whole(k: Kernel, v: Value) -> Value:
            one, zero = k.const(1, v.type), k.const(0, v.type)
            found = k.select(v >= least, one, zero)
            return found if v.type.kind == "u" else k.select(v <= -least, -one, found)

        return lowering.elementwise(whole, x.dtype, x, exact=True)

    def define(self, x: float) -> float:
        return math.erf(x)
