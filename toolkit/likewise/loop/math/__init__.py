"""The transcendental functions, written once in primitives for every compiled target.

Each takes a builder and a float (f32, f64, or a vector of either) and gives one of the same type.
A function stands in the module of its family and declares its error with `@accurate`; a test
holds every entry of `FUNCTIONS` to it against mpmath. To add one: write it from `parts`, with no
branch but `select` (all lanes go the same way) and no libm-like table, and name it here.
"""

from likewise.loop.math.error_function import erf, gelu, gelu_by_tanh
from likewise.loop.math.exponential import exp, exp_below_zero, sigmoid, tanh
from likewise.loop.math.exponential_minus_one import cosh, expm1, sinh
from likewise.loop.math.inverse_hyperbolic import acosh, asinh, atanh, log1p
from likewise.loop.math.inverse_trigonometric import acos, asin, atan
from likewise.loop.math.logarithm import log
from likewise.loop.math.parts import FUNCTIONS, Transcendental
from likewise.loop.math.power import power
from likewise.loop.math.remainder import fmod
from likewise.loop.math.trigonometric import cos, sin, tan

__all__ = [
    "FUNCTIONS",
    "Transcendental",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cos",
    "cosh",
    "erf",
    "exp",
    "exp_below_zero",
    "expm1",
    "fmod",
    "gelu",
    "gelu_by_tanh",
    "log",
    "log1p",
    "power",
    "sigmoid",
    "sin",
    "sinh",
    "tan",
    "tanh",
]
