"""SkipLayerNormalization, SkipSimplifiedLayerNormalization: normalizing a sum with a shortcut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ops.case import Case, f32
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class SkipLayerNormalization(Operator, versions=(1,)):
    """LayerNormalization over the last axis of input + skip + bias.

    Gives the result, the mean, the inverse deviation (onnxruntime leaves these two empty on a
    processor) and the sum.
    """

    epsilon: float = 1e-12

    def infer(
        self,
        x: TensorType,
        skip: TensorType,
        gamma: TensorType,
        beta: TensorType | None = None,
        bias: TensorType | None = None,
    ) -> Any:
        return infer_expansion(self, x, skip, gamma, beta, bias)

    def expand(
        self, b: Builder[V], x: V, skip: V, gamma: V, beta: V | None = None, bias: V | None = None
    ) -> tuple[V, ...]:
        total = summed(b, x, skip, bias)
        made = b.LayerNormalization(
            total, gamma, beta, axis=-1, epsilon=self.epsilon, outputs=1 if self.wanted == 1 else 3
        )
        return (*made, total) if isinstance(made, tuple) else (made,)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, skip = f32([[[1, 2], [3, 4]]]), f32([[[0, 0], [0, 4]]])
        gamma, beta = f32([2, 1]), f32([0, 1])
        y = f32([[[-2, 2], [-2, 2]]])
        yield Case(cls(), [x, skip, gamma, beta], [y], rtol=1e-6)
        bias = f32([0, -1])
        outputs = [f32([[[0, 1], [-2, 2]]]), f32([[[1], [5]]]), f32([[[1e6], [0.5]]])]
        yield Case(
            cls(wanted=4),
            [x, skip, gamma, beta, bias],
            [*outputs, f32([[[1, 1], [3, 7]]])],
            rtol=1e-6,
        )
        yield Case(cls(), [x, skip[..., :1].repeat(3, -1), gamma], error="do not broadcast")


class SkipSimplifiedLayerNormalization(Operator, versions=(1,)):
    """RMSNormalization over the last axis of input + skip + bias.

    Gives the result, nothing twice (means and deviations, which onnxruntime does not compute on a
    processor), and the sum.
    """

    epsilon: float = 1e-12

    def infer(
        self,
        x: TensorType,
        skip: TensorType,
        gamma: TensorType,
        bias: TensorType | None = None,
    ) -> Any:
        return infer_expansion(self, x, skip, gamma, bias)

    def expand(
        self, b: Builder[V], x: V, skip: V, gamma: V, bias: V | None = None
    ) -> tuple[V | None, ...]:
        total = summed(b, x, skip, bias)
        made = b.RMSNormalization(total, gamma, axis=-1, epsilon=self.epsilon)
        return (made, None, None, total) if self.wanted > 1 else (made,)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, skip = f32([[[1, 2]]]), f32([[[0, 5]]])
        yield Case(cls(), [x, skip, f32([5, 10])], [f32([[[1, 14]]])], rtol=1e-6)
        bias = f32([2, -4])
        yield Case(cls(), [x, skip, np.ones(2, np.float32), bias], [f32([[[1, 1]]])], rtol=1e-6)


def summed(b: Builder[V], x: V, skip: V, bias: V | None) -> V:
    """The sum of the two or three."""
    total: V = b.Add(x, skip)
    return total if bias is None else b.Add(total, bias)
