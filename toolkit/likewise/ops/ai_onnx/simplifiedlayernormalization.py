"""SimplifiedLayerNormalization: what onnxruntime calls RMSNormalization, in ONNX's own domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.ir import DType
from likewise.ops.case import Case, f32
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class SimplifiedLayerNormalization(Operator, versions=(1,)):
    """x / sqrt(mean(x²) + epsilon) * scale over the axes from `axis` on; 1 / sqrt(…) besides.

    ONNX does not define it; exporters and onnxruntime's tools write it all the same.
    """

    axis: int = -1
    epsilon: float = 1e-5
    stash_type: int = 1

    def infer(self, x: TensorType, scale: TensorType) -> Any:
        return infer_expansion(self, x, scale)

    def expand(self, b: Builder[V], x: V, scale: V) -> tuple[V, ...]:
        y = b.RMSNormalization(x, scale, axis=self.axis, epsilon=self.epsilon)
        if self.wanted < 2:
            return (y,)
        rank = b.type(x).rank
        wide = b.Cast(x, to=DType.FLOAT.value)
        mean = b.ReduceMean(b.Mul(wide, wide), b.ints(*range(self.axis % rank, rank)))
        return y, b.Reciprocal(b.Sqrt(b.Add(mean, self.epsilon)))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 7], [5, 5]])
        exact = cls(epsilon=0.0, wanted=2)
        made = [f32([[0.2, 2.8], [1, 2]]), f32([[0.2], [0.2]])]
        yield Case(exact, [x, f32([1, 2])], made, rtol=1e-6)
