"""A few functions are written by hand, as words: an instruction, then what it takes.

    assemble("local.get 0 i32.const LIMIT i32.lt_u if return end", {"LIMIT": 8})

A word that is no instruction is a number or a name for one. Addresses of loads and stores are
immediates, their alignment that of an i32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from likewise.targets.wasm.encoder import signed, unsigned
from likewise.targets.wasm.opcodes import ATOMICS, OPCODES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["assemble"]

_PLAIN: Final = {
    "unreachable": b"\x00",
    "if": b"\x04\x40",
    "block": b"\x02\x40",
    "loop": b"\x03\x40",
    "end": b"\x0b",
    "return": b"\x0f",
    "drop": b"\x1a",
}
_NUMBERED: Final[dict[str, tuple[bytes, Callable[[int], bytes]]]] = {
    "br": (b"\x0c", unsigned),
    "br_if": (b"\x0d", unsigned),
    "call": (b"\x10", unsigned),
    "local.get": (b"\x20", unsigned),
    "local.set": (b"\x21", unsigned),
    "local.tee": (b"\x22", unsigned),
    "i32.const": (b"\x41", signed),
    "i64.const": (b"\x42", signed),
    "i32.load": (b"\x28\x02", unsigned),
    "i32.store": (b"\x36\x02", unsigned),
    **{name: (code + b"\x02", unsigned) for name, code in ATOMICS.items()},
}


def assemble(text: str, names: Mapping[str, int]) -> bytes:
    """The code, without the final `end` of the function."""
    code = b""
    words = iter(text.split())
    for word in words:
        numbered = _NUMBERED.get(word)
        if numbered is None:
            code += _PLAIN.get(word) or OPCODES[word]
        else:
            given = next(words)
            code += numbered[0] + numbered[1](names[given] if given in names else int(given))
    return code
