"""erf, and Gelu, which is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.math.exponential import exp, exp_below_zero, plain_exp
from likewise.loop.math.parts import accurate, bits_of, is_double, polynomial

if TYPE_CHECKING:
    from likewise.loop.arithmetic import Arithmetic
    from likewise.loop.values import Value

__all__ = ["erf", "gelu", "gelu_by_tanh"]

# FreeBSD's s_erf.c, highest power first: numerator and denominator of four ranges of |x|.
_BELOW_084 = (
    (-2.37630166566501626084e-05, -5.77027029648944159157e-03, -2.84817495755985104766e-02,
     -3.25042107247001499370e-01, 1.28379167095512558561e-01),
    (-3.96022827877536812320e-06, 1.32494738004321644526e-04, 5.08130628187576562776e-03,
     6.50222499887672944485e-02, 3.97917223959155352819e-01, 1.0),
)  # fmt: skip
_BELOW_125 = (
    (-2.16637559486879084300e-03, 3.54783043256182359371e-02, -1.10894694282396677476e-01,
     3.18346619901161753674e-01, -3.72207876035701323847e-01, 4.14856118683748331666e-01,
     -2.36211856075265944077e-03),
    (1.19844998467991074170e-02, 1.36370839120290507362e-02, 1.26171219808761642112e-01,
     7.18286544141962662868e-02, 5.40397917702171048937e-01, 1.06420880400844228286e-01, 1.0),
)  # fmt: skip
_BELOW_286 = (
    (-9.81432934416914548592e+00, -8.12874355063065934246e+01, -1.84605092906711035994e+02,
     -1.62396669462573470355e+02, -6.23753324503260060396e+01, -1.05586262253232909814e+01,
     -6.93858572707181764372e-01, -9.86494403484714822705e-03),
    (-6.04244152148580987438e-02, 6.57024977031928170135e+00, 1.08635005541779435134e+02,
     4.29008140027567833386e+02, 6.45387271733267880336e+02, 4.34565877475229228821e+02,
     1.37657754143519042600e+02, 1.96512716674392571292e+01, 1.0),
)  # fmt: skip
_ABOVE = (
    (-4.83519191608651397019e+02, -1.02509513161107724954e+03, -6.37566443368389627722e+02,
     -1.60636384855821916062e+02, -1.77579549177547519889e+01, -7.99283237680523006574e-01,
     -9.86494292470009928597e-03),
    (-2.24409524465858183362e+01, 4.74528541206955367215e+02, 2.55305040643316442583e+03,
     3.19985821950859553908e+03, 1.53672958608443695994e+03, 3.25792512996573918826e+02,
     3.03380607434824582924e+01, 1.0),
)  # fmt: skip

# Φ(t) = (t + 5.6) p / q for t from -5.6 to 0, highest power first; minimax, to 1.3e-8.
_END = 5.6
_TAIL = (
    (2.53529453e-05, 6.37121573e-04, 6.45794534e-03, 3.30373705e-02, 8.53874689e-02,
     8.92857165e-02),
    (-1.71203196e-04, 6.93014903e-05, 6.19997192e-04, 2.13189912e-02, 5.43847190e-02,
     2.71867359e-01, 3.37024811e-01, 1.00000000e+00),
)  # fmt: skip


@accurate(f32=1.5, f64=1.0)
def erf(b: Arithmetic, x: Value) -> Value:
    """The error function."""
    return _erf_f64(b, x) if is_double(x) else _erf_f32(b, x)


def _erf_f32(b: Arithmetic, x: Value) -> Value:
    """Two minimax polynomials, the outer one for log(1 - erf) (N. Juffa's form)."""
    # From 4 on erf rounds to 1.
    size = b.min(abs(x), 4.0)
    square = size * size
    near = polynomial(
        b, square,
        (-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1,
         1.28379166e-1),
    )  # fmt: skip
    near = b.madd(near, x, x)
    upper = b.madd(b.const(-1.72853470e-5, x.type), size, 3.83197126e-4)
    lower = b.madd(b.const(-3.88396438e-3, x.type), size, 2.42546219e-2)
    far = b.madd(upper, square, lower)
    for coefficient in (-1.06777877e-1, -6.34846687e-1, -1.28717512e-1):
        far = b.madd(far, size, coefficient)
    far = 1.0 - exp_below_zero(b, b.madd(far, size, -size))
    return b.select(size > 0.927734375, b.apply("copysign", far, x), near)


def gelu(b: Arithmetic, x: Value) -> Value:
    """X Φ(x), of float32 within 4 ULP of x/2: max(x, 0) - |x| Φ(-|x|).

    Φ(-|x|), at most 1/2, is a quotient of polynomials that ends in 0, exactly, where what it is
    subtracted from rounds it away.
    """
    if is_double(x):
        return x * 0.5 * (_erf_f64(b, x * 0.7071067811865476) + 1.0)
    below = (bits_of(x) | -(2**31)).bitcast(x.type)  # -|x|
    t = b.max(below, -_END)
    above, under = (polynomial(b, t, one) for one in _TAIL)
    tail = (t + _END) * above / under
    # For x < 0 the factor is x itself, so that -inf gives NaN, as the formula does.
    return b.madd(b.apply("pmin", t, x), tail, b.apply("pmax", x, b.const(0.0, x.type)))


def gelu_by_tanh(b: Arithmetic, x: Value) -> Value:
    """X (1 + tanh z) / 2 for z = √(2/π) (x + 0.044715 x³), which is x / (1 + exp(-2 z))."""
    slope = b.madd(x * x, -0.0713548162726, b.const(-1.5957691216057308, x.type))
    turned = x * slope
    if is_double(x):
        return x / (exp(b, turned) + 1.0)
    return x / (plain_exp(b, b.max(b.min(turned, 88.0), -88.0)) + 1.0)


def _ratio(b: Arithmetic, x: Value, pair: tuple[tuple[float, ...], tuple[float, ...]]) -> Value:
    return polynomial(b, x, pair[0]) / polynomial(b, x, pair[1])


def _erf_f64(b: Arithmetic, x: Value) -> Value:
    size = b.min(abs(x), 6.0)
    near = x + x * _ratio(b, x * x, _BELOW_084)
    middle = _ratio(b, size - 1.0, _BELOW_125) + 8.45062911510467529297e-01
    inverse = 1.0 / (size * size)
    tail = b.select(size < 1 / 0.35, _ratio(b, inverse, _BELOW_286), _ratio(b, inverse, _ABOVE))
    short = (bits_of(size) & -(2**32)).bitcast(x.type)
    grown = exp(b, -short * short - 0.5625) * exp(b, (short - size) * (short + size) + tail)
    far = 1.0 - grown / size
    far = b.select(size >= 6.0, b.const(1.0, x.type), far)
    found = b.apply("copysign", b.select(size < 1.25, middle, far), x)
    found = b.select(abs(x) < 0.84375, near, found)
    return b.select(x.eq(x), found, x)
