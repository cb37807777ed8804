"""If: one of two graphs, by a condition. It stands here since `if` cannot name a module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import InferenceError
from likewise.ops.bodies import check_condition, constant_graph
from likewise.ops.case import Case, boolean, f32
from likewise.ops.checks import join
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array, Graph, TensorType, Type
    from likewise.lower import Held, Lowering, TensorView
    from likewise.ops.bodies import Run


class If(Operator, versions=(1, 11, 13, 16, 19, 21, 23, 24, 25)):
    """Runs `then_branch` or `else_branch`; both make the same outputs, shapes may differ."""

    else_branch: Graph
    then_branch: Graph
    on_narrow = "take"

    def infer(self, cond: TensorType) -> tuple[Type, ...]:
        check_condition(cond)
        then_types = [value.type for value in self.then_branch.outputs]
        else_types = [value.type for value in self.else_branch.outputs]
        if len(then_types) != len(else_types):
            raise InferenceError(
                "the branches make different numbers of outputs",
                given=f"then {len(then_types)}, else {len(else_types)}",
            )
        if cond.constant is not None:
            return tuple(then_types if cond.constant.item() else else_types)
        return tuple(
            join(a, b, "the branches") for a, b in zip(then_types, else_types, strict=True)
        )

    def evaluate(self, cond: Array, run: Run) -> tuple[Any, ...]:
        return tuple(run(self.then_branch if cond.item() else self.else_branch, ()))

    def lower(self, lowering: Lowering, cond: TensorView) -> tuple[Held, ...]:
        return lowering.choose(cond, self.then_branch, self.else_branch)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        two, three = constant_graph(f32([1, 2])), constant_graph(f32([3, 4, 5]))
        branches = cls(then_branch=two, else_branch=three)
        yield Case(branches, [boolean(True)], [f32([1, 2])])
        yield Case(branches, [boolean([False])], [f32([3, 4, 5])])
        yield Case(branches, [boolean([True, False])], error="cond does not hold one element")
        yield Case(branches, [f32(1)], error="cond has an element type")
        none = cls(then_branch=two, else_branch=constant_graph())
        yield Case(none, [boolean(True)], error="different numbers of outputs; given: then 1")
