"""The operations of a function builder: typed, simplified, shared, moved out of loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.affine import Affine, IndexFacts
from likewise.loop.constants import constant, fold_integers, splat_constant, vector_constant
from likewise.loop.nodes import Const, Ref, const_lanes
from likewise.loop.operations import COMPARISONS, result_type, type_code
from likewise.loop.scopes import Scopes
from likewise.loop.types import BOOL, I32, U32, LoopError, Type
from likewise.loop.values import Number, Value, ValueLike

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Arithmetic"]


class Arithmetic:
    """Base of `FunctionBuilder`: everything that only computes values."""

    def __init__(self) -> None:
        self.scopes = Scopes()
        self.facts = IndexFacts()
        self._next = 0
        self._types: dict[tuple[str, tuple[Type, ...], tuple[int, ...]], Type] = {}

    def fault(
        self, what: str, *, given: object = None, allowed: object = None, hint: str | None = None
    ) -> LoopError:
        raise NotImplementedError

    def fresh_id(self) -> int:
        self._next += 1
        return self._next - 1

    def fresh(self, one: Type) -> Ref:
        """A new value bound in the innermost block."""
        ref = Ref(self.fresh_id(), one)
        self.scopes.home[ref.id] = self.scopes.top
        return ref

    def value(self, given: ValueLike, one: Type) -> Value:
        """`given` itself, or a number as a constant of type `one`."""
        if isinstance(given, Value):
            return given
        return self.const(given, one)

    def const(self, number: Number, one: Type) -> Value:
        """A constant, the same in every lane; integers wrap to their width."""
        if isinstance(number, float) and not one.is_float:
            raise self.fault(f"a float beside a value of {one}", given=number)
        return Value(self, constant(number, one), one)  # type: ignore[arg-type]

    def vector(self, numbers: Sequence[float], one: Type) -> Value:
        """A vector constant, lane 0 first."""
        return Value(self, vector_constant(numbers, one), one)  # type: ignore[arg-type]

    def _require(self, *values: Value) -> None:
        """Every operand must belong to this function and to a block that is still open."""
        for one in values:
            if one.builder is not self:
                raise self.fault("a value of another function", given=one)
            if not self.scopes.visible(one.node):
                raise self.fault("a value is used outside the block that bound it", given=one)

    def apply(self, op: str, *args: Value, immediate: tuple[int, ...] = ()) -> Value:
        """Append a pure operation; equal ones are made once, invariant ones before the loop."""
        types = tuple(one.type for one in args)
        result = self._types.get((op, types, immediate))
        if result is None:
            try:
                result = result_type(op, types, immediate)
            except LoopError as error:
                where = self.fault("").where
                raise error.at(*where) from None
            self._types[op, types, immediate] = result
        self._require(*args)
        simpler = self._simplify(op, args, result)
        if simpler is not None:
            return simpler
        key = (op, result, tuple(one.node for one in args), immediate)
        ref = self.scopes.find(key)
        if ref is None:
            ref, node = self.scopes.bind(key, self.fresh_id())
            self.facts.definitions[ref.id] = node
            if result is I32:
                form = self.facts.affine(ref)
                if len(form.terms) <= 1 and form != Affine(0, ((ref.id, 1),)):
                    reduced = self._reduced(form)
                    return self._wrap(ref) if reduced is None else reduced
        return self._wrap(ref)

    def _wrap(self, ref: Ref) -> Value:
        return Value(self, ref, ref.type)  # type: ignore[arg-type]

    def _reduced(self, form: Affine) -> Value | None:
        """A sum that turned out to be a constant or another value."""
        if not form.terms:
            return self.const(form.constant, I32)
        if form.constant == 0 and form.terms[0][1] == 1:
            return self._wrap(Ref(form.terms[0][0], I32))
        return None

    def _simplify(self, op: str, args: tuple[Value, ...], result: Type) -> Value | None:
        nodes = [one.node for one in args]
        if result.lanes == 1 and result.is_int and all(isinstance(one, Const) for one in nodes):
            numbers = [int(const_lanes(one)[0]) for one in nodes if isinstance(one, Const)]
            if len({one.type for one in args}) == 1:
                folded = fold_integers(op, result, numbers)
                if folded is not None:
                    return Value(self, folded, result)  # type: ignore[arg-type]
        if op == "select" and isinstance(nodes[0], Const) and args[0].type is BOOL:
            return args[1] if nodes[0].bits else args[2]
        if op == "select" and nodes[1] == nodes[2]:
            return args[1]
        if op in ("and", "or") and result is BOOL:
            return _simplify_truth(op, args)
        if op in COMPARISONS and args[0].type is I32:
            known = _decide(op, args[0].range(), args[1].range())
            if known is not None:
                return self.const(known, BOOL)
        return _simplify_identity(op, args, result)

    # Conversions

    def cast(self, value: Value, target: Type) -> Value:
        """Convert the number to another type of as many lanes."""
        if value.type is target:
            return value
        number = value.constant
        if number is not None and not value.type.is_vector and abs(number) <= 2**24:
            if value.type.is_int and target.kind in "iuf":
                return self.const(number, target)
            if value.type.is_bool and target.kind in "iuf":
                return self.const(int(number), target)
        return self.apply("cast", value, immediate=(type_code(target),))

    def bitcast(self, value: Value, target: Type) -> Value:
        """The same bits as another type."""
        if value.type is target:
            return value
        if isinstance(value.node, Const) and not value.type.is_bool and not target.is_bool:
            return Value(self, Const(target, value.node.bits), target)  # type: ignore[arg-type]
        return self.apply("bitcast", value, immediate=(type_code(target),))

    def splat(self, value: ValueLike, target: Type) -> Value:
        """A scalar in every lane of the vector type `target`; for a scalar target the value."""
        found = self.value(value, target.register)
        if target.lanes == 1 or found.type is target:
            return found
        if isinstance(found.node, Const):
            return Value(self, splat_constant(found.node, target), target)  # type: ignore[arg-type]
        return self.apply("splat", found, immediate=(type_code(target),))

    # Arithmetic with more to it than one operation

    def shift(self, op: str, value: Value, count: ValueLike) -> Value:
        """Shift by a count of i32, u32 or the value's own type."""
        kind = U32 if value.type.is_vector else value.type
        return self.apply(op, value, self.value(count, kind))

    def divide(self, left: Value, right: Value) -> Value:
        if not left.type.is_float:
            raise self.fault("`/` divides floats", given=left.type, hint="use //, % or .div()")
        return self.apply("div", left, right)

    def _divided(self, left: Value, divisor: int) -> tuple[Affine, Affine]:
        """Left = divisor * first + second, with as much as possible in the first."""
        form = self.facts.affine(left.node)
        whole, rest = divmod(form.constant, divisor)
        first = tuple((one, n // divisor) for one, n in form.terms if n % divisor == 0)
        second = tuple((one, n) for one, n in form.terms if n % divisor)
        return Affine(whole, first), Affine(rest, second)

    def from_form(self, form: Affine) -> Value:
        """The i32 value of an affine form."""
        total: Value | None = None
        for one, times in form.terms:
            term = self._wrap(Ref(one, I32)) * times
            total = term if total is None else total + term
        if total is None:
            return self.const(form.constant, I32)
        return total + form.constant

    def floor_divide(self, left: Value, right: Value) -> Value:
        divisor = right.constant
        if left.type is I32 and divisor is not None and divisor > 0:
            whole, rest = self._divided(left, int(divisor))
            low, high = self.facts.range_of_form(rest)
            if low >= 0 and high < divisor:
                return self.from_form(whole)
            if low >= 0:
                part = self.apply("div", self.from_form(rest), right)
                return self.from_form(whole) + part
        quotient = left.div(right)
        if left.type.kind != "i":
            return quotient
        if left.type is I32 and left.range()[0] >= 0 and right.range()[0] >= 0:
            return quotient
        remainder = left.rem(right)
        wrong = remainder.ne(0) & ((remainder ^ right) < 0)
        return self.select(wrong, quotient - 1, quotient)

    def floor_remainder(self, left: Value, right: Value) -> Value:
        divisor = right.constant
        if left.type is I32 and divisor is not None and divisor > 0:
            _, rest = self._divided(left, int(divisor))
            low, high = self.facts.range_of_form(rest)
            if low >= 0:
                found = self.from_form(rest)
                return found if high < divisor else found.rem(right)
        remainder = left.rem(right)
        if left.type.kind != "i":
            return remainder
        if left.type is I32 and left.range()[0] >= 0 and right.range()[0] >= 0:
            return remainder
        wrong = remainder.ne(0) & ((remainder ^ right) < 0)
        return self.select(wrong, remainder + right, remainder)

    def select(self, condition: Value, yes: ValueLike, no: ValueLike) -> Value:
        """`yes` where the condition holds, else `no`; a mask chooses lane by lane."""
        if not isinstance(yes, Value):
            if not isinstance(no, Value):
                raise self.fault("select between two numbers: make one a value with b.const")
            yes = self.const(yes, no.type)
        return self.apply("select", condition, yes, self.value(no, yes.type))

    def min(self, left: Value, right: ValueLike) -> Value:
        """The lesser; NaN if either is NaN; -0.0 is below 0.0."""
        return self.apply("min", left, self.value(right, left.type))

    def max(self, left: Value, right: ValueLike) -> Value:
        """The greater; NaN if either is NaN; 0.0 is above -0.0."""
        return self.apply("max", left, self.value(right, left.type))

    def madd(self, left: Value, right: ValueLike, addend: ValueLike) -> Value:
        """Left * right + addend; in fast numerics a vector may round once."""
        one = left.type
        return self.apply("madd", left, self.value(right, one), self.value(addend, one))

    def nmadd(self, left: Value, right: ValueLike, minuend: ValueLike) -> Value:
        """Minuend - left * right; in fast numerics a vector may round once."""
        one = left.type
        return self.apply("nmadd", left, self.value(right, one), self.value(minuend, one))

    def shuffle(self, left: Value, right: Value, lanes: Sequence[int]) -> Value:
        """Lanes of two vectors; those of the second are numbered on from the first's."""
        return self.apply("shuffle", left, right, immediate=tuple(lanes))

    def with_lane(self, vector: Value, lane: int, value: Value) -> Value:
        """The vector with one lane replaced."""
        return self.apply("replace", vector, value, immediate=(lane,))

    def sqrt(self, value: Value) -> Value:
        """The square root; NaN below -0.0."""
        return self.apply("sqrt", value)


def _simplify_truth(op: str, args: tuple[Value, ...]) -> Value | None:
    for one, other in (args, args[::-1]):
        if isinstance(one.node, Const):
            if op == "and":
                return other if one.node.bits else one
            return one if one.node.bits else other
    return None


def _decide(op: str, left: tuple[int, int], right: tuple[int, int]) -> bool | None:
    """The outcome of a comparison that the ranges decide, or None."""
    if op in ("gt", "le"):
        found = _decide("lt", right, left)
        return found if op == "gt" or found is None else not found
    if op in ("lt", "ge"):
        if left[1] < right[0]:
            return op == "lt"
        if left[0] >= right[1]:
            return op == "ge"
        return None
    apart = left[1] < right[0] or right[1] < left[0]
    return (op == "ne") if apart else None


def _simplify_identity(op: str, args: tuple[Value, ...], result: Type) -> Value | None:
    """X + 0, x * 1, x << 0, x & -1 and their like for integers; x and itself."""
    if len(args) != 2 or not result.is_int:
        return None
    left, right = args
    if op in ("add", "or", "xor") and left.constant == 0 and left.type is result:
        return right
    if not isinstance(right.node, Const) or result.is_vector:
        return None
    number = right.constant
    if op in ("add", "sub", "or", "xor", "shl", "shr") and number == 0:
        return left
    if op in ("mul", "div") and number == 1:
        return left
    return None
