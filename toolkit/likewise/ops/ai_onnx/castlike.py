"""CastLike: Cast to the element type of another tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from likewise.ops.case import Case, f32, i32, strings
from likewise.ops.operator import Operator, V

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import TensorType
    from likewise.ops.build import Builder


class CastLike(Operator, versions=(15, 19, 21, 23, 24, 25)):
    """Cast of the input to the element type of `target_type`, whose content plays no part."""

    round_mode: Literal["up", "down", "nearest"] = "up"
    saturate: bool = True

    def infer(self, x: TensorType, target_type: TensorType) -> TensorType:
        return x.with_dtype(target_type.dtype)

    def expand(self, b: Builder[V], x: V, target_type: V) -> V:
        to = b.type(target_type).dtype
        made: V = b.Cast(x, to=to, round_mode=self.round_mode, saturate=self.saturate)
        return made

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1.5, -2]), i32([[9]])], [i32([1, -2])])
        yield Case(cls(), [f32([1.5, -2]), strings("a")], [strings(["1.5", "-2"])])
