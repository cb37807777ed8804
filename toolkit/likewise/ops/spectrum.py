"""Complex signals as ONNX holds them: real and imaginary parts along the last dim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ir import DType

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView

__all__ = ["as_complex", "as_parts", "transformed"]

_LARGEST_MATRIX: Final = 1 << 24
"""Elements of a transform that is compiled as a matrix."""


def as_complex(parts: Array) -> Array:
    """[…, 1] as a real, […, 2] as a complex signal […]: single precision, double for float64."""
    if parts.dtype not in (np.float32, np.float64):
        parts = parts.astype(np.float32)
    if parts.shape[-1] == 1:
        return parts[..., 0]
    pairs = np.ascontiguousarray(parts)
    return pairs.view(np.complex64 if parts.dtype == np.float32 else np.complex128)[..., 0]


def as_parts(signal: Array, dtype: np.dtype[Any]) -> Array:
    """A complex signal […] as […, 2] of `dtype`."""
    made = np.empty((*signal.shape, 2), dtype)
    made[..., 0], made[..., 1] = signal.real, signal.imag
    return made


def transformed(
    lowering: Lowering, signals: TensorView, transform: Callable[[Array], Array]
) -> TensorView:
    """[signals, length, parts] as [signals, bins, parts], by a `transform` that is linear.

    It is compiled as the matrix that it is: what it makes of the signals [one, length, parts] that
    are 1 in one place. float16 and bfloat16 are computed in float32 and rounded once.
    """
    count, *element = signals.shape
    size = int(np.prod(element))
    if size * size * 2 > _LARGEST_MATRIX:
        raise UnsupportedError("the transform is too long", given=f"{element[0]} elements")
    made = transform(np.eye(size).reshape(size, *element))
    narrow = signals.dtype in {DType.FLOAT16, DType.BFLOAT16}
    work = DType.FLOAT if narrow else signals.dtype
    rows = signals.reshape((count, size))
    if narrow:
        rows = lowering.elementwise(lambda _, x: x, work, rows, exact=True)
    matrix = lowering.constant(made.reshape(size, -1).astype(work.numpy))
    found = lowering.matmul(rows, matrix)
    if narrow:
        found = lowering.elementwise(lambda _, x: x, signals.dtype, found)
    return found.reshape((count, *made.shape[1:]))
