"""If, Loop, Scan: graphs inside graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import InferenceError
from likewise.ir import DType, Graph, OptionalType, SequenceType, TensorType, fresh
from likewise.ops.checks import check_dtype
from likewise.ops.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from likewise.ir import Array, Type


class If(Operator, versions=(1, 11, 13, 16, 19, 21, 23, 24, 25)):
    """Runs `then_branch` or `else_branch`; both make the same outputs, shapes may differ."""

    else_branch: Graph
    then_branch: Graph

    def infer(self, cond: TensorType) -> tuple[Type, ...]:
        check_dtype(cond, {DType.BOOL}, "cond")
        then_types = [value.type for value in self.then_branch.outputs]
        else_types = [value.type for value in self.else_branch.outputs]
        if len(then_types) != len(else_types):
            raise InferenceError(
                "the branches make different numbers of outputs",
                given=f"then {len(then_types)}, else {len(else_types)}",
            )
        if cond.constant is not None:
            return tuple(then_types if cond.constant.item() else else_types)
        return tuple(join(a, b) for a, b in zip(then_types, else_types, strict=True))

    def evaluate(
        self, cond: Array, run: Callable[[Graph, Sequence[Any]], list[Any]]
    ) -> tuple[Any, ...]:
        return tuple(run(self.then_branch if cond.item() else self.else_branch, ()))


def join(a: Type, b: Type) -> Type:
    """The type of a value that is either an `a` or a `b`: what differs is not known."""
    if isinstance(a, TensorType) and isinstance(b, TensorType):
        if a.dtype is not b.dtype:
            raise InferenceError("the element types of the branches differ", given=f"{a} and {b}")
        if a.dims is None or b.dims is None or len(a.dims) != len(b.dims):
            return TensorType(a.dtype, None)
        dims = zip(a.dims, b.dims, strict=True)
        return TensorType(a.dtype, tuple(m if m == n else fresh("if") for m, n in dims))
    if isinstance(a, SequenceType) and isinstance(b, SequenceType):
        return SequenceType(_join_known(a.element, b.element))
    if isinstance(a, OptionalType) and isinstance(b, OptionalType):
        return OptionalType(_join_known(a.element, b.element))
    if type(a) is not type(b):
        raise InferenceError("the types of the branches differ", given=f"{a} and {b}")
    return a


def _join_known(a: Type | None, b: Type | None) -> Type | None:
    return join(a, b) if a is not None and b is not None else a or b
