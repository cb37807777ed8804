from __future__ import annotations

from typing import Any

import pytest
from onnx import onnx_ml_pb2

from likewise.onnx import messages
from likewise.onnx.schema import Kind, Label, Message, fields_of, message_class
from tests.onnx.protobuf import class_name

# google.protobuf.descriptor.FieldDescriptor.TYPE_*
KINDS = {
    1: {Kind.DOUBLE},
    2: {Kind.FLOAT},
    3: {Kind.INT64},
    4: {Kind.UINT64},
    5: {Kind.INT32},
    9: {Kind.STRING},
    11: {Kind.MESSAGE},
    12: {Kind.BYTES, Kind.RAW},
    14: {Kind.INT32},
}


def _descriptors(messages: Any) -> list[Any]:
    found = []
    for descriptor in messages:
        found += [descriptor, *_descriptors(descriptor.nested_types)]
    return found


DESCRIPTORS = {
    class_name(descriptor): descriptor
    for descriptor in _descriptors(onnx_ml_pb2.DESCRIPTOR.message_types_by_name.values())
}


def test_every_message_of_onnx_is_declared() -> None:
    assert set(Message.classes) == set(DESCRIPTORS)


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_table_equals_the_descriptor_of_onnx(name: str) -> None:
    cls = getattr(messages, name)
    ours = {field.name: field for field in fields_of(cls)}
    theirs = {field.name: field for field in DESCRIPTORS[name].fields}
    assert {key: field.number for key, field in ours.items()} == {
        key: field.number for key, field in theirs.items()
    }
    for key, field in ours.items():
        assert field.kind in KINDS[theirs[key].type], key
        assert (field.label is not Label.ONE) == theirs[key].is_repeated, key
        assert (field.label is Label.BULK) == theirs[key].is_packed, key
        if field.kind is Kind.MESSAGE:
            assert message_class(field).__name__ == class_name(theirs[key].message_type)


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_messages_are_slotted_and_empty_by_default(name: str) -> None:
    empty = getattr(messages, name)()
    assert not hasattr(empty, "__dict__")
    for field in fields_of(type(empty)):
        assert not getattr(empty, field.name)
