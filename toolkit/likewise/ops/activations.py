"""The activation functions that the recurrent operators name in their attributes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.errors import ModelError
from likewise.loop import math as loop_math

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel

    LoopActivation = Callable[[Kernel, Value], Value]
    Activation = Callable[[Array], Array]

__all__ = ["loop_activations", "named_activations", "sigmoid"]


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), of the dtype of `x`."""
    y = np.negative(x)
    np.exp(y, out=y)
    y += 1
    return np.reciprocal(y, out=y)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _softsign(x: Array) -> Array:
    return x / (1 + np.abs(x))


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, x.dtype.type(0))


def _affine(x: Array, alpha: float, beta: float) -> Array:
    return x * alpha + beta


def _leaky_relu(x: Array, alpha: float) -> Array:
    return np.where(x >= 0, x, x * alpha)


def _thresholded_relu(x: Array, alpha: float) -> Array:
    return np.where(x >= alpha, x, x * 0)


def _scaled_tanh(x: Array, alpha: float, beta: float) -> Array:
    return np.tanh(x * beta) * alpha


def _hard_sigmoid(x: Array, alpha: float, beta: float) -> Array:
    return np.clip(x * alpha + beta, 0, 1)


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x >= 0, x, np.expm1(np.minimum(x, 0)) * alpha)


# Each with the defaults of alpha and beta, as far as it has them. They are those of the operators
# of these names; Affine and ScaledTanh, which have none, leave their argument as it is.
_BY_NAME: Final[Mapping[str, tuple[Callable[..., Any], tuple[float, ...]]]] = {
    "affine": (_affine, (1.0, 0.0)),
    "elu": (_elu, (1.0,)),
    "hardsigmoid": (_hard_sigmoid, (0.2, 0.5)),
    "leakyrelu": (_leaky_relu, (0.01,)),
    "relu": (_relu, ()),
    "scaledtanh": (_scaled_tanh, (1.0, 1.0)),
    "sigmoid": (sigmoid, ()),
    "softplus": (_softplus, ()),
    "softsign": (_softsign, ()),
    "tanh": (np.tanh, ()),
    "thresholdedrelu": (_thresholded_relu, (1.0,)),
}


def _loop_activation(name: str, values: list[float]) -> LoopActivation:
    a, b = [*values, 0.0, 0.0][:2]
    functions: dict[str, LoopActivation] = {
        "affine": lambda _, x: x * a + b,
        "elu": lambda k, x: k.select(x >= 0, x, loop_math.expm1(k, k.min(x, 0)) * a),
        "hardsigmoid": lambda k, x: k.min(k.max(x * a + b, 0), 1),
        "leakyrelu": lambda k, x: k.select(x >= 0, x, x * a),
        "relu": lambda k, x: k.max(x, 0),
        "scaledtanh": lambda k, x: loop_math.tanh(k, x * b) * a,
        "sigmoid": loop_math.sigmoid,
        "softplus": lambda k, x: k.max(x, 0) + loop_math.log1p(k, loop_math.exp(k, -abs(x))),
        "softsign": lambda _, x: x / (abs(x) + 1.0),
        "tanh": loop_math.tanh,
        "thresholdedrelu": lambda k, x: k.select(x >= a, x, x * 0.0),
    }
    return functions[name]


def loop_activations(
    names: Sequence[str],
    alphas: Sequence[float] | None = None,
    betas: Sequence[float] | None = None,
) -> list[LoopActivation]:
    """`named_activations` that write loop IR."""
    left = [list(alphas or ()), list(betas or ())]
    found = []
    for name in names:
        _, defaults = _BY_NAME[name.lower()]
        values = [
            given.pop(0) if given else default
            for given, default in zip(left, defaults, strict=False)
        ]
        found.append(_loop_activation(name.lower(), values))
    return found


def named_activations(
    names: Sequence[str],
    alphas: Sequence[float] | None = None,
    betas: Sequence[float] | None = None,
) -> list[Activation]:
    """The functions called `names`, in any case.

    Those that have an alpha take the values of `alphas` in their order, beta likewise; what is
    not given has its default. Raises `ModelError` for an unknown name.
    """
    left = [list(alphas or ()), list(betas or ())]
    found = []
    for name in names:
        if name.lower() not in _BY_NAME:
            raise ModelError("unknown activation", given=name, allowed=", ".join(sorted(_BY_NAME)))
        function, defaults = _BY_NAME[name.lower()]
        values = [
            given.pop(0) if given else default
            for given, default in zip(left, defaults, strict=False)
        ]
        keywords = dict(zip(("alpha", "beta"), values, strict=False))
        found.append(partial(function, **keywords) if keywords else function)
    return found
