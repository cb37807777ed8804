"""Gemm: a matrix product with factors and a bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ops.ai_onnx.matmul import PRODUCT_TYPES
from likewise.ops.case import Case, f16, f32, i32
from likewise.ops.checks import broadcast, check_dtype, check_rank, check_same_dtype, unify
from likewise.ops.convolution import working_dtype
from likewise.ops.matrix_product import matrix_product
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim, TensorType
    from likewise.ops.build import Builder, OldForm


class Gemm(Operator, versions=(1, 6, 7, 9, 11, 13)):
    """alpha * A' B' + beta * C, where ' is a transposition if `transA` or `transB` asks for it.

    `C` broadcasts to the product and is not looked at where beta is 0, as in BLAS. float16 and
    bfloat16 are rounded once, at the end; for integers the factors lose their fraction.
    """

    alpha: float = 1.0
    beta: float = 1.0
    transA: bool = False  # noqa: N815 — ONNX's name
    transB: bool = False  # noqa: N815 — ONNX's name

    def infer(self, A: TensorType, B: TensorType, C: TensorType | None = None) -> TensorType:
        check_dtype(A, PRODUCT_TYPES, "A")
        check_same_dtype(A=A, B=B, C=C)
        check_rank(A, 2, "A")
        check_rank(B, 2, "B")
        rows, depth = A.shape[::-1] if self.transA else A.shape
        other, columns = B.shape[::-1] if self.transB else B.shape
        unify(depth, other, "the inner dims")
        dims = (rows, columns)
        if C is not None and C.dims is not None:
            whole = broadcast(dims, C.dims)
            if len(whole) > 2 or any(a == 1 != b for a, b in zip(dims, whole, strict=True)):
                raise InferenceError(
                    "C does not broadcast to the product", given=f"{C}, {list(dims)}"
                )
        return A.with_shape(dims)

    def evaluate(self, A: Array, B: Array, C: Array | None = None) -> Array:
        dtype, whole = A.dtype, A.dtype.kind in "iu"
        if not whole:
            A, B = (x.astype(working_dtype(dtype), copy=False) for x in (A, B))
        y = matrix_product(A.T if self.transA else A, B.T if self.transB else B)
        if self.alpha != 1:
            y *= y.dtype.type(self.alpha)
        if C is not None and self.beta != 0:
            C = C.astype(y.dtype, copy=False)
            y += C if self.beta == 1 else C * y.dtype.type(self.beta)
        return y.astype(dtype, copy=False)

    def expand(self, b: Builder[V], A: V, B: V, C: V | None = None) -> V:
        left = b.Transpose(A, perm=(1, 0)) if self.transA else A
        right = b.Transpose(B, perm=(1, 0)) if self.transB else B
        y = b.MatMul(left, right)
        if self.alpha != 1:
            y = b.Mul(y, self.alpha)
        if C is not None and self.beta != 0:
            y = b.Add(y, C if self.beta == 1 else b.Mul(C, self.beta))
        made: V = y
        return made

    def flops(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType | None]
    ) -> Dim:
        a, y = inputs[0], outputs[0]
        if a is None or y is None or a.dims is None or y.dims is None:
            return 0
        return 2 * y.size * a.shape[0 if self.transA else 1]

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        old.attributes.pop("broadcast", None)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = f32([[1, 2], [3, 4]]), f32([[5, 6, 7], [8, 9, 10]])
        y = f32([[21, 24, 27], [47, 54, 61]])
        yield Case(cls(), [a, b], [y])
        yield Case(cls(), [a, b, f32([1, 2, 3])], [y + f32([1, 2, 3])])
        yield Case(cls(alpha=0.5, beta=2.0), [a, b, f32([[1], [2]])], [y / 2 + f32([[2], [4]])])
        yield Case(cls(transA=True, transB=True), [a.T.copy(), b.T.copy(), f32(1)], [y + 1])
        yield Case(cls(beta=0.0), [a, b, f32(np.nan)], [y])
        yield Case(cls(), [a[:, :0], b[:0], f32([1, 2, 3])], [f32([[1, 2, 3], [1, 2, 3]])])
        yield Case(cls(alpha=2.0), [i32([[3]]), i32([[5]]), i32([-1])], [i32([[29]])])
        yield Case(cls(), [f16([[256]]), f16([[8]]), f16([1])], [f16([[2048]])])
        yield Case(cls(), [a, b.T.copy()], error="the inner dims differ; given: 2 and 3")
        yield Case(cls(), [a[:1], b, f32([[1], [2]])], error="C does not broadcast to the product")
        yield Case(cls(), [a[0], b], error="A has 1 dims")
