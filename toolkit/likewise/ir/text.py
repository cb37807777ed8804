"""A graph as text, for people and for golden tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.ir.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir.graph import Node, Value

__all__ = ["to_text"]

_SHOWN: Final = 8  # elements of a constant


def to_text(graph: Graph, indent: str = "") -> str:
    """One line a constant and a node, subgraphs indented below the node that holds them."""
    return "\n".join(_lines(graph, indent))


def _lines(graph: Graph, indent: str) -> Iterator[str]:
    inputs = ", ".join(map(str, graph.inputs))
    yield f"{indent}graph {graph.name}({inputs}) {{"
    for value, array in graph.constants.items():
        content = f" = {array.tolist()}" if array.size <= _SHOWN else ""
        yield f"{indent}  constant {value}{content}"
    for node in graph.nodes:
        yield f"{indent}  {_call(node)}"
        for name, body in _bodies(node):
            yield f"{indent}    {name}:"
            yield from _lines(body, indent + "    ")
    yield f"{indent}  return {', '.join(map(_read, graph.outputs))}"
    yield f"{indent}}}"


def _call(node: Node) -> str:
    outputs = ", ".join("_" if value is None else str(value) for value in node.outputs)
    inputs = ", ".join(map(_read, node.inputs))
    domain = f"{node.operator.domain}." if node.operator.domain else ""
    attributes = [
        f"{name}={_text(value)}"
        for name, value in node.operator.attributes().items()
        if not isinstance(value, Graph)
    ]
    tail = f" {{{', '.join(attributes)}}}" if attributes else ""
    return f"{outputs} = {domain}{node.operator.name}({inputs}){tail}"


def _bodies(node: Node) -> Iterator[tuple[str, Graph]]:
    for name, value in node.operator.attributes().items():
        if isinstance(value, Graph):
            yield name, value


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > _SHOWN:
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, np.ndarray):
        return str(value.tolist())
    return repr(value)


def _read(value: Value | None) -> str:
    return "_" if value is None else f"%{value.name}"
