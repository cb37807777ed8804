"""MatMul: the matrix product, of batches too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, f16, f32, i32, u32
from likewise.ops.checks import FLOATS, broadcast, check_dtype, check_same_dtype, unify
from likewise.ops.matrix_product import matrix_product
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim, Shape, TensorType
    from likewise.lower import Lowering, TensorView

PRODUCT_TYPES: Final = FLOATS | {DType.INT32, DType.INT64, DType.UINT32, DType.UINT64}


class MatMul(Operator, versions=(1, 9, 13)):
    """A [..., M, K] times B [..., K, N]; dims before the last two broadcast.

    A vector on the left is a row, on the right a column, and its dim is missing in the result.
    Integers wrap.
    """

    def infer(self, A: TensorType, B: TensorType) -> TensorType:
        check_dtype(A, PRODUCT_TYPES, "A")
        check_same_dtype(A=A, B=B)
        return A.with_shape(product_shape(A.shape, B.shape))

    def evaluate(self, A: Array, B: Array) -> Array:
        return np.asarray(matrix_product(A, B))

    def lower(self, lowering: Lowering, a: TensorView, b: TensorView) -> TensorView:
        return lower_product(lowering, a, b)

    def flops(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType | None]
    ) -> Dim:
        a, y = inputs[0], outputs[0]
        if a is None or y is None or a.dims is None or y.dims is None:
            return 0
        return 2 * y.size * a.shape[-1]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = f32([[1, 2], [3, 4]]), f32([[5, 6, 7], [8, 9, 10]])
        y = f32([[21, 24, 27], [47, 54, 61]])
        yield Case(cls(), [a, b], [y])
        yield Case(cls(), [a[0], b], [y[0]])
        yield Case(cls(), [a, b[:, 1]], [y[:, 1]])
        yield Case(cls(), [a[0], b[:, 0]], [f32(21)])
        many = np.stack([a, -a])[:, None]
        yield Case(
            cls(), [many, np.stack([b, b])], [np.stack([np.stack([y, y]), -np.stack([y, y])])]
        )
        yield Case(cls(), [many, b], [np.stack([y, -y])[:, None]])
        yield Case(cls(), [b.T.copy().T, a[0]], error="the inner dims differ; given: 3 and 2")
        yield Case(cls(), [a[:, :0], b[:0]], [np.zeros((2, 3), np.float32)])
        yield Case(cls(), [i32([[2**16]]), i32([[2**16]])], [i32([[0]])])
        yield Case(
            cls(), [np.full((64, 64), 3, np.uint32)] * 2, [np.full((64, 64), 576, np.uint32)]
        )
        yield Case(cls(), [f16([[2048, 1, 1]]), f16([[1], [1], [1]])], [f16([[2050]])])
        yield Case(cls(), [f32(1), a], error="A has no dims")
        yield Case(cls(), [a, u32([[1], [2]])], error="types differ; given: A float, B uint32")


def lower_product(
    lowering: Lowering, a: TensorView, b: TensorView, *, small: bool = False
) -> TensorView:
    """The product of two views, vectors too; `small` as in `Lowering.matmul`."""
    shape = product_shape(a.shape, b.shape)
    a = a if a.rank > 1 else a.reshape((1, *a.shape))
    b = b if b.rank > 1 else b.reshape((*b.shape, 1))
    y = lowering.matmul(a, b, small=small)
    sizes = [size for size in shape if isinstance(size, int)]
    return y if y.shape == shape else y.reshape(sizes)


def product_shape(a: Shape, b: Shape) -> Shape:
    """The shape of the product of [..., M, K] and [..., K, N]."""
    if not a or not b:
        raise InferenceError(f"{'B' if a else 'A'} has no dims", allowed="1 dim or more")
    unify(a[-1], b[-2] if len(b) > 1 else b[0], "the inner dims")
    return (*broadcast(a[:-2], b[:-2]), *a[-2:-1], *(b[-1:] if len(b) > 1 else ()))
