"""Which loops may be shared out among threads: those whose rounds do not know of each other.

Rounds are independent if none touches memory that another writes; `likewise.loop.stripes` proves
it. Scratch memory may be an exception: where every round writes it before it reads it, each
thread can have its own (`likewise.loop.scratch`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from likewise.loop.affine import IndexFacts
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
    SetVar,
    Statement,
    Store,
    Variable,
    While,
)
from likewise.loop.scratch import written_first
from likewise.loop.stripes import Site, apart
from likewise.loop.types import I32

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Accesses", "accesses", "independent", "loops_of", "own_memory", "within"]


def independent(function: Function, loop: For, own: frozenset[Memory] = frozenset()) -> bool:
    """Whether threads may run parts of `loop`, each with all of the rest of the function.

    What stands outside the loop is then run by every thread: it may not write. Memory in `own` is
    each thread's, its content unspecified when a part begins.
    """
    inside = set(map(id, within((loop,))))
    if any(isinstance(one, Call) for one in within(function.body)):
        return False
    declared = {one.variable for one in within(loop.body) if isinstance(one, DeclareVar)}
    for one in within(loop.body):
        if isinstance(one, SetVar) and one.variable not in declared:
            return False
    found = accesses(function)
    for memory, sites in found.by_memory.items():
        if isinstance(memory, Buffer):  # which a parameter may be, too
            return False
        if memory in own:
            if not written_first(found.facts, loop, memory):
                return False
        elif any(one.written for one in sites) and not (
            all(id(one.statement) in inside for one in sites) and apart(found.facts, sites, loop)
        ):
            return False
    return True


def own_memory(function: Function, loop: For) -> frozenset[Memory]:
    """The memories that each round of a loop writes before it reads them."""
    found = accesses(function)
    both = [
        memory
        for memory, sites in found.by_memory.items()
        if {one.written for one in sites} == {True, False}
    ]
    return frozenset(one for one in both if written_first(found.facts, loop, one))


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


@dataclass
class Accesses:
    """Every access of a function by its memory, and what is known of its indices."""

    facts: IndexFacts = field(default_factory=IndexFacts)
    by_memory: dict[Memory, list[Site]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, statement: Statement, memory: Memory, index: Operand, extent: int, *, written: bool
    ) -> None:
        self.by_memory[memory].append(Site(statement, self.facts.affine(index), extent, written))


def accesses(function: Function) -> Accesses:
    """What a function does with memory."""
    found = Accesses()
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
