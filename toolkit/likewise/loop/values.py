"""Handles on values: what the Python code that writes loop IR computes with.

`a + b`, `a < b` and the like append operations to the function being written. A Python number
beside a handle takes the handle's type. `==` is Python's own; comparing values is `a.eq(b)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.nodes import Const, Operand, Ref, const_lanes

if TYPE_CHECKING:
    from likewise.loop.builder import FunctionBuilder
    from likewise.loop.types import Type

__all__ = ["Number", "Value", "ValueLike"]

Number = int | float | bool


class Value:
    """One value of the function that `builder` writes."""

    __slots__ = ("builder", "node", "type")

    def __init__(self, builder: FunctionBuilder, node: Operand, type_: Type) -> None:
        self.builder = builder
        self.node = node
        self.type = type_

    def __repr__(self) -> str:
        if isinstance(self.node, Ref):
            return f"%{self.node.id}: {self.type}"
        return f"{const_lanes(self.node)}: {self.type}"

    def __bool__(self) -> bool:
        """Refused: Python's own `if` cannot wait for the program to run."""
        raise self.builder.fault(
            "a loop-IR value has no truth while the program is being written",
            given=self,
            hint="use b.if_(condition) or b.select(condition, a, b)",
        )

    @property
    def constant(self) -> Number | None:
        """The number this is known to be (the first lane's), or None."""
        return const_lanes(self.node)[0] if isinstance(self.node, Const) else None

    def _binary(self, op: str, other: ValueLike, *, swap: bool = False) -> Value:
        right = self.builder.value(other, self.type)
        pair = (right, self) if swap else (self, right)
        return self.builder.apply(op, *pair)

    def __add__(self, other: ValueLike) -> Value:
        return self._binary("add", other)

    def __radd__(self, other: ValueLike) -> Value:
        return self._binary("add", other, swap=True)

    def __sub__(self, other: ValueLike) -> Value:
        return self._binary("sub", other)

    def __rsub__(self, other: ValueLike) -> Value:
        return self._binary("sub", other, swap=True)

    def __mul__(self, other: ValueLike) -> Value:
        return self._binary("mul", other)

    def __rmul__(self, other: ValueLike) -> Value:
        return self._binary("mul", other, swap=True)

    def __truediv__(self, other: ValueLike) -> Value:
        """Division of floats; integers have `div`, `//` and `%`."""
        return self.builder.divide(self, self.builder.value(other, self.type))

    def __rtruediv__(self, other: ValueLike) -> Value:
        return self.builder.divide(self.builder.value(other, self.type), self)

    def __floordiv__(self, other: ValueLike) -> Value:
        """Integer division rounding down."""
        return self.builder.floor_divide(self, self.builder.value(other, self.type))

    def __mod__(self, other: ValueLike) -> Value:
        """The remainder of `//`: it has the divisor's sign."""
        return self.builder.floor_remainder(self, self.builder.value(other, self.type))

    def div(self, other: ValueLike) -> Value:
        """Integer division truncating towards zero; by zero it gives 0."""
        return self._binary("div", other)

    def rem(self, other: ValueLike) -> Value:
        """The remainder of `div`: it has the dividend's sign; by zero it gives 0."""
        return self._binary("rem", other)

    def __neg__(self) -> Value:
        return self.builder.apply("neg", self)

    def __abs__(self) -> Value:
        return self.builder.apply("abs", self)

    def __invert__(self) -> Value:
        return self.builder.apply("not", self)

    def __and__(self, other: ValueLike) -> Value:
        return self._binary("and", other)

    def __or__(self, other: ValueLike) -> Value:
        return self._binary("or", other)

    def __xor__(self, other: ValueLike) -> Value:
        return self._binary("xor", other)

    def __lshift__(self, other: ValueLike) -> Value:
        return self.builder.shift("shl", self, other)

    def __rshift__(self, other: ValueLike) -> Value:
        """Shift right: signed values keep their sign."""
        return self.builder.shift("shr", self, other)

    def __lt__(self, other: ValueLike) -> Value:
        return self._binary("lt", other)

    def __le__(self, other: ValueLike) -> Value:
        return self._binary("le", other)

    def __gt__(self, other: ValueLike) -> Value:
        return self._binary("gt", other)

    def __ge__(self, other: ValueLike) -> Value:
        return self._binary("ge", other)

    def eq(self, other: ValueLike) -> Value:
        """Equal, lane by lane."""
        return self._binary("eq", other)

    def ne(self, other: ValueLike) -> Value:
        """Not equal, lane by lane; true where either is NaN."""
        return self._binary("ne", other)

    def cast(self, target: Type) -> Value:
        """Convert the number; see `likewise.loop.operations` for the corners."""
        return self.builder.cast(self, target)

    def bitcast(self, target: Type) -> Value:
        """The same bits as another type."""
        return self.builder.bitcast(self, target)

    def lane(self, index: int) -> Value:
        """One lane of a vector as a scalar."""
        return self.builder.apply("extract", self, immediate=(index,))

    def range(self) -> tuple[int, int]:
        """The least and greatest value that an i32 can have here, as far as known."""
        return self.builder.facts.range(self.node)


ValueLike = Value | int | float | bool
