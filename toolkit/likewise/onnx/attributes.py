"""Attribute messages to Python values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from likewise.errors import LikewiseError, ModelError
from likewise.onnx.tensors import sparse_to_array, to_array
from likewise.onnx.typeproto import to_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from likewise.ir import Graph
    from likewise.onnx.external import ExternalData
    from likewise.onnx.messages import AttributeProto, GraphProto

__all__ = ["attribute_values"]

_FIELDS: Final = (
    "",
    *("f", "i", "s", "t", "g", "floats", "ints", "strings", "tensors", "graphs"),
    *("sparse_tensor", "sparse_tensors", "tp", "type_protos"),
)


def attribute_values(
    attributes: Sequence[AttributeProto],
    bound: Mapping[str, Any],
    body: Callable[[str, GraphProto], Graph] | None,
    external: ExternalData,
) -> dict[str, Any]:
    """The values by name: int, float, bytes, array, graph, type, or lists of these.

    `bound` holds the attributes of the enclosing function call, which references take; one that
    the call does not give is left out. `body(name, proto)` imports a graph.
    """
    found: dict[str, Any] = {}
    for attribute in attributes:
        if attribute.name in found:
            raise ModelError(f"attribute {attribute.name!r} is given twice")
        if attribute.ref_attr_name:
            if attribute.ref_attr_name in bound:
                found[attribute.name] = bound[attribute.ref_attr_name]
            continue
        try:
            found[attribute.name] = _value(attribute, body, external)
        except LikewiseError as error:
            raise error.at(f"attribute {attribute.name!r}") from None
    return found


def _value(
    attribute: AttributeProto,
    body: Callable[[str, GraphProto], Graph] | None,
    external: ExternalData,
) -> Any:
    """The value of the field that `type` names; files before IR version 2 leave `type` at 0."""
    if not 0 <= attribute.type < len(_FIELDS):
        raise ModelError("unknown attribute type", given=attribute.type)
    name = _FIELDS[attribute.type] or _first_set(attribute)
    value = getattr(attribute, name)
    match name:
        case "f":
            return 0.0 if value is None else value
        case "i":
            return 0 if value is None else value
        case "s":
            return b"" if value is None else value
        case "floats" | "ints" | "strings":
            return list(value)
    if value is None:
        raise ModelError("the attribute has no value")
    match name:
        case "t":
            return to_array(value, external)
        case "tensors":
            return [to_array(tensor, external) for tensor in value]
        case "sparse_tensor":
            return sparse_to_array(value, external)
        case "tp":
            return to_type(value, attribute.name)
        case "g" if body is not None:
            return body(attribute.name, value)
    raise ModelError(f"an attribute of the kind {name!r} stands where none may")


def _first_set(attribute: AttributeProto) -> str:
    for name in _FIELDS[1:]:
        value = getattr(attribute, name)
        if value is not None and not (isinstance(value, (list, tuple)) and not value):
            return name
    return "ints"
