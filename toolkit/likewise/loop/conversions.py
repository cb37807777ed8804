"""Numbers of one storage as those of another, as ONNX's Cast converts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.loop import half
from likewise.loop.nodes import Apply, Const, Operand, Ref, const_lanes
from likewise.loop.types import (
    BF16,
    F16,
    F32,
    F64,
    I32,
    I64,
    U32,
    U64,
    S,
    Storage,
    scalar_or_vector,
)
from likewise.loop.values import Value

if TYPE_CHECKING:
    from likewise.loop.arithmetic import Arithmetic

__all__ = ["convert", "reinterpret", "round_to_odd", "whole_number"]

_WHOLE: Final = 1.5 * 2**23
_WHOLE_BITS: Final = int(np.float32(_WHOLE).view(np.int32))


def convert(b: Arithmetic, value: Value, source: Storage, target: Storage) -> Value:
    """`value`, read from `source`, as a value that `target` may be written with.

    Integers keep their low bits once stored; floats lose their fraction and, outside the range of
    32 (or for wider targets 64) signed bits, saturate; NaN becomes 0. A conversion to float16 or
    bfloat16 rounds once. Raises `LoopError` where vectors cannot do it.
    """
    kind = scalar_or_vector(target.value, value.type.lanes)
    if target is S.bool:
        return value if source is S.bool else value.ne(0)
    if source is S.bool:
        return b.select(value, b.const(1, kind), b.const(0, kind))
    if value.type.is_float:
        if kind.is_float:
            half = target.bytes == 2
            return round_to_odd(b, value) if half and value.type.bits == 64 else value.cast(kind)
        return _integer(b, value, target)
    if target is BF16 and source.bytes > 2:
        return round_to_odd(b, value.cast(scalar_or_vector(F64, value.type.lanes)))
    return value.cast(kind)


def _integer(b: Arithmetic, value: Value, target: Storage) -> Value:
    """A float as an integer; what is negative wraps where the target has no sign."""
    lanes = value.type.lanes
    kind = scalar_or_vector(target.value, lanes)
    if target.bytes < 4 or target is S.i32:
        few = _few_wholes(b, value)
        word = value.cast(scalar_or_vector(I32, lanes)) if few is None else whole_number(few)
        return word.cast(kind)
    if target is S.i64:
        return value.cast(kind)
    signed = I64 if target.value is U64 else I32
    wrapped = value.cast(scalar_or_vector(signed, lanes)).cast(kind)
    return b.select(value < 0, wrapped, value.cast(kind))


def whole_number(value: Value) -> Value:
    """An f32 that is a whole number of less than 2**22, as an i32.

    The last bits of its sum with 1.5 * 2**23 are that number: two instructions, of which x86 makes
    five for a cast, because of NaNs and of what does not fit.
    """
    bits = (value + _WHOLE).bitcast(scalar_or_vector(I32, value.type.lanes))
    return bits - _WHOLE_BITS


def _few_wholes(b: Arithmetic, value: Value) -> Value | None:
    """A value that is a whole number from 0 to a small bound, with 0 for NaN; None for any other.

    It is written as min(max(nearest(x) + shift, 0), bound), or without a shift.
    """

    def parts(operand: Operand, op: str) -> tuple[Operand, ...]:
        made = b.facts.definitions.get(operand.id) if isinstance(operand, Ref) else None
        return made.args if isinstance(made, Apply) and made.op == op else ()

    if value.type.bits != F32.bits or not (limited := parts(value.node, "min")):
        return None
    positive = parts(limited[0], "max")
    if not positive or not _is_small(limited[1]) or positive[1] != b.const(0.0, value.type).node:
        return None
    shifted = parts(positive[0], "add")
    if not parts(shifted[0] if shifted and _is_small(shifted[1]) else positive[0], "nearest"):
        return None
    found, bound = (Value(value.builder, one, value.type) for one in (positive[0], limited[1]))
    return b.apply("pmin", b.apply("pmax", b.const(0.0, value.type), found), bound)


def _is_small(operand: Operand) -> bool:
    """Whether this is a constant, a whole number that is added and compared exactly."""
    if not isinstance(operand, Const):
        return False
    number = const_lanes(operand)[0]
    return abs(number) < 2**21 and number == int(number)


def reinterpret(b: Arithmetic, value: Value, source: Storage, target: Storage) -> Value:
    """The bits of `value`, read from `source`, as a value of `target`, which is as wide.

    A byte other than 0 is true. The result wants to be wrapped to the width of the target.
    """
    lanes = value.type.lanes
    bits = value
    if source is F16:
        bits = half.f32_to_f16(b, value)
    elif source is BF16:
        bits = half.f32_to_bf16(b, value)
    elif source is S.bool:
        bits = convert(b, value, source, S.u8)
    if target is S.bool:
        return bits.ne(0)
    if target in (F16, BF16):
        low = bits.cast(scalar_or_vector(U32, lanes)) & 0xFFFF
        return half.f16_to_f32(b, low) if target is F16 else half.bf16_to_f32(b, low)
    kind = scalar_or_vector(target.value, lanes)
    return bits.cast(kind) if bits.type.is_int and kind.is_int else bits.bitcast(kind)


def round_to_odd(b: Arithmetic, value: Value) -> Value:
    """An f64 as f32 such that rounding it once more gives what rounding `value` itself would.

    Towards zero, and the last bit set where anything was lost: Boldo and Melquiond,
    "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd" (2008).
    """
    near = value.cast(scalar_or_vector(F32, value.type.lanes))
    back = near.cast(value.type)
    bits = near.bitcast(scalar_or_vector(I32, value.type.lanes))
    bits = b.select(abs(back) > abs(value), bits - 1, bits)
    odd = (bits | 1).bitcast(near.type)
    return b.select(back.eq(value) | value.ne(value), near, odd)
