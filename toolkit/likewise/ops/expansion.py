"""Types from an expansion: for operators that are nothing but a graph of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.ir import Value

if TYPE_CHECKING:
    from likewise.ir import Type
    from likewise.ops.operator import Operator

__all__ = ["infer_expansion"]


def infer_expansion(operator: Operator, *inputs: Type | None) -> Any:
    """The types that `operator.expand` gives for inputs of these types: one, or a tuple.

    Absent outputs stay None. Raises what the operators of the expansion raise.
    """
    from likewise.ops.build import GraphBuilder

    values = [None if x is None else Value(f"input_{i}", x) for i, x in enumerate(inputs)]
    made = operator.expand(GraphBuilder(), *values)
    if isinstance(made, tuple):
        return tuple(None if x is None else x.type for x in made)
    return made.type
