"""Making constants, and working out operations on integer constants while building."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from likewise.loop.nodes import Const, const_lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from likewise.loop.types import Type

__all__ = ["constant", "fold_integers", "splat_constant", "vector_constant"]


def _lane_bits(number: float, one: Type, width: int) -> int:
    if one.is_bool:
        return ((1 << width) - 1) if number else 0
    if one.is_float:
        if one.bits == 64:
            return int.from_bytes(struct.pack("<d", number), "little")
        return int.from_bytes(struct.pack("<I", _single_bits(float(number))), "little")
    return int(number) & ((1 << one.bits) - 1)


def _single_bits(number: float) -> int:
    """The bits of the nearest binary32; too large becomes infinite."""
    try:
        raw = struct.pack("<f", number)
    except OverflowError:
        raw = struct.pack("<f", float("inf") if number > 0 else float("-inf"))
    return int.from_bytes(raw, "little")


def constant(number: float, one: Type) -> Const:
    """`number` as a constant of a type, the same in every lane; integers wrap."""
    width = 1 if one.lanes == 1 and one.is_bool else one.bits
    bits = _lane_bits(number, one, width)
    for _ in range(one.lanes.bit_length() - 1):
        bits |= bits << width
        width *= 2
    return Const(one, bits)


def vector_constant(numbers: Sequence[float], one: Type) -> Const:
    """A vector constant, lane 0 first."""
    bits = 0
    for lane, number in enumerate(numbers):
        bits |= _lane_bits(number, one, one.bits) << (lane * one.bits)
    return Const(one, bits)


def splat_constant(const: Const, target: Type) -> Const:
    """A scalar constant in every lane of `target`."""
    return constant(const_lanes(const)[0], target)


def fold_integers(op: str, one: Type, numbers: Sequence[int]) -> Const | None:
    """The result of an operation on scalar integer constants, or None for one not known here."""
    a = numbers[0]
    b = numbers[1] if len(numbers) > 1 else 0
    if op in ("div", "rem"):
        quotient = 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        found = quotient if op == "div" else (0 if b == 0 else a - quotient * b)
    elif op in _FOLDS:
        found = _FOLDS[op](a, b, one.bits)
    else:
        return None
    return constant(found, one)


_FOLDS: Final[dict[str, Callable[[int, int, int], int]]] = {
    "add": lambda a, b, _: a + b,
    "sub": lambda a, b, _: a - b,
    "mul": lambda a, b, _: a * b,
    "neg": lambda a, _b, _: -a,
    "and": lambda a, b, _: a & b,
    "or": lambda a, b, _: a | b,
    "xor": lambda a, b, _: a ^ b,
    "not": lambda a, _b, _: ~a,
    "min": lambda a, b, _: min(a, b),
    "max": lambda a, b, _: max(a, b),
    "shl": lambda a, b, bits: a << (b & (bits - 1)),
    "shr": lambda a, b, bits: a >> (b & (bits - 1)),
}
