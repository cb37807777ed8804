"""What is known of 32-bit index arithmetic: affine forms and value ranges.

The builder uses it to simplify division and remainder of indices, the emitters to turn an
address into a base register and an immediate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from likewise.loop.nodes import Apply, Const, Expr, Load, Operand, Ref, const_lanes
from likewise.loop.types import I32

__all__ = ["Affine", "IndexFacts", "Range"]

Range = tuple[int, int]
_LEAST, _GREATEST = -(2**31), 2**31 - 1
_ANY: Range = (_LEAST, _GREATEST)


@dataclass(frozen=True, slots=True)
class Affine:
    """constant + sum of coefficient * value(id); the terms are sorted by id, none is zero."""

    constant: int
    terms: tuple[tuple[int, int], ...]

    def scaled(self, factor: int) -> Affine:
        if factor == 0:
            return Affine(0, ())
        return Affine(
            self.constant * factor, tuple((one, times * factor) for one, times in self.terms)
        )

    def plus(self, other: Affine, sign: int = 1) -> Affine:
        constant = self.constant + sign * other.constant
        if not other.terms:
            return Affine(constant, self.terms)
        total = dict(self.terms)
        for one, times in other.terms:
            total[one] = total.get(one, 0) + sign * times
        return Affine(constant, tuple(sorted((one, n) for one, n in total.items() if n)))

    def coefficient(self, identity: int) -> int:
        """The factor of one value, 0 where it does not occur."""
        return next((times for one, times in self.terms if one == identity), 0)


@dataclass(slots=True)
class IndexFacts:
    """Facts about the i32 values of one function, worked out when asked for and kept."""

    definitions: dict[int, Expr] = field(default_factory=dict)
    ranges: dict[int, Range] = field(default_factory=dict)
    _forms: dict[int, Affine] = field(default_factory=dict)

    def affine(self, operand: Operand) -> Affine:
        """The operand as an affine form over values that are not themselves sums."""
        if isinstance(operand, Const):
            return Affine(int(const_lanes(operand)[0]), ())
        found = self._forms.get(operand.id)
        if found is None:
            found = self._derive(operand)
            self._forms[operand.id] = found
        return found

    def _derive(self, ref: Ref) -> Affine:
        made = self.definitions.get(ref.id)
        if isinstance(made, Apply) and ref.type is I32:
            if made.op in ("add", "sub"):
                left, right = (self.affine(one) for one in made.args)
                return left.plus(right, 1 if made.op == "add" else -1)
            if made.op == "mul":
                left, right = (self.affine(one) for one in made.args)
                if not right.terms:
                    return left.scaled(right.constant)
                if not left.terms:
                    return right.scaled(left.constant)
            if made.op == "shl" and isinstance(made.args[1], Const):
                count = int(const_lanes(made.args[1])[0]) & 31
                return self.affine(made.args[0]).scaled(1 << count)
            if made.op == "neg":
                return self.affine(made.args[0]).scaled(-1)
        return Affine(0, ((ref.id, 1),))

    def range(self, operand: Operand) -> Range:
        """The least and greatest value that an i32 operand can have, as far as known."""
        if isinstance(operand, Const):
            value = int(const_lanes(operand)[0])
            return value, value
        found = self.ranges.get(operand.id)
        if found is None:
            found = self._bound(operand)
            self.ranges[operand.id] = found
        return found

    def range_of_form(self, form: Affine) -> Range:
        """The range of an affine form; everything where it may wrap."""
        low = high = form.constant
        for one, times in form.terms:
            least, greatest = self.range(Ref(one, I32))
            ends = (least * times, greatest * times)
            low, high = low + min(ends), high + max(ends)
        return (low, high) if low >= _LEAST and high <= _GREATEST else _ANY

    def _bound(self, ref: Ref) -> Range:
        made = self.definitions.get(ref.id)
        if isinstance(made, Load):
            if made.memory.storage.bytes == 1 and made.memory.storage.name != "i8":
                return 0, 255
            return _ANY
        if not isinstance(made, Apply) or ref.type is not I32:
            return _ANY
        form = self.affine(ref)
        if form.terms != ((ref.id, 1),):
            return self.range_of_form(form)
        bounds = [self.range(one) if one.type is I32 else _ANY for one in made.args]
        return _bound_apply(made, bounds)


def _bound_apply(made: Apply, bounds: list[Range]) -> Range:
    """The range of an operation that is not affine."""
    if made.op == "select":
        return min(bounds[1][0], bounds[2][0]), max(bounds[1][1], bounds[2][1])
    if made.op == "min":
        return min(bounds[0][0], bounds[1][0]), min(bounds[0][1], bounds[1][1])
    if made.op == "max":
        return max(bounds[0][0], bounds[1][0]), max(bounds[0][1], bounds[1][1])
    if len(bounds) != 2 or bounds[0][0] < 0 or bounds[1][0] < 0:
        return _ANY
    (low, high), (least, greatest) = bounds
    if made.op == "div":
        return 0 if least != greatest or least == 0 else low // least, high
    if made.op == "rem":
        return 0, max(min(high, greatest - 1), 0)
    if made.op == "and":
        return 0, min(high, greatest)
    if made.op == "shr":
        return 0, high
    if made.op == "mul" and high * greatest <= _GREATEST:
        return low * least, high * greatest
    return _ANY
