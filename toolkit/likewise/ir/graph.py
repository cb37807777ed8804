"""The graph: values, nodes and constants, immutable, in topological order."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from likewise.ir.dims import Dim
    from likewise.ir.types import Array, TensorType, Type

__all__ = ["Graph", "Node", "OperatorLike", "Value"]


class OperatorLike(Protocol):
    """What the graph needs to know of an operator; `likewise.ops.Operator` is the one kind."""

    @property
    def name(self) -> str:
        """The ONNX name, such as `Conv`."""

    @property
    def domain(self) -> str:
        """The ONNX domain; `""` for `ai.onnx`."""

    @property
    def subgraphs(self) -> tuple[Graph, ...]:
        """The graphs it holds as attributes (`If`, `Loop`, `Scan`, `SequenceMap`)."""

    @property
    def deterministic(self) -> bool:
        """Whether equal inputs give equal outputs."""

    @property
    def foldable(self) -> bool:
        """Whether it may be computed beforehand."""

    @property
    def wanted(self) -> int:
        """How many outputs are asked for."""

    def attributes(self) -> dict[str, Any]:
        """The attributes by ONNX name, those at their default left out."""

    def changed(self, **attributes: Any) -> OperatorLike:
        """The same use with some attributes replaced."""

    def flops(
        self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType | None]
    ) -> Dim:
        """Floating-point operations of one use, a multiply-add counted as two."""

    def infer(self, *inputs: Any, **_: Any) -> Any:
        """The types of its outputs from those of its inputs."""

    def evaluate(self, *inputs: Any, **_: Any) -> Any:
        """Its outputs from input arrays."""


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """One edge of the graph: who makes it is known by identity, its name is for people."""

    name: str
    type: Type

    def __str__(self) -> str:
        return f"%{self.name}: {self.type}"


@dataclass(frozen=True, eq=False)
class Node:
    """An operator applied to values. An absent optional input or output is None."""

    operator: OperatorLike
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value | None, ...]
    name: str = ""

    @cached_property
    def captures(self) -> tuple[Value, ...]:
        """Outer values that its subgraphs read, each once, in the order of first use."""
        found = {value: None for graph in self.operator.subgraphs for value in graph.captures}
        return tuple(found)

    @property
    def reads(self) -> Iterator[Value]:
        """Every value that must be there before the node runs, captures included."""
        yield from (value for value in self.inputs if value is not None)
        yield from self.captures

    @property
    def label(self) -> str:
        """How messages call it: its name, or else the first output it makes."""
        made = next((value.name for value in self.outputs if value is not None), "")
        return f"node {self.name or made!r} ({self.operator.name})"


@dataclass(frozen=True, eq=False)
class Graph:
    """A function from `inputs` to `outputs`; `constants` gives the values known beforehand."""

    name: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[Value, Array] = field(default_factory=dict)

    @cached_property
    def captures(self) -> tuple[Value, ...]:
        """Values read here and made outside, each once, in the order of first use."""
        made = {*self.inputs, *self.constants}
        found: dict[Value, None] = {}
        for node in self.nodes:
            found.update((value, None) for value in node.reads if value not in made)
            made.update(value for value in node.outputs if value is not None)
        found.update((value, None) for value in self.outputs if value not in made)
        return tuple(found)

    def walk(self) -> Iterator[Node]:
        """Every node, those of subgraphs included, each before the node that holds it."""
        for node in self.nodes:
            for graph in node.operator.subgraphs:
                yield from graph.walk()
            yield node
