"""Messages to bytes, by the tables of `likewise.onnx.schema`: deterministic, in number order."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from likewise.errors import InputError
from likewise.onnx.schema import Field, Kind, Label, Message, fields_of
from likewise.onnx.wire import DEPTH_LIMIT, FIXED32, FIXED64, LENGTH, VARINT, varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["encode", "encode_chunks"]

_FORMATS: Final = {Kind.FLOAT: struct.Struct("<f"), Kind.DOUBLE: struct.Struct("<d")}
_WIRES: Final = {
    Kind.INT32: VARINT,
    Kind.INT64: VARINT,
    Kind.UINT64: VARINT,
    Kind.FLOAT: FIXED32,
    Kind.DOUBLE: FIXED64,
}
_DTYPES: Final = {Kind.FLOAT: "<f4", Kind.DOUBLE: "<f8"}


def encode(message: Message) -> bytes:
    """The bytes of `message`; fields with their default value are left out.

    Raises `InputError` where messages nest deeper than a reader accepts, as in a cycle.
    """
    return b"".join(encode_chunks(message))


def encode_chunks(message: Message) -> list[bytes | memoryview]:
    """The bytes of `message` in pieces, for writing without joining: tensor data is not copied."""
    chunks: list[bytes | memoryview] = []
    _write(message, chunks, 0)
    return chunks


def _write(message: Message, chunks: list[bytes | memoryview], depth: int) -> int:
    """Append the pieces of `message`; the number of bytes appended."""
    if depth > DEPTH_LIMIT:
        raise InputError(f"messages nest deeper than {DEPTH_LIMIT} levels")
    size = 0
    for field in fields_of(type(message)):
        value: Any = getattr(message, field.name)
        if value is None or (field.label is not Label.ONE and not len(value)):
            continue
        if field.label is Label.BULK:
            size += _write_span(field, chunks, _packed(field.kind, value))
        elif field.label is Label.MANY and field.kind in _WIRES:
            size += _write_numbers(field, value, chunks)
        elif field.label is Label.MANY:
            for item in value:
                size += _write_value(field, item, chunks, depth)
        elif field.default is None or value != field.default:
            size += _write_value(field, value, chunks, depth)
    return size


def _write_value(field: Field, value: Any, chunks: list[bytes | memoryview], depth: int) -> int:
    kind = field.kind
    if kind is Kind.MESSAGE:
        place = len(chunks)
        chunks.append(b"")
        size = _write(value, chunks, depth + 1)
        head = _head(field.number) + varint(size)
        chunks[place] = head
        return len(head) + size
    if kind is Kind.STRING:
        return _write_span(field, chunks, value.encode())
    if kind in {Kind.BYTES, Kind.RAW}:
        return _write_span(field, chunks, value)
    return _write_numbers(field, (value,), chunks)


def _write_numbers(field: Field, values: Iterable[Any], chunks: list[bytes | memoryview]) -> int:
    head = varint(field.number << 3 | _WIRES[field.kind])
    convert = _FORMATS[field.kind].pack if field.kind in _FORMATS else varint
    chunks.append(b"".join([head + convert(value) for value in values]))
    return len(chunks[-1])


def _write_span(field: Field, chunks: list[bytes | memoryview], content: bytes | memoryview) -> int:
    head = _head(field.number) + varint(len(content))
    chunks += (head, content)
    return len(head) + len(content)


@cache
def _head(number: int) -> bytes:
    return varint(number << 3 | LENGTH)


def _packed(kind: Kind, values: Sequence[int] | Sequence[float]) -> bytes:
    if kind in _DTYPES:
        import numpy as np

        return np.asarray(values, _DTYPES[kind]).tobytes()
    return b"".join(varint(int(value)) for value in values)
