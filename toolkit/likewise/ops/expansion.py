"""Types and cost from an expansion: for operators that are nothing but a graph of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import LikewiseError
from likewise.ir import TensorType, UnknownRankError, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Dim, Type
    from likewise.ops.operator import Operator

__all__ = ["expansion_flops", "infer_expansion"]


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


def expansion_flops(operator: Operator, inputs: Sequence[TensorType | None]) -> Dim:
    """The operations of the nodes that `operator.expand` makes of inputs of these types.

    0 where the types do not tell the expansion, as for unknown ranks.
    """
    from likewise.ops.build import GraphBuilder

    builder = GraphBuilder()
    values = [None if x is None else Value(f"input_{i}", x) for i, x in enumerate(inputs)]
    try:
        operator.expand(builder, *values)
    except (LikewiseError, UnknownRankError):
        return 0
    total: Dim = 0
    for node in builder.nodes:
        reads, makes = ([_tensor(value) for value in side] for side in (node.inputs, node.outputs))
        total = total + node.operator.flops(reads, makes)
    return total


def _tensor(value: Value | None) -> TensorType | None:
    return value.type if value is not None and isinstance(value.type, TensorType) else None
