"""GroupQueryAttention: attention on a cache of keys and values, with rotation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from likewise.errors import InferenceError, UnsupportedError
from likewise.ir import DType, TensorType, fresh, maximum
from likewise.ops.ai_onnx.rotaryembedding import turn_pairs
from likewise.ops.case import Case, f32, i32
from likewise.ops.checks import check_dtype, check_float, check_rank, check_same_dtype
from likewise.ops.dot_product import (
    attend,
    computed,
    head_size,
    join_heads,
    scores_of,
    split_heads,
)
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim


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
