"""Types of the loop IR: what a value is in a register and what an element is in memory.

A register holds a scalar (bool, i32, u32, i64, u64, f32, f64), a 128-bit vector of lanes, or a
mask, which is what comparing vectors gives: every lane all ones or all zeros. Memory holds
elements of a `Storage`; narrower ones are widened when read and narrowed when written.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from likewise.errors import LikewiseError

__all__ = [
    "BF16",
    "BOOL",
    "F16",
    "F32",
    "F64",
    "I8",
    "I16",
    "I32",
    "I64",
    "SCALARS",
    "STORAGES",
    "U8",
    "U16",
    "U32",
    "U64",
    "LoopError",
    "S",
    "Storage",
    "Type",
    "all_types",
    "scalar_or_vector",
    "type_named",
]


class LoopError(LikewiseError):
    """A loop-IR program is built or changed against the IR's rules."""


@dataclass(frozen=True, eq=False)
class Type:
    """`kind` is 'b' (truth), 'i', 'u' or 'f'; types are unique, so `is` and `==` agree."""

    kind: str
    bits: int
    lanes: int = 1

    @cached_property
    def name(self) -> str:
        """`f32`, `u32x4`, `bool`, `mask32x4`."""
        if self.kind == "b":
            return "bool" if self.lanes == 1 else f"mask{self.bits}x{self.lanes}"
        suffix = f"x{self.lanes}" if self.lanes > 1 else ""
        return f"{self.kind}{self.bits}{suffix}"

    def __repr__(self) -> str:
        return self.name

    @property
    def is_vector(self) -> bool:
        return self.lanes > 1

    @property
    def is_float(self) -> bool:
        return self.kind == "f"

    @property
    def is_int(self) -> bool:
        return self.kind in "iu"

    @property
    def is_bool(self) -> bool:
        return self.kind == "b"

    @cached_property
    def element(self) -> Type:
        """The lane's type; for narrow integer lanes the lane type itself, not the widened one."""
        if self.kind == "b":
            return _TYPES["bool"]
        return _TYPES[f"{self.kind}{self.bits}"]

    @cached_property
    def register(self) -> Type:
        """What a lane becomes as a scalar: i8 and i16 lanes become i32, u8 and u16 become u32."""
        if self.kind in "iu" and self.bits < 32:
            return _TYPES[f"{self.kind}32"]
        return self.element

    @cached_property
    def numpy(self) -> np.dtype[np.generic]:
        """The NumPy dtype of one lane."""
        if self.kind == "b":
            return np.dtype(np.bool_)
        return np.dtype(f"{self.kind}{self.bits // 8}")

    def with_lanes(self, lanes: int) -> Type:
        """The same element in `lanes` lanes; raises LoopError where 128 bits do not fit it."""
        if lanes == self.lanes:
            return self
        if lanes == 1:
            return self.element
        bits = 128 // lanes if self.kind == "b" else self.bits
        name = f"mask{bits}x{lanes}" if self.kind == "b" else f"{self.kind}{self.bits}x{lanes}"
        if bits * lanes != 128 or name not in _TYPES:
            raise LoopError(f"no vector of {lanes} {self.element.name} lanes", allowed="128 bits")
        return _TYPES[name]

    @cached_property
    def mask(self) -> Type:
        """What comparing two values of this type gives."""
        if self.lanes == 1:
            return _TYPES["bool"]
        return _TYPES[f"mask{self.bits}x{self.lanes}"]


def _all_types() -> dict[str, Type]:
    found = [Type("b", 1)]
    for kind, widths in (("i", (8, 16, 32, 64)), ("u", (8, 16, 32, 64)), ("f", (32, 64))):
        for bits in widths:
            found += [Type(kind, bits), Type(kind, bits, 128 // bits)]
    found += [Type("b", bits, 128 // bits) for bits in (8, 16, 32, 64)]
    return {one.name: one for one in found}


_TYPES: Final = _all_types()


def all_types() -> tuple[Type, ...]:
    """Every type of a register or lane, in a fixed order."""
    return tuple(_TYPES.values())


def type_named(name: str) -> Type:
    """The type that prints as `name`; raises LoopError for any other text."""
    try:
        return _TYPES[name]
    except KeyError:
        raise LoopError("no such type", given=name, allowed=", ".join(_TYPES)) from None


BOOL: Final = _TYPES["bool"]
I32: Final = _TYPES["i32"]
U32: Final = _TYPES["u32"]
I64: Final = _TYPES["i64"]
U64: Final = _TYPES["u64"]
F32: Final = _TYPES["f32"]
F64: Final = _TYPES["f64"]
I8: Final = _TYPES["i8"]
U8: Final = _TYPES["u8"]
I16: Final = _TYPES["i16"]
U16: Final = _TYPES["u16"]
SCALARS: Final = (BOOL, I32, U32, I64, U64, F32, F64)


@dataclass(frozen=True, eq=False)
class Storage:
    """An element type of memory. `value` is the scalar that reading one element gives.

    f16 and bf16 are read and written as f32; the raw node below that moves their 16 bits as u32.
    bool takes one byte that is 0 or 1.
    """

    name: str
    bytes: int
    value: Type

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def raw(self) -> Type:
        """The scalar that a load node of this storage yields before any conversion of floats."""
        return U32 if self.name in ("f16", "bf16") else self.value

    @cached_property
    def lane(self) -> Type:
        """The lane type of a vector loaded without widening."""
        if self.name in ("f16", "bf16"):
            return U16
        return U8 if self.name == "bool" else type_named(self.name)

    @cached_property
    def numpy(self) -> np.dtype[np.generic]:
        """How NumPy holds such elements; bfloat16 as its 16 bits in uint16."""
        if self.name == "bf16":
            return np.dtype(np.uint16)
        if self.name == "bool":
            return np.dtype(np.bool_)
        return np.dtype(f"{self.name[0]}{self.bytes}")


class S:
    """The storages by name: `S.f32`, `S.u8`, …."""

    bool = Storage("bool", 1, BOOL)
    i8 = Storage("i8", 1, I32)
    u8 = Storage("u8", 1, U32)
    i16 = Storage("i16", 2, I32)
    u16 = Storage("u16", 2, U32)
    i32 = Storage("i32", 4, I32)
    u32 = Storage("u32", 4, U32)
    i64 = Storage("i64", 8, I64)
    u64 = Storage("u64", 8, U64)
    f16 = Storage("f16", 2, F32)
    bf16 = Storage("bf16", 2, F32)
    f32 = Storage("f32", 4, F32)
    f64 = Storage("f64", 8, F64)


STORAGES: Final[dict[str, Storage]] = {
    one.name: one for one in vars(S).values() if isinstance(one, Storage)
}
F16: Final = S.f16
BF16: Final = S.bf16


def scalar_or_vector(value: Type, lanes: int) -> Type:
    """`value` itself for one lane, else its vector of that many lanes."""
    return value if lanes == 1 else value.with_lanes(lanes)
