"""Which operators a model uses, and which of them there are, without importing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from likewise.ops import find_operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.onnx.messages import ModelProto, NodeProto

__all__ = ["NEWEST", "Use", "survey", "unsupported", "walk"]

NEWEST: Final = {
    "": 28,
    "ai.onnx.ml": 5,
    "ai.onnx.preview": 1,
    "ai.onnx.preview.training": 1,
    "com.microsoft": 1,
}
"""The newest opset of each domain that likewise knows (onnx 1.23)."""


@dataclass(frozen=True)
class Use:
    """An operator and how often a model uses it; `nodes` are the names of a few such nodes."""

    domain: str
    name: str
    count: int
    nodes: tuple[str, ...]
    supported: bool

    def __str__(self) -> str:
        return f"{self.domain or 'ai.onnx'}.{self.name} ({self.count}x, as {self.nodes[0]!r})"


def survey(model: ModelProto) -> list[Use]:
    """Every operator in use, sorted; those of subgraphs and of called functions included."""
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    found: dict[tuple[str, str], list[str]] = {}
    seen: set[tuple[str, str, str]] = set()
    waiting: list[Sequence[NodeProto]] = [model.graph.node if model.graph else ()]
    while waiting:
        for node in walk(waiting.pop()):
            key = (node.domain, node.op_type, node.overload)
            if key in functions:
                if key not in seen:
                    seen.add(key)
                    waiting.append(functions[key].node)
                continue
            domain = "" if node.domain == "ai.onnx" else node.domain
            name = node.name or next(iter(node.output), "")
            found.setdefault((domain, node.op_type), []).append(name)
    return [
        Use(domain, name, len(nodes), tuple(nodes[:3]), find_operator(name, domain) is not None)
        for (domain, name), nodes in sorted(found.items())
    ]


def unsupported(model: ModelProto) -> list[Use]:
    """The operators in use that likewise does not have."""
    return [use for use in survey(model) if not use.supported]


def walk(nodes: Sequence[NodeProto]) -> Iterator[NodeProto]:
    """Every node, those of subgraphs included."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                if graph is not None:
                    yield from walk(graph.node)
