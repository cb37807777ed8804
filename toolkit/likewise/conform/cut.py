"""Parts of a graph as graphs of their own: what comes first, and what lies around one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ir import Graph, TensorType, Value
from likewise.ir.types import DType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from likewise.ir import Node

__all__ = ["around", "comparable", "frontier", "part", "prefix", "with_outputs"]


def comparable(value: Value) -> bool:
    """Whether every target can give it: a tensor of numbers."""
    return isinstance(value.type, TensorType) and value.type.dtype is not DType.STRING


def prefix(graph: Graph, count: int) -> Graph:
    """The first `count` nodes; its outputs are what later nodes and the graph's outputs read."""
    return part(graph, graph.nodes[:count], frontier(graph, count))


def frontier(graph: Graph, count: int) -> tuple[Value, ...]:
    """What the first `count` nodes make and something after them reads."""
    made = {value for node in graph.nodes[:count] for value in node.outputs if value is not None}
    read: dict[Value, None] = {}
    for node in graph.nodes[count:]:
        read.update(dict.fromkeys(node.reads))
    read.update(dict.fromkeys(graph.outputs))
    return _named_apart(value for value in read if value in made and comparable(value))


def with_outputs(graph: Graph, values: Iterable[Value]) -> Graph:
    """The same graph with these outputs, and no node that none of them needs."""
    wanted = _named_apart(values)
    needed, kept = set(wanted), []
    for node in reversed(graph.nodes):
        if needed.intersection(one for one in node.outputs if one is not None):
            kept.append(node)
            needed.update(node.reads)
    return part(graph, kept[::-1], wanted)


def around(graph: Graph, last: Node, depth: int) -> Graph:
    """`last` and those before it whose values reach it in fewer than `depth` steps, as a graph.

    Whatever else they read are its inputs; its outputs are those of `last`.
    """
    makers = {value: node for node in graph.nodes for value in node.outputs if value is not None}
    chosen, edge = {last}, [last]
    for _ in range(depth - 1):
        edge = [
            makers[value]
            for node in edge
            for value in node.reads
            if value in makers and makers[value] not in chosen
        ]
        chosen.update(edge)
    nodes = [node for node in graph.nodes if node in chosen]
    outputs = (value for value in last.outputs if value is not None and comparable(value))
    return part(graph, nodes, _named_apart(outputs))


def part(graph: Graph, nodes: Sequence[Node], outputs: Sequence[Value]) -> Graph:
    """Nodes of a graph as one; what they read and do not make are inputs or constants."""
    made = {value for node in nodes for value in node.outputs if value is not None}
    read = dict.fromkeys(value for node in nodes for value in node.reads)
    read.update(dict.fromkeys(outputs))
    constants = {value: graph.constants[value] for value in read if value in graph.constants}
    inputs = tuple(value for value in read if value not in made and value not in constants)
    return Graph(f"part_of_{graph.name}", inputs, tuple(outputs), tuple(nodes), constants)


def _named_apart(values: Iterable[Value]) -> tuple[Value, ...]:
    """Those with a name that none before them has: outputs are told apart by it."""
    found: dict[str, Value] = {}
    for value in values:
        found.setdefault(value.name, value)
    return tuple(found.values())
