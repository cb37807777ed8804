"""Bytes to messages, by the tables of `likewise.onnx.schema`.

A message class becomes a table from tag to reader once; after that a field costs one look-up and
one call. Nothing is copied but text, and nothing is allocated by what a file merely claims.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

import numpy as np

from likewise.errors import ModelError
from likewise.onnx.schema import Field, Kind, Label, Message, fields_of, message_class
from likewise.onnx.wire import (
    DEPTH_LIMIT,
    FIXED32,
    FIXED64,
    LENGTH,
    VARINT,
    WireError,
    read_length,
    read_varint,
    skip_field,
    unpack_varints,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode"]

M = TypeVar("M", bound=Message)
_Packed: TypeAlias = bytearray | memoryview
_SpanReader: TypeAlias = Callable[[Any, memoryview, int, int, int], None]
"""Reads bytes start to stop: (message, view, start, stop, depth)."""
_NumberReader: TypeAlias = Callable[[Any, memoryview, int, int], int]
"""Reads one number and gives the offset after it: (message, view, pos, end)."""

_Take: TypeAlias = Callable[[memoryview, int, int], tuple[Any, int]]
"""One number and the offset after it: (view, pos, end)."""

_WIRES: Final = {Kind.FLOAT: FIXED32, Kind.DOUBLE: FIXED64}
_FORMATS: Final = {Kind.FLOAT: struct.Struct("<f"), Kind.DOUBLE: struct.Struct("<d")}
_DTYPES: Final[dict[Kind, np.dtype[Any]]] = {
    Kind.INT32: np.dtype(np.int32),
    Kind.INT64: np.dtype(np.int64),
    Kind.UINT64: np.dtype(np.uint64),
    Kind.FLOAT: np.dtype("<f4"),
    Kind.DOUBLE: np.dtype("<f8"),
}
_NUMBERS: Final = frozenset(_DTYPES)


def _text(data: memoryview) -> str:
    return str(data, "utf-8")


_CONVERTERS: Final[dict[Kind, Callable[[memoryview], object]]] = {
    Kind.STRING: _text,
    Kind.BYTES: bytes,
    Kind.RAW: memoryview,
}


class _Table(NamedTuple):
    """What to do with each tag of a message, and what to finish when all fields are read."""

    spans: dict[int, _SpanReader]
    numbers: dict[int, _NumberReader]
    names: dict[int, str]
    bulk: tuple[Field, ...]


_tables: dict[type[Message], _Table] = {}


def decode(cls: type[M], data: bytes | memoryview, name: str = "model") -> M:
    """The message that `data` holds; `name` begins the path in errors.

    Unknown fields are left out. `raw_data` fields are views of `data`.
    Raises `ModelError`, with the path and the byte, for anything that breaks the wire format.
    """
    view = memoryview(data).cast("B")
    message = cls()
    try:
        _read(message, view, 0, len(view), 0)
    except WireError as error:
        path = ".".join((name, *reversed(error.path)))
        raise ModelError(error.what).at(path) from None
    return message


def _read(message: Message, view: memoryview, pos: int, end: int, depth: int) -> None:
    """Fill `message` from the bytes `pos` to `end`."""
    spans, numbers, names, bulk = _tables.get(type(message)) or _table(type(message))
    while pos < end:
        tag = view[pos]
        pos += 1
        if tag >= 0x80:
            tag, pos = read_varint(view, pos - 1, end)
        span = spans.get(tag)
        if span is not None:
            if pos < end and (size := view[pos]) < 0x80 and pos + size < end:
                start, stop = pos + 1, pos + 1 + size
            else:
                start, stop = read_length(view, pos, end)
            span(message, view, start, stop, depth)
            pos = stop
            continue
        number = numbers.get(tag)
        if number is not None:
            pos = number(message, view, pos, end)
            continue
        if (name := names.get(tag >> 3)) is not None:
            raise WireError(f"the field before byte {pos} has the wrong wire type {tag & 7}", name)
        pos = skip_field(view, tag, pos, end)
    for field in bulk:
        packed = getattr(message, field.name)
        if len(packed):
            setattr(message, field.name, _unpack(field, packed))


def _table(cls: type[Message]) -> _Table:
    table = _tables[cls] = _Table(
        {}, {}, {}, tuple(f for f in fields_of(cls) if f.label is Label.BULK)
    )
    for field in fields_of(cls):
        table.names[field.number] = field.name
        if field.kind in _NUMBERS:
            wire = _WIRES.get(field.kind, VARINT)
            table.numbers[field.number << 3 | wire] = _number_reader(field)
            if field.label is not Label.ONE:
                table.spans[field.number << 3 | LENGTH] = _packed_reader(field)
        else:
            table.spans[field.number << 3 | LENGTH] = _span_reader(field)
    return table


def _span_reader(field: Field) -> _SpanReader:
    if field.kind is Kind.MESSAGE:
        return _messages_reader(field) if field.label is Label.MANY else _message_reader(field)
    name = field.name
    convert = _CONVERTERS[field.kind]
    if field.label is Label.ONE:

        def read_one(message: Any, view: memoryview, start: int, stop: int, _depth: int) -> None:
            try:
                setattr(message, name, convert(view[start:stop]))
            except UnicodeDecodeError as error:
                raise _not_text(error, start, name) from None

        return read_one

    def read_many(message: Any, view: memoryview, start: int, stop: int, _depth: int) -> None:
        try:
            _append(message, name, convert(view[start:stop]))
        except UnicodeDecodeError as error:
            raise _not_text(error, start, name) from None

    return read_many


def _not_text(error: UnicodeDecodeError, start: int, name: str) -> WireError:
    return WireError(f"the text at byte {start + error.start} is not UTF-8", name)


def _append(message: Any, name: str, item: object) -> int:
    """Put `item` at the end of a repeated field; its index."""
    items = getattr(message, name)
    if not items:
        setattr(message, name, [item])
        return 0
    items.append(item)
    return len(items) - 1


def _message_reader(field: Field) -> _SpanReader:
    name, cls = field.name, message_class(field)

    def read(message: Any, view: memoryview, start: int, stop: int, depth: int) -> None:
        if getattr(message, name) is not None:
            raise WireError(f"the field appears a second time at byte {start}", name)
        item = cls()
        setattr(message, name, item)
        try:
            _descend(item, view, start, stop, depth)
        except WireError as error:
            error.path.append(name)
            raise

    return read


def _messages_reader(field: Field) -> _SpanReader:
    name, cls = field.name, message_class(field)

    def read(message: Any, view: memoryview, start: int, stop: int, depth: int) -> None:
        item = cls()
        index = _append(message, name, item)
        try:
            _descend(item, view, start, stop, depth)
        except WireError as error:
            error.path.append(f"{name}[{index}]")
            raise

    return read


def _descend(item: Message, view: memoryview, start: int, stop: int, depth: int) -> None:
    if depth >= DEPTH_LIMIT:
        raise WireError(f"messages nest deeper than {DEPTH_LIMIT} levels at byte {start}")
    _read(item, view, start, stop, depth + 1)


def _number_reader(field: Field) -> _NumberReader:
    name, tag = field.name, field.number << 3 | _WIRES.get(field.kind, VARINT)
    if field.label is Label.BULK:

        def read_bulk(message: Any, view: memoryview, pos: int, end: int) -> int:
            stop = skip_field(view, tag, pos, end)
            _extend(message, name, view[pos:stop])
            return stop

        return read_bulk
    take = _fixed(field.kind) if field.kind in _WIRES else _varint(field.kind)
    if field.label is Label.ONE:

        def read_one(message: Any, view: memoryview, pos: int, end: int) -> int:
            value, pos = take(view, pos, end)
            setattr(message, name, value)
            return pos

        return read_one
    # The elements of an unpacked list mostly follow each other: what begins with the same tag
    # is read on here. Longer tags than one byte do without.
    follower = tag if tag < 0x80 else -1

    def read_many(message: Any, view: memoryview, pos: int, end: int) -> int:
        items = getattr(message, name) or []
        setattr(message, name, items)
        value, pos = take(view, pos, end)
        items.append(value)
        while pos < end and view[pos] == follower:
            value, pos = take(view, pos + 1, end)
            items.append(value)
        return pos

    return read_many


def _fixed(kind: Kind) -> _Take:
    unpack, size = _FORMATS[kind].unpack_from, _FORMATS[kind].size

    def take(view: memoryview, pos: int, end: int) -> tuple[float, int]:
        stop = pos + size
        if stop > end:
            raise WireError(f"the number at byte {pos} is cut off by the end at byte {end}")
        return unpack(view, pos)[0], stop

    return take


def _varint(kind: Kind) -> _Take:
    bits = 32 if kind is Kind.INT32 else 64
    span = 1 << bits
    sign = span if kind is Kind.UINT64 else span >> 1

    def take(view: memoryview, pos: int, end: int) -> tuple[int, int]:
        if pos < end and (value := view[pos]) < 0x80:
            return value, pos + 1
        value, pos = read_varint(view, pos, end)
        value %= span
        return value - span if value >= sign else value, pos

    return take


def _packed_reader(field: Field) -> _SpanReader:
    name, width = field.name, _width(field)

    def read(message: Any, view: memoryview, start: int, stop: int, _depth: int) -> None:
        if start == stop:
            return
        packed = view[start:stop]
        if packed[-1] >= 0x80 if width is None else len(packed) % width:
            raise WireError(f"the last packed number before byte {stop} is cut off", name)
        if field.label is Label.BULK:
            _extend(message, name, packed)
            return
        items = getattr(message, name) or []
        items.extend(_unpack(field, packed).tolist())
        setattr(message, name, items)

    return read


def _width(field: Field) -> int | None:
    """Bytes of one number on the wire; None: it varies."""
    return _DTYPES[field.kind].itemsize if field.kind in _WIRES else None


def _extend(message: Any, name: str, packed: memoryview) -> None:
    """Add packed numbers to a bulk field: the first piece stays a view, more are joined."""
    before: _Packed = getattr(message, name)
    if not len(before):
        setattr(message, name, packed)
        return
    if not isinstance(before, bytearray):
        before = bytearray(before)
        setattr(message, name, before)
    before += packed


def _unpack(field: Field, packed: _Packed) -> NDArray[Any]:
    dtype = _DTYPES[field.kind]
    if field.kind in _WIRES:
        return np.frombuffer(packed, dtype)
    try:
        return unpack_varints(packed, dtype)
    except WireError as error:
        error.path.append(field.name)
        raise
