"""RotaryEmbedding: pairs of features turned by an angle that grows with their position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_float, check_rank, check_same_dtype, unify
from likewise.ops.dot_product import head_size
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.ops.build import Builder


class RotaryEmbedding(Operator, versions=(23,)):
    """x [B, heads, L, D], or [B, L, heads * D] with `num_heads`, turned pair by pair.

    The caches are [positions, R / 2], looked up with `position_ids` [B, L], or [B, L, R / 2]
    without. Only the first R = `rotary_embedding_dim` features of a head turn (0: all). Pairs are
    neighbours when `interleaved`, else a feature of the first half and one of the second.
    """

    interleaved: bool = False
    num_heads: int | None = None
    rotary_embedding_dim: int = 0
    on_narrow = "expand"

    def infer(
        self,
        x: TensorType,
        cos_cache: TensorType,
        sin_cache: TensorType,
        position_ids: TensorType | None = None,
    ) -> TensorType:
        check_float(x, "X")
        check_same_dtype(X=x, cos_cache=cos_cache, sin_cache=sin_cache)
        check_rank(x, {3, 4}, "X")
        for name, cache in (("cos_cache", cos_cache), ("sin_cache", sin_cache)):
            check_rank(cache, 3 if position_ids is None else 2, name)
        if position_ids is not None:
            check_dtype(position_ids, {DType.INT64}, "position_ids")
            check_rank(position_ids, 2, "position_ids")
        size = x.shape[-1]
        if x.rank == 3:
            if not self.num_heads:
                raise InferenceError("X of 3 dims needs num_heads")
            size = head_size(size, self.num_heads, "X")
        turned = self.rotary_embedding_dim or size
        if isinstance(turned, int) and turned % 2:
            raise InferenceError("the features to turn are not even in number", given=turned)
        unify(
            turned // 2, cos_cache.shape[-1], "half the features to turn and the width of cos_cache"
        )
        unify(
            turned // 2, sin_cache.shape[-1], "half the features to turn and the width of sin_cache"
        )
        return x.with_shape(x.shape)

    def evaluate(
        self, x: Array, cos_cache: Array, sin_cache: Array, position_ids: Array | None = None
    ) -> Array:
        cos, sin = cos_cache, sin_cache
        if position_ids is not None:
            cos, sin = cos[position_ids], sin[position_ids]
        heads = x
        if x.ndim == 3:
            heads = x.reshape(*x.shape[:2], self.num_heads or 1, -1)
        axis = 2 if x.ndim == 3 else 1
        cos, sin = np.expand_dims(cos, axis), np.expand_dims(sin, axis)
        return turn_pairs(heads, cos, sin, interleaved=self.interleaved).reshape(x.shape)

    def expand(
        self, b: Builder[V], x: V, cos_cache: V, sin_cache: V, position_ids: V | None = None
    ) -> V:
        flat = b.type(x).rank == 3
        heads = b.Reshape(x, b.ints(0, 0, self.num_heads or 1, -1)) if flat else x
        cos, sin = cos_cache, sin_cache
        if position_ids is not None:
            cos, sin = b.Gather(cos, position_ids, axis=0), b.Gather(sin, position_ids, axis=0)
        axis = b.ints(2 if flat else 1)
        cos, sin = b.Unsqueeze(cos, axis), b.Unsqueeze(sin, axis)
        rest = None
        if self.rotary_embedding_dim:
            last, end = b.ints(-1), b.ints(np.iinfo(np.int64).max)
            edge = b.ints(self.rotary_embedding_dim)
            rest = b.Slice(heads, edge, end, last)
            heads = b.Slice(heads, b.ints(0), edge, last)
        made = self._turned(b, heads, cos, sin)
        if rest is not None:
            made = b.Concat(made, rest, axis=-1)
        if flat:
            made = b.Reshape(made, b.Shape(x))
        return made

    def _turned(self, b: Builder[V], x: V, cos: V, sin: V) -> V:
        pairs = b.Reshape(x, b.ints(0, 0, 0, *((-1, 2) if self.interleaved else (2, -1))))
        axis = 4 if self.interleaved else 3
        one, two = (b.Gather(pairs, b.constant(i, DType.INT64), axis=axis) for i in (0, 1))
        real = b.Sub(b.Mul(cos, one), b.Mul(sin, two))
        imaginary = b.Add(b.Mul(sin, one), b.Mul(cos, two))
        if not self.interleaved:
            made: V = b.Concat(real, imaginary, axis=-1)
            return made
        at = b.ints(4)
        both = b.Concat(b.Unsqueeze(real, at), b.Unsqueeze(imaginary, at), axis=4)
        return b.Reshape(both, b.Shape(x))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[[1, 2, 3, 4]]]])
        cos, sin = f32([[1, 1], [0, 1]]), f32([[0, 0], [1, 0]])
        turned = f32([[[[-3, 2, 1, 4]]]])
        yield Case(cls(), [x, cos, sin, i64([[1]])], [turned])
        yield Case(cls(), [x, cos[None, 1:], sin[None, 1:]], [turned])
        yield Case(cls(interleaved=True), [x, cos, sin, i64([[1]])], [f32([[[[-2, 1, 3, 4]]]])])
        partial = cls(rotary_embedding_dim=2, num_heads=1)
        yield Case(partial, [x[0], cos[:, :1], sin[:, :1], i64([[1]])], [f32([[[-2, 1, 3, 4]]])])
        yield Case(cls(), [x[0], cos, sin, i64([[1]])], error="needs num_heads")
        yield Case(cls(), [x, cos[:, :1], sin, i64([[1]])], error="the width of cos_cache")


def turn_pairs(x: Array, cos: Array, sin: Array, *, interleaved: bool) -> Array:
    """`x` with its first 2 R features turned, R being the width of `cos` and `sin`."""
    half = cos.shape[-1]
    made = x.copy()
    if interleaved:
        one, two = slice(0, 2 * half, 2), slice(1, 2 * half, 2)
    else:
        one, two = slice(0, half), slice(half, 2 * half)
    made[..., one] = cos * x[..., one] - sin * x[..., two]
    made[..., two] = sin * x[..., one] + cos * x[..., two]
    return made
