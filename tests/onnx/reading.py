"""Reading every part of a model, as the fuzz tests do."""

from __future__ import annotations

from typing import Any

from likewise.errors import LikewiseError
from likewise.onnx.encode import encode
from likewise.onnx.external import ExternalData
from likewise.onnx.messages import SparseTensorProto, TensorProto
from likewise.onnx.schema import Kind, Label, Message, fields_of
from likewise.onnx.source import read_model
from likewise.onnx.tensors import sparse_to_array, to_array


def read_everything(data: bytes) -> bool:
    """Read a model, each of its tensors, and write it back; whether it is a model at all.

    Only `LikewiseError` is caught.
    """
    try:
        model, source = read_model(data)
    except LikewiseError as error:
        str(error)
        return False
    encode(model)
    _visit(model, ExternalData(source.folder))
    return True


def _visit(message: Any, external: ExternalData) -> None:
    try:
        if isinstance(message, TensorProto):
            to_array(message, external)
        elif isinstance(message, SparseTensorProto):
            sparse_to_array(message, external)
    except LikewiseError as error:
        str(error)
    for field in fields_of(type(message)):
        if field.kind is Kind.MESSAGE:
            value = getattr(message, field.name)
            items: list[Message] = [value] if field.label is Label.ONE else value
            for item in items:
                if item is not None:
                    _visit(item, external)
