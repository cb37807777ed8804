"""Trigonometric and hyperbolic functions from SIN, COS, ATAN2, EXP and LOG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from likewise.targets.litert.compositions import composed

if TYPE_CHECKING:
    from likewise.ir import Value
    from likewise.ops.build import GraphBuilder


@composed("Tan")
def tan(b: GraphBuilder, _: Any, x: Value) -> Value:
    """Sin / cos."""
    made: Value = b.Div(b.Sin(x), b.Cos(x))
    return made


def _halves(b: GraphBuilder, x: Value) -> tuple[Value, Value]:
    return b.Mul(b.Exp(x), 0.5), b.Mul(b.Exp(b.Neg(x)), 0.5)


@composed("Cosh")
def cosh(b: GraphBuilder, _: Any, x: Value) -> Value:
    """(e^x + e^-x) / 2."""
    made: Value = b.Add(*_halves(b, x))
    return made


@composed("Sinh")
def sinh(b: GraphBuilder, _: Any, x: Value) -> Value:
    """(e^x - e^-x) / 2."""
    made: Value = b.Sub(*_halves(b, x))
    return made


@composed("Acosh")
def acosh(b: GraphBuilder, _: Any, x: Value) -> Value:
    """log(x + sqrt((x - 1)(x + 1)))."""
    root = b.Sqrt(b.Mul(b.Sub(x, 1.0), b.Add(x, 1.0)))
    made: Value = b.Log(b.Add(x, root))
    return made


@composed("Asinh")
def asinh(b: GraphBuilder, _: Any, x: Value) -> Value:
    """The sign of x times log(|x| + sqrt(x² + 1))."""
    size = b.Abs(x)
    made: Value = b.Mul(b.Sign(x), b.Log(b.Add(size, b.Sqrt(b.Add(b.Mul(x, x), 1.0)))))
    return made


@composed("Atanh")
def atanh(b: GraphBuilder, _: Any, x: Value) -> Value:
    """log((1 + x) / (1 - x)) / 2."""
    made: Value = b.Mul(
        b.Log(b.Div(b.Add(x, 1.0), b.Sub(b.constant(1.0, b.type(x).dtype), x))), 0.5
    )
    return made


@composed("Mod")
def mod(b: GraphBuilder, operator: Any, x: Value, y: Value) -> Value | None:
    """fmod: FLOOR_MOD of the sizes with the sign of the dividend."""
    if not operator.fmod:
        return None
    kind = b.type(x).dtype
    rest = b.Mod(b.Abs(x), b.Abs(y))
    made: Value = b.Where(b.Less(x, b.constant(0, kind)), b.Neg(rest), rest)
    return made
