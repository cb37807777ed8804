"""Trilu: what ONNX took over under the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ops.case import Case, f32, i64
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class Trilu(Operator, versions=(1,)):
    """The upper or the lower triangle, from the `k`-th diagonal on; zeros elsewhere."""

    upper: bool = True

    def infer(self, x: TensorType, k: TensorType | None = None) -> TensorType:
        made: TensorType = infer_expansion(self, x, k)
        return made

    def expand(self, b: Builder[V], x: V, k: V | None = None) -> V:
        made: V = b.Trilu(x, k, upper=int(self.upper))
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[1, 2], [3, 4]])
        yield Case(cls(), [x, i64(1)], [f32([[0, 2], [0, 0]])])
        yield Case(cls(upper=False), [x], [f32([[1, 0], [3, 4]])])
