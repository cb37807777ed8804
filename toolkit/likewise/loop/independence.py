"""Which loops may be shared out among threads: those whose rounds do not know of each other.

Rounds are independent if none touches memory that another writes. The proof is by stripes: take
every access to a memory that is written somewhere, as an affine index. The loop's counter moves all
of them alike, by a stripe a round. What other counters add is either smaller, and stays within
the stripe, or moves by multiples of a distance that is longer than all stripes together. So two
rounds never meet, whatever the other counters are.

Rows with gaps between them, a * (n div w) + b * (n rem w) with a at least b * w, count as b * n:
what is n apart there is at least b * n apart here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from likewise.loop.affine import Affine, IndexFacts
from likewise.loop.nodes import (
    Apply,
    Buffer,
    Call,
    Const,
    Copy,
    DeclareVar,
    Fill,
    For,
    Function,
    If,
    Let,
    Load,
    Memory,
    Operand,
    Read,
    Ref,
    SetVar,
    Statement,
    Store,
    Variable,
    While,
    const_lanes,
)
from likewise.loop.types import I32

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["independent", "loops_of", "within"]


def independent(function: Function, loop: For) -> bool:
    """Whether threads may run parts of `loop`, each with all of the rest of the function.

    What stands outside the loop is then run by every thread: it may not write.
    """
    inside = set(map(id, within((loop,))))
    if any(isinstance(one, Call) for one in within(function.body)):
        return False
    declared = {one.variable for one in within(loop.body) if isinstance(one, DeclareVar)}
    for one in within(loop.body):
        if isinstance(one, SetVar) and one.variable not in declared:
            return False
    found = _accesses(function)
    for memory, sites in found.by_memory.items():
        if isinstance(memory, Buffer):  # which a parameter may be, too
            return False
        if any(one.written for one in sites) and not (
            all(id(one.statement) in inside for one in sites) and _apart(found.facts, sites, loop)
        ):
            return False
    return True


def within(block: tuple[Statement, ...]) -> Iterator[Statement]:
    """Every statement of a block and of the blocks in it."""
    for statement in block:
        yield statement
        match statement:
            case For(body=body):
                yield from within(body)
            case If(then=then, otherwise=otherwise):
                yield from within(then)
                yield from within(otherwise)
            case While(head=head, body=body):
                yield from within(head)
                yield from within(body)
            case _:
                pass


def loops_of(block: tuple[Statement, ...]) -> Iterator[For]:
    """Every counted loop of a block, outer ones first."""
    return (one for one in within(block) if isinstance(one, For))


@dataclass(frozen=True)
class _Site:
    """An access: `extent` neighbouring elements from `form` on."""

    statement: Statement
    form: Affine
    extent: int
    written: bool


@dataclass
class _Accesses:
    facts: IndexFacts = field(default_factory=IndexFacts)
    by_memory: dict[Memory, list[_Site]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, statement: Statement, memory: Memory, index: Operand, extent: int, *, written: bool
    ) -> None:
        self.by_memory[memory].append(_Site(statement, self.facts.affine(index), extent, written))


def _accesses(function: Function) -> _Accesses:
    found = _Accesses()
    facts = found.facts
    for param in function.scalars:
        if param.range is not None:
            facts.ranges[param.id] = param.range
    changed: set[Variable] = {
        one.variable for one in within(function.body) if isinstance(one, SetVar)
    }
    initial: dict[Variable, Operand] = {}
    for one in within(function.body):
        match one:
            case DeclareVar(variable=variable, initial=value):
                initial[variable] = value
            case Let(id=identity, expr=Read(variable=variable)) if (
                variable.type is I32 and variable not in changed
            ):  # another name for what it started as
                facts.definitions[identity] = Apply("add", I32, (initial[variable], _ZERO))
            case Let(id=identity, expr=expr):
                facts.definitions[identity] = expr
                if isinstance(expr, Load):
                    found.add(one, expr.memory, expr.index, expr.type.lanes, written=False)
            case Store(memory=memory, index=index, value=value):
                found.add(one, memory, index, value.type.lanes, written=True)
            case Fill(memory=memory, index=index, count=count):
                found.add(one, memory, index, _most(facts, count), written=True)
            case Copy(target, to, source, start, count):
                found.add(one, target, to, _most(facts, count), written=True)
                found.add(one, source, start, _most(facts, count), written=False)
            case For(id=identity, start=start, stop=stop, step=step):
                low, high = facts.range(start)[0], facts.range(stop)[1]
                rounds = max(0, high - 1 - low) // step
                facts.ranges[identity] = (low, low + rounds * step)
            case _:
                pass
    return found


_ZERO = Const(I32, 0)


def _most(facts: IndexFacts, count: Operand) -> int:
    return facts.range(count)[1]


def _apart(facts: IndexFacts, sites: list[_Site], loop: For) -> bool:
    """Whether accesses of different rounds of `loop` never meet."""
    if _never_meet(facts, sites, loop, far_away=True):
        return True
    closed = [_without_gaps(facts, one.form) for one in sites]
    if None in closed or len({one.shape for one in closed if one}) > 1:
        return False
    pairs = [(site, one) for site, one in zip(sites, closed, strict=True) if one]
    # The n of a later round is greater, and so is the whole.
    later = [replace(site, form=one.n, extent=1) for site, one in pairs]
    further = [replace(site, form=one.closed) for site, one in pairs]
    return all(_never_meet(facts, one, loop, far_away=False) for one in (later, further))


@dataclass(frozen=True)
class _Rows:
    """What rows with gaps are: `shape` is a, b and w; `closed` the form with b * n instead."""

    n: Affine
    closed: Affine
    shape: tuple[int, int, int]


def _without_gaps(facts: IndexFacts, form: Affine) -> _Rows | None:
    """The first rows with gaps in a form."""
    made = {one: facts.definitions.get(one) for one, _ in form.terms}
    for whole, a in form.terms:
        for rest, b in form.terms:
            match made[whole], made[rest]:
                case (
                    Apply(op="div", args=(n, Const() as w)),
                    Apply(op="rem", args=(other, width)),
                ) if n == other and w == width and facts.range(n)[0] >= 0:
                    size = int(const_lanes(w)[0])
                    if b > 0 and a >= b * size > 0:
                        kept = tuple(one for one in form.terms if one[0] not in (whole, rest))
                        rows = facts.affine(n)
                        closed = Affine(form.constant, kept).plus(rows.scaled(b))
                        return _Rows(rows, closed, (a, b, size))
    return None


def _never_meet(facts: IndexFacts, sites: list[_Site], loop: For, *, far_away: bool) -> bool:
    """The proof by stripes; unless `far_away`, without distances."""
    moves = {one.form.coefficient(loop.id) for one in sites}
    if len(moves) != 1 or (move := moves.pop()) <= 0:
        return False
    stripe = move * loop.step
    least, greatest = facts.range(Ref(loop.id, I32))
    span = move * ((greatest - least) // loop.step * loop.step)
    terms = [[one for one in site.form.terms if one[0] != loop.id] for site in sites]
    far = math.gcd(*(n for line in terms for _, n in line if abs(n) >= stripe))
    if far and not far_away:
        return False
    near = [tuple(one for one in line if abs(one[1]) < stripe) for line in terms]
    first = min(site.form.constant for site in sites)
    constants = [site.form.constant - first for site in sites]
    # Whole distances in the constants lead as far away as those of other counters do.
    distances = _divisors(far) if far else {0, *constants}
    for distance in distances if far_away else {0}:
        if distance <= span and distance:
            continue
        lows, highs = [], []
        for site, constant, small in zip(sites, constants, near, strict=True):
            kept = constant % distance if distance else constant
            low, high = facts.range_of_form(Affine(kept, small))
            lows.append(low)
            highs.append(high + site.extent - 1)
        reach = max(highs) - min(lows)
        if reach < stripe and (not distance or span + reach < distance):
            return True
    return False


@cache
def _divisors(number: int) -> tuple[int, ...]:
    small = [one for one in range(1, math.isqrt(number) + 1) if number % one == 0]
    return tuple(sorted({*small, *(number // one for one in small)}))
