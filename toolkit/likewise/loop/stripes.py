"""Whether accesses to a memory in different rounds of a loop meet.

The proof is by stripes. The loop's counter moves all accesses alike, by a stripe a round. What
other counters add is either smaller, and stays within the stripe, or moves by multiples of a
distance that is longer than all stripes together. So two rounds never meet, whatever the other
counters are.

Where a position is made of n div w and n rem w, as in an image whose pixels n are counted, it is
enough that no two rounds have an n in common, and that positions with another n div w never meet,
nor those with another n rem w: each of the two is a counter as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from likewise.loop.affine import Affine, IndexFacts
from likewise.loop.nodes import Apply, Const, For, Ref, Statement, const_lanes
from likewise.loop.types import I32

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Site", "apart"]

_WHOLE: Final = -1
_REST: Final = -2
"""What n div w and n rem w are called in all accesses alike."""


@dataclass(frozen=True)
class Site:
    """An access: `extent` neighbouring elements from `form` on."""

    statement: Statement
    form: Affine
    extent: int
    written: bool


def apart(facts: IndexFacts, sites: Sequence[Site], loop: For) -> bool:
    """Whether accesses of different rounds of `loop` never meet."""
    if _never_meet(facts, sites, loop.id, loop.step):
        return True
    parts = [_divided(facts, one.form) for one in sites]
    found = [one for one in parts if one is not None]
    if len(found) < len(sites) or len({one.width for one in found}) > 1:
        return False
    numbers = [replace(site, form=one.n, extent=1) for site, one in zip(sites, found, strict=True)]
    if not _never_meet(facts, numbers, loop.id, loop.step):
        return False
    places = [replace(site, form=one.form) for site, one in zip(sites, found, strict=True)]
    facts.ranges[_WHOLE] = (
        min(one.whole[0] for one in found),
        max(one.whole[1] for one in found),
    )
    facts.ranges[_REST] = (0, found[0].width - 1)
    return all(_never_meet(facts, places, counter, 1) for counter in (_WHOLE, _REST))


@dataclass(frozen=True)
class _Divided:
    """A form with _WHOLE and _REST for n div and rem `width`; `whole` is the range of the first."""

    n: Affine
    form: Affine
    width: int
    whole: tuple[int, int]


def _divided(facts: IndexFacts, form: Affine) -> _Divided | None:
    """The form if it holds n div w and n rem w of one n that is not negative."""
    made = {one: facts.definitions.get(one) for one, _ in form.terms}
    for whole, a in form.terms:
        for rest, b in form.terms:
            match made[whole], made[rest]:
                case (
                    Apply(op="div", args=(n, Const() as w)),
                    Apply(op="rem", args=(other, width)),
                ) if n == other and w == width and facts.range(n)[0] >= 0:
                    kept = tuple(one for one in form.terms if one[0] not in (whole, rest))
                    terms = tuple(sorted((*kept, (_WHOLE, a), (_REST, b))))
                    return _Divided(
                        facts.affine(n),
                        Affine(form.constant, terms),
                        int(const_lanes(w)[0]),
                        facts.range(Ref(whole, I32)),
                    )
    return None


def _never_meet(facts: IndexFacts, sites: Sequence[Site], counter: int, step: int) -> bool:
    """The proof for one counter, all others being free."""
    moves = {one.form.coefficient(counter) for one in sites}
    if len(moves) != 1 or (move := moves.pop()) <= 0:
        return False
    stripe = move * step
    least, greatest = facts.range(Ref(counter, I32))
    span = move * ((greatest - least) // step * step)
    terms = [[one for one in site.form.terms if one[0] != counter] for site in sites]
    far = math.gcd(*(n for line in terms for _, n in line if abs(n) >= stripe))
    near = [tuple(one for one in line if abs(one[1]) < stripe) for line in terms]
    first = min(site.form.constant for site in sites)
    constants = [site.form.constant - first for site in sites]
    # Whole distances in the constants lead as far away as those of other counters do.
    distances = _divisors(far) if far else {0, *constants}
    for distance in distances:
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
