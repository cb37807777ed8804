"""Steps element by element, reductions, casts and what orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.ir import DType
from tests.random_graphs.writer import FLOATS, INTEGERS, Step, dtype_of, shape_of

if TYPE_CHECKING:
    from likewise.ir import Value
    from tests.random_graphs.writer import Writer

__all__ = ["ELEMENTWISE", "REDUCTIONS", "smooth"]

NUMBERS = (*FLOATS, *INTEGERS)
SMOOTH = [
    "Relu",
    "Sigmoid",
    "Tanh",
    "Erf",
    "Gelu",
    "HardSwish",
    "HardSigmoid",
    "LeakyRelu",
    "Elu",
    "Selu",
    "Celu",
    "Softplus",
    "Softsign",
    "Mish",
    "Sin",
    "Cos",
    "Atan",
    "Neg",
    "Abs",
    "Asinh",
    "Swish",
]
"""Functions without a jump that take any number."""


def exact_arithmetic(w: Writer, x: Value) -> Any:
    return w.b.op(w.pick(["Add", "Sub", "Max", "Min"]), x, w.other(x))


def scaled(w: Writer, x: Value) -> Any:
    return w.b.Mul(x, 2.0 if w.flag() else -3.0)


def product(w: Writer, x: Value) -> Any:
    return w.b.Mul(x, w.other(x))


def quotient(w: Writer, x: Value) -> Any:
    return w.b.Div(x, w.b.Add(w.b.Abs(w.other(x)), 1.0))


def several(w: Writer, x: Value) -> Any:
    return w.b.op(w.pick(["Sum", "Mean", "Max", "Min"]), x, w.other(x), w.other(x))


def negated(w: Writer, x: Value) -> Any:
    signed = dtype_of(x) is not DType.UINT8
    return w.b.op(w.pick(["Neg", "Abs", "Identity"] if signed else ["Abs", "Identity"]), x)


def clipped(w: Writer, x: Value) -> Any:
    dtype = dtype_of(x)
    low, high = (w.b.constant(np.array(n, dtype.numpy)) for n in (1, 4))
    if w.flag():
        return w.b.Clip(x, low, high)
    return w.b.Clip(x, None, high) if w.flag() else w.b.Clip(x, low)


def smooth(w: Writer, x: Value) -> Any:
    return w.b.op(w.pick(SMOOTH), x)


def defined(w: Writer, x: Value) -> Any:
    """A function that not every number has, of numbers that have it."""
    far, near = w.b.Add(w.b.Abs(x), 0.5), w.b.Mul(w.b.Tanh(x), 0.75)
    name = w.pick(["Sqrt", "Log", "Reciprocal", "Exp", "Acosh", "Asin", "Acos", "Atanh", "Tan"])
    if name in ("Sqrt", "Log", "Reciprocal"):
        return w.b.op(name, far)
    return w.b.op(name, w.b.Add(far, 1.0) if name == "Acosh" else near)


def undefined(w: Writer, x: Value) -> Any:
    """Functions of whatever comes, where special values may come of it; without these, sign tests.

    Only for exact values: near a pole no two ways of computing agree.
    """
    if not w.special:
        return w.b.op("Sign", x)
    if w.flag():
        return w.b.Div(x, w.other(x))
    return w.b.op(w.pick(["Sqrt", "Log", "Reciprocal", "Exp", "IsNaN", "IsInf"]), x)


def power(w: Writer, x: Value) -> Any:
    exponent = w.pick([2.0, 3.0, 0.5])
    return w.b.Pow(w.b.Add(w.b.Abs(x), 0.5) if exponent == 0.5 else x, exponent)


def slope(w: Writer, x: Value) -> Any:
    return w.b.PRelu(x, w.other(x))


def rounded(w: Writer, x: Value) -> Any:
    """Of halves, where rounding goes to even."""
    half = w.b.Mul(x, 0.5)
    return w.b.op(w.pick(["Round", "Floor", "Ceil", "Sign", "ThresholdedRelu"]), half)


def compared(w: Writer, x: Value) -> Any:
    names = ["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"]
    return w.b.op(w.pick(names), x, w.other(x))


def logic(w: Writer, x: Value) -> Any:
    name = w.pick(["Not", "And", "Or", "Xor"])
    return w.b.Not(x) if name == "Not" else w.b.op(name, x, w.other(x))


def integer_arithmetic(w: Writer, x: Value) -> Any:
    """Overflow wraps, divisors may be negative."""
    name = w.pick(["Add", "Sub", "Mul", "Max", "Min", "BitwiseAnd", "BitwiseXor", "Div", "Mod"])
    if name in ("Div", "Mod"):
        array = w.array(shape_of(x), dtype_of(x))
        return w.b.op(name, x, w.b.constant(np.where(array == 0, array.dtype.type(3), array)))
    return w.b.op(name, x, w.other(x))


def cast(w: Writer, x: Value) -> Any:
    """Between integers, and from them: what is wide wraps, but a float is to hold it."""
    to = w.pick([*INTEGERS, DType.FLOAT, DType.BOOL])
    wide = to is DType.FLOAT and dtype_of(x) in (DType.INT32, DType.INT64)
    return w.b.Cast(w.b.Mod(x, 1000) if wide else x, to=to)


def cast_float(w: Writer, x: Value) -> Any:
    return w.b.Cast(x, to=w.pick([DType.FLOAT, DType.DOUBLE]))


def cast_whole(w: Writer, x: Value) -> Any:
    return w.b.Cast(x, to=w.pick([DType.INT32, DType.INT64, DType.BOOL]))


def reduced(w: Writer, x: Value) -> Any:
    names = ["Sum", "Mean", "L1", "L2", "SumSquare", "LogSumExp", "Max", "Min"]
    return _reduced(w, w.pick(names), x)


def product_of_all(w: Writer, x: Value) -> Any:
    return _reduced(w, "Prod", w.b.Tanh(x))


def one_hot(w: Writer, x: Value) -> Any:
    """Numbers outside the depth have no hot place."""
    values = w.b.constant(np.array([w.pick([0, -1]), 3], np.float32))
    depth = w.b.constant(np.array(w.whole(1, 6)))
    return w.b.OneHot(x, depth, values, axis=w.whole(-1, len(shape_of(x))))


def integers_reduced(w: Writer, x: Value) -> Any:
    return _reduced(w, w.pick(["Sum", "Max", "Min"]), x)


def extreme(w: Writer, x: Value) -> Any:
    return _reduced(w, w.pick(["Max", "Min"]), x)


def _reduced(w: Writer, name: str, x: Value) -> Any:
    axes = w.axes(x)
    signs = [axis - len(shape_of(x)) if w.flag() else axis for axis in axes]
    return w.b.op(f"Reduce{name}", x, w.b.ints(*signs), keepdims=int(w.flag()))


def accumulated(w: Writer, x: Value) -> Any:
    axis = w.b.constant(np.array(w.axis(x), np.int64))
    return w.b.CumSum(x, axis, exclusive=int(w.flag()), reverse=int(w.flag()))


def place(w: Writer, x: Value) -> Any:
    name = w.pick(["ArgMax", "ArgMin"])
    options: dict[str, Any] = {"keepdims": int(w.flag()), "select_last_index": int(w.flag())}
    return w.b.op(name, x, axis=w.axis(x), **options)


def largest(w: Writer, x: Value) -> Any:
    axis = w.axis(x)
    k = w.b.ints(w.whole(1, shape_of(x)[axis]))
    return w.b.TopK(x, k, axis=axis, largest=int(w.flag()), outputs=2)


ELEMENTWISE = (
    Step(exact_arithmetic, FLOATS, exact="keeps"),
    Step(scaled, FLOATS, exact="keeps"),
    Step(product, FLOATS),
    Step(quotient, FLOATS),
    Step(several, FLOATS),
    Step(negated, NUMBERS, exact="keeps"),
    Step(clipped, NUMBERS, exact="keeps"),
    Step(smooth, FLOATS),
    Step(smooth, FLOATS),
    Step(defined, FLOATS),
    Step(power, FLOATS),
    Step(slope, FLOATS),
    Step(rounded, FLOATS, exact="needs"),
    Step(compared, NUMBERS, exact="needs"),
    Step(logic, (DType.BOOL,)),
    Step(integer_arithmetic, INTEGERS),
    Step(cast, (*INTEGERS, DType.BOOL), exact="keeps"),
    Step(cast_float, (DType.FLOAT, DType.DOUBLE), exact="keeps"),
    Step(cast_whole, FLOATS, exact="needs", numbers=True),
    Step(undefined, FLOATS, exact="spends"),
)
REDUCTIONS = (
    Step(reduced, FLOATS, (1, 4)),
    Step(product_of_all, FLOATS, (1, 4)),
    Step(integers_reduced, (DType.INT32, DType.INT64), (1, 4)),
    Step(extreme, NUMBERS, (1, 4), "keeps"),
    Step(accumulated, (*FLOATS, DType.INT32, DType.INT64), (1, 4)),
    Step(place, NUMBERS, (1, 4), "needs", numbers=True),
    Step(one_hot, (DType.INT32, DType.INT64), (1, 3), "keeps"),
    Step(largest, NUMBERS, (1, 4), "needs", numbers=True),
)
