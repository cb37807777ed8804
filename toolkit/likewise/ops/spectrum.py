"""Complex signals as ONNX holds them: real and imaginary parts along the last dim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from likewise.ir import Array

__all__ = ["as_complex", "as_parts"]


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
