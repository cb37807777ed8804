"""MatMul: the matrix product, broadcast over leading axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.case import Case, f16, f32, i32
from likewise.ops.checks import (
    FLOATS,
    broadcast,
    check_dtype,
    check_same_dtype,
    unify,
)
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array, Dim, Shape, TensorType

_TYPES = FLOATS | {DType.INT32, DType.INT64, DType.UINT32, DType.UINT64}


class MatMul(Operator, versions=(1, 9, 13)):
    """`numpy.matmul`: a 1-d input is a row on the left, a column on the right.

    float16 and bfloat16 accumulate in float32; integers wrap.
    """

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        check_dtype(a, _TYPES, "A")
        check_same_dtype(A=a, B=b)
        return a.with_shape(product_shape(a.shape, b.shape))

    def evaluate(self, a: Array, b: Array) -> Array:
        return multiply(a, b)

    def flops(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType | None]
    ) -> Dim:
        a, made = inputs[0], outputs[0]
        if a is None or made is None or a.dims is None or made.dims is None:
            return 0
        return made.size * a.shape[-1] * 2

    @classmethod
    def cases(cls) -> Iterator[Case]:
        a, b = f32([[1, 2], [3, 4]]), f32([[5, 6, 7], [8, 9, 10]])
        yield Case(cls(), [a, b], [f32([[21, 24, 27], [47, 54, 61]])])
        yield Case(cls(), [a[0], b], [f32([21, 24, 27])])
        yield Case(cls(), [a, b[:, 0]], [f32([21, 47])])
        yield Case(cls(), [a[0], b[:, 0]], [f32(21)])
        yield Case(cls(), [np.stack([a, a]), b], [np.stack([a @ b] * 2)])
        yield Case(cls(), [f16([[300, 300]]), f16([[100], [100]])], [f16([[60000]])])
        yield Case(cls(), [i32([[2**30, 4]]), i32([[4], [3]])], [i32([[12]])])
        yield Case(cls(), [a[:, :0], b[:0]], [np.zeros((2, 3), np.float32)])
        yield Case(cls(), [a, b.T.copy()], error="the inner dims differ; given: 2 and 3")
        yield Case(cls(), [f32(1), a], error="A is a scalar")


def product_shape(a: Shape, b: Shape) -> Shape:
    """The shape of a matrix product, by the rules of `numpy.matmul`."""
    for name, shape in (("A", a), ("B", b)):
        if not shape:
            raise InferenceError(f"{name} is a scalar", allowed="1 dim or more")
    left = a if len(a) > 1 else (1, *a)
    right = b if len(b) > 1 else (*b, 1)
    unify(left[-1], right[-2], "the inner dims")
    rows = (left[-2],) if len(a) > 1 else ()
    columns = (right[-1],) if len(b) > 1 else ()
    return (*broadcast(left[:-2], right[:-2]), *rows, *columns)


def multiply(a: Array, b: Array) -> Array:
    """`a @ b` in the element type of `a`; the narrow floats accumulate in float32."""
    if a.dtype.kind in "fV" and a.dtype.itemsize == 2:
        return np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(a.dtype)
    if b.ndim == 2 and a.ndim > 2:
        rows = a.reshape(-1, a.shape[-1]) if a.shape[-1] else None
        if rows is not None:
            return np.matmul(rows, b).reshape(*a.shape[:-1], b.shape[-1])
    return np.matmul(a, b)
