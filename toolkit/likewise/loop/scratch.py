"""Scratch memory that each round of a loop writes before it reads it.

Nests of loops are known to fill an interval if each counter moves on by no more than what the loops
inside it fill. A read is preceded by writes if an interval that was filled before holds all
of what it may read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.nodes import Const, Copy, For, If, Let, Load, Store, While, const_lanes

if TYPE_CHECKING:
    from likewise.loop.affine import IndexFacts
    from likewise.loop.nodes import Memory, Operand, Statement

__all__ = ["written_first"]

Terms = tuple[tuple[int, int], ...]
Interval = tuple[int, int]
"""From the first element on, up to and without the second."""


def written_first(facts: IndexFacts, loop: For, memory: Memory) -> bool:
    """Whether each round of `loop` reads of a memory only what it wrote before."""
    return _Walk(facts, memory).block(loop.body, [])


class _Walk:
    def __init__(self, facts: IndexFacts, memory: Memory) -> None:
        self.facts = facts
        self.memory = memory

    def block(self, block: tuple[Statement, ...], before: list[Interval]) -> bool:
        """Whether what a block reads was filled `before`, or in it."""
        known = list(before)
        for statement in block:
            if not self._reads_known(statement, known):
                return False
            known = _joined(known + self._filled((statement,)).get((), []))
        return True

    def _reads_known(self, statement: Statement, known: list[Interval]) -> bool:
        match statement:
            case Let(expr=Load(memory=memory, index=index, type=one)):
                return memory != self.memory or self._holds(known, index, one.lanes)
            case Copy(source=source, source_index=index, count=count):
                most = self.facts.range(count)[1]
                return source != self.memory or self._holds(known, index, most)
            case For(body=body):
                return self.block(body, known)
            case If(then=then, otherwise=otherwise):
                return self.block(then, known) and self.block(otherwise, known)
            case While(head=head, body=body):
                return self.block((*head, *body), known)
            case _:
                return True

    def _holds(self, known: list[Interval], index: Operand, extent: int) -> bool:
        low, high = self.facts.range_of_form(self.facts.affine(index))
        return any(start <= low and high + extent <= end for start, end in known)

    def _filled(self, block: tuple[Statement, ...]) -> dict[Terms, list[Interval]]:
        """The intervals that a block surely fills, by what is added to them: counters outside."""
        found: dict[Terms, list[Interval]] = {}
        for statement in block:
            match statement:
                case Store(memory=memory, index=index, value=value) if memory == self.memory:
                    form = self.facts.affine(index)
                    interval = (form.constant, form.constant + value.type.lanes)
                    found.setdefault(form.terms, []).append(interval)
                case For():
                    for terms, intervals in self._repeated(statement).items():
                        found.setdefault(terms, []).extend(intervals)
                case _:
                    pass
        return {terms: _joined(intervals) for terms, intervals in found.items()}

    def _repeated(self, loop: For) -> dict[Terms, list[Interval]]:
        """What all rounds of a loop fill; nothing where their number is not known."""
        if not isinstance(loop.start, Const) or not isinstance(loop.stop, Const):
            return {}
        start, stop = (int(const_lanes(one)[0]) for one in (loop.start, loop.stop))
        rounds = range(start, stop, loop.step)
        found: dict[Terms, list[Interval]] = {}
        for terms, intervals in self._filled(loop.body).items() if rounds else ():
            move = dict(terms).get(loop.id, 0)
            rest = tuple(one for one in terms if one[0] != loop.id)
            for low, high in intervals:
                if 0 <= move * loop.step <= high - low:
                    interval = (low + move * rounds[0], high + move * rounds[-1])
                    found.setdefault(rest, []).append(interval)
        return {terms: _joined(intervals) for terms, intervals in found.items()}


def _joined(intervals: list[Interval]) -> list[Interval]:
    """The intervals with those joined that touch."""
    found: list[Interval] = []
    for low, high in sorted(intervals):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found
