"""The order of nodes: ONNX asks for a sorted list, some exporters do not keep to it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from likewise.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from likewise.onnx.messages import NodeProto

__all__ = ["in_order"]


def in_order(nodes: Sequence[NodeProto], defined: Callable[[str], bool]) -> Iterator[NodeProto]:
    """The nodes so that each follows what it reads; as they stand where that already holds.

    `defined(name)` says whether a name is made elsewhere; one that nothing makes is left to the
    reader to miss. Raises `ModelError` for a cycle.
    """
    made_by = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    waits: list[set[int]] = []
    readers: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        needs = {made_by[name] for name in _reads(node) if name in made_by}
        needs = {other for other in needs if not all(map(defined, nodes[other].output))}
        waits.append(needs)
        for other in needs:
            readers.setdefault(other, []).append(index)
    if all(max(needs, default=-1) < index for index, needs in enumerate(waits)):
        yield from nodes
        return
    ready = deque(index for index, needs in enumerate(waits) if not needs)
    done = 0
    while ready:
        index = ready.popleft()
        done += 1
        yield nodes[index]
        for reader in readers.get(index, ()):
            waits[reader].discard(index)
            if not waits[reader]:
                ready.append(reader)
    if done < len(nodes):
        stuck = [nodes[index].name or nodes[index].op_type for index, n in enumerate(waits) if n]
        raise ModelError("the nodes form a cycle", given=", ".join(stuck[:5]))


def _reads(node: NodeProto) -> Iterator[str]:
    """The names a node reads, those of its subgraphs included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            if graph is not None:
                for inner in graph.node:
                    yield from _reads(inner)
                yield from (info.name for info in graph.output)
