"""erf in NumPy, which has none.

float64: the rational approximations of W. J. Cody's method in the form of FreeBSD's `s_erf.c`,
within an ULP or so. float32: N. Juffa's pair of minimax polynomials, within 1.5 ULP, in passes
over blocks that stay in the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Array

__all__ = ["erf"]

_BLOCK: Final = 1 << 15  # elements: few calls, and the float32 blocks in use stay in the cache

# Highest power first: numerator and denominator of four ranges of |x|.
_BELOW_084: Final = (
    (-2.37630166566501626084e-05, -5.77027029648944159157e-03, -2.84817495755985104766e-02,
     -3.25042107247001499370e-01, 1.28379167095512558561e-01),
    (-3.96022827877536812320e-06, 1.32494738004321644526e-04, 5.08130628187576562776e-03,
     6.50222499887672944485e-02, 3.97917223959155352819e-01, 1.0),
)  # fmt: skip
_BELOW_125: Final = (
    (-2.16637559486879084300e-03, 3.54783043256182359371e-02, -1.10894694282396677476e-01,
     3.18346619901161753674e-01, -3.72207876035701323847e-01, 4.14856118683748331666e-01,
     -2.36211856075265944077e-03),
    (1.19844998467991074170e-02, 1.36370839120290507362e-02, 1.26171219808761642112e-01,
     7.18286544141962662868e-02, 5.40397917702171048937e-01, 1.06420880400844228286e-01, 1.0),
)  # fmt: skip
_BELOW_286: Final = (
    (-9.81432934416914548592e+00, -8.12874355063065934246e+01, -1.84605092906711035994e+02,
     -1.62396669462573470355e+02, -6.23753324503260060396e+01, -1.05586262253232909814e+01,
     -6.93858572707181764372e-01, -9.86494403484714822705e-03),
    (-6.04244152148580987438e-02, 6.57024977031928170135e+00, 1.08635005541779435134e+02,
     4.29008140027567833386e+02, 6.45387271733267880336e+02, 4.34565877475229228821e+02,
     1.37657754143519042600e+02, 1.96512716674392571292e+01, 1.0),
)  # fmt: skip
_ABOVE: Final = (
    (-4.83519191608651397019e+02, -1.02509513161107724954e+03, -6.37566443368389627722e+02,
     -1.60636384855821916062e+02, -1.77579549177547519889e+01, -7.99283237680523006574e-01,
     -9.86494292470009928597e-03),
    (-2.24409524465858183362e+01, 4.74528541206955367215e+02, 2.55305040643316442583e+03,
     3.19985821950859553908e+03, 1.53672958608443695994e+03, 3.25792512996573918826e+02,
     3.03380607434824582924e+01, 1.0),
)  # fmt: skip
_NEAR: Final = (-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1,
                1.28379166e-1)  # fmt: skip
_FAR: Final = (-1.72853470e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2, -1.06777877e-1,
               -6.34846687e-1, -1.28717512e-1)  # fmt: skip


def erf(x: Array) -> Array:
    """The error function of a float32 or float64 array, element by element."""
    if x.dtype == np.float64:
        return _erf_f64(x)
    flat = x.reshape(-1)
    made = np.empty_like(flat)
    buffers = np.empty((3, min(_BLOCK, flat.size)), x.dtype)
    for start in range(0, flat.size, _BLOCK):
        part = flat[start : start + _BLOCK]
        _erf_f32(part, made[start : start + _BLOCK], buffers[:, : part.size])
    return made.reshape(x.shape)


def _polynomial(x: Array, coefficients: Sequence[float], out: Array | None = None) -> Array:
    """Horner's scheme in one array, `out` or a new one, which must not be `x`."""
    made = np.multiply(x, x.dtype.type(coefficients[0]), out=out)
    for coefficient in coefficients[1:-1]:
        made += x.dtype.type(coefficient)
        made *= x
    made += x.dtype.type(coefficients[-1])
    return made


def _erf_f32(x: Array, out: Array, buffers: Array) -> None:
    """Both polynomials for every element, and the one that counts chosen by its bits.

    That takes half the time of a copy under a mask, whose branches nobody can predict.
    """
    size, far, near = buffers
    np.abs(x, out=size)
    np.minimum(size, np.float32(4), out=size)  # from there on erf rounds to 1
    _polynomial(size, _FAR, far)
    far *= size
    far -= size
    np.exp(far, out=far)
    np.subtract(np.float32(1), far, out=far)
    np.copysign(far, x, out=far)
    np.multiply(x, x, out=out)
    _polynomial(out, _NEAR, near)
    near *= x
    near += x
    chosen = np.less_equal(size, np.float32(0.927734375)).astype(np.int32)  # NaN: far, also NaN
    np.negative(chosen, out=chosen)
    bits, other = near.view(np.int32), far.view(np.int32)
    bits ^= other
    bits &= chosen
    np.bitwise_xor(bits, other, out=out.view(np.int32))


def _ratio(x: Array, pair: Any) -> Array:
    return _polynomial(x, pair[0]) / _polynomial(x, pair[1])


def _erf_f64(x: Array) -> Array:
    made = np.array(x, order="C")  # so that `flat` is a view
    flat, size = made.reshape(-1), np.abs(x).reshape(-1)
    for low, high, compute in (
        (0.0, 0.84375, _near),
        (0.84375, 1.25, _middle),
        (1.25, 6.0, _far),
        (6.0, np.inf, np.sign),
    ):
        chosen = (size >= low) & ~(size >= high) if np.isfinite(high) else size >= low
        if chosen.any():
            flat[chosen] = compute(flat[chosen])
    return made


def _near(x: Array) -> Array:
    return x + x * _ratio(x * x, _BELOW_084)


def _middle(x: Array) -> Array:
    return np.copysign(_ratio(np.abs(x) - 1, _BELOW_125) + 8.45062911510467529297e-01, x)


def _far(x: Array) -> Array:
    size = np.abs(x)
    inverse = 1 / (size * size)
    tail = np.where(size < 1 / 0.35, _ratio(inverse, _BELOW_286), _ratio(inverse, _ABOVE))
    short = (size.view(np.int64) & -(2**32)).view(np.float64)  # its square is exact
    grown = np.exp(-short * short - 0.5625) * np.exp((short - size) * (short + size) + tail)
    return np.copysign(1 - grown / size, x)
