"""FusedMatMul: a matrix product with transpositions and a factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.case import Case, f32
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class FusedMatMul(Operator, versions=(1,)):
    """alpha * A B, the last two axes of either swapped where asked for.

    `transBatch…` takes the first axis as the last but one, before that swap.
    """

    alpha: float = 1.0
    transA: bool = False  # noqa: N815 — ONNX's spelling
    transB: bool = False  # noqa: N815
    transBatchA: bool = False  # noqa: N815
    transBatchB: bool = False  # noqa: N815

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        made: TensorType = infer_expansion(self, a, b)
        return made

    def expand(self, b: Builder[V], left: V, right: V) -> V:
        left = _turned(b, left, batch=self.transBatchA, swap=self.transA)
        right = _turned(b, right, batch=self.transBatchB, swap=self.transB)
        made: V = b.MatMul(left, right)
        return made if self.alpha == 1 else b.Mul(made, self.alpha)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = f32([[1, 2], [3, 4]]), f32([[0, 1], [1, 0]])
        yield Case(cls(), [a, b], [f32([[2, 1], [4, 3]])])
        yield Case(cls(transA=True, alpha=2.0), [a, b], [f32([[6, 2], [8, 4]])])
        yield Case(cls(transB=True), [f32([[1, 2]]), a], [f32([[5, 11]])])
        rows = np.arange(6, dtype=np.float32).reshape(3, 1, 2)
        yield Case(cls(transBatchA=True), [rows, b], [f32([[[1, 0], [3, 2], [5, 4]]])])
        yield Case(cls(transBatchA=True), [a[0], b], error="cannot be transposed")


def _turned(b: Builder[V], x: V, *, batch: bool, swap: bool) -> V:
    if not (batch or swap):
        return x
    rank = b.type(x).rank
    if rank < 2:
        raise InferenceError(f"an operand of {rank} dims cannot be transposed", allowed="2 or more")
    order = [*range(1, rank - 1), 0, rank - 1] if batch else list(range(rank))
    if swap:
        order[-2:] = order[:-3:-1]
    made: V = b.Transpose(x, perm=order)
    return made
