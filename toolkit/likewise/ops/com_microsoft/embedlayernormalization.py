"""EmbedLayerNormalization: words, positions and segments looked up, added and normalized."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from likewise.ops.case import Case, f32, i32
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class EmbedLayerNormalization(Operator, versions=(1,)):
    """LayerNormalization of the sum of the embeddings of ids [B, L]; positions count from 0.

    The second output is how many of `mask` are set in each row (0 without a mask), the third the
    sum before it is normalized.
    """

    epsilon: float = 1e-12
    mask_index_type: int = 1

    def infer(
        self,
        input_ids: TensorType,
        segment_ids: TensorType | None = None,
        word_embedding: TensorType | None = None,
        position_embedding: TensorType | None = None,
        segment_embedding: TensorType | None = None,
        gamma: TensorType | None = None,
        beta: TensorType | None = None,
        mask: TensorType | None = None,
        position_ids: TensorType | None = None,
    ) -> Any:
        return infer_expansion(
            self,
            input_ids,
            segment_ids,
            word_embedding,
            position_embedding,
            segment_embedding,
            gamma,
            beta,
            mask,
            position_ids,
        )

    def expand(
        self,
        b: Builder[V],
        input_ids: V,
        segment_ids: V | None = None,
        word_embedding: V | None = None,
        position_embedding: V | None = None,
        segment_embedding: V | None = None,
        gamma: V | None = None,
        beta: V | None = None,
        mask: V | None = None,
        position_ids: V | None = None,
    ) -> tuple[V, ...]:
        words = b.Gather(word_embedding, input_ids, axis=0)
        if position_ids is None:
            length = b.Squeeze(b.Shape(input_ids, start=1, end=2), b.ints(0))
            zero, one = b.constant(0, DType.INT64), b.constant(1, DType.INT64)
            position_ids = b.Range(zero, length, one)
        total = b.Add(words, b.Gather(position_embedding, position_ids, axis=0))
        if segment_ids is not None and segment_embedding is not None:
            total = b.Add(total, b.Gather(segment_embedding, segment_ids, axis=0))
        made = b.LayerNormalization(total, gamma, beta, axis=-1, epsilon=self.epsilon)
        if mask is None:
            shape = b.Shape(input_ids, start=0, end=1)
            count = b.Expand(b.constant(0, DType.INT32), shape)
        else:
            count = b.ReduceSum(mask, b.ints(1), keepdims=0)
        return (made, count, total)[: max(self.wanted, 1)]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        words, places = f32([[1, 2], [3, 9]]), f32([[0, 1], [2, 0]])
        gamma, beta = np.ones(2, np.float32), f32([0, 1])
        ids = i32([[1, 0]])
        total = f32([[[3, 10], [3, 2]]])
        y = f32([[[-1, 2], [1, 0]]])
        yield Case(
            cls(wanted=3),
            [ids, None, words, places, None, gamma, beta, i32([[1, 0]])],
            [y, i32([1]), total],
            rtol=1e-6,
        )
        segments = [i32([[0, 1]]), words, places, f32([[0, -3], [0, 3]])]
        moved = f32([[[-1, 2], [-1, 2]]])
        yield Case(cls(), [ids, *segments, gamma, beta], [moved], rtol=1e-6)
