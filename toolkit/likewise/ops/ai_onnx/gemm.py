"""Gemm: alpha * A' * B' + beta * C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.ai_onnx.matmul import multiply
from likewise.ops.case import Case, f32, i32
from likewise.ops.checks import FLOATS, broadcast, check_dtype, check_rank, check_same_dtype, unify
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim, TensorType
    from likewise.ops.build import Builder, OldForm

_TYPES = FLOATS | {DType.INT32, DType.INT64, DType.UINT32, DType.UINT64}


class Gemm(Operator, versions=(1, 6, 7, 9, 11, 13)):
    """A' and B' are the 2-d inputs, transposed where the attributes say so; C broadcasts."""

    alpha: float = 1.0
    beta: float = 1.0
    transA: bool = False  # noqa: N815 — ONNX's name
    transB: bool = False  # noqa: N815 — ONNX's name

    def infer(self, a: TensorType, b: TensorType, c: TensorType | None = None) -> TensorType:
        check_dtype(a, _TYPES, "A")
        check_same_dtype(A=a, B=b, C=c)
        check_rank(a, 2, "A")
        check_rank(b, 2, "B")
        rows, left = reversed(a.shape) if self.transA else a.shape
        right, columns = reversed(b.shape) if self.transB else b.shape
        unify(left, right, "the inner dims")
        static = c is not None and all(isinstance(n, int) for n in (*c.shape, rows, columns))
        if c is not None and static and broadcast(c.shape, (rows, columns)) != (rows, columns):
            raise InferenceError(
                "C does not broadcast to the product", given=c, allowed=f"[{rows}, {columns}]"
            )
        return a.with_shape((rows, columns))

    def evaluate(self, a: Array, b: Array, c: Array | None = None) -> Array:
        made = multiply(a.T if self.transA else a, b.T if self.transB else b)
        if self.alpha != 1:
            made = made * _scalar(self.alpha, a)
        if c is not None and self.beta != 0:
            made += c if self.beta == 1 else c * _scalar(self.beta, a)
        return made

    def expand(self, b: Builder[V], a: V, x: V, c: V | None = None) -> V:
        left = b.Transpose(a, perm=(1, 0)) if self.transA else a
        right = b.Transpose(x, perm=(1, 0)) if self.transB else x
        made = b.MatMul(left, right)
        if self.alpha != 1:
            made = b.Mul(made, self.alpha)
        if c is None or self.beta == 0:
            return made
        return b.Add(made, c if self.beta == 1 else b.Mul(c, self.beta))

    def flops(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType | None]
    ) -> Dim:
        a, made = inputs[0], outputs[0]
        if a is None or made is None or a.dims is None or made.dims is None:
            return 0
        return made.size * a.shape[0 if self.transA else 1] * 2

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        if old.opset < 7:
            old.attributes.pop("broadcast", None)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = f32([[1, 2], [3, 4]]), f32([[5, 6], [7, 8]])
        yield Case(cls(), [a, b], [a @ b])
        yield Case(cls(transA=True, transB=True), [a, b, f32([1, 2])], [a.T @ b.T + f32([1, 2])])
        yield Case(cls(alpha=0.5, beta=2.0), [a, b, f32([[1], [2]])], [a @ b / 2 + f32([[2], [4]])])
        yield Case(cls(), [i32([[2]]), i32([[3]]), i32(4)], [i32([[10]])])
        yield Case(cls(), [a[:, :0], b[:0]], [np.zeros((2, 2), np.float32)])
        yield Case(cls(), [a, b, f32([1, 2, 3])], error="broadcast")
        yield Case(cls(), [a, f32([[1, 2, 3]])], error="the inner dims differ")
        yield Case(cls(), [a[0], b], error="A has 1 dims")


def _scalar(number: float, like: Array) -> Array:
    return np.array(number).astype(like.dtype)
