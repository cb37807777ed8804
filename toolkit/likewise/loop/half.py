"""float16 and bfloat16 as 16 bits: their conversions, written once in integer arithmetic.

Values and bits are scalars (f32 and u32) or vectors (f32x4 and u32x4). Rounding is to nearest,
ties to even; subnormals are exact; every NaN becomes a quiet NaN of the same sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.types import F32, U32, scalar_or_vector

if TYPE_CHECKING:
    from likewise.loop.arithmetic import Arithmetic
    from likewise.loop.values import Value

__all__ = [
    "bf16_to_f32",
    "f16_to_f32",
    "f32_to_bf16",
    "f32_to_f16",
    "round_to_bf16",
    "round_to_f16",
]


def bf16_to_f32(_: Arithmetic, bits: Value) -> Value:
    """The f32 whose upper half the bits are."""
    return (bits << 16).bitcast(scalar_or_vector(F32, bits.type.lanes))


def f32_to_bf16(b: Arithmetic, value: Value) -> Value:
    """The nearest bfloat16 in the low 16 bits of a u32."""
    bits = value.bitcast(scalar_or_vector(U32, value.type.lanes))
    rounded = (bits + ((bits >> 16) & 1) + 0x7FFF) >> 16
    return b.select(value.ne(value), (bits >> 16) | 0x40, rounded)


def f16_to_f32(b: Arithmetic, bits: Value) -> Value:
    """The f32 equal to a float16.

    The 15 bits moved into place lack a bias of 112 in the exponent: one exact product adds it,
    for normal and subnormal numbers alike.
    """
    float_type = scalar_or_vector(F32, bits.type.lanes)
    moved = (bits & 0x7FFF) << 13
    finite = (moved.bitcast(float_type) * 2.0**112).bitcast(bits.type)
    special = (bits & 0x7C00).eq(0x7C00)
    magnitude = b.select(special, moved | 0x7F800000, finite)
    return (magnitude | ((bits & 0x8000) << 16)).bitcast(float_type)


def f32_to_f16(b: Arithmetic, value: Value) -> Value:
    """The nearest float16 in the low 16 bits of a u32; beyond 65519.99 it is infinite."""
    bits = value.bitcast(scalar_or_vector(U32, value.type.lanes))
    magnitude = bits & 0x7FFFFFFF
    # Adding 0.5 leaves the subnormal's bits, rounded by the hardware, at the bottom.
    tiny = (magnitude.bitcast(value.type) + 0.5).bitcast(bits.type) - 0x3F000000
    odd = (magnitude >> 13) & 1
    normal = (magnitude - 0x38000000 + odd + 0xFFF) >> 13
    found = b.select(magnitude < 0x38800000, tiny, normal)
    found = b.select(magnitude >= 0x477FF000, _like(b, bits, 0x7C00), found)
    quiet = ((magnitude >> 13) & 0x3FF) | 0x7E00
    found = b.select(magnitude > 0x7F800000, quiet, found)
    return found | ((bits >> 16) & 0x8000)


def _like(b: Arithmetic, value: Value, number: int) -> Value:
    return b.const(number, value.type)


def round_to_f16(b: Arithmetic, value: Value) -> Value:
    """The f32 rounded to the nearest float16, as a chain of float16 operations needs."""
    return f16_to_f32(b, f32_to_f16(b, value))


def round_to_bf16(b: Arithmetic, value: Value) -> Value:
    """The f32 rounded to the nearest bfloat16."""
    return bf16_to_f32(b, f32_to_bf16(b, value))
