"""The sections of a WebAssembly module: what it says of itself, and their sizes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from likewise.errors import ModelError
from likewise.targets.wasm.encoder import unsigned

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CODE",
    "DATA",
    "MAGIC",
    "SECTION",
    "read_section",
    "section_sizes",
    "section_text",
    "with_section",
]

MAGIC: Final = b"\0asm\1\0\0\0"
SECTION: Final = "likewise"
CUSTOM, CODE, DATA = 0, 10, 11
_HINT: Final = "a module that `likewise compile` wrote is needed"


def read_section(module: bytes) -> dict[str, Any]:
    """The JSON of the custom section `likewise`; raises `ModelError` where there is none."""
    if module[:8] != MAGIC:
        raise ModelError("these bytes are no WebAssembly module", hint=_HINT)
    for _, start, end in _ours(module):
        try:
            found: dict[str, Any] = json.loads(module[start:end])
        except ValueError:
            break
        return found
    raise ModelError("this WebAssembly module has no section `likewise`", hint=_HINT)


def section_text(section: dict[str, Any]) -> bytes:
    """The content of the custom section, `weights` first: a download soon knows its whole size."""
    ordered = sorted(section, key=lambda name: (name != "weights", name))
    entries = {name: section[name] for name in ordered}
    return json.dumps(entries, separators=(",", ":")).encode()


def with_section(module: bytes, section: dict[str, Any]) -> bytes:
    """The module with another content of its section `likewise`."""
    for before, _, end in _ours(module):
        content = _counted(SECTION.encode()) + section_text(section)
        return module[:before] + b"\0" + _counted(content) + module[end:]
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


def _ours(module: bytes) -> Iterator[tuple[int, int, int]]:
    """Where the section `likewise` begins, where its text does, and where both end."""
    before = len(MAGIC)
    for number, start, end in _sections(module):
        if number == CUSTOM:
            length, at = _leb(module, start)
            if module[at : at + length] == SECTION.encode():
                yield before, at + length, end
        before = end


def _counted(content: bytes) -> bytes:
    return unsigned(len(content)) + content


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
