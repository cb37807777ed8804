"""expm1, and what follows from it: sinh and cosh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.math.exponential import LOG2_E, exp, reduced
from likewise.loop.math.parts import accurate, is_double, power_of_two, round_to_integer

if TYPE_CHECKING:
    from likewise.loop.arithmetic import Arithmetic
    from likewise.loop.values import Value

__all__ = ["cosh", "expm1", "sinh"]


@accurate(f32=2.0, f64=2.0)
def expm1(b: Arithmetic, x: Value) -> Value:
    """e^x - 1: with x = n ln(2) + r it is 2^n (e^r - 1) + (2^n - 1)."""
    low, high = (-38.0, 39.0) if is_double(x) else (-18.0, 18.0)
    inner = b.max(b.min(x, high), low)
    whole, n = round_to_integer(b, inner * LOG2_E)
    power = power_of_two(b, n, x)
    near = b.madd(reduced(b, inner, whole), power, power - 1.0)
    found = b.select(x > high, exp(b, x), near)
    return b.select(abs(x) < 1e-30, x, found)


def _half_exp(b: Arithmetic, size: Value) -> Value:
    """e^size / 2, which overflows no sooner than it must."""
    root = exp(b, size * 0.5)
    return root * 0.5 * root


@accurate(f32=3.0, f64=3.0)
def sinh(b: Arithmetic, x: Value) -> Value:
    """(t + t / (t + 1)) / 2 with t = e^|x| - 1."""
    size = abs(x)
    t = expm1(b, b.min(size, 30.0))
    near = (t + t / (t + 1.0)) * 0.5
    found = b.select(size > 20.0, _half_exp(b, size), near)
    return b.apply("copysign", found, x)


@accurate(f32=3.0, f64=3.0)
def cosh(b: Arithmetic, x: Value) -> Value:
    """(e^|x| + e^-|x|) / 2, near 0 from e^|x| - 1."""
    size = abs(x)
    grown = exp(b, b.min(size, 30.0))
    middle = grown * 0.5 + 0.5 / grown
    return b.select(size > 20.0, _half_exp(b, size), middle)
