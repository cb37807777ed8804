"""RotaryEmbedding: as ONNX has it, but the positions come second and may be one offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.errors import UnsupportedError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64
from likewise.ops.checks import check_dtype, check_rank
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ops.build import Builder


class RotaryEmbedding(Operator, versions=(1,)):
    """Turns x [B, L, heads * D] or [B, heads, L, D] by the positions [B, L], or [1]: the first.

    `num_heads` of 0 means heads twice as wide as the caches.
    """

    interleaved: bool = False
    is_packed_batching: bool = False
    num_heads: int = 0
    rotary_embedding_dim: int = 0
    scale: float = 1.0

    def infer(
        self, x: TensorType, position_ids: TensorType, cos_cache: TensorType, sin_cache: TensorType
    ) -> TensorType:
        if self.is_packed_batching or self.scale != 1:
            raise UnsupportedError("packed batches and a scale of their own are not supported")
        check_rank(x, {3, 4}, "input")
        check_dtype(position_ids, {DType.INT64}, "position_ids")
        check_rank(position_ids, {1, 2}, "position_ids")
        made: TensorType = infer_expansion(self, x, position_ids, cos_cache, sin_cache)
        return made

    def expand(self, b: Builder[V], x: V, position_ids: V, cos_cache: V, sin_cache: V) -> V:
        x_type = b.type(x)
        heads = self.num_heads
        if x_type.rank == 3 and not heads:
            width, half = x_type.shape[2], b.type(cos_cache).shape[1]
            if not (isinstance(width, int) and isinstance(half, int)):
                return self._by_heads(b, x, position_ids, cos_cache, sin_cache)
            heads = width // (2 * half)
        if b.type(position_ids).rank == 1:
            axis = 1 if x_type.rank == 3 else 2
            length = b.Squeeze(b.Shape(x, start=axis, end=axis + 1), b.ints(0))
            zero, one = b.constant(0, DType.INT64), b.constant(1, DType.INT64)
            places = b.Add(position_ids, b.Range(zero, length, one))
            both = b.Concat(
                b.Shape(x, start=0, end=1), b.Shape(x, start=axis, end=axis + 1), axis=0
            )
            position_ids = b.Expand(places, both)
        made: V = b.RotaryEmbedding(
            x,
            cos_cache,
            sin_cache,
            position_ids,
            interleaved=int(self.interleaved),
            rotary_embedding_dim=self.rotary_embedding_dim,
            **({"num_heads": heads} if heads else {}),
        )
        return made

    def _by_heads(self, b: Builder[V], x: V, position_ids: V, cos: V, sin: V) -> V:
        """For heads of a width that only a run can tell."""
        width = b.Mul(b.Shape(cos, start=1, end=2), 2)
        heads = b.Reshape(x, b.Concat(b.ints(0, 0, -1), width, axis=0))
        made = self.expand(b, b.Transpose(heads, perm=(0, 2, 1, 3)), position_ids, cos, sin)
        back: V = b.Reshape(b.Transpose(made, perm=(0, 2, 1, 3)), b.Shape(x))
        return back

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[[1, 2, 3, 4], [1, 2, 3, 4]]])
        cos, sin = f32([[1, 1], [1, 1], [0, 1]]), f32([[0, 0], [0, 0], [1, 0]])
        y = f32([[[1, 2, 3, 4], [-3, 2, 1, 4]]])
        yield Case(cls(), [x, i64([1]), cos, sin], [y])
        yield Case(cls(), [x[:, None], i64([[0, 2]]), cos, sin], [y[:, None]])
        partial = cls(num_heads=1, rotary_embedding_dim=2)
        turned = f32([[[1, 2, 3, 4], [-2, 1, 3, 4]]])
        yield Case(partial, [x, i64([[0, 2]]), cos[:, :1], sin[:, :1]], [turned])
