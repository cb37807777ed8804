"""A graph back to ONNX: for minimal models, and for tools that read nothing else."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import UnsupportedError
from likewise.ir import DType, Graph, MapType, OptionalType, SequenceType, TensorType
from likewise.onnx.encode import encode_chunks
from likewise.onnx.messages import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    OperatorSetIdProto,
    ValueInfoProto,
)
from likewise.onnx.tensors import from_array
from likewise.onnx.typeproto import from_type
from likewise.ops import find_operator
from likewise.ops.attributes import field_types

if TYPE_CHECKING:
    import os

    from likewise.ir import Node, OperatorLike, Value

__all__ = ["export_model", "save"]

_IR_VERSIONS: Final = ((18, 8), (20, 9), (22, 10), (23, 11), (24, 12), (25, 12), (26, 13), (28, 14))
"""The newest opset of `ai.onnx` that each version of the file format knows (onnx 1.23)."""


def save(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write `graph` as an `.onnx` file."""
    with Path(path).open("wb") as file:
        file.writelines(encode_chunks(export_model(graph)))


def export_model(graph: Graph) -> ModelProto:
    """`graph` as a model of the oldest opsets whose operators all have the form used here.

    Names are kept, made unique where two values share one. Raises `UnsupportedError` for an
    attribute that ONNX cannot hold.
    """
    opsets = {"": 1}
    for node in graph.walk():
        operator = find_operator(node.operator.name, node.operator.domain)
        newest = operator.versions[-1] if operator else 1
        opsets[node.operator.domain] = max(opsets.get(node.operator.domain, 1), newest)
    version = next(ir for opset, ir in _IR_VERSIONS if opsets[""] <= opset)
    return ModelProto(
        ir_version=version,
        producer_name="likewise",
        graph=_Namer().graph(graph),
        opset_import=[OperatorSetIdProto(domain=d, version=v) for d, v in opsets.items()],
    )


class _Namer:
    """Gives each value one name of its own, across subgraphs too."""

    def __init__(self) -> None:
        self.names: dict[Value, str] = {}
        self.taken: set[str] = set()

    def name(self, value: Value | None) -> str:
        if value is None:
            return ""
        if value not in self.names:
            name, number = value.name or "value", 1
            while name in self.taken:
                name, number = f"{value.name}_{number}", number + 1
            self.names[value] = name
            self.taken.add(name)
        return self.names[value]

    def graph(self, graph: Graph) -> GraphProto:
        for value in (*graph.inputs, *graph.outputs):
            self.name(value)
        return GraphProto(
            name=graph.name or "graph",
            initializer=[from_array(a, self.name(v)) for v, a in graph.constants.items()],
            input=[self._info(value) for value in graph.inputs],
            node=[self._node(node) for node in graph.nodes],
            output=[self._info(value) for value in graph.outputs],
        )

    def _info(self, value: Value) -> ValueInfoProto:
        return ValueInfoProto(name=self.name(value), type=from_type(value.type))

    def _node(self, node: Node) -> NodeProto:
        operator = node.operator
        return NodeProto(
            op_type=operator.name,
            domain=operator.domain,
            name=node.name,
            input=[self.name(value) for value in node.inputs],
            attribute=[
                self._attribute(operator, name, value)
                for name, value in operator.attributes().items()
                if value is not None
            ],
            output=[self.name(value) for value in node.outputs],
        )

    def _attribute(self, operator: OperatorLike, name: str, value: Any) -> AttributeProto:
        if isinstance(value, Graph):
            return AttributeProto(name=name, type=5, g=self.graph(value))
        try:
            return _attribute(name, value, field_types(type(operator))[name])
        except UnsupportedError as error:
            raise error.at(f"operator {operator.name}", f"attribute {name!r}") from None


def _attribute(name: str, value: Any, hint: Any) -> AttributeProto:
    match value:
        case DType():
            return AttributeProto(name=name, type=2, i=value.value)
        case bool() | int():
            return AttributeProto(name=name, type=2, i=int(value))
        case float():
            return AttributeProto(name=name, type=1, f=value)
        case str() | bytes():
            return AttributeProto(name=name, type=3, s=_encoded(value))
        case np.ndarray():
            return AttributeProto(name=name, type=4, t=from_array(value))
        case TensorType() | SequenceType() | OptionalType() | MapType():
            return AttributeProto(name=name, type=13, tp=from_type(value))
        case tuple():
            return _list_attribute(name, value, hint)
    raise UnsupportedError("ONNX has no attribute of this kind", given=type(value).__name__)


def _list_attribute(name: str, value: tuple[Any, ...], hint: Any) -> AttributeProto:
    kind = _item_type(hint)
    if kind is float:
        return AttributeProto(name=name, type=6, floats=value)
    if kind is str:
        return AttributeProto(name=name, type=8, strings=[_encoded(item) for item in value])
    if kind is np.ndarray:
        return AttributeProto(name=name, type=9, tensors=[from_array(item) for item in value])
    return AttributeProto(name=name, type=7, ints=[int(item) for item in value])


def _item_type(hint: Any) -> Any:
    """`float` for `tuple[float, ...] | None`."""
    if typing.get_origin(hint) is tuple:
        return typing.get_args(hint)[0]
    return next((_item_type(kind) for kind in typing.get_args(hint) if kind is not type(None)), int)


def _encoded(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
