"""Means and variances: what the normalisations share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.checks import check_rank, unify
from likewise.ops.convolution import working_dtype

if TYPE_CHECKING:
    from likewise.ir import Array, Dim, TensorType

__all__ = ["channels_of", "check_per_channel", "per_channel", "standardize", "stash_dtype"]


def standardize(x: Array, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array, Array]:
    """(x - mean) / sqrt(variance + epsilon) over `axes`, the mean, and 1 / sqrt(…).

    All in the dtype of `x`, the latter two with the axes kept as 1. The variance is that of the
    population, taken around the mean.
    """
    count = x.dtype.type(np.prod([x.shape[axis] for axis in axes]))
    mean = x.sum(axes, keepdims=True) / count
    centred = x - mean
    if len(axes) == 1 and axes[0] in (-1, x.ndim - 1):
        variance = np.einsum("...i,...i->...", centred, centred)[..., None] / count
    else:
        variance = np.square(centred).sum(axes, keepdims=True) / count
    inverse = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    centred *= inverse
    return centred, mean, inverse


def per_channel(values: Array, rank: int) -> Array:
    """`values` [C], in at least float32, shaped to broadcast against [N, C, D1 … Dn] of `rank`."""
    wide = values.astype(working_dtype(values.dtype), copy=False)
    return wide.reshape(-1, *[1] * (rank - 2))


def channels_of(x: TensorType) -> Dim:
    """The second dim of N x C x D1 … Dn; raises `InferenceError` where there is none."""
    if x.rank < 2:
        raise InferenceError("the input has no channels", given=x, allowed="N x C x D1 … Dn")
    return x.shape[1]


def check_per_channel(channels: Dim, **inputs: TensorType | None) -> None:
    """Refuse inputs (given by name) that are not one number a channel."""
    for name, given in inputs.items():
        if given is not None:
            check_rank(given, 1, name)
            unify(given.shape[0], channels, f"the size of {name} and the channels")


def stash_dtype(stash_type: DType, dtype: DType) -> DType:
    """The element type in which a normalisation of `dtype` is computed.

    `stash_type` is float by default; double keeps its precision all the same, as in onnxruntime.
    """
    if stash_type is DType.FLOAT and dtype is DType.DOUBLE:
        return dtype
    return stash_type
