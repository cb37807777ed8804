"""Reading the sections of a WebAssembly module."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from likewise.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CODE", "DATA", "MAGIC", "read_section", "section_sizes"]

MAGIC: Final = b"\0asm\1\0\0\0"
CUSTOM, CODE, DATA = 0, 10, 11
_HINT: Final = "a module that `likewise compile` wrote is needed"


def read_section(module: bytes) -> dict[str, Any]:
    """The JSON of the custom section `likewise`; raises `ModelError` where there is none."""
    if module[:8] != MAGIC:
        raise ModelError("these bytes are no WebAssembly module", hint=_HINT)
    for number, start, end in _sections(module):
        if number == CUSTOM:
            length, start = _leb(module, start)
            if module[start : start + length] == b"likewise":
                try:
                    found: dict[str, Any] = json.loads(module[start + length : end])
                except ValueError:
                    break
                return found
    raise ModelError("this WebAssembly module has no section `likewise`", hint=_HINT)


def section_sizes(module: bytes) -> dict[int, int]:
    """Bytes by the number of a section: CODE, DATA and the others."""
    sizes: dict[int, int] = {}
    for number, start, end in _sections(module):
        sizes[number] = sizes.get(number, 0) + end - start
    return sizes


def _sections(module: bytes) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each section's content."""
    at = len(MAGIC)
    while at < len(module):
        number = module[at]
        size, at = _leb(module, at + 1)
        yield number, at, at + size
        at += size


def _leb(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(raw):
        byte = raw[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return number, at
