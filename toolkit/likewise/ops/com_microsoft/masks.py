"""The attention masks of onnxruntime as something to add to the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.errors import UnsupportedError
from likewise.ir import DType

if TYPE_CHECKING:
    from likewise.ops.build import Builder
    from likewise.ops.operator import V

__all__ = ["added", "count", "join_heads", "mask_bias", "split_heads"]


def mask_bias(b: Builder[V], mask: V, like: V, total: V, fill: float) -> V:
    """0 where `mask` lets look and `fill` elsewhere, broadcastable to [B, heads, L, total].

    `mask` is [B, total] or [B, L, total], not 0 where to look, or, with the batch of `like`
    known, [B] (how many keys count) or [2 B] (where they end and then where they start).
    """
    dtype = b.type(like).dtype
    rank = b.type(mask).rank
    zero, filled = b.constant(0, dtype), b.constant(fill, dtype)
    made: V
    if rank in {2, 3}:
        looks = b.Unsqueeze(
            b.Cast(mask, to=DType.BOOL.value), b.ints(*((1, 2) if rank == 2 else (1,)))
        )
        made = b.Where(looks, zero, filled)
        return made
    batch, length = b.type(like).shape[0], b.type(mask).shape[0]
    if rank != 1 or (batch != length and not isinstance(batch, int)):
        raise UnsupportedError("a mask of this shape is not supported", given=b.type(mask))
    key = count(b, total)
    rows = b.Reshape(b.Cast(mask, to=DType.INT64.value), b.ints(-1, 1, 1, 1))
    if batch == length:
        made = b.Where(b.Less(key, rows), zero, filled)
        return made
    size = int(str(batch))
    if length != 2 * size:
        raise UnsupportedError("a mask of this shape is not supported", given=b.type(mask))
    axis = b.ints(0)
    end = b.Slice(rows, b.ints(0), b.ints(size), axis)
    start = b.Slice(rows, b.ints(size), b.ints(2 * size), axis)
    made = b.Where(b.And(b.Less(key, end), b.LessOrEqual(start, key)), zero, filled)
    return made


def added(b: Builder[V], one: V | None, other: V | None) -> V | None:
    """The sum of what is there."""
    if one is None or other is None:
        return other if one is None else one
    made: V = b.Add(one, other)
    return made


def count(b: Builder[V], length: V) -> V:
    """0, 1 … below `length`, a tensor of shape [1]."""
    zero, one = b.constant(0, DType.INT64), b.constant(1, DType.INT64)
    made: V = b.Range(zero, b.Squeeze(length, b.ints(0)), one)
    return made


def split_heads(b: Builder[V], x: V, heads: int) -> V:
    """[B, L, heads * D] as [B, heads, L, D]."""
    made: V = b.Transpose(b.Reshape(x, b.ints(0, 0, heads, -1)), perm=(0, 2, 1, 3))
    return made


def join_heads(b: Builder[V], x: V) -> V:
    """[B, heads, L, D] as [B, L, heads * D]."""
    made: V = b.Reshape(b.Transpose(x, perm=(0, 2, 1, 3)), b.ints(0, 0, -1))
    return made
