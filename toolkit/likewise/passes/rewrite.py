"""Walking a graph and putting something else in the place of nodes; subgraphs come along."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from likewise.ir import Graph, Node, Value
from likewise.ops.build import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from likewise.ir import OperatorLike

__all__ = ["Replacement", "rewrite", "users"]

Replacement: TypeAlias = "Callable[[Node, GraphBuilder], Sequence[Value | None] | None]"
"""What to put in the place of a node: its outputs anew, built with the builder; None keeps it."""


def rewrite(
    graph: Graph, replacement: Replacement, outer: Mapping[Value, Value] | None = None
) -> Graph:
    """`graph` with each node for which `replacement` gives outputs replaced by those.

    Inputs, outputs and constants keep their names and order. `outer` maps the values around a
    subgraph. A node is given with its inputs replaced already.
    """
    builder = GraphBuilder()
    builder.constants.update(graph.constants)
    mapping: dict[Value, Value] = dict(outer or {})
    for node in graph.nodes:
        moved = _moved(node, mapping, replacement)
        made = replacement(moved, builder)
        if made is None:
            builder.nodes.append(moved)
            continue
        pairs = zip(node.outputs, made, strict=False)
        mapping.update((old, new) for old, new in pairs if old and new and old is not new)
    outputs = [_output(value, mapping, builder) for value in graph.outputs]
    return builder.graph(graph.name, graph.inputs, outputs)


def _moved(node: Node, mapping: Mapping[Value, Value], replacement: Replacement) -> Node:
    """`node` reading the mapped values, its subgraphs rewritten."""
    operator = node.operator
    if operator.subgraphs:
        operator = _with_subgraphs(operator, mapping, replacement)
    elif not any(value in mapping for value in node.inputs):
        return node
    inputs = tuple(None if value is None else mapping.get(value, value) for value in node.inputs)
    return Node(operator, inputs, node.outputs, node.name)


def _with_subgraphs(
    operator: OperatorLike, mapping: Mapping[Value, Value], replacement: Replacement
) -> OperatorLike:
    bodies = {n: v for n, v in operator.attributes().items() if isinstance(v, Graph)}
    return operator.changed(
        **{name: rewrite(body, replacement, mapping) for name, body in bodies.items()}
    )


def _output(value: Value, mapping: Mapping[Value, Value], builder: GraphBuilder) -> Value:
    """What stands for the graph output `value`, under its name."""
    new = mapping.get(value, value)
    return new if new.name == value.name else builder.op_named("Identity", [new], value.name)


def users(graph: Graph) -> dict[Value, int]:
    """How often each value is read: by nodes, subgraphs, and as an output."""
    count: dict[Value, int] = {}
    for node in graph.walk():
        for value in node.inputs:
            if value is not None:
                count[value] = count.get(value, 0) + 1
        for inner in node.operator.subgraphs:
            for value in inner.outputs:
                count[value] = count.get(value, 0) + 1
    for value in graph.outputs:
        count[value] = count.get(value, 0) + 1
    return count
