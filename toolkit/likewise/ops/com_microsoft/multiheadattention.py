"""MultiHeadAttention: attention on projected queries, keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType
from likewise.ops.case import Case, f32, i32
from likewise.ops.com_microsoft.masks import added, join_heads, mask_bias, split_heads
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class MultiHeadAttention(Operator, versions=(1,)):
    """Attention of query [B, L, heads * D] on key [B, S, heads * D] and value [B, S, heads * E].

    Key and value may be packed in key [B, S, heads, 2, D], all three in query [B, L, heads, 3, D];
    or be given by heads, [B, heads, S, D]. `bias` is added to all three before. What
    `key_padding_mask` leaves out gets `mask_filter_value` added. Gives [B, L, heads * E], the keys
    and the values with the past ones before them, and the scores before masks.
    """

    mask_filter_value: float = -10000.0
    num_heads: int
    scale: float = 0.0
    unidirectional: bool = False

    def infer(
        self,
        query: TensorType,
        key: TensorType | None = None,
        value: TensorType | None = None,
        bias: TensorType | None = None,
        key_padding_mask: TensorType | None = None,
        attention_bias: TensorType | None = None,
        past_key: TensorType | None = None,
        past_value: TensorType | None = None,
        past_sequence_length: TensorType | None = None,
        cache_indirection: TensorType | None = None,
    ) -> Any:
        if past_sequence_length is not None or cache_indirection is not None:
            raise UnsupportedError("MultiHeadAttention with shared buffers is not supported")
        inputs = (query, key, value, bias, key_padding_mask, attention_bias, past_key, past_value)
        return infer_expansion(self, *inputs)

    def expand(
        self,
        b: Builder[V],
        query: V,
        key: V | None = None,
        value: V | None = None,
        bias: V | None = None,
        key_padding_mask: V | None = None,
        attention_bias: V | None = None,
        past_key: V | None = None,
        past_value: V | None = None,
        past_sequence_length: V | None = None,  # noqa: ARG002 — refused by infer
        cache_indirection: V | None = None,  # noqa: ARG002 — refused by infer
    ) -> tuple[V, ...]:
        q, k, v = self._heads(b, query, key, value, bias)
        total = b.Shape(k, start=2, end=3)
        if past_key is not None:
            total = b.Add(total, b.Shape(past_key, start=2, end=3))
        looks = None
        if key_padding_mask is not None:
            looks = mask_bias(b, key_padding_mask, query, total, self.mask_filter_value)
        outputs = max(self.wanted, 1)
        given = {"scale": self.scale} if self.scale else {}
        made = b.Attention(
            q,
            k,
            v,
            added(b, looks, attention_bias),
            past_key,
            past_value,
            is_causal=int(self.unidirectional),
            outputs=outputs,
            **given,
        )
        y, *rest = made if outputs > 1 else (made,)
        return (join_heads(b, y), *rest)

    def _heads(
        self, b: Builder[V], query: V, key: V | None, value: V | None, bias: V | None
    ) -> list[V]:
        """Query, key and value as [B, heads, L, D], with their biases."""
        if key is None:
            parts = _unpacked(b, query, 3)
        elif value is None:
            parts = [query, *_unpacked(b, key, 2)]
        else:
            parts = [query, key, value]
        by_heads = []
        start: V = b.ints(0)
        for x in parts:
            rank = b.type(x).rank
            if rank not in {3, 4}:
                raise InferenceError("a query, key or value of this rank", given=b.type(x))
            made = split_heads(b, x, self.num_heads) if rank == 3 else x
            if bias is not None:
                size = b.Mul(b.Shape(made, start=3, end=4), self.num_heads)
                end = b.Add(start, size)
                part = b.Slice(bias, start, end, b.ints(0))
                made = b.Add(made, b.Reshape(part, b.ints(1, self.num_heads, 1, -1)))
                start = end
            by_heads.append(made)
        return by_heads

    @classmethod
    def cases(cls) -> Iterator[Case]:
        half = 1.0986122886681098
        q, k = f32([[[0], [half]]]), f32([[[0], [1]]])
        v = f32([[[4, 0], [0, 8]]])
        y = f32([[[2, 4], [1, 6]]])
        one = cls(num_heads=1)
        yield Case(one, [q, k, v], [y], rtol=1e-6)
        yield Case(one, [q, k, v, f32([-half, 0, 1, 0])], [f32([[[4, 2], [3, 4]]])], rtol=1e-6)
        yield Case(one, [q, k, v, None, i32([[0, 1]])], [v[:, [1, 1]]], rtol=1e-6)
        packed = f32([[[[[0], [1]]], [[[1], [3]]]]])
        yield Case(one, [q, packed], [f32([[[2], [2.5]]])], rtol=1e-6)
        causal = cls(num_heads=1, unidirectional=True, wanted=3)
        by_heads = [k[:, None], v[:, None]]
        yield Case(
            causal,
            [q[:, 1:], k[:, 1:], v[:, 1:], None, None, None, *[x[:, :, :1] for x in by_heads]],
            [y[:, 1:], *by_heads],
            rtol=1e-6,
        )


def _unpacked(b: Builder[V], x: V, count: int) -> list[V]:
    """The parts of x [B, L, heads, count, D], each [B, heads, L, D]."""
    if b.type(x).rank != 5:
        raise InferenceError("what is packed has 5 dims", given=b.type(x))
    parts = [b.Gather(x, b.constant(i, DType.INT64), axis=3) for i in range(count)]
    return [b.Transpose(part, perm=(0, 2, 1, 3)) for part in parts]
