"""The transcendental functions, written once in primitives for every compiled target.

Each takes a builder and a float (f32, f64, or a vector of either) and gives one of the same type.
A function stands in the module of its family and declares its error with `@accurate`; a test
holds every entry of `FUNCTIONS` to it against mpmath. To add one: write it from `parts`, with no
branch but `select` (all lanes go the same way) and no libm-like table, and name it here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from likewise.lazy import offered

if TYPE_CHECKING:
    from likewise.loop.math.error_function import erf, gelu, gelu_by_tanh
    from likewise.loop.math.exponential import exp, exp_below_zero, sigmoid, tanh
    from likewise.loop.math.exponential_minus_one import cosh, expm1, sinh
    from likewise.loop.math.inverse_hyperbolic import acosh, asinh, atanh, log1p
    from likewise.loop.math.inverse_trigonometric import acos, asin, atan
    from likewise.loop.math.logarithm import log
    from likewise.loop.math.parts import FUNCTIONS, Transcendental
    from likewise.loop.math.powers import power
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

_OFFERED = {
    "Transcendental": "likewise.loop.math.parts",
    "acos": "likewise.loop.math.inverse_trigonometric",
    "acosh": "likewise.loop.math.inverse_hyperbolic",
    "asin": "likewise.loop.math.inverse_trigonometric",
    "asinh": "likewise.loop.math.inverse_hyperbolic",
    "atan": "likewise.loop.math.inverse_trigonometric",
    "atanh": "likewise.loop.math.inverse_hyperbolic",
    "cos": "likewise.loop.math.trigonometric",
    "cosh": "likewise.loop.math.exponential_minus_one",
    "erf": "likewise.loop.math.error_function",
    "exp": "likewise.loop.math.exponential",
    "exp_below_zero": "likewise.loop.math.exponential",
    "expm1": "likewise.loop.math.exponential_minus_one",
    "fmod": "likewise.loop.math.remainder",
    "gelu": "likewise.loop.math.error_function",
    "gelu_by_tanh": "likewise.loop.math.error_function",
    "log": "likewise.loop.math.logarithm",
    "log1p": "likewise.loop.math.inverse_hyperbolic",
    "power": "likewise.loop.math.powers",
    "sigmoid": "likewise.loop.math.exponential",
    "sin": "likewise.loop.math.trigonometric",
    "sinh": "likewise.loop.math.exponential_minus_one",
    "tan": "likewise.loop.math.trigonometric",
    "tanh": "likewise.loop.math.exponential",
}

_get = offered(__name__, _OFFERED)


def __getattr__(name: str) -> Any:
    if name == "FUNCTIONS":  # they register themselves
        for family in set(_OFFERED.values()):
            import_module(family)
        return import_module("likewise.loop.math.parts").FUNCTIONS
    return _get(name)
