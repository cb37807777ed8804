"""Leave out what no output needs: nodes, outputs of nodes, constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.ir import Graph, Node

if TYPE_CHECKING:
    from likewise.ir import Value

__all__ = ["remove_dead_code"]


def remove_dead_code(graph: Graph) -> Graph:
    """`graph` without nodes and constants that no output depends on. Inputs all stay."""
    needed: set[Value] = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if needed.isdisjoint(value for value in node.outputs if value is not None):
            continue
        kept.append(node)
        needed.update(node.reads)
    constants = {value: array for value, array in graph.constants.items() if value in needed}
    return Graph(graph.name, graph.inputs, graph.outputs, tuple(reversed(kept)), constants)
