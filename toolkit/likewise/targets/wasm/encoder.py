"""The binary format of WebAssembly: what a module of ours is made of, and no more.

A module has one memory of a fixed size, functions without results, data segments and custom
sections. It imports nothing, but its memory where threads share that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from likewise.targets.wasm.opcodes import VALUE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["PAGE", "Data", "FunctionBody", "Module", "as_i32", "signed", "unsigned"]

PAGE = 65536


def unsigned(number: int) -> bytes:
    """LEB128 of a number that is not negative."""
    if number < 0x80:
        return bytes((number,))
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def signed(number: int) -> bytes:
    """LEB128 of a signed number."""
    found = bytearray()
    while True:
        low = number & 0x7F
        number >>= 7
        if (number == 0 and not low & 0x40) or (number == -1 and low & 0x40):
            found.append(low)
            return bytes(found)
        found.append(low | 0x80)


@dataclass(frozen=True, slots=True)
class FunctionBody:
    """`params` and `locals` are value types by name; `code` is without the final `end`."""

    name: str
    params: tuple[str, ...]
    locals: tuple[str, ...]
    code: bytes


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes that stand at an address of the memory when the module is instantiated, in pieces.

    Where the memory is shared, the function that the module starts with has to put them there.
    """

    offset: int
    pieces: tuple[bytes | memoryview, ...]

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return sum(map(len, self.pieces))


@dataclass(frozen=True, slots=True)
class Module:
    """`exports` maps exported names to functions' positions; the memory is exported as `memory`.

    A `shared` memory is imported, as `memory` of `likewise`. `start` is the function that every
    instance begins with.
    """

    functions: tuple[FunctionBody, ...]
    pages: int
    exports: dict[str, int]
    data: tuple[Data, ...] = ()
    custom: dict[str, bytes] = field(default_factory=dict)
    shared: bool = False
    start: int | None = None

    def encode(self) -> bytes:
        """The bytes of the module."""
        head, content = self.parts()
        return b"".join((*head, *content))

    def parts(self) -> tuple[list[bytes | memoryview], list[bytes | memoryview]]:
        """All before the content of the section of data, and that: a module ends with it."""
        types: dict[tuple[str, ...], int] = {}
        for one in self.functions:
            types.setdefault(one.params, len(types))
        parts: list[bytes | memoryview] = [b"\0asm\1\0\0\0"]
        for name, content in self.custom.items():
            parts += _section(0, [_name(name), content])
        parts += _section(1, _vector([b"\x60" + _types(one) + b"\0" for one in types]))
        pages = unsigned(self.pages)
        if self.shared:
            origin = _name("likewise") + _name("memory")
            parts += _section(2, [b"\1", origin, b"\2\3", pages, pages])
        parts += _section(3, _vector([unsigned(types[one.params]) for one in self.functions]))
        if not self.shared:
            parts += _section(5, [b"\1\1", pages, pages])
        exports = [_name("memory") + b"\2\0"]
        exports += [_name(name) + b"\0" + unsigned(at) for name, at in self.exports.items()]
        parts += _section(7, _vector(exports))
        if self.start is not None:
            parts += _section(8, [unsigned(self.start)])
        if self.shared and self.data:
            parts += _section(12, [unsigned(len(self.data))])
        parts += _section(10, _vector([_body(one) for one in self.functions]))
        if not self.data:
            return parts, []
        segments: list[bytes | memoryview] = [unsigned(len(self.data))]
        for segment in self.data:
            place = b"\0\x41" + signed(as_i32(segment.offset)) + b"\x0b"
            segments.append(b"\1" if self.shared else place)
            segments += [unsigned(segment.size), *segment.pieces]
        section = _section(11, segments)
        return [*parts, *section[:2]], section[2:]


def as_i32(address: int) -> int:
    """An unsigned number of 32 bits as the signed one that constants are written as."""
    return address - (1 << 32) if address >= 1 << 31 else address


def _types(names: Sequence[str]) -> bytes:
    return unsigned(len(names)) + bytes(VALUE_TYPES[one] for one in names)


def _name(text: str) -> bytes:
    raw = text.encode()
    return unsigned(len(raw)) + raw


def _vector(parts: Sequence[bytes]) -> list[bytes]:
    return [unsigned(len(parts)), *parts]


def _section(number: int, parts: Iterable[bytes | memoryview]) -> list[bytes | memoryview]:
    """Number, length and content of a section, its parts not yet joined."""
    found = list(parts)
    size = sum(map(len, found))
    return [bytes((number,)), unsigned(size), *found]


def _body(function: FunctionBody) -> bytes:
    groups: list[list[int]] = []
    for one in function.locals:
        code = VALUE_TYPES[one]
        if groups and groups[-1][1] == code:
            groups[-1][0] += 1
        else:
            groups.append([1, code])
    head = unsigned(len(groups)) + b"".join(unsigned(n) + bytes((code,)) for n, code in groups)
    return unsigned(len(head) + len(function.code) + 1) + head + function.code + b"\x0b"
