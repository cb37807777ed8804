"""log1p, and what follows from it: asinh, acosh and atanh, in FreeBSD's forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.math.logarithm import log
from likewise.loop.math.parts import accurate

if TYPE_CHECKING:
    from likewise.loop.arithmetic import Arithmetic
    from likewise.loop.values import Value

__all__ = ["acosh", "asinh", "atanh", "log1p"]

_LN_2 = 0.6931471805599453
_LARGE = 2.0**28


@accurate(f32=2.0, f64=2.0)
def log1p(b: Arithmetic, x: Value) -> Value:
    """log(u) + (x - (u - 1)) / u with u = 1 + x rounded: the rest of the rounding is put back."""
    u = x + 1.0
    rest = b.select(x > 1.0, 1.0 - (u - x), x - (u - 1.0))
    found = log(b, u) + rest / u
    found = b.select(abs(x) < 1e-30, x, found)
    found = b.select(x.eq(-1.0), b.const(float("-inf"), x.type), found)
    return b.select(x.eq(float("inf")), x, found)


@accurate(f32=3.0, f64=3.0)
def asinh(b: Arithmetic, x: Value) -> Value:
    """log(|x| + sqrt(x² + 1)) of the sign of x."""
    size = abs(x)
    square = size * size
    root = b.sqrt(square + 1.0)
    near = log1p(b, size + square / (root + 1.0))
    far = log(b, size) + _LN_2
    return b.apply("copysign", b.select(size > _LARGE, far, near), x)


@accurate(f32=3.0, f64=3.0)
def acosh(b: Arithmetic, x: Value) -> Value:
    """log(x + sqrt(x² - 1)) = log1p(t + sqrt(2t + t²)) with t = x - 1; NaN below 1."""
    t = x - 1.0
    near = log1p(b, t + b.sqrt(t + t + t * t))
    far = log(b, x) + _LN_2
    found = b.select(x > _LARGE, far, near)
    return b.select(x >= 1.0, found, b.const(float("nan"), x.type))


@accurate(f32=3.0, f64=3.0)
def atanh(b: Arithmetic, x: Value) -> Value:
    """log1p(2|x| / (1 - |x|)) / 2 of the sign of x; NaN beyond 1."""
    size = abs(x)
    twice = size + size
    near = twice + twice * size / (1.0 - size)
    far = twice / (1.0 - size)
    found = log1p(b, b.select(size < 0.5, near, far)) * 0.5
    found = b.select(abs(x) < 1e-30, size, found)
    return b.apply("copysign", found, x)
