"""NhwcConv: a convolution whose channels come last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from likewise.ops.case import Case, f32
from likewise.ops.com_microsoft.fusedconv import convolution
from likewise.ops.expansion import infer_expansion
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class NhwcConv(Operator, versions=(1,)):
    """Conv of X [N, d1 … dr, C], giving [N, D1 … Dr, M]; the weights are laid out as Conv's."""

    auto_pad: Literal["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"] = "NOTSET"
    dilations: tuple[int, ...] | None = None
    group: int = 1
    kernel_shape: tuple[int, ...] | None = None
    pads: tuple[int, ...] | None = None
    strides: tuple[int, ...] | None = None

    def infer(self, x: TensorType, w: TensorType, bias: TensorType | None = None) -> TensorType:
        made: TensorType = infer_expansion(self, x, w, bias)
        return made

    def expand(self, b: Builder[V], x: V, w: V, bias: V | None = None) -> V:
        return channels_first(b, x, lambda moved: b.Conv(moved, w, bias, **convolution(self)))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, w = f32([[[1, 10], [2, 20], [3, 30]]]), f32([[[1, 1], [2, 0]]])
        yield Case(cls(), [x, w], [f32([[[23], [45]]])])


def channels_first(b: Builder[V], x: V, compute: Callable[[V], V]) -> V:
    """`compute` on `x` with its last axis second; that axis of the result goes last again."""
    rank = b.type(x).rank
    moved = b.Transpose(x, perm=(0, rank - 1, *range(1, rank - 1)))
    made: V = b.Transpose(compute(moved), perm=(0, *range(2, rank), 1))
    return made
