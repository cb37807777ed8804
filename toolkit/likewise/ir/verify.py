"""The rules that every graph keeps; passes and importers may rely on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.errors import ModelError
from likewise.ir.types import DType, TensorType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from likewise.ir.graph import Graph, Value
    from likewise.ir.types import Array

__all__ = ["verify"]


def verify(graph: Graph, outer: Iterable[Value] = ()) -> None:
    """Raise `ModelError` unless `graph` is well formed.

    Each value is made once, before it is read; constants match their types; names of inputs and
    outputs are unique. `outer` are the values that a subgraph may read besides.
    """
    known = set(outer)
    for value in graph.inputs:
        _make(value, known, "the inputs")
    for value, array in graph.constants.items():
        _make(value, known, "the constants")
        _check_constant(value, array)
    for node in graph.nodes:
        for read in node.inputs:
            if read is not None and read not in known:
                raise ModelError(f"reads {read} before anything makes it").at(node.label)
        for inner in node.operator.subgraphs:
            verify(inner, known)
        for made in node.outputs:
            if made is not None:
                _make(made, known, node.label)
    for value in graph.outputs:
        if value not in known:
            raise ModelError(f"nothing makes the output {value}").at(f"graph {graph.name!r}")
    for values, what in ((graph.inputs, "inputs"), (graph.outputs, "outputs")):
        names = [value.name for value in values]
        if len(set(names)) < len(names):
            raise ModelError(f"two {what} share a name", given=names).at(f"graph {graph.name!r}")


def _make(value: Value, known: set[Value], where: str) -> None:
    if value in known:
        raise ModelError(f"{value} is made a second time").at(where)
    known.add(value)


def _check_constant(value: Value, array: Array) -> None:
    kind = value.type
    if not isinstance(kind, TensorType) or kind.dims != array.shape:
        raise ModelError(f"the constant {value} has another shape", given=array.shape)
    if DType.of(array.dtype) is not kind.dtype:
        raise ModelError(f"the constant {value} has another element type", given=array.dtype)
