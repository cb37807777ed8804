"""The exact remainder of floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from likewise.loop.builder import FunctionBuilder
    from likewise.loop.values import Value

__all__ = ["fmod"]


def fmod(b: FunctionBuilder, x: Value, y: Value) -> Value:
    """X - trunc(x / y) * y without any rounding, of the sign of x; NaN for y = 0 or infinite x.

    Long division: the divisor is doubled up to x, then subtracted on its way back. It takes as
    many rounds as the quotient has bits, and takes scalars only.
    """
    if x.type.is_vector:
        raise b.fault("a remainder of floats is computed one by one", given=x.type)
    size, divisor = abs(x), abs(y)
    infinity = float("inf")
    simple = ~((size < infinity) & (divisor > 0.0) & (divisor < infinity))
    divisor = b.select(simple, 1.0, divisor)
    rest = b.var(b.select(simple, 0.0, size))
    multiple = b.var(divisor)
    with b.while_(lambda: multiple.get() <= rest.get() * 0.5):
        multiple.set(multiple.get() * 2.0)
    with b.while_(lambda: multiple.get() >= divisor):
        now, step = rest.get(), multiple.get()
        rest.set(b.select(now >= step, now - step, now))
        multiple.set(step * 0.5)
    found = b.apply("copysign", rest.get(), x)
    whole = (size < infinity) & abs(y).eq(infinity)
    special = b.select(whole, x, b.const(float("nan"), x.type))
    return b.select(simple, special, found)
