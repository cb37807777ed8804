"""Attention: projection to queries, keys and values, and attention, in one."""

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
        made: V = b.MatMul(x, weights)
        if bias is not None:
            made = b.Add(made, bias)
        sizes = self._sizes(b.type(weights))
        given = {"num_outputs": 3} if sizes is None else {}
        parts = b.Split(made, sizes and b.ints(*sizes), axis=2, outputs=3, **given)
        q, k, v = (split_heads(b, part, self.num_heads) for part in parts)
        total = b.Shape(k, start=2, end=3)
        pasts: list[V] = []
        if past is not None:
            pasts = [b.Gather(past, b.constant(i, DType.INT64), axis=0) for i in (0, 1)]
            total = b.Add(total, b.Shape(past, start=3, end=4))
        looks = None
        if mask_index is not None:
            looks = mask_bias(b, mask_index, x, total, self.mask_filter_value)
        causal: dict[str, Any] = {"is_causal": int(self.unidirectional)}
        if self.scale:
            causal["scale"] = self.scale
        bias = added(b, looks, attention_bias)
        y, keys, values = b.Attention(q, k, v, bias, *pasts, outputs=3, **causal)
        if self.wanted < 2:
            return (join_heads(b, y),)
        first = b.ints(0)
        present = b.Concat(b.Unsqueeze(keys, first), b.Unsqueeze(values, first), axis=0)
        return join_heads(b, y), present

    def _sizes(self, weights: TensorType) -> tuple[int, ...] | None:
        """The columns that make q, k and v; None: a third each."""
        width, sizes = weights.shape[1], self.qkv_hidden_sizes
        if sizes and len(sizes) != 3:
            raise InferenceError("qkv_hidden_sizes are no three numbers", given=list(sizes))
        if isinstance(width, int) and (width % 3 if not sizes else width != sum(sizes)):
            raise InferenceError(
                "the columns of weights are not those of q, k and v",
                given=weights,
                allowed=sum(sizes) or "a multiple of 3",
            )
        return sizes or None

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
        yield Case(one, [x, weights[:, :2]], error="the columns of weights are not those")
