"""FusedGemm: a general matrix product and an activation in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ops.case import Case, f32
from likewise.ops.com_microsoft.activations import activated
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class FusedGemm(Operator, versions=(1,)):
    """activation(alpha * A B + beta * C), A and B transposed where asked for."""

    activation: str = ""
    activation_alpha: float | None = None
    activation_beta: float | None = None
    activation_gamma: float | None = None
    alpha: float = 1.0
    beta: float = 1.0
    transA: bool = False  # noqa: N815 — ONNX's spelling
    transB: bool = False  # noqa: N815

    def infer(self, a: TensorType, b: TensorType, c: TensorType | None = None) -> TensorType:
        made: TensorType = infer_expansion(self, a, b, c)
        return made

    def expand(self, b: Builder[V], left: V, right: V, c: V | None = None) -> V:
        made: V = b.Gemm(
            left,
            right,
            c,
            alpha=self.alpha,
            beta=self.beta,
            transA=int(self.transA),
            transB=int(self.transB),
        )
        last = self.activation_gamma if self.activation == "Selu" else self.activation_beta
        given = [x for x in (self.activation_alpha, last) if x is not None]
        return activated(b, made, self.activation, given)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = f32([[1, 2]]), f32([[1], [-1]])
        yield Case(cls(activation="Relu"), [a, b], [f32([[0]])])
        leaky = cls(activation="LeakyRelu", activation_alpha=0.5, alpha=2.0)
        yield Case(leaky, [a, b, f32([1])], [f32([[-0.5]])])
        yield Case(cls(transB=True), [a, f32([[1, -1], [0, 1]])], [f32([[-1, 2]])])
