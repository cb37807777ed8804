"""Scaled dot-product attention with NumPy: what the attention operators have in common.

Heads are the second axis everywhere: q [B, H, L, D], k [B, G, S, D], v [B, G, S, E], where H is
a multiple of G and each head of k and v serves H / G consecutive heads of q.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType
from likewise.ops.conversion import convert
from likewise.ops.narrow import widened

if TYPE_CHECKING:
    from likewise.ir import Array, Dim

__all__ = [
    "Scores",
    "attend",
    "computed",
    "head_size",
    "join_heads",
    "rounded",
    "scores_of",
    "softmax_rows",
    "split_heads",
    "sum_rows",
]


class Scores(NamedTuple):
    """The stages between the two products, each [B, H, L, S]."""

    raw: Array
    capped: Array
    biased: Array


def computed(x: Array) -> Array:
    """`x` in the type it is computed in: 16-bit floats in float32, others as they are."""
    return widened(x).astype(np.float32, copy=False) if x.dtype.itemsize == 2 else x


def head_size(width: Dim, heads: int, what: str) -> Dim:
    """`width / heads`; refuses what does not divide."""
    if heads < 1 or (isinstance(width, int) and width % heads):
        raise InferenceError(f"the width of {what} does not divide into {heads} heads", given=width)
    return width // heads


def split_heads(x: Array, heads: int) -> Array:
    """[B, L, heads * D] as [B, heads, L, D]: a view."""
    batch, length, width = x.shape
    return x.reshape(batch, length, heads, width // heads).transpose(0, 2, 1, 3)


def join_heads(x: Array) -> Array:
    """[B, H, L, D] as [B, L, H * D]."""
    batch, heads, length, size = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, length, heads * size)


def _grouped(x: Array, groups: int) -> Array:
    """[B, H, L, D] as [B, groups, H / groups * L, D]."""
    batch, heads, length, size = x.shape
    if heads == groups:
        return x
    return x.reshape(batch, groups, heads // max(groups, 1) * length, size)


def scores_of(
    q: Array,
    k: Array,
    scale: float,
    bias: Array | None = None,
    softcap: float = 0.0,
    stored: DType | None = None,
) -> Scores:
    """The products q k^T * scale, then softcap * tanh(… / softcap) unless 0, then + bias.

    Each stage is rounded to `stored`, where that is narrower than the type of `q`.
    """
    root = math.sqrt(scale) if stored is not None and scale > 0 else scale
    q = rounded(q * rounded(np.asarray(root, q.dtype), stored), stored)
    if root != scale:
        k = rounded(k * rounded(np.asarray(root, q.dtype), stored), stored)
    raw = np.matmul(_grouped(q, k.shape[1]), k.swapaxes(-1, -2))
    raw = rounded(raw.reshape(*q.shape[:3], k.shape[2]), stored)
    capped = raw
    if softcap > 0:
        cap = q.dtype.type(softcap)
        capped = rounded(rounded(np.tanh(rounded(raw / cap, stored)), stored) * cap, stored)
    if bias is None:
        return Scores(raw, capped, capped)
    return Scores(raw, capped, rounded(capped + bias.astype(q.dtype, copy=False), stored))


def rounded(x: Array, stored: DType | None) -> Array:
    """`x` as it comes back from being kept as `stored`; as it is where that is None."""
    return x if stored is None else convert(convert(x, stored), DType.of(x.dtype))


def softmax_rows(scores: Array, stored: DType | None = None) -> Array:
    """Softmax along the last axis; a row of nothing but -inf gives zeros.

    Each step is rounded to `stored`, if given.
    """
    if scores.size == 0:
        return scores
    most = scores.max(-1, keepdims=True)
    most[np.isneginf(most)] = 0
    made = rounded(np.subtract(scores, most), stored)
    made = rounded(np.exp(made, out=made), stored)
    total = made.sum(-1, keepdims=True) if stored is None else sum_rows(made, stored)
    total[total == 0] = 1
    made /= total
    return rounded(made, stored)


def sum_rows(x: Array, stored: DType) -> Array:
    """The sums along the last axis, added as `stored`, eight at a time for long rows' sake."""
    if stored is DType.FLOAT16:  # NumPy adds these in float32 and rounds once
        return x.astype(np.float16).sum(-1, keepdims=True).astype(x.dtype)
    part = rounded(x, stored)
    while part.shape[-1] > 1:
        part = np.pad(part, [(0, 0)] * (part.ndim - 1) + [(0, -part.shape[-1] % 8)])
        part = part.reshape(*part.shape[:-1], -1, 8)
        total = part[..., 0]
        for column in range(1, 8):
            total = rounded(total + part[..., column], stored)
        part = total
    return part


def attend(probabilities: Array, v: Array) -> Array:
    """[B, H, L, S] times v: [B, H, L, E]."""
    made = np.matmul(_grouped(probabilities, v.shape[1]), v)
    return made.reshape(*probabilities.shape[:3], v.shape[3])
