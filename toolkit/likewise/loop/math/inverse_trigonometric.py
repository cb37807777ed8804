"""atan, asin and acos: Cephes' forms for f32, FreeBSD's for f64."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.math.parts import accurate, bits_of, is_double, polynomial

if TYPE_CHECKING:
    from likewise.loop.arithmetic import Arithmetic
    from likewise.loop.values import Value

__all__ = ["acos", "asin", "atan"]

_HALF_PI, _HALF_PI_LOW = 1.57079632679489655800e00, 6.12323399573676603587e-17
_ATAN_F32 = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
_ATAN_F64 = (
    1.62858201153657823623e-02, -3.65315727442169155270e-02, 4.97687799461593236017e-02,
    -5.83357013379057348645e-02, 6.66107313738753120669e-02, -7.69187620504482999495e-02,
    9.09088713343650656196e-02, -1.11111104054623557880e-01, 1.42857142725034663711e-01,
    -1.99999999998764832476e-01, 3.33333333333329318027e-01,
)  # fmt: skip
_ASIN_F32 = (
    4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1,
)  # fmt: skip
_ASIN_F64 = (
    (3.47933107596021167570e-05, 7.91534994289814532176e-04, -4.00555345006794114027e-02,
     2.01212532134862925881e-01, -3.25565818622400915405e-01, 1.66666666666666657415e-01),
    (7.70381505559019352791e-02, -6.88283971605453293030e-01, 2.02094576023350569471e+00,
     -2.40339491173441421878e+00, 1.0),
)  # fmt: skip


@accurate(f32=2.0, f64=1.0)
def atan(b: Arithmetic, x: Value) -> Value:
    """Reduced by the angles whose tangents are known, then a polynomial of x²."""
    size = abs(x)
    found = _atan_f64(b, size) if is_double(x) else _atan_f32(b, size)
    return b.apply("copysign", found, x)


def _atan_f32(b: Arithmetic, size: Value) -> Value:
    zero = b.const(0.0, size.type)
    far, middle = size > 2.414213562373095, size > 0.4142135623730950
    reduced = b.select(middle, (size - 1.0) / (size + 1.0), size)
    reduced = b.select(far, -1.0 / size, reduced)
    angle = b.select(middle, b.const(0.7853981633974483, size.type), zero)
    angle = b.select(far, b.const(1.5707963267948966, size.type), angle)
    square = reduced * reduced
    tail = polynomial(b, square, _ATAN_F32) * square
    return angle + b.madd(tail, reduced, reduced)


def _atan_f64(b: Arithmetic, size: Value) -> Value:
    """Four ranges: around 0, atan 0.5, atan 1, atan 1.5 and beyond."""
    zero = b.const(0.0, size.type)
    reduced, high, low = size, zero, zero
    for least, value, known, rest in (
        (0.4375, (size + size - 1.0) / (size + 2.0), 4.63647609000806093515e-01,
         2.26987774529616870924e-17),
        (0.6875, (size - 1.0) / (size + 1.0), 7.85398163397448278999e-01,
         3.06161699786838301793e-17),
        (1.1875, (size - 1.5) / (size * 1.5 + 1.0), 9.82793723247329054082e-01,
         1.39033110312309984516e-17),
        (2.4375, -1.0 / size, _HALF_PI, _HALF_PI_LOW),
    ):  # fmt: skip
        beyond = size >= least
        reduced = b.select(beyond, value, reduced)
        high = b.select(beyond, b.const(known, size.type), high)
        low = b.select(beyond, b.const(rest, size.type), low)
    square = reduced * reduced
    tail = polynomial(b, square, _ATAN_F64) * square * reduced
    return high - ((tail - low) - reduced)


def _ratio(b: Arithmetic, square: Value) -> Value:
    """(asin(r) - r) / r as a function of r², for r of at most 1/2."""
    if is_double(square):
        above, below = _ASIN_F64
        return polynomial(b, square, above) * square / polynomial(b, square, below)
    return polynomial(b, square, _ASIN_F32) * square


@accurate(f32=2.5, f64=2.0)
def asin(b: Arithmetic, x: Value) -> Value:
    """The arcsine: for more than 1/2 by that of sqrt((1 - x) / 2); NaN beyond 1."""
    size = abs(x)
    above = size > 0.5
    square = b.select(above, (1.0 - size) * 0.5, size * size)
    root = b.select(above, b.sqrt(square), size)
    inner = b.madd(_ratio(b, square), root, root)
    far = _HALF_PI - (inner + inner - _HALF_PI_LOW)
    return b.apply("copysign", b.select(above, far, inner), x)


@accurate(f32=2.5, f64=1.5)
def acos(b: Arithmetic, x: Value) -> Value:
    """The angle: π/2 - asin(x) up to 1/2, above 2 asin(sqrt((1 - x) / 2)); NaN beyond 1."""
    size = abs(x)
    above = size > 0.5
    square = b.select(above, (1.0 - size) * 0.5, size * size)
    root = b.select(above, b.sqrt(square), size)
    tail = _ratio(b, square) * root
    near = _HALF_PI - (x - (_HALF_PI_LOW - b.apply("copysign", tail, x)))
    # The square root's own rounding is put back: root is high + low.
    keep = -(2**32) if is_double(x) else -(2**12)
    high = (bits_of(root) & keep).bitcast(x.type)
    low = (square - high * high) / (root + high)
    positive = (high + (tail + low)) * 2.0
    negative = 2.0 * _HALF_PI - 2.0 * (root + (tail - _HALF_PI_LOW))
    far = b.select(x > 0.0, positive, negative)
    far = b.select(x.eq(1.0), b.const(0.0, x.type), far)
    return b.select(above, far, near)
