"""Attention: projection to queries, keys and values, and attention, in one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

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


class Attention(Operator, versions=(1,)):
    """Self-attention of input [B, L, I] by weights [I, D + D + E], whose columns make q, k and v.

    D and E are `qkv_hidden_sizes`, or a third each. What `mask_index` leaves out gets
    `mask_filter_value` added. `past` and the second output are [2, B, heads, length, D / heads].
    """

    do_rotary: bool = False
    mask_filter_value: float = -10000.0
    num_heads: int
    past_present_share_buffer: bool = False
    qkv_hidden_sizes: tuple[int, ...] = ()
    rotary_embedding_dim: int = 0
    scale: float = 0.0
    unidirectional: bool = False

    def infer(
        self,
        x: TensorType,
        weights: TensorType,
        bias: TensorType | None = None,
        mask_index: TensorType | None = None,
        past: TensorType | None = None,
        attention_bias: TensorType | None = None,
        past_sequence_length: TensorType | None = None,
    ) -> Any:
        if self.do_rotary or past_sequence_length is not None or self.past_present_share_buffer:
            raise UnsupportedError("Attention with rotation or shared buffers is not supported")
        return infer_expansion(self, x, weights, bias, mask_index, past, attention_bias)

    def expand(
        self,
        b: Builder[V],
        x: V,
        weights: V,
        bias: V | None = None,
        mask_index: V | None = None,
        past: V | None = None,
        attention_bias: V | None = None,
        past_sequence_length: V | None = None,  # noqa: ARG002 — refused by infer
    ) -> tuple[V, ...]:
        made = b.MatMul(x, weights)
        if bias is not None:
            made = b.Add(made, bias)
        ends = np.cumsum([0, *self._sizes(b.type(weights))]).tolist()
        q, k, v = (
            split_heads(b, b.Slice(made, b.ints(start), b.ints(end), b.ints(2)), self.num_heads)
            for start, end in pairwise(ends)
        )
        total = b.Shape(k, start=2, end=3)
        pasts: list[V] = []
        if past is not None:
            pasts = [b.Gather(past, b.constant(i, DType.INT64), axis=0) for i in (0, 1)]
            total = b.Add(total, b.Shape(past, start=3, end=4))
        looks = None
        if mask_index is not None:
            looks = mask_bias(b, mask_index, x, total, self.mask_filter_value)
        given = {"scale": self.scale} if self.scale else {}
        causal = int(self.unidirectional)
        bias = added(b, looks, attention_bias)
        y, keys, values = b.Attention(q, k, v, bias, *pasts, is_causal=causal, outputs=3, **given)
        if self.wanted < 2:
            return (join_heads(b, y),)
        first = b.ints(0)
        present = b.Concat(b.Unsqueeze(keys, first), b.Unsqueeze(values, first), axis=0)
        return join_heads(b, y), present

    def _sizes(self, weights: TensorType) -> tuple[int, ...]:
        if self.qkv_hidden_sizes:
            if len(self.qkv_hidden_sizes) != 3:
                raise InferenceError(
                    "qkv_hidden_sizes are no three numbers", given=list(self.qkv_hidden_sizes)
                )
            return self.qkv_hidden_sizes
        width = weights.shape[1]
        if not isinstance(width, int) or width % 3:
            raise InferenceError("the columns of weights are no known multiple of 3", given=weights)
        return (width // 3,) * 3

    @classmethod
    def cases(cls) -> Iterator[Case]:
        half = 1.0986122886681098
        x, weights = f32([[[0], [1]]]), f32([[half, 1, 4]])
        one = cls(num_heads=1)
        yield Case(one, [x, weights], [f32([[[2], [3]]])], rtol=1e-6)
        yield Case(one, [x, weights, f32([0, 0, 1])], [f32([[[3], [4]]])], rtol=1e-6)
        yield Case(one, [x, weights, None, i32([[1, 0]])], [f32([[[0], [0]]])], atol=1e-6)
        yield Case(one, [x, weights, None, i32([1])], [f32([[[0], [0]]])], atol=1e-6)
        causal = cls(num_heads=1, unidirectional=True, wanted=2)
        past = f32([[[[[0]]]], [[[[8]]]]])
        yield Case(
            causal,
            [x, weights, None, None, past],
            [f32([[[4], [4]]]), f32([[[[[0], [0], [1]]]], [[[[8], [0], [4]]]]])],
            rtol=1e-6,
        )
        yield Case(one, [x, weights[:, :2]], error="no known multiple of 3")
