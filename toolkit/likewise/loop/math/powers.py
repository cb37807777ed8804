"""x to the y, after FreeBSD's e_pow.c: the logarithm and its product with y in two parts each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.math.parts import (
    bits_of,
    float_of_integer,
    in_double,
    polynomial,
    power_of_two,
    round_to_integer,
)

if TYPE_CHECKING:
    from likewise.loop.arithmetic import Arithmetic
    from likewise.loop.values import Value

__all__ = ["power"]

_LOG = (
    2.06975017800338417784e-01, 2.30660745775561754067e-01, 2.72728123808534006489e-01,
    3.33333329818377432918e-01, 4.28571428578550184252e-01, 5.99999999999994648725e-01,
)  # fmt: skip
_EXP = (
    4.13813679705723846039e-08, -1.65339022054652515390e-06, 6.61375632143793436117e-05,
    -2.77777777770155933842e-03, 1.66666666666666019037e-01,
)  # fmt: skip
_LOG2_THREE_HALVES = (5.84962487220764160156e-01, 1.35003920212974897128e-08)
_TWO_THIRDS_LOG2_E = (
    9.61796693925975554329e-01, 9.61796700954437255859e-01, -7.02846165095275826516e-09,
)  # fmt: skip
_LN_2 = (6.93147180559945286227e-01, 6.93147182464599609375e-01, -1.90465429995776804525e-09)
_INFINITY = float("inf")


def power(b: Arithmetic, x: Value, y: Value) -> Value:
    """X to the y, of one type, f32 or f64, within 1 ULP; the corners are those of C's pow."""
    return in_double(b, lambda one, other, _: _power(b, one, other), x, y)


def _power(b: Arithmetic, x: Value, y: Value) -> Value:
    one, zero = b.const(1.0, x.type), b.const(0.0, x.type)
    infinity, nan = b.const(_INFINITY, x.type), b.const(float("nan"), x.type)
    size = abs(x)
    usual = (size > 0.0) & (size < _INFINITY)
    found = _magnitude(b, b.select(usual, size, one), b.max(b.min(y, 2.0**75), -(2.0**75)))
    grows = b.select(y > 0.0, infinity, zero)
    found = b.select(size.eq(_INFINITY), grows, found)
    found = b.select(size.eq(0.0), b.select(y > 0.0, zero, infinity), found)
    whole = b.apply("trunc", y).eq(y)
    half = y * 0.5
    odd = whole & b.apply("trunc", half).ne(half)
    negative = b.apply("copysign", one, x) < 0.0
    found = b.select(negative & odd, -found, found)
    found = b.select((x < 0.0) & usual & ~whole, nan, found)
    found = b.select(x.ne(x) | y.ne(y), nan, found)
    return b.select(x.eq(1.0) | y.eq(0.0), one, found)


def _short(_: Arithmetic, x: Value) -> Value:
    """The upper 32 bits: products of two such are exact."""
    return (bits_of(x) & -(2**32)).bitcast(x.type)


def _magnitude(b: Arithmetic, x: Value, y: Value) -> Value:
    """For a finite x above 0."""
    t1, t2 = _log2(b, x)
    y1 = _short(b, y)
    low = (y - y1) * t1 + y * t2
    high = y1 * t1
    exponent = b.max(b.min(low + high, 1025.0), -1080.0)
    whole, n = round_to_integer(b, exponent)
    inside = (low + high).eq(exponent)
    high = b.select(inside, high - whole, b.const(0.0, x.type))
    low = b.select(inside, low, b.const(0.0, x.type))
    value = _exp2(b, high, low)
    half = n >> 1
    return value * power_of_two(b, half, x) * power_of_two(b, n - half, x)


def _log2(b: Arithmetic, x: Value) -> tuple[Value, Value]:
    """log2(x) in two parts: x = 2^n m with m near 1 or 3/2, then a series in (m - c) / (m + c)."""
    subnormal = x < 2.0**-1022
    bits = bits_of(b.select(subnormal, x * 2.0**53, x))
    n = (bits >> 52) - 1023
    m = ((bits & (2**52 - 1)) | (1023 << 52)).bitcast(x.type)
    double = m >= 1.7320508075688772
    middle = (m >= 1.2247448713915890) & ~double
    m = b.select(double, m * 0.5, m)
    power = float_of_integer(b, n, x)
    power = b.select(subnormal, power - 53.0, power)
    power = b.select(double, power + 1.0, power)
    one, zero = b.const(1.0, x.type), b.const(0.0, x.type)
    center = b.select(middle, b.const(1.5, x.type), one)
    base = [b.select(middle, b.const(part, x.type), zero) for part in _LOG2_THREE_HALVES]
    u, v = m - center, one / (m + center)
    s = u * v
    s_high = _short(b, s)
    t_high = _short(b, m + center)
    t_low = m - (t_high - center)
    s_low = v * ((u - s_high * t_high) - s_high * t_low)
    square = s * s
    r = square * square * polynomial(b, square, _LOG) + s_low * (s_high + s)
    square = s_high * s_high
    t_high = _short(b, 3.0 + square + r)
    t_low = r - ((t_high - 3.0) - square)
    u, v = s_high * t_high, s_low * t_high + t_low * s
    high = _short(b, u + v)
    low = v - (high - u)
    scale, scale_high, scale_low = _TWO_THIRDS_LOG2_E
    z_high = high * scale_high
    z_low = high * scale_low + low * scale + base[1]
    t1 = _short(b, ((z_high + z_low) + base[0]) + power)
    return t1, z_low - (((t1 - power) - base[0]) - z_high)


def _exp2(b: Arithmetic, high: Value, low: Value) -> Value:
    """2^(high + low) within half of 1."""
    t = _short(b, low + high)
    ln2, ln2_high, ln2_low = _LN_2
    u = t * ln2_high
    v = (low - (t - high)) * ln2 + t * ln2_low
    z = u + v
    w = v - (z - u)
    square = z * z
    t1 = z - square * polynomial(b, square, _EXP)
    r = (z * t1) / (t1 - 2.0) - (w + z * w)
    return 1.0 - (r - z)
