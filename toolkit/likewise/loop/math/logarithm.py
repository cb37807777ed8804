"""log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.math.parts import accurate, bits_of, float_of_integer, is_double, polynomial

if TYPE_CHECKING:
    from likewise.loop.arithmetic import Arithmetic
    from likewise.loop.values import Value

__all__ = ["log"]

_F32 = (0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693)
_F64 = (
    1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
    2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
    6.666666666666735130e-01,
)  # fmt: skip


@accurate(f32=1.0, f64=1.0)
def log(b: Arithmetic, x: Value) -> Value:
    """The natural logarithm: x = 2^k (1 + f), then FreeBSD's series in s = f / (2 + f)."""
    double = is_double(x)
    least, lift, shift = (2.0**-1022, 54, 52) if double else (2.0**-126, 25, 23)
    subnormal = x < least
    bits = bits_of(b.select(subnormal, x * 2.0**lift, x))
    root_half = bits_of(b.const(0.70710678118654752, x.type))
    k = (bits - root_half) >> shift
    f = (bits - (k << shift)).bitcast(x.type) - 1.0
    power = float_of_integer(b, k, x)
    power = b.select(subnormal, power - float(lift), power)
    s = f / (f + 2.0)
    square = s * s
    series = polynomial(b, square, _F64 if double else _F32) * square
    half = f * f * 0.5
    high, low = (
        (6.93147180369123816490e-01, 1.90821492927058770002e-10)
        if double
        else (6.9313812256e-01, 9.0580006145e-06)
    )
    found = power * high - ((half - (s * (half + series) + power * low)) - f)
    found = b.select(x.eq(float("inf")), x, found)
    found = b.select(x.eq(0.0), b.const(float("-inf"), x.type), found)
    valid = x >= 0.0
    return b.select(valid, found, b.const(float("nan"), x.type))
