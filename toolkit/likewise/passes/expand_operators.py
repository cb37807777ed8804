"""Put simpler operators in the place of those that are defined by an expansion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.errors import LikewiseError
from likewise.ops.build import GraphBuilder
from likewise.ops.operator import Operator
from likewise.passes.rewrite import rewrite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Graph, Node, Value

__all__ = ["expand_operators"]


def expand_operators(graph: Graph) -> Graph:
    """`graph` with every node that has an expansion replaced by it, until none is left."""
    return rewrite(graph, _replacement)


def expands(operator: Any) -> bool:
    """Whether a compiled target computes `operator` as a graph of simpler ones."""
    return type(operator).expand is not Operator.expand


def _replacement(node: Node, builder: GraphBuilder) -> Sequence[Value | None] | None:
    operator: Any = node.operator
    if not expands(operator):
        return None
    inner = _Expanding(prefix=f"{node.outputs[0].name if node.outputs[0] else ''}/")
    inner.nodes, inner.constants = builder.nodes, builder.constants
    try:
        made = operator.expand(inner, *node.inputs)
    except LikewiseError as error:
        raise error.at(node.label) from None
    return made if isinstance(made, tuple) else (made,)


class _Expanding(GraphBuilder):
    """A builder that expands what can be expanded as soon as it is added."""

    def apply(
        self,
        operator: Operator,
        inputs: Sequence[Value | None],
        names: Sequence[str] = (),
        name: str = "",
    ) -> tuple[Value, ...]:
        if not expands(operator):
            return super().apply(operator, inputs, names, name)
        made = operator.expand(self, *inputs)
        return made if isinstance(made, tuple) else (made,)
