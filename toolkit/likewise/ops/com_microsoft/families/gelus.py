"""Gelu, BiasGelu, FastGelu, QuickGelu: x times how likely a normal variable is below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ops.case import Case, f32
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class Gelu(Operator, versions=(1,)):
    """x Φ(x), with the error function."""

    def infer(self, x: TensorType) -> TensorType:
        made: TensorType = infer_expansion(self, x)
        return made

    def expand(self, b: Builder[V], x: V) -> V:
        made: V = b.Gelu(x)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        y = f32([-0.15865526, 0, 0.8413447])
        yield Case(cls(), [f32([-1, 0, 1])], [y], rtol=1e-6)


class BiasGelu(Operator, versions=(1,)):
    """Gelu of a + bias, the bias being 1-d."""

    def infer(self, a: TensorType, bias: TensorType) -> TensorType:
        made: TensorType = infer_expansion(self, a, bias)
        return made

    def expand(self, b: Builder[V], a: V, bias: V) -> V:
        made: V = b.Gelu(b.Add(a, bias))
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        y = f32([[-0.15865526, 0.8413447]])
        yield Case(cls(), [f32([[0, 0]]), f32([-1, 1])], [y], rtol=1e-6)
        yield Case(cls(), [f32([[0, 0]]), f32([1, 2, 3])], error="do not broadcast")


class FastGelu(Operator, versions=(1,)):
    """Gelu of x + bias by the approximation with tanh; the bias may be absent."""

    def infer(self, x: TensorType, bias: TensorType | None = None) -> TensorType:
        made: TensorType = infer_expansion(self, x, bias)
        return made

    def expand(self, b: Builder[V], x: V, bias: V | None = None) -> V:
        made: V = b.Gelu(x if bias is None else b.Add(x, bias), approximate="tanh")
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        y = f32([-0.15880796, 0, 0.841192])
        yield Case(cls(), [f32([-1, 0, 1])], [y], rtol=1e-6)
        yield Case(cls(), [f32([-2, -1, 0]), f32([1, 1, 1])], [y], rtol=1e-6)


class QuickGelu(Operator, versions=(1,)):
    """x sigmoid(alpha x)."""

    alpha: float = 1.702

    def infer(self, x: TensorType) -> TensorType:
        made: TensorType = infer_expansion(self, x)
        return made

    def expand(self, b: Builder[V], x: V) -> V:
        made: V = b.Mul(x, b.Sigmoid(b.Mul(x, self.alpha)))
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        y = f32([-0.15420423, 0, 0.84579575])
        yield Case(cls(), [f32([-1, 0, 1])], [y], rtol=1e-6)
