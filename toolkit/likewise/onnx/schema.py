"""How a message is declared: a slotted dataclass whose fields carry their wire numbers.

`one`, `many` and `bulk` stand as the defaults of the dataclass fields. The decoder and the
encoder derive everything from `fields_of`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final

__all__ = [
    "Field",
    "Kind",
    "Label",
    "Message",
    "bulk",
    "fields_of",
    "many",
    "maybe",
    "message_class",
    "one",
]


class Kind(Enum):
    """What a field holds; enums are INT32, and RAW is bytes that the decoder leaves in the file."""

    INT32 = "int32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT = "float"
    DOUBLE = "double"
    STRING = "string"
    BYTES = "bytes"
    RAW = "raw"
    MESSAGE = "message"


class Label(Enum):
    """How often a field occurs.

    BULK is a repeated number that is packed on the wire and read into a NumPy vector.
    """

    ONE = "one"
    MANY = "many"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a message's table; `message` names the class of a MESSAGE field."""

    name: str
    number: int
    kind: Kind
    label: Label
    message: str | None
    default: Any


class Message:
    """Base of every message; an absent field has its default."""

    __slots__ = ()
    classes: ClassVar[dict[str, type[Message]]] = {}

    def __init_subclass__(cls) -> None:
        # dataclass(slots=True) makes the class a second time: the last one is the real one.
        Message.classes[cls.__name__] = cls


_KEY: Final = "wire"
_ZERO: Final = {
    Kind.INT32: 0,
    Kind.INT64: 0,
    Kind.UINT64: 0,
    Kind.FLOAT: 0.0,
    Kind.DOUBLE: 0.0,
    Kind.STRING: "",
    Kind.BYTES: b"",
}


def _declare(number: int, content: Kind | str, label: Label, default: object) -> Any:
    kind = content if isinstance(content, Kind) else Kind.MESSAGE
    message = content if isinstance(content, str) else None
    row = Field("", number, kind, label, message, default)
    return dataclasses.field(default=default, metadata={_KEY: row})


def one(number: int, content: Kind | str) -> Any:
    """A singular field whose absence and zero mean the same; messages are None when absent."""
    default = _ZERO[content] if isinstance(content, Kind) else None
    return _declare(number, content, Label.ONE, default)


def maybe(number: int, kind: Kind) -> Any:
    """A singular field that is None when absent, so that a written zero can be told from it."""
    return _declare(number, kind, Label.ONE, None)


def many(number: int, content: Kind | str) -> Any:
    """A repeated field: a list, or the empty tuple when absent."""
    return _declare(number, content, Label.MANY, ())


def bulk(number: int, kind: Kind) -> Any:
    """A packed repeated number: a NumPy vector, or the empty tuple when absent."""
    return _declare(number, kind, Label.BULK, ())


_tables: dict[type[Message], tuple[Field, ...]] = {}


def fields_of(cls: type[Message]) -> tuple[Field, ...]:
    """The table of a message class, in the order of field numbers."""
    if cls in _tables:
        return _tables[cls]
    rows = (
        dataclasses.replace(field.metadata[_KEY], name=field.name)
        for field in dataclasses.fields(cls)  # type: ignore[arg-type]
    )
    _tables[cls] = tuple(sorted(rows, key=lambda row: row.number))
    return _tables[cls]


def message_class(field: Field) -> type[Message]:
    """The class of a MESSAGE field."""
    return Message.classes[str(field.message)]
