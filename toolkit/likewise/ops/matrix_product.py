"""The matrix product of arrays by BLAS, whatever their dtype and strides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.ops.convolution import exact_dtype, working_dtype

if TYPE_CHECKING:
    from likewise.ir import Array

__all__ = ["matrix_product"]

_FEW_ROWS: Final = 64  # a matrix of fewer rows leaves BLAS idle: many are taken as one
_WORTH_A_COPY: Final = 1 << 12  # multiplications of integers that repay two casts


def matrix_product(a: Array, b: Array) -> Array:
    """`np.matmul`, fast.

    float16 and bfloat16 are summed in float32 and rounded once. Integers wrap; where all sums
    fit, floating-point numbers compute them exactly.
    """
    dtype = a.dtype
    if dtype.kind in "iu":
        depth = a.shape[-1]
        if a.size * b.size == 0 or a.size * b.shape[-1] < _WORTH_A_COPY:
            return np.matmul(a, b)
        work = exact_dtype(a, b, depth)
        if work.kind == "i":
            return np.matmul(a, b)
    else:
        work = working_dtype(dtype)
    y = _product(a.astype(work, copy=False), b.astype(work, copy=False))
    if dtype.kind in "iu":  # through int64: from float straight to unsigned is undefined below 0
        y = y.astype(np.int64)
    return y.astype(dtype, copy=False)


def _product(a: Array, b: Array) -> Array:
    if a.ndim > 2 and b.ndim == 2 and (a.flags.c_contiguous or a.shape[-2] < _FEW_ROWS):
        return np.matmul(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[-1])
    return np.matmul(_for_blas(a), _for_blas(b))


def _for_blas(x: Array) -> Array:
    """`x` or a copy of it: BLAS takes matrices whose rows or columns are runs of memory."""
    if x.ndim < 2 or x.itemsize in x.strides[-2:]:
        return x
    return np.ascontiguousarray(x)
