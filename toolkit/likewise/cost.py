"""What a graph costs before it runs: parameters, floating-point operations, memory."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from likewise.errors import InputError
from likewise.ir import Dim, Expression, TensorType, UnknownRankError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.ir import Graph, Value

__all__ = ["Cost", "estimate"]


@dataclass(frozen=True)
class Cost:
    """An estimate.

    `flops` counts a multiply-add as two, other output elements of simple operators as one, and a
    subgraph once; symbolic dims make it an expression, unknown ranks count nothing. `peak_bytes`
    is the largest sum of activations alive at a node, weights not among them, views counted as
    copies; None unless all are static.
    """

    parameters: int
    weight_bytes: int
    flops: Dim
    peak_bytes: int | None


def estimate(graph: Graph, shapes: Mapping[str, Sequence[int]] | None = None) -> Cost:
    """The cost of `graph` with the dims that `shapes` gives for inputs by name.

    Raises `InputError` for a name that is no input or a shape that does not fit.
    """
    bindings = _bindings(graph, shapes or {})
    weights = list(graph.constants.values())
    for node in graph.walk():
        for body in node.operator.subgraphs:
            weights.extend(body.constants.values())
    flops: Dim = 0
    for node in graph.walk():
        inputs = [_bound(value, bindings) for value in node.inputs]
        outputs = [_bound(value, bindings) for value in node.outputs]
        with suppress(UnknownRankError):
            flops = flops + node.operator.flops(inputs, outputs)
    return Cost(
        parameters=sum(array.size for array in weights if array.dtype.kind in "fV"),
        weight_bytes=sum(array.nbytes for array in weights),
        flops=flops,
        peak_bytes=_peak(graph, bindings),
    )


def _bindings(graph: Graph, shapes: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Numbers for the symbols of the inputs named in `shapes`."""
    values = {value.name: value.type for value in graph.inputs}
    found: dict[str, int] = {}
    for name, sizes in shapes.items():
        kind = values.get(name)
        if not isinstance(kind, TensorType) or (kind.dims and len(kind.dims) != len(sizes)):
            raise InputError(
                f"the shape for input {name!r} does not fit",
                given=",".join(map(str, sizes)),
                allowed="; ".join(f"{value.name}: {value.type}" for value in graph.inputs),
            )
        for dim, size in zip(kind.dims or (), sizes, strict=False):
            if isinstance(dim, Expression):
                found.update(dict.fromkeys(dim.symbols, size) if len(dim.terms) == 1 else {})
    return found


def _bound(value: Value | None, bindings: Mapping[str, int]) -> TensorType | None:
    kind = value.type if value is not None else None
    return kind.substitute(bindings) if isinstance(kind, TensorType) else None


def _size(value: Value, bindings: Mapping[str, int]) -> Dim:
    kind = _bound(value, bindings)
    if kind is None or kind.dims is None:
        return 0
    return kind.size * math.ceil(max(kind.dtype.bits, 8) / 8)


def _peak(graph: Graph, bindings: Mapping[str, int]) -> int | None:
    """The peak over the nodes in order, each value alive from its node to its last reader."""
    last: dict[Value, int] = {}
    for index, node in enumerate(graph.nodes):
        last.update((value, index) for value in node.reads)
    last.update((value, len(graph.nodes)) for value in graph.outputs)
    alive = sum(_size(value, bindings) for value in graph.inputs)
    peak: Dim = alive
    for index, node in enumerate(graph.nodes):
        made = [value for value in node.outputs if value is not None]
        alive = alive + sum(_size(value, bindings) for value in made)
        if not isinstance(alive, int) or not isinstance(peak, int):
            return None
        peak = max(peak, alive)
        ends = {value for value in (*node.reads, *made) if last.get(value, index) == index}
        alive = alive - sum(_size(value, bindings) for value in ends - graph.constants.keys())
    return peak if isinstance(peak, int) else None
