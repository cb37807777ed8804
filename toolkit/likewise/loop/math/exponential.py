"""exp, and what follows from it: sigmoid and tanh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.math.parts import (
    accurate,
    bits_of,
    is_double,
    polynomial,
    power_of_two,
    round_to_integer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.loop.arithmetic import Arithmetic
    from likewise.loop.values import Value, ValueLike

__all__ = ["LOG2_E", "exp", "exp_below_zero", "plain_exp", "reduced", "sigmoid", "tanh"]

LOG2_E = 1.4426950408889634


@accurate(f32=1.5, f64=1.0)
def exp(b: Arithmetic, x: Value) -> Value:
    """e^x by Cody and Waite's reduction to |r| <= ln(2) / 2.

    The polynomial is that of Cephes for f32, the rational form of FreeBSD's e_exp.c for f64. The
    power of two is applied in two halves, so that subnormal results are rounded once.
    """
    low, high = (-746.0, 710.0) if is_double(x) else (-104.0, 89.0)
    x = b.max(b.min(x, high), low)
    whole, n = round_to_integer(b, x * LOG2_E)
    value = reduced(b, x, whole) + 1.0
    half = n >> 1
    return value * power_of_two(b, half, x) * power_of_two(b, n - half, x)


def exp_below_zero(b: Arithmetic, x: Value) -> Value:
    """e^x of a float32 x <= 0, as exact as `exp`, with 0 for what would be subnormal."""
    return plain_exp(b, b.max(x, -88.0))


def plain_exp(b: Arithmetic, x: Value) -> Value:
    """e^x of a float32 from -88 to 88."""
    whole, scale = _power_of_two(b, x, LOG2_E, 0)
    return b.madd(_reduced_f32(b, x, whole), scale, scale)


def reduced(b: Arithmetic, x: Value, whole: Value) -> Value:
    """e^r - 1 for r = x - whole * ln(2) of at most ln(2) / 2."""
    return _reduced_f64(b, x, whole) if is_double(x) else _reduced_f32(b, x, whole)


def _reduced_f32(b: Arithmetic, x: Value, whole: Value) -> Value:
    r = b.nmadd(whole, 0.693359375, x)
    r = b.madd(whole, 2.12194440e-4, r)
    return _grown(b, r, b.madd)


def _grown(b: Arithmetic, r: Value, add: Callable[[Value, Value, ValueLike], Value]) -> Value:
    """e^r - 1 of a float32, or with `b.nmadd` for `add` 1 - e^-r; |r| <= ln(2) / 2."""
    # Estrin's scheme: half as many steps wait for one another as in Horner's.
    square = r * r
    pairs = ((1.9875691500e-4, 1.3981999507e-3), (8.3334519073e-3, 4.1665795894e-2),
             (1.6666665459e-1, 5.0000001201e-1))  # fmt: skip
    high, middle, low = (add(b.const(one, r.type), r, other) for one, other in pairs)
    tail = b.madd(b.madd(high, square, middle), square, low)
    return add(tail, square, r)


def _power_of_two(b: Arithmetic, x: Value, times: float, scale: int) -> tuple[Value, Value]:
    """The integer n nearest to x * times, as a float32, and 2^(n + scale), if that is normal.

    `round_to_integer` and `power_of_two` in fewer steps: the number that the integer is added to
    has the bias of the exponent in its low bits.
    """
    magic = b.const(1.5 * 2.0**23 + 127 + scale, x.type)
    shifted = b.madd(x, times, magic)
    return shifted - magic, (bits_of(shifted) << 23).bitcast(x.type)


def _reduced_f64(b: Arithmetic, x: Value, whole: Value) -> Value:
    high = x - whole * 6.93147180369123816490e-01
    low = whole * 1.90821492927058770002e-10
    r = high - low
    square = r * r
    tail = polynomial(
        b,
        square,
        (4.13813679705723846039e-08, -1.65339022054652515390e-06, 6.61375632143793436117e-05,
         -2.77777777770155933842e-03, 1.66666666666666019037e-01),
    )  # fmt: skip
    c = r - square * tail
    return high - (low - (r * c) / (2.0 - c))


@accurate(f32=2.5, f64=2.0)
def sigmoid(b: Arithmetic, x: Value) -> Value:
    """1 / (1 + e^-x); f64 from e^-|x| so that nothing overflows."""
    if not is_double(x):
        return _sigmoid_f32(b, x)
    small = exp(b, -abs(x))
    return b.select(x < 0.0, small, b.const(1.0, x.type)) / (small + 1.0)


def _sigmoid_f32(b: Arithmetic, x: Value) -> Value:
    # Numerator and denominator are 2^-24 times as large as they could be: so 2^n stays normal
    # down to where the result is 0, and one that is subnormal is rounded once.
    x = b.max(b.min(x, 20.0), -104.0)
    whole, scale = _power_of_two(b, x, -LOG2_E, -24)
    r = b.madd(whole, 0.693359375, x)
    r = b.nmadd(whole, 2.12194440e-4, r)
    return b.const(2.0**-24, x.type) / b.nmadd(_grown(b, r, b.nmadd), scale, scale + 2.0**-24)


@accurate(f32=2.0, f64=2.0)
def tanh(b: Arithmetic, x: Value) -> Value:
    """With g = e^2|x| - 1, g / (g + 2); f64 as Cephes has it, rational below 0.625."""
    return _tanh_f64(b, x) if is_double(x) else _tanh_f32(b, x)


def _tanh_f32(b: Arithmetic, x: Value) -> Value:
    size = b.min(abs(x), 10.0)  # from there on the result rounds to 1
    twice = size + size
    whole, scale = _power_of_two(b, twice, LOG2_E, 0)
    grown = b.madd(_reduced_f32(b, twice, whole), scale, scale - 1.0)
    return b.apply("copysign", grown / (grown + 2.0), x)


def _tanh_f64(b: Arithmetic, x: Value) -> Value:
    size, square = abs(x), x * x
    above = polynomial(
        b, square,
        (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3),
    )  # fmt: skip
    below = polynomial(
        b, square,
        (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3),
    )  # fmt: skip
    near = b.madd(above / below * square, x, x)
    # From 20 on the result rounds to 1: the argument stays where e^x is a plain number.
    far = 1.0 - 2.0 / (exp(b, b.min(size + size, 40.0)) + 1.0)
    return b.apply("copysign", b.select(size < 0.625, near, far), x)
