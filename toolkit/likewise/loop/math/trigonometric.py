"""sin, cos and tan: exact reduction of any angle, then FreeBSD's polynomials, in f64.

f32 is computed in f64 and rounded once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from likewise.loop.math.parts import (
    accurate,
    bits_of,
    in_double,
    polynomial,
    round_to_integer,
)
from likewise.loop.types import F64, I64, U64

if TYPE_CHECKING:
    from likewise.loop.builder import FunctionBuilder
    from likewise.loop.values import Value

__all__ = ["cos", "sin", "tan"]

_SIN = (
    1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06,
    -1.98412698298579493134e-04, 8.33333333332248946124e-03,
)  # fmt: skip
_SIN_FIRST = -1.66666666666666324348e-01
_COS = (
    -1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07,
    2.48015872894767294178e-05, -1.38888888888741095749e-03, 4.16666666666666019037e-02,
)  # fmt: skip

_MEDIUM: Final = 2.0**20
"""Up to here π/2 in three parts of 33 bits and a rest is exact enough."""
_QUARTER: Final = (
    1.57079632673412561417e00,
    6.07710050630396597660e-11,
    2.02226624871116645580e-21,
)
_QUARTER_REST: Final = 8.47842766036889956997e-32

_TWO_OVER_PI: Final = (
    0,  # so that a window may begin before the first bit
    0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0, 0x06492EEA09D1921C, 0xFE1DEB1CB129A73E, 0xE88235F52EBB4484,
    0xE99C7026B45F7E41, 0x3991D639835339F4, 0x9C845F8BBDF9283B, 0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D, 0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB,
)  # fmt: skip
"""2/π in words of 64 bits, after the point."""
_TURN: Final = (6.283185307179586, 2.4492935982947064e-16)
_TURN_PARTS: Final = (6.283185243606567, 6.357301884918343e-08)
"""2π as a float and the rest; and that float as two of 26 bits."""


@accurate(f32=0.6, f64=1.0)
def sin(b: FunctionBuilder, x: Value) -> Value:
    """The sine."""
    return in_double(b, lambda one, largest: _turned(b, one, largest, 0), x)


@accurate(f32=0.6, f64=1.0)
def cos(b: FunctionBuilder, x: Value) -> Value:
    """The cosine."""
    return in_double(b, lambda one, largest: _turned(b, one, largest, 1), x)


@accurate(f32=0.6, f64=2.0)
def tan(b: FunctionBuilder, x: Value) -> Value:
    """The sine over the cosine."""

    def ratio(one: Value, largest: int) -> Value:
        quadrant, high, low = _reduced(b, one, largest)
        s, c = _sin(b, high, low), _cos(b, high, low)
        odd = (quadrant & 1).ne(0)
        found = b.select(odd, -c, s) / b.select(odd, s, c)
        return b.select(one.eq(0.0), one, found)

    return in_double(b, ratio, x)


def _turned(b: FunctionBuilder, x: Value, largest: int, quarters: int) -> Value:
    quadrant, high, low = _reduced(b, x, largest)
    quadrant = quadrant + quarters
    odd = (quadrant & 1).ne(0)
    found = b.select(odd, _cos(b, high, low), _sin(b, high, low))
    found = b.select((quadrant & 2).ne(0), -found, found)
    if quarters:
        return found
    return b.select(x.eq(0.0), x, found)


def _sin(b: FunctionBuilder, x: Value, rest: Value) -> Value:
    """Of x + rest within π/4."""
    square = x * x
    cube = square * x
    tail = polynomial(b, square, _SIN)
    return x - ((square * (rest * 0.5 - cube * tail) - rest) - cube * _SIN_FIRST)


def _cos(b: FunctionBuilder, x: Value, rest: Value) -> Value:
    """Of x + rest within π/4."""
    square = x * x
    tail = polynomial(b, square, _COS) * square
    half = square * 0.5
    near = 1.0 - half
    return near + (((1.0 - near) - half) + (square * tail - x * rest))


def _reduced(b: FunctionBuilder, x: Value, largest: int) -> tuple[Value, Value, Value]:
    """X = quadrant * π/2 + (high + low), the quadrant modulo 4; |x| is below 2^largest."""
    size = abs(x)
    inside = b.select(size > _MEDIUM, b.const(0.0, x.type), x)
    whole, number = round_to_integer(b, inside * 0.6366197723675814)
    rest = inside - whole * _QUARTER[0]
    step = whole * _QUARTER[1]
    first, rest = rest, rest - step
    error = (first - rest) - step
    step = whole * _QUARTER[2]
    first, rest = rest, rest - step
    error = error + ((first - rest) - step) - whole * _QUARTER_REST
    near = rest + error
    quadrant, high, low = b.var(number), b.var(near), b.var((rest - near) + error)
    beyond = size > _MEDIUM
    with b.if_(b.apply("any_true", beyond) if x.type.is_vector else beyond):
        for lane in range(x.type.lanes):
            one = x.lane(lane) if x.type.is_vector else x
            with b.if_(abs(one) > _MEDIUM):
                found = _reduced_large(b, one, largest)
                for var, value in zip((quadrant, high, low), found, strict=True):
                    var.set(b.with_lane(var.get(), lane, value) if x.type.is_vector else value)
    return quadrant.get(), high.get(), low.get()


def _reduced_large(b: FunctionBuilder, x: Value, largest: int) -> tuple[Value, Value, Value]:
    """Payne and Hanek: a scalar f64 above 2^20 times the 192 bits of 2/π that matter.

    With |x| = m 2^e the bits of 2/π above 2^(2 - e) give whole turns. NaN for infinities.
    """
    bits = bits_of(x)
    m = ((bits & (2**52 - 1)) | 2**52).cast(U64)
    start = ((bits >> 52) & 2047) - (1075 - 62)
    top, middle, bottom = _window(b, start, (largest - 53 + 62) // 64)
    _, low_top = _product(m, top)
    high_middle, low_middle = _product(m, middle)
    high_bottom, _ = _product(m, bottom)
    second = low_middle + high_bottom
    carry = (second < low_middle).cast(U64)
    turn = low_top + high_middle + carry
    number = (turn + 2**61) >> 62
    signed = (turn - (number << 62)).cast(I64)
    down = signed < 0
    # The fraction of a turn, 128 bits, as a magnitude whose first bit is set.
    second = b.select(down, -second, second)
    borrow = second.ne(0).cast(I64)
    first = b.select(down, -signed - borrow, signed).cast(U64)
    empty = first.eq(0)
    first = b.select(empty, second, first)
    second = b.select(empty, b.const(0, U64), second)
    zeros = b.apply("clz", first)
    first = (first << zeros) | ((second >> 1) >> (b.const(63, U64) - zeros))
    exponent = zeros.cast(I64) + b.select(empty, b.const(128, I64), b.const(64, I64))
    scale = ((b.const(1023, I64) - exponent) << 52).bitcast(F64)
    high = (first & -2048).cast(F64) * scale
    low = (first & 2047).cast(F64) * scale
    angle = high * _TURN[0]
    head = (bits_of(high) & -(2**27)).bitcast(F64)
    tail = high - head
    left, right = _TURN_PARTS
    error = ((head * left - angle) + head * right + tail * left) + tail * right
    error = error + (high * _TURN[1] + low * _TURN[0])
    near = angle + error
    rest = (angle - near) + error
    negative = down ^ (x < 0.0)
    near, rest = b.select(negative, -near, near), b.select(negative, -rest, rest)
    number = b.select(x < 0.0, -number, number).cast(I64)
    return number, b.select(abs(x) < float("inf"), near, b.const(float("nan"), F64)), rest


def _window(b: FunctionBuilder, start: Value, most: int) -> tuple[Value, Value, Value]:
    """192 bits of the table from bit `start` on; the word it lies in is at most `most`."""
    word, shift = start >> 6, (start & 63).cast(U64)
    found = []
    for behind in range(4):
        here = b.const(_TWO_OVER_PI[behind], U64)
        for at in range(1, most + 1):
            here = b.select(word.eq(at), b.const(_TWO_OVER_PI[at + behind], U64), here)
        found.append(here)
    top, middle, bottom = (
        (one << shift) | ((other >> 1) >> (b.const(63, U64) - shift))
        for one, other in pairwise(found)
    )
    return top, middle, bottom


def _product(left: Value, right: Value) -> tuple[Value, Value]:
    """The upper and the lower 64 bits of a product of u64."""
    mask = 2**32 - 1
    a, c = left >> 32, left & mask
    d, e = right >> 32, right & mask
    low = c * e
    cross = a * e + (low >> 32)
    other = c * d + (cross & mask)
    return a * d + (cross >> 32) + (other >> 32), (other << 32) | (low & mask)
