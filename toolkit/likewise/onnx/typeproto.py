"""Types between their ONNX message and the IR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.errors import ModelError, UnsupportedError
from likewise.ir import (
    Dim,
    MapType,
    OptionalType,
    SequenceType,
    TensorType,
    Type,
    fresh,
    symbol,
)
from likewise.onnx.messages import (
    TensorShapeProto,
    TensorShapeProtoDimension,
    TypeProto,
    TypeProtoMap,
    TypeProtoOptional,
    TypeProtoSequence,
    TypeProtoTensor,
)
from likewise.onnx.tensors import element_type

if TYPE_CHECKING:
    from likewise.ir import Shape

__all__ = ["from_type", "to_type"]


def to_type(message: TypeProto | None, name: str) -> Type | None:
    """The type in `message`, or None where it says nothing; `name` starts the unnamed dims.

    Raises `UnsupportedError` for opaque types, `ModelError` for element types there are not.
    """
    if message is None:
        return None
    if message.tensor_type is not None:
        return _tensor(message.tensor_type.elem_type, message.tensor_type.shape, name)
    if message.sparse_tensor_type is not None:
        sparse = message.sparse_tensor_type
        return _tensor(sparse.elem_type, sparse.shape, name)
    if message.sequence_type is not None:
        return SequenceType(to_type(message.sequence_type.elem_type, name))
    if message.optional_type is not None:
        return OptionalType(to_type(message.optional_type.elem_type, name))
    if message.map_type is not None:
        value = to_type(message.map_type.value_type, name)
        if value is None:
            raise ModelError("a map type does not say what its values are").at(f"value {name!r}")
        return MapType(element_type(message.map_type.key_type), value)
    if message.opaque_type is not None:
        raise UnsupportedError("opaque types cannot be computed with").at(f"value {name!r}")
    return None


def _tensor(element: int, shape: TensorShapeProto | None, name: str) -> TensorType | None:
    if element == 0:
        return None
    if shape is None:
        return TensorType(element_type(element), None)
    dims = tuple(_dim(dim, f"{name}_{axis}") for axis, dim in enumerate(shape.dim))
    return TensorType(element_type(element), dims)


def _dim(dim: TensorShapeProtoDimension, name: str) -> Dim:
    if dim.dim_value is not None and dim.dim_value >= 0:
        return dim.dim_value
    # Exporters write -1 for a dim that they do not know.
    return symbol(dim.dim_param) if dim.dim_param else fresh(f"{name}_")


def from_type(kind: Type) -> TypeProto:
    """The message for a type; a symbolic dim becomes a dim_param with its text."""
    if isinstance(kind, TensorType):
        shape = None if kind.dims is None else _shape(kind.dims)
        return TypeProto(tensor_type=TypeProtoTensor(elem_type=kind.dtype.value, shape=shape))
    if isinstance(kind, SequenceType):
        element = None if kind.element is None else from_type(kind.element)
        return TypeProto(sequence_type=TypeProtoSequence(elem_type=element))
    if isinstance(kind, OptionalType):
        element = None if kind.element is None else from_type(kind.element)
        return TypeProto(optional_type=TypeProtoOptional(elem_type=element))
    return TypeProto(
        map_type=TypeProtoMap(key_type=kind.key.value, value_type=from_type(kind.value))
    )


def _shape(dims: Shape) -> TensorShapeProto:
    return TensorShapeProto(
        dim=[
            TensorShapeProtoDimension(dim_value=dim)
            if isinstance(dim, int)
            else TensorShapeProtoDimension(dim_param=str(dim))
            for dim in dims
        ]
    )
