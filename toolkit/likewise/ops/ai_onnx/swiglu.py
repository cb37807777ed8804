"""SwiGLU: a gate through Swish times a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ops.case import Case, f32
from likewise.ops.checks import check_float, check_same_dtype, unify
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class SwiGLU(Operator, versions=(28,)):
    """A * sigmoid(alpha * A) * B, of equal shapes."""

    alpha: float = 1.0

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        check_float(a, "A")
        check_same_dtype(A=a, B=b)
        pairs = zip(a.shape, b.with_shape(b.shape).shape, strict=a.rank == b.rank)
        return a.with_shape(unify(m, n, "the dims of A and B") for m, n in pairs)

    def expand(self, b: Builder[V], gate: V, value: V) -> V:
        return b.Mul(b.Swish(gate, alpha=self.alpha), value)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([0, 2]), f32([5, 3])], [f32([0, 5.284782])], rtol=1e-6)
        yield Case(cls(), [f32([0, 2]), f32([5])], error="the dims of A and B differ")
