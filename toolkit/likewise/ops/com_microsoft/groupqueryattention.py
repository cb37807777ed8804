"""GroupQueryAttention: attention on a cache of keys and values, with rotation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType, TensorType, fresh, maximum
from likewise.loop import math as loop_math
from likewise.ops.ai_onnx.rotaryembedding import turn_pairs
from likewise.ops.case import Case, f32, i32
from likewise.ops.checks import check_dtype, check_float, check_rank, check_same_dtype
from likewise.ops.com_microsoft.cached_attention import (
    cache,
    following,
    looks,
    packed_heads,
    softmax,
    turned,
)
from likewise.ops.dot_product import (
    attend,
    computed,
    head_size,
    join_heads,
    scores_of,
    split_heads,
)
from likewise.ops.operator import Operator
from likewise.ops.static import content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView


class GroupQueryAttention(Operator, versions=(1,)):
    """Attention of query [B, L, heads * D] on past and given keys and values, of fewer heads.

    Without key and value, query packs all three. `seqlens_k` is one less than the keys that count
    in each sample, the given ones being the last of them (the first, where there is no past). The
    caches are [B, kv_num_heads, S, D]; those returned have the length of the past ones or
    `total_sequence_length`, whichever is more. A window looks at that many keys, itself included.
    """

    causal: bool = True
    do_rotary: bool = False
    k_norm_epsilon: float | None = None
    k_quant_type: Literal["NONE", "PER_TENSOR", "PER_CHANNEL"] = "NONE"
    kv_cache_bit_width: int = 0
    kv_num_heads: int
    local_window_size: int = -1
    num_heads: int
    q_norm_epsilon: float | None = None
    qk_norm_epsilon: float = 1e-6
    qk_output: int = 0
    rotary_interleaved: bool = False
    scale: float = 0.0
    sliding_window_cache: bool = False
    smooth_softmax: int = -1
    softcap: float = 0.0
    v_quant_type: Literal["NONE", "PER_TENSOR", "PER_CHANNEL"] = "NONE"

    def infer(
        self,
        query: TensorType,
        key: TensorType | None = None,
        value: TensorType | None = None,
        past_key: TensorType | None = None,
        past_value: TensorType | None = None,
        seqlens_k: TensorType | None = None,
        total_sequence_length: TensorType | None = None,
        cos_cache: TensorType | None = None,
        sin_cache: TensorType | None = None,
        position_ids: TensorType | None = None,
        attention_bias: TensorType | None = None,
        head_sink: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        check_float(query, "query")
        check_rank(query, 3, "query")
        check_same_dtype(query=query, key=key, value=value, past_key=past_key)
        check_same_dtype(query=query, attention_bias=attention_bias, head_sink=head_sink)
        if position_ids is not None:
            check_dtype(position_ids, {DType.INT64}, "position_ids")
        if (key is None) != (value is None) or (past_key is None) != (past_value is None):
            raise InferenceError("keys and values must be given together")
        if seqlens_k is None or total_sequence_length is None:
            raise InferenceError("seqlens_k and total_sequence_length must be given")
        check_dtype(seqlens_k, {DType.INT32}, "seqlens_k")
        if self.do_rotary and (cos_cache is None or sin_cache is None):
            raise InferenceError("do_rotary needs cos_cache and sin_cache")
        if self.sliding_window_cache or self.qk_output or self.k_quant_type != "NONE":
            raise UnsupportedError("window-sized or quantized caches and scores are not supported")
        packed = 0 if key is not None else 2 * self.kv_num_heads
        size = head_size(query.shape[2], self.num_heads + packed, "query")
        if self.num_heads % self.kv_num_heads:
            raise InferenceError(
                "num_heads is no multiple of kv_num_heads",
                given=f"{self.num_heads} and {self.kv_num_heads}",
            )
        batch, length = query.shape[:2]
        total: Dim = fresh("total")
        if total_sequence_length.constant is not None:
            total = int(total_sequence_length.constant.item())
        if past_key is not None:
            total = maximum(total, past_key.shape[2])
        cache = query.with_shape((batch, self.kv_num_heads, total, size))
        return query.with_shape((batch, length, size * self.num_heads)), cache, cache

    def evaluate(
        self,
        query: Array,
        key: Array | None = None,
        value: Array | None = None,
        past_key: Array | None = None,
        past_value: Array | None = None,
        seqlens_k: Array | None = None,
        total_sequence_length: Array | None = None,
        cos_cache: Array | None = None,
        sin_cache: Array | None = None,
        position_ids: Array | None = None,
        attention_bias: Array | None = None,
        head_sink: Array | None = None,
    ) -> tuple[Array, ...]:
        if seqlens_k is None or total_sequence_length is None:
            raise InferenceError("seqlens_k and total_sequence_length must be given")
        q, k, v = self._heads(query, key, value)
        length, total = q.shape[2], int(total_sequence_length.item())
        counts = seqlens_k.reshape(-1).astype(np.int64) + 1
        # A first prompt may be padded behind; later tokens are the last of those that count.
        pasts = np.zeros_like(counts) if length == total else counts - length
        if self.do_rotary and cos_cache is not None and sin_cache is not None:
            places = position_ids
            if places is None:
                places = np.clip(pasts[:, None] + np.arange(length), 0, len(cos_cache) - 1)
            cos, sin = (cache[places][:, None] for cache in (cos_cache, sin_cache))
            q, k = (turn_pairs(x, cos, sin, interleaved=self.rotary_interleaved) for x in (q, k))
        keys = _cache(past_key, k, pasts, total)
        values = _cache(past_value, v, pasts, total)
        bias = self._bias(length, total, pasts, counts).astype(computed(q[:0]).dtype)
        if attention_bias is not None:
            bias = bias + computed(attention_bias)[..., :total]
        scale = self.scale or 1 / math.sqrt(max(q.shape[3], 1))
        seen = computed(keys[:, :, :total])
        scores = scores_of(computed(q), seen, scale, bias, self.softcap).biased
        weights = _softmax(scores, self._sink(head_sink))
        y = join_heads(attend(weights, computed(values[:, :, :total])))
        return (y.astype(query.dtype, copy=False), keys, values)[: max(self.wanted, 1)]

    def _heads(self, query: Array, key: Array | None, value: Array | None) -> list[Array]:
        if key is not None and value is not None:
            counts = (self.num_heads, self.kv_num_heads, self.kv_num_heads)
            return [split_heads(x, n) for x, n in zip((query, key, value), counts, strict=True)]
        together = split_heads(query, self.num_heads + 2 * self.kv_num_heads)
        ends = [self.num_heads, self.num_heads + self.kv_num_heads]
        return np.split(together, ends, axis=1)

    def _bias(self, length: int, total: int, pasts: Array, counts: Array) -> Array:
        """[B, 1, L, total]: 0 where a token may look, -inf elsewhere."""
        at = np.arange(total)
        place = (pasts[:, None] + np.arange(length))[:, None, :, None]
        looks = at < counts[:, None, None, None] if length < total else at < total
        if self.causal:
            looks = looks & (at <= place)
        if self.local_window_size > 0:
            looks = looks & (at > place - self.local_window_size)
        return np.where(looks, 0.0, -np.inf)

    def _sink(self, head_sink: Array | None) -> Array | None:
        """What each head adds to its scores as one more that gathers nothing: [heads, 1, 1]."""
        if head_sink is not None:
            return computed(head_sink).reshape(-1, 1, 1)
        return np.zeros((1, 1, 1), np.float32) if self.smooth_softmax > 0 else None

    def lower(
        self,
        lowering: Lowering,
        query: TensorView,
        key: TensorView | None = None,
        value: TensorView | None = None,
        past_key: TensorView | None = None,
        past_value: TensorView | None = None,
        seqlens_k: TensorView | None = None,
        total_sequence_length: TensorView | None = None,
        cos_cache: TensorView | None = None,
        sin_cache: TensorView | None = None,
        position_ids: TensorView | None = None,
        attention_bias: TensorView | None = None,
        head_sink: TensorView | None = None,
    ) -> tuple[TensorView, ...]:
        if seqlens_k is None or total_sequence_length is None:
            raise InferenceError("seqlens_k and total_sequence_length must be given")
        total = int(content(total_sequence_length, "total_sequence_length").item())
        q, k, v = self._head_views(query, key, value)
        batch, _, length, _ = q.shape
        pasts = lowering.constant(np.zeros(batch, np.int32))
        if length != total:
            counts = seqlens_k.reshape((batch,))
            pasts = lowering.materialise(
                lowering.elementwise(lambda _, n: n + (1 - length), DType.INT32, counts)
            )
        if self.do_rotary and cos_cache is not None and sin_cache is not None:
            places = position_ids or following(lowering, pasts, length)
            tables, paired = (cos_cache, sin_cache), self.rotary_interleaved
            q, k = (turned(lowering, x, tables, places, interleaved=paired) for x in (q, k))
        keys = cache(lowering, past_key, k, pasts, total)
        values = cache(lowering, past_value, v, pasts, total)
        wide = DType.DOUBLE if query.dtype is DType.DOUBLE else DType.FLOAT
        bias = looks(
            lowering,
            pasts,
            (batch, 1, length, total),
            wide,
            causal=self.causal,
            window=self.local_window_size,
        )
        if attention_bias is not None:
            ends = (*attention_bias.shape[:3], min(total, attention_bias.shape[3]))
            given = lowering.cast(attention_bias.slice((0,) * 4, (1,) * 4, ends), wide)
            bias = lowering.elementwise(lambda _, a, b: a + b, wide, bias, given)
        y = self._attended(lowering, q, (keys, values), bias, head_sink)
        return (lowering.cast(y, query.dtype), keys, values)[: max(self.wanted, 1)]

    def _head_views(
        self, query: TensorView, key: TensorView | None, value: TensorView | None
    ) -> list[TensorView]:
        """Query, key and value as [B, heads, L, D]."""
        heads, groups = self.num_heads, self.kv_num_heads
        if key is not None and value is not None:
            given = ((query, heads), (key, groups), (value, groups))
            return [packed_heads(x, 0, n, x.shape[2] // n) for x, n in given]
        size = query.shape[2] // (heads + 2 * groups)
        parts = ((0, heads), (heads, groups), (heads + groups, groups))
        return [packed_heads(query, first, n, size) for first, n in parts]

    def _attended(
        self,
        lowering: Lowering,
        q: TensorView,
        caches: tuple[TensorView, TensorView],
        bias: TensorView,
        head_sink: TensorView | None,
    ) -> TensorView:
        """[B, L, heads * D] of what the scores gather of the values."""
        batch, heads, length, size = q.shape
        groups, total, wide = self.kv_num_heads, bias.shape[3], bias.dtype
        ones, origin = (1,) * 4, (0,) * 4
        keys, values = (
            lowering.cast(x.slice(origin, ones, (*x.shape[:2], total, x.shape[3])), wide)
            for x in caches
        )
        scale, cap = self.scale or 1 / math.sqrt(max(size, 1)), self.softcap
        scaled = lowering.elementwise(lambda _, x: x * scale, wide, lowering.cast(q, wide))
        shared = heads // groups * length
        rows = lowering.materialise(scaled).reshape((batch, groups, shared, size))
        scores = lowering.matmul(rows, keys.transpose((0, 1, 3, 2)))
        scores = scores.reshape((batch, heads, length, total))

        def biased(k: Kernel, value: Value, more: Value) -> Value:
            return (loop_math.tanh(k, value / cap) * cap if cap > 0 else value) + more

        scores = lowering.elementwise(biased, wide, scores, bias, cost=25 if cap > 0 else 1)
        sink = None
        if head_sink is not None:
            sink = lowering.materialise(lowering.cast(head_sink.reshape((heads, 1, 1)), wide))
        elif self.smooth_softmax > 0:
            sink = lowering.constant(np.zeros((1, 1, 1), wide.numpy))
        weights = lowering.materialise(softmax(lowering, scores, sink))
        made = lowering.matmul(weights.reshape((batch, groups, shared, total)), values)
        made = made.reshape((batch, heads, length, values.shape[3])).transpose((0, 2, 1, 3))
        return made.reshape((batch, length, heads * values.shape[3]))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        half = 1.0986122886681098
        q, k, v = f32([[[half, 0]]]), f32([[[1]]]), f32([[[8]]])
        past = [f32([[[[0]]]]), f32([[[[4]]]])]
        both = [f32([[[[0], [1]]]]), f32([[[[4], [8]]]])]
        counts = [i32([1]), i32(2)]
        two = cls(num_heads=2, kv_num_heads=1, wanted=3)
        yield Case(two, [q, k, v, *past, *counts], [f32([[[7, 6]]]), *both], rtol=1e-6)
        packed = np.concatenate([q, k, v], 2)
        yield Case(two, [packed, None, None, *past, *counts], [f32([[[7, 6]]]), *both], rtol=1e-6)
        near = cls(num_heads=2, kv_num_heads=1, local_window_size=1)
        yield Case(near, [q, k, v, *past, *counts], [f32([[[8, 8]]])], rtol=1e-6)
        yield Case(two, [q, k, v, *past], error="must be given")
        turning = cls(num_heads=2, kv_num_heads=1, do_rotary=True)
        yield Case(turning, [q, k, v, *past, *counts], error="do_rotary needs cos_cache")


def _cache(past: Array | None, new: Array, pasts: Array, total: int) -> Array:
    """The first `pasts` of each sample of past [B, heads, S, D], the new ones, then zeros."""
    batch, heads, length, size = new.shape
    room = max(total, 0 if past is None else past.shape[2])
    made = np.zeros((batch, heads, room, size), new.dtype)
    if past is not None:
        held = np.arange(past.shape[2]) < pasts[:, None]
        made[:, :, : past.shape[2]] = np.where(held[:, None, :, None], past, 0)
    for sample, start in enumerate(np.maximum(pasts, 0).tolist()):
        fits = max(min(length, room - start), 0)
        made[sample, :, start : start + fits] = new[sample, :, :fits]
    return made


def _softmax(scores: Array, sink: Array | None) -> Array:
    """Softmax along the last axis, `sink` being one more score; all -inf gives zeros."""
    most = scores.max(-1, keepdims=True, initial=-np.inf)
    if sink is not None:
        most = np.maximum(most, sink)
    most[np.isneginf(most)] = 0
    made = np.exp(scores - most)
    total = made.sum(-1, keepdims=True)
    if sink is not None:
        total = total + np.exp(sink - most)
    total[total == 0] = 1
    return (made / total).astype(scores.dtype, copy=False)
