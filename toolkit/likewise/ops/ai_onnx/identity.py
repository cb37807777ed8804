"""Identity: the input itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.ops.case import Case, f32, strings
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Type
    from likewise.lower import Lowering, TensorView
    from likewise.ops.build import OldForm


class Identity(Operator, versions=(1, 13, 14, 16, 19, 21, 23, 24, 25)):
    """The input, of whatever type: tensor, sequence or optional."""

    symbolic = True
    keeps_extents = True
    on_narrow = "take"

    def infer(self, x: Type) -> Type:
        return x

    def evaluate(self, x: Any) -> Any:
        return x

    def lower(self, _: Lowering, x: TensorView) -> TensorView:
        return x

    @classmethod
    def upgrade(cls, old: OldForm) -> None:
        old.attributes.pop("consumed_inputs", None)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(cls(), [f32([1, 2])], [f32([1, 2])])
        yield Case(cls(), [strings(["a"])], [strings(["a"])])
        yield Case(cls(), [[f32(1), f32([2, 3])]], [[f32(1), f32([2, 3])]])
