"""Functions of one element composed of builtins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.targets.litert.compositions import composed

if TYPE_CHECKING:
    from likewise.ir import Value
    from likewise.ops.build import GraphBuilder


@composed("Reciprocal")
def reciprocal(b: GraphBuilder, _: Any, x: Value) -> Value:
    """1 / x."""
    made: Value = b.Div(b.constant(1.0, b.type(x).dtype), x)
    return made


@composed("HardSigmoid")
def hard_sigmoid(b: GraphBuilder, operator: Any, x: Value) -> Value:
    """The line between 0 and 1: the lower bound is part of the addition."""
    line = b.Relu(b.Add(b.Mul(x, operator.alpha), operator.beta))
    made: Value = b.Min(line, 1.0)
    return made


@composed("Elu")
def elu(b: GraphBuilder, operator: Any, x: Value) -> Value | None:
    """ELU has alpha 1: the tail below 0 is scaled apart."""
    if operator.alpha == 1:
        return None
    tail = b.Mul(b.Elu(b.Min(x, 0.0)), operator.alpha)
    made: Value = b.Add(b.Relu(x), tail)
    return made


@composed("Selu")
def selu(b: GraphBuilder, operator: Any, x: Value) -> Value:
    """Gamma times Elu."""
    made: Value = b.Mul(b.Elu(x, alpha=operator.alpha), operator.gamma)
    return made


@composed("Celu")
def celu(b: GraphBuilder, operator: Any, x: Value) -> Value:
    """max(x, 0) + alpha * elu(min(x, 0) / alpha)."""
    tail = b.Mul(b.Elu(b.Div(b.Min(x, 0.0), operator.alpha)), operator.alpha)
    made: Value = b.Add(b.Relu(x), tail)
    return made


@composed("ThresholdedRelu")
def thresholded_relu(b: GraphBuilder, operator: Any, x: Value) -> Value:
    """X above alpha, else 0."""
    made: Value = b.Where(b.Greater(x, operator.alpha), x, b.constant(0.0, b.type(x).dtype))
    return made


@composed("Shrink")
def shrink(b: GraphBuilder, operator: Any, x: Value) -> Value:
    """Towards 0 by the bias beyond lambd, 0 within."""
    zero = b.constant(0.0, b.type(x).dtype)
    low = b.Where(b.Less(x, -operator.lambd), b.Add(x, operator.bias), zero)
    made: Value = b.Where(b.Greater(x, operator.lambd), b.Sub(x, operator.bias), low)
    return made


@composed("Softplus")
def softplus(b: GraphBuilder, _: Any, x: Value) -> Value:
    """max(x, 0) + log(1 + exp(-|x|)), which does not overflow."""
    made: Value = b.Add(b.Relu(x), b.Log(b.Add(b.Exp(b.Neg(b.Abs(x))), 1.0)))
    return made


@composed("Softsign")
def softsign(b: GraphBuilder, _: Any, x: Value) -> Value:
    """X / (1 + |x|)."""
    made: Value = b.Div(x, b.Add(b.Abs(x), 1.0))
    return made


@composed("Mish")
def mish(b: GraphBuilder, _: Any, x: Value) -> Value:
    """X * tanh(softplus(x))."""
    made: Value = b.Mul(x, b.Tanh(b.Softplus(x)))
    return made


@composed("Swish")
def swish(b: GraphBuilder, operator: Any, x: Value) -> Value:
    """X * sigmoid(alpha * x)."""
    inside = x if operator.alpha == 1 else b.Mul(x, operator.alpha)
    made: Value = b.Mul(x, b.Sigmoid(inside))
    return made


@composed("Dropout")
def dropout(
    b: GraphBuilder, _: Any, x: Value, *parameters: Value | None
) -> tuple[Value, Value] | None:
    """Outside training: the input, and a mask of all."""
    training = parameters[1] if len(parameters) > 1 else None
    mode = None if training is None else b.type(training).constant
    if training is not None and (mode is None or mode.item()):
        return None
    shape = [int(size) for size in b.type(x).shape]  # type: ignore[arg-type]  # static by now
    return b.Identity(x), b.constant(np.ones(shape, bool))


@composed("PRelu")
def prelu(b: GraphBuilder, _: Any, x: Value, slope: Value) -> Value | None:
    """A choice, unless each channel of an image has a constant: tflite-runtime's PRELU does that.

    One number is LeakyRelu's. With slopes of other shapes that kernel is wrong or aborts.
    """
    kind, slopes = b.type(x), b.type(slope)
    if kind.dtype.is_float and slopes.constant is not None:
        if slopes.size == 1:
            return b.LeakyRelu(x, alpha=float(slopes.constant.item()))
        if kind.rank == 4 and slopes.size == kind.shape[1]:
            whole = (1,) * (4 - slopes.rank) + tuple(slopes.shape)
            if whole[1] == kind.shape[1]:
                return None
    made: Value = b.Where(b.Less(x, b.constant(0, b.type(x).dtype)), b.Mul(x, slope), x)
    return made


@composed("Relu")
def relu(b: GraphBuilder, _: Any, x: Value) -> Value | None:
    """For integers, of which the builtin takes none: a maximum."""
    if b.type(x).dtype.is_float:
        return None
    made: Value = b.Max(x, b.constant(0, b.type(x).dtype))
    return made


@composed("LeakyRelu")
def leaky_relu(b: GraphBuilder, operator: Any, x: Value) -> Value | None:
    """For a steep tail, which the builtin takes for a maximum: a choice."""
    if 0 <= operator.alpha <= 1:
        return None
    zero = b.constant(0.0, b.type(x).dtype)
    made: Value = b.Where(b.Less(x, zero), b.Mul(x, operator.alpha), x)
    return made


_ERF_NUMERATOR: Final = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
_ERF_DENOMINATOR: Final = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)


@composed("Erf")
def erf(b: GraphBuilder, _: Any, x: Value) -> Value:
    """X * P(x²) / Q(x²) within -4 … 4: the rational approximation that Eigen has for float32."""
    x = b.Max(b.Min(x, 4.0), -4.0)
    square = b.Mul(x, x)

    def polynomial(coefficients: tuple[float, ...]) -> Any:
        made = b.Add(b.Mul(square, coefficients[0]), coefficients[1])
        for one in coefficients[2:]:
            made = b.Add(b.Mul(made, square), one)
        return made

    top, bottom = polynomial(_ERF_NUMERATOR), polynomial(_ERF_DENOMINATOR)
    made: Value = b.Div(b.Mul(x, top), bottom)
    return made
