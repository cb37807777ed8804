"""What the transcendental functions are written from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from likewise.loop.builder import FunctionBuilder
from likewise.loop.types import F32, F64, I32, I64, Type, scalar_or_vector
from likewise.loop.values import Value

if TYPE_CHECKING:
    from likewise.loop.arithmetic import Arithmetic

__all__ = [
    "FUNCTIONS",
    "Transcendental",
    "Writer",
    "accurate",
    "bits_of",
    "float_of_integer",
    "in_double",
    "integer_type",
    "is_double",
    "polynomial",
    "power_of_two",
    "round_to_integer",
]

Writer = Callable[[FunctionBuilder, Value], Value]


@dataclass(frozen=True, slots=True)
class Transcendental:
    """A function of one float, scalar or vector; `f32` and `f64` bound its error in ULP.

    The bounds hold for every finite argument, in strict and in fast numerics.
    """

    name: str
    write: Writer
    f32: float
    f64: float


FUNCTIONS: Final[dict[str, Transcendental]] = {}


W = TypeVar("W", bound=Writer)


def accurate(*, f32: float, f64: float) -> Callable[[W], W]:
    """Declare a function's accuracy; a test holds it to that over its whole range."""

    def declare(write: W) -> W:
        FUNCTIONS[write.__name__] = Transcendental(write.__name__, write, f32, f64)
        return write

    return declare


def is_double(x: Value) -> bool:
    """Whether it is of f64."""
    return x.type.bits == 64


def integer_type(x: Value) -> Type:
    """The signed integer as wide as the float."""
    return scalar_or_vector(I64 if is_double(x) else I32, x.type.lanes)


def bits_of(x: Value) -> Value:
    """The bits of a float as a signed integer."""
    return x.bitcast(integer_type(x))


def polynomial(b: Arithmetic, x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's scheme, the highest power's coefficient first."""
    total = b.const(coefficients[0], x.type)
    for coefficient in coefficients[1:]:
        total = b.madd(total, x, coefficient)
    return total


def _magic(x: Value) -> float:
    """Adding 1.5 * 2^p leaves a number's integer part, rounded, in the low bits."""
    return 1.5 * 2.0 ** (52 if is_double(x) else 23)


def round_to_integer(b: Arithmetic, x: Value) -> tuple[Value, Value]:
    """The nearest integer as a float and as an integer, for |x| below 2^21 (2^50 for f64)."""
    magic = b.const(_magic(x), x.type)
    shifted = x + magic
    return shifted - magic, bits_of(shifted) - bits_of(magic)


def float_of_integer(b: Arithmetic, n: Value, like: Value) -> Value:
    """An integer of at most 21 bits (50 for f64) as a float of the type of `like`."""
    magic = b.const(_magic(like), like.type)
    return (n + bits_of(magic)).bitcast(like.type) - magic


def power_of_two(_: Arithmetic, n: Value, like: Value) -> Value:
    """2^n for an n whose result is normal."""
    bias, shift = (1023, 52) if is_double(like) else (127, 23)
    return ((n + bias) << shift).bitcast(like.type)


def in_double(b: Arithmetic, function: Callable[..., Value], *values: Value) -> Value:
    """function(values…, largest) of f64, or of f32 computed in f64 and rounded once.

    `largest` is the exponent that bounds what the values may be: they are below 2^largest.
    """
    first = values[0]
    if is_double(first):
        return function(*values, 1024)
    if not first.type.is_vector:
        return function(*(one.cast(F64) for one in values), 128).cast(F32)
    halves: list[Value] = []
    for order in ((0, 1, 2, 3), (2, 3, 0, 1)):
        parts = [b.apply("widen_low", b.shuffle(one, one, order)) for one in values]
        halves.append(b.apply("demote", function(*parts, 128)))
    return b.shuffle(halves[0], halves[1], (0, 1, 4, 5))
