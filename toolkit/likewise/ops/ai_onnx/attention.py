"""Attention: queries that gather values by how well their keys match."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, boolean, f32, i64
from likewise.ops.checks import (
    NUMBERS,
    check_dtype,
    check_float,
    check_rank,
    check_same_dtype,
    unify,
)
from likewise.ops.conversion import convert
from likewise.ops.dot_product import (
    attend,
    computed,
    head_size,
    join_heads,
    rounded,
    scores_of,
    softmax_rows,
    split_heads,
)
from likewise.ops.narrow import widened
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Dim
    from likewise.ops.build import Builder


class Attention(Operator, versions=(23, 24, 25)):
    """softmax(q k^T * scale + bias) v, for each head; several heads of q may share one of k and v.

    q, k, v are [B, heads, L, D], or [B, L, heads * D] with `q_num_heads` and `kv_num_heads`. Past
    keys and values are put before the given ones and returned. The bias is the sum of `attn_mask`
    (bool: where to look; a shorter last axis is filled up with -inf), the causal mask, the window
    and `nonpad_kv_seqlen`, the number of keys that count in each sample. A query that may look
    nowhere gives zeros. The fourth output is the scores, at the stage `qk_matmul_output_mode`.
    """

    is_causal: bool = False
    kv_num_heads: int | None = None
    left_window_size: int = -1
    q_num_heads: int | None = None
    qk_matmul_output_mode: Literal[0, 1, 2, 3] = 0
    right_window_size: int = -1
    scale: float | None = None
    softcap: float = 0.0
    softmax_precision: DType | None = None
    on_narrow = "take"

    def infer(
        self,
        q: TensorType,
        k: TensorType,
        v: TensorType,
        attn_mask: TensorType | None = None,
        past_key: TensorType | None = None,
        past_value: TensorType | None = None,
        nonpad_kv_seqlen: TensorType | None = None,
    ) -> tuple[TensorType, ...]:
        self._check(q, k, v, attn_mask, past_key, past_value, nonpad_kv_seqlen)
        batch, heads, length, size = self._dims(q, self.q_num_heads, "Q")
        _, groups, total, key_size = self._dims(k, self.kv_num_heads, "K")
        _, value_groups, values, value_size = self._dims(v, self.kv_num_heads, "V")
        unify(size, key_size, "the head sizes of Q and K")
        unify(groups, value_groups, "the heads of K and V")
        unify(total, values, "the lengths of K and V")
        if isinstance(heads, int) and isinstance(groups, int) and (groups < 1 or heads % groups):
            raise InferenceError(
                "the heads of Q are no multiple of those of K", given=f"{heads} and {groups}"
            )
        if past_key is not None:
            check_rank(past_key, 4, "past_key")
            total = total + past_key.shape[2]
        out: tuple[Dim, ...] = (batch, heads, length, value_size)
        if q.rank == 3:
            out = (batch, length, heads * value_size)
        return (
            q.with_shape(out),
            k.with_shape((batch, groups, total, key_size)),
            v.with_shape((batch, groups, total, value_size)),
            q.with_shape((batch, heads, length, total)),
        )

    def _check(
        self,
        q: TensorType,
        k: TensorType,
        v: TensorType,
        mask: TensorType | None,
        past_key: TensorType | None,
        past_value: TensorType | None,
        nonpad: TensorType | None,
    ) -> None:
        check_float(q, "Q")
        check_same_dtype(Q=q, K=k, past_key=past_key)
        check_same_dtype(V=v, past_value=past_value)
        check_rank(q, {3, 4}, "Q")
        for name, x in (("K", k), ("V", v)):
            check_rank(x, q.rank, name)
        if mask is not None:
            check_dtype(mask, NUMBERS | {DType.BOOL}, "attn_mask")
        if (past_key is None) != (past_value is None):
            raise InferenceError("past_key and past_value must be given together")
        if nonpad is not None:
            check_dtype(nonpad, {DType.INT64}, "nonpad_kv_seqlen")
            if past_key is not None:
                raise InferenceError("nonpad_kv_seqlen and past_key exclude each other")
        if min(self.left_window_size, self.right_window_size) < -1:
            raise InferenceError(
                "a window size is negative",
                given=f"{self.left_window_size} and {self.right_window_size}",
                allowed="-1 (unbounded) and more",
            )

    def _dims(self, x: TensorType, heads: int | None, name: str) -> tuple[Dim, Dim, Dim, Dim]:
        """Batch, heads, length and head size."""
        if x.rank == 4:
            a, b, c, d = x.shape
            return a, b, c, d
        if heads is None:
            raise InferenceError(f"{name} of 3 dims needs q_num_heads and kv_num_heads")
        batch, length, width = x.shape
        return batch, heads, length, head_size(width, heads, name)

    def evaluate(
        self,
        q: Array,
        k: Array,
        v: Array,
        attn_mask: Array | None = None,
        past_key: Array | None = None,
        past_value: Array | None = None,
        nonpad_kv_seqlen: Array | None = None,
    ) -> tuple[Array, ...]:
        flat = q.ndim == 3
        if flat:
            q = split_heads(q, self.q_num_heads or 1)
            k, v = (split_heads(x, self.kv_num_heads or 1) for x in (k, v))
        dtype = DType.of(q.dtype)
        past = 0
        if past_key is not None and past_value is not None:
            past = past_key.shape[2]
            k = np.concatenate([past_key, k], 2)
            v = np.concatenate([past_value, v], 2)
        scale = 1 / math.sqrt(max(q.shape[3], 1)) if self.scale is None else self.scale
        q_computed = computed(q)
        bias = self._bias(
            (q.shape[2], k.shape[2]), past, attn_mask, nonpad_kv_seqlen, q_computed.dtype
        )
        stored = dtype if dtype.bits == 16 else None
        scores = scores_of(q_computed, computed(k), scale, bias, self.softcap, stored)
        probabilities = self._probabilities(scores.biased, bias, stored)
        y = attend(probabilities.astype(q_computed.dtype, copy=False), computed(v))
        y = join_heads(y) if flat else y
        made = (convert(y, dtype), k, v)
        if self.wanted < 4:
            return made[: max(self.wanted, 1)]
        stage = (*scores, probabilities)[self.qk_matmul_output_mode]
        return (*made, convert(stage, dtype))

    def _probabilities(self, scores: Array, bias: Array | None, stored: DType | None) -> Array:
        steps = stored
        if self.softmax_precision is not None:
            precision = self.softmax_precision
            scores = computed(convert(scores, precision))
            steps = precision if precision.bits == 16 else None
        made = rounded(softmax_rows(scores, steps), stored)
        if bias is not None and bias.size:
            nowhere = np.isneginf(bias.max(-1, keepdims=True))
            if nowhere.any():
                made = np.where(nowhere, made.dtype.type(0), made)
        return made

    def _bias(
        self,
        lengths: tuple[int, int],
        past: int,
        mask: Array | None,
        nonpad: Array | None,
        dtype: np.dtype[Any],
    ) -> Array | None:
        """What is added to the scores [B, H, L, S], or None where nothing is."""
        length, total = lengths
        key, query = np.arange(total), np.arange(length)[:, None]
        counted = None if nonpad is None else nonpad.reshape(-1, 1, 1, 1)
        place = query + (past if counted is None else counted - length)
        allowed: list[Array] = []
        if self.is_causal:
            allowed.append(key <= place)
        if self.left_window_size >= 0:
            allowed.append(place - self.left_window_size <= key)
        if self.right_window_size >= 0:
            allowed.append(key <= place + self.right_window_size)
        if counted is not None:
            allowed.append(key < counted)
        bias: Array | None = None
        for look in allowed if mask is None or mask.dtype != bool else [mask, *allowed]:
            short = total - look.shape[-1]
            if short > 0 and look is mask:
                look = np.pad(look, [(0, 0)] * (look.ndim - 1) + [(0, short)])
            part = np.where(look, dtype.type(0), dtype.type(-np.inf))
            bias = part if bias is None else bias + part
        if mask is not None and mask.dtype != bool:
            mask = widened(mask).astype(dtype, copy=False)
            if mask.shape[-1] < total:
                width = [(0, 0)] * (mask.ndim - 1) + [(0, total - mask.shape[-1])]
                mask = np.pad(mask, width, constant_values=-np.inf)
            bias = mask if bias is None else bias + mask
        return bias

    def expand(
        self,
        b: Builder[V],
        q: V,
        k: V,
        v: V,
        attn_mask: V | None = None,
        past_key: V | None = None,
        past_value: V | None = None,
        nonpad_kv_seqlen: V | None = None,
    ) -> tuple[V, ...]:
        dtype = b.type(q).dtype
        flat = b.type(q).rank == 3
        if flat:
            q = _split(b, q, self.q_num_heads or 1)
            k, v = (_split(b, x, self.kv_num_heads or 1) for x in (k, v))
        offset = None
        if past_key is not None and past_value is not None:
            offset = b.Shape(past_key, start=2, end=3)
            k, v = b.Concat(past_key, k, axis=2), b.Concat(past_value, v, axis=2)
        elif nonpad_kv_seqlen is not None:
            nonpad_kv_seqlen = b.Reshape(nonpad_kv_seqlen, b.ints(-1, 1, 1, 1))
            offset = b.Sub(nonpad_kv_seqlen, b.Shape(q, start=2, end=3))
        kept = (k, v)
        root = self._root_of_scale(b, q)
        grouped = b.type(q).shape[1] != b.type(k).shape[1]
        rows = b.Mul(q, root)
        if grouped:
            rows = b.Reshape(
                rows,
                b.Concat(
                    _dims(b, q, 0, 1), _dims(b, k, 1, 2), b.ints(-1), _dims(b, q, 3, 4), axis=0
                ),
            )
        raw = b.MatMul(rows, b.Transpose(b.Mul(k, root), perm=(0, 1, 3, 2)))
        if grouped:
            raw = b.Reshape(raw, b.Concat(_dims(b, q, 0, 3), _dims(b, k, 2, 3), axis=0))
        capped = raw
        if self.softcap > 0:
            capped = b.Mul(b.Tanh(b.Div(raw, self.softcap)), self.softcap)
        bias = self._expanded_bias(b, q, k, attn_mask, offset, nonpad_kv_seqlen)
        biased = capped if bias is None else b.Add(capped, bias)
        scores = biased
        if self.softmax_precision is not None:
            scores = b.Cast(biased, to=self.softmax_precision.value)
        made = b.Softmax(scores, axis=-1)
        if self.softmax_precision is not None:
            made = b.Cast(made, to=dtype.value)
        if bias is not None:
            nowhere = b.Equal(b.ReduceMax(bias, b.ints(-1)), b.constant(-np.inf, dtype))
            made = b.Where(nowhere, b.constant(0, dtype), made)
        weights = made
        if grouped:
            weights = b.Reshape(
                made,
                b.Concat(
                    _dims(b, q, 0, 1), _dims(b, k, 1, 2), b.ints(-1), _dims(b, k, 2, 3), axis=0
                ),
            )
        y = b.MatMul(weights, v)
        if grouped:
            y = b.Reshape(y, b.Concat(_dims(b, q, 0, 3), _dims(b, v, 3, 4), axis=0))
        if flat:
            y = b.Reshape(b.Transpose(y, perm=(0, 2, 1, 3)), b.ints(0, 0, -1))
        stage = (raw, capped, biased, made)[self.qk_matmul_output_mode]
        return (y, *kept, stage)[: max(self.wanted, 1)]

    def _root_of_scale(self, b: Builder[V], q: V) -> V:
        """sqrt(scale): each of q and k takes its half, so that neither overflows alone."""
        dtype, size = b.type(q).dtype, b.type(q).shape[3]
        if self.scale is not None:
            return b.constant(math.sqrt(self.scale), dtype)
        if isinstance(size, int):
            return b.constant(max(size, 1) ** -0.25, dtype)
        root = b.Sqrt(b.Sqrt(b.Cast(_dims(b, q, 3, 4), to=DType.FLOAT.value)))
        return b.Cast(b.Reciprocal(root), to=dtype.value)

    def _expanded_bias(
        self, b: Builder[V], q: V, k: V, mask: V | None, offset: V | None, nonpad: V | None
    ) -> V | None:
        dtype = b.type(q).dtype
        zero, nothing = b.constant(0, dtype), b.constant(-np.inf, dtype)
        bias = None
        if mask is not None:
            bool_mask = b.type(mask).dtype is DType.BOOL
            bias = b.Where(mask, zero, nothing) if bool_mask else b.Cast(mask, to=dtype.value)
            if b.type(mask).shape[-1] != b.type(k).shape[2]:
                short = b.Sub(_dims(b, k, 2, 3), b.Shape(mask, start=-1))
                bias = b.Pad(bias, b.Concat(b.ints(0), short, axis=0), nothing, b.ints(-1))
        key = b.Unsqueeze(_count(b, _dims(b, k, 2, 3)), b.ints(0))
        place = b.Unsqueeze(_count(b, _dims(b, q, 2, 3)), b.ints(1))
        place = place if offset is None else b.Add(place, offset)
        allowed = []
        if self.is_causal:
            allowed.append(b.LessOrEqual(key, place))
        if self.left_window_size >= 0:
            allowed.append(b.LessOrEqual(b.Sub(place, self.left_window_size), key))
        if self.right_window_size >= 0:
            allowed.append(b.LessOrEqual(key, b.Add(place, self.right_window_size)))
        if nonpad is not None:
            allowed.append(b.Less(key, nonpad))
        for look in allowed:
            part = b.Where(look, zero, nothing)
            bias = part if bias is None else b.Add(bias, part)
        return bias

    @classmethod
    def cases(cls) -> Iterator[Case]:
        half = float(np.log(3))
        q, k = f32([[[[0], [half]]]]), f32([[[[0], [1]]]])
        v = f32([[[[4, 0], [0, 8]]]])
        both = f32([[[[2, 4], [1, 6]]]])
        close: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-6}
        yield Case(cls(), [q, k, v], [both], **close)
        flat = [x.reshape(1, 2, -1) for x in (q, k, v)]
        heads: dict[str, Any] = {"q_num_heads": 1, "kv_num_heads": 1}
        yield Case(cls(**heads), flat, [both.reshape(1, 2, 2)], **close)
        yield Case(cls(is_causal=True), [q, k, v], [f32([[[[4, 0], [1, 6]]]])], **close)
        look = boolean([[False, True], [False, False]])
        yield Case(cls(), [q, k, v, look], [f32([[[[0, 8], [0, 0]]]])], **close)
        many = q.reshape(1, 2, 1, 1)
        yield Case(cls(), [many, k, v], [both.reshape(1, 2, 1, 2)], **close)
        yield Case(
            cls(wanted=4, is_causal=True, qk_matmul_output_mode=3),
            [q[:, :, 1:], k[:, :, 1:], v[:, :, 1:], None, k[:, :, :1], v[:, :, :1]],
            [both[:, :, 1:], k, v, f32([[[[0.25, 0.75]]]])],
            **close,
        )
        last = i64([1])
        yield Case(cls(), [q, k, v, None, None, None, last], [v[:, :, [0, 0]]], **close)
        short = f32([[0]])
        yield Case(cls(scale=0.0), [q, k, v, short], [v[:, :, [0, 0]]], **close)
        yield Case(cls(), flat, error="needs q_num_heads and kv_num_heads")
        yield Case(
            cls(), [q, k, v, None, k], error="past_key and past_value must be given together"
        )
        yield Case(cls(), [q, k, v[:, :, :1]], error="the lengths of K and V differ")


def _dims(b: Builder[V], x: V, start: int, end: int) -> V:
    made: V = b.Shape(x, start=start, end=end)
    return made


def _count(b: Builder[V], length: V) -> V:
    """0, 1 … below `length`, a tensor of one element."""
    zero, one = b.constant(0, DType.INT64), b.constant(1, DType.INT64)
    made: V = b.Range(zero, b.Squeeze(length, b.ints(0)), one)
    return made


def _split(b: Builder[V], x: V, heads: int) -> V:
    made: V = b.Transpose(b.Reshape(x, b.ints(0, 0, heads, -1)), perm=(0, 2, 1, 3))
    return made
