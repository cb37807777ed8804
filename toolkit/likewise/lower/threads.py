"""Sharing out: calls of `run` become parts that several threads take, where kernels allow it.

A kernel is cut into phases, one a statement of its body. A phase that is a nest of loops with
independent rounds, and enough work in them, is called in parts; the others are called as they
are. Who runs the program takes care that a call has ended before the next begins.

For one thread, long calls alone become parts. A browser begins with code that is five times as slow
as what it puts in its place while that runs, and puts it there when a function is called again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Final

from likewise.loop.clean import drop_unused
from likewise.loop.independence import independent, own_memory, within
from likewise.loop.nodes import (
    Apply,
    Buffer,
    BufferParam,
    Call,
    Const,
    DeclareVar,
    For,
    Function,
    If,
    Let,
    Load,
    Memory,
    Operand,
    Parts,
    Program,
    Read,
    Ref,
    ScalarParam,
    SetVar,
    Statement,
    Variable,
    While,
    const_lanes,
)
from likewise.loop.types import I32
from likewise.loop.verifier import verify
from likewise.lower.memory import callees, touched, with_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["share_out"]

LEAST_PART: Final = 4_000
"""Statements of a part."""
MOST_PARTS: Final = 128
_UNKNOWN_ROUNDS: Final = 8


@dataclass(frozen=True)
class _Cut:
    """How work is cut.

    `least` are the statements that a phase must run to become parts, at most `parts` of them. With
    `enough` rounds a loop is taken before one inside it. Where each thread has its copy of a
    memory, copies are a multiple of `line` elements apart.
    """

    threads: int
    least: int
    enough: int
    parts: int
    line: int

    @classmethod
    def of(cls, threads: int) -> _Cut:
        """For so many threads."""
        if threads == 1:  # some hundred microseconds of a browser's first code
            return cls(1, least=100_000, enough=16, parts=16, line=1)
        # It is worth waking others for some ten microseconds. There are more parts than threads, so
        # that one that is held up leaves its share to the others; no two write to one cache line.
        return cls(threads, least=20_000, enough=4 * threads, parts=6 * threads, line=64)

    def spaced(self, size: int) -> int:
        """Elements from one copy to the next."""
        return -(-size // self.line) * self.line


@dataclass(frozen=True)
class _Phase:
    """`own` are the memories of which each thread has to have a copy, by their positions."""

    function: Function
    parts: Parts | None
    own: frozenset[int] = frozenset()


def share_out(program: Program, threads: int, least: int | None = None) -> Program:
    """The verified program that computes the same, in parts for so many threads.

    Phases of less work than `least` are called as a whole.
    """
    cut = _Cut.of(threads)
    cut = cut if least is None else replace(cut, least=least)
    *kernels, run = program.functions
    all_phases = {one.name: _phases(one, cut) for one in kernels}
    phases = {name: found for name, found in all_phases.items() if any(one.parts for one in found)}

    users = Counter(memory for memory, _ in touched(run.body))
    wider: dict[Buffer, Buffer] = {}

    def calls(statement: Statement) -> Iterator[Statement]:
        match statement:
            case Call(function=name) if name in phases and _fixed(statement):
                own = frozenset[int]().union(*(one.own for one in phases[name]))
                memories = [memory for memory, _ in statement.memories]
                if any(not _alone(memories[position], users) for position in own):
                    yield statement
                    return
                for position in own:
                    memory = memories[position]
                    if isinstance(memory, Buffer):
                        size = cut.spaced(memory.size) * threads
                        wider[memory] = replace(memory, size=size)
                for phase in phases[name]:
                    copies = tuple(
                        (at, cut.spaced(_size(memories[at]))) for at in sorted(phase.own)
                    )
                    yield replace(
                        statement, function=phase.function.name, parts=phase.parts, copies=copies
                    )
            case For(body=body):
                yield replace(statement, body=_mapped(body, calls))
            case While(body=body):
                yield replace(statement, body=_mapped(body, calls))
            case If(then=then, otherwise=otherwise):
                yield replace(
                    statement, then=_mapped(then, calls), otherwise=_mapped(otherwise, calls)
                )
            case _:
                yield statement

    run = replace(run, body=with_memory(_mapped(run.body, calls), wider))
    functions = [*kernels, *(phase.function for found in phases.values() for phase in found)]
    used = set(callees(run.body))
    for one in reversed(kernels):
        used |= set(callees(one.body)) if one.name in used else set()
    kept = (*(one for one in functions if one.name in used), run)
    shared = Program(tuple(wider.get(one, one) for one in program.buffers), kept)
    verify(shared)
    return shared


def _mapped(
    block: tuple[Statement, ...], change: Callable[[Statement], Iterator[Statement]]
) -> tuple[Statement, ...]:
    return tuple(made for statement in block for made in change(statement))


def _alone(memory: Memory, users: Counter[Memory]) -> bool:
    """Whether what a call leaves in a memory is of no use to others."""
    return isinstance(memory, Buffer) and memory.kind == "scratch" and users[memory] == 1


def _size(memory: Memory) -> int:
    return memory.size if isinstance(memory, Buffer) else 0


def _fixed(call: Call) -> bool:
    """Whether a call is the same whenever it is made, with no memory twice."""
    memories = [memory for memory, _ in call.memories]
    fixed = all(isinstance(offset, Const) for _, offset in call.memories)
    return fixed and not call.scalars and len(set(memories)) == len(memories)


def _phases(function: Function, cut: _Cut) -> list[_Phase]:
    """The function in phases, in their order."""
    written = {memory for memory, writes in touched(function.body) if writes}
    end = _end_of_phases(function, written)
    before: list[Statement] = []
    serial: list[Statement] = []
    found: list[_Phase] = []

    def add(
        statements: list[Statement],
        parts: Parts | None = None,
        own: frozenset[int] = frozenset(),
        *more: ScalarParam,
    ) -> None:
        body = drop_unused((*before, *statements))
        scalars = (*function.scalars, *more)
        name = f"{function.name}.{len(found)}"
        phase = replace(function, name=name, scalars=scalars, body=body)
        found.append(_Phase(phase, parts, own))

    for at, statement in enumerate(function.body):
        if at >= end:
            serial.append(statement)
            continue
        if _pure(statement, written):
            before.append(statement)
            continue
        alone = replace(function, body=(*before, statement))
        chosen = _to_share(alone, statement, cut)
        if chosen is None:
            serial.append(statement)
            continue
        loop, own = chosen
        if serial:
            add(serial)
            serial = []
        bounds = [max(_identities(function)) + 1 + n for n in range(2)]
        body, parts = _with_bounds(statement, loop, bounds, cut)
        limits = parts.start, parts.stop
        at = len(function.scalars)
        params = [ScalarParam(at + n, one, I32, limits) for n, one in enumerate(bounds)]
        add([body], parts, own, *params)
    if serial:
        add(serial)
    return found if _own_throughout(found) else []


def _own_throughout(phases: list[_Phase]) -> bool:
    """Whether no phase has a copy of what is one memory in another."""
    return not any(
        isinstance(memory, BufferParam)
        and memory.position in own
        and memory.position not in one.own
        for one in phases
        for memory, _ in touched(one.function.body)
        for own in (frozenset[int]().union(*(phase.own for phase in phases)),)
    )


def _end_of_phases(function: Function, written: set[Memory]) -> int:
    """The first statement on whose values, in variables or read from memory, others may wait."""
    changed = {one.variable for one in within(function.body) if isinstance(one, SetVar)}
    for at, statement in enumerate(function.body):
        if isinstance(statement, Let) and not _pure(statement, written):
            return at
        if _variable_of(statement) in changed:
            return at
    return len(function.body)


def _variable_of(statement: Statement) -> Variable | None:
    match statement:
        case DeclareVar(variable=variable) | SetVar(variable=variable):
            return variable
        case Let(expr=Read(variable=variable)):
            return variable
        case _:
            return None


def _pure(statement: Statement, written: set[Memory]) -> bool:
    """Whether every phase may do it for itself."""
    match statement:
        case DeclareVar() | Let(expr=Apply() | Read()):
            return True
        case Let(expr=Load(memory=memory)):
            return memory not in written
        case _:
            return False


def _identities(function: Function) -> Iterator[int]:
    yield from (one.id for one in function.scalars)
    for one in within(function.body):
        if isinstance(one, Let | For):
            yield one.id
        elif isinstance(one, DeclareVar):
            yield one.variable.id


def _to_share(function: Function, nest: Statement, cut: _Cut) -> tuple[For, frozenset[int]] | None:
    """The loop of a nest whose rounds are shared out, and the memories that threads need copies of.

    It is the outermost that keeps threads busy.
    """
    if not isinstance(nest, For) or _work((nest,)) < cut.least:
        return None
    best, most = None, 1
    for loop in _straight(nest):
        rounds = _rounds(loop) or 0
        if rounds <= most:
            continue
        for own in dict.fromkeys((frozenset[Memory](), own_memory(function, loop))):
            if independent(function, loop, own):
                positions = (one.position for one in own if isinstance(one, BufferParam))
                best, most = (loop, frozenset(positions)), rounds
                break
        if most >= cut.enough:
            break
    return best


def _straight(nest: For) -> Iterator[For]:
    """A loop, the only loop in it, and so on."""
    loops = [nest]
    while len(loops) == 1:
        yield loops[0]
        body = loops[0].body
        if any(isinstance(one, If | While) for one in body):
            return
        loops = [one for one in body if isinstance(one, For)]


def _with_bounds(
    nest: Statement, loop: For, bounds: list[int], cut: _Cut
) -> tuple[Statement, Parts]:
    """The nest with the loop from one of the new parameters to the other, and their values."""
    start, stop = int(_number(loop.start) or 0), int(_number(loop.stop) or 0)
    rounds = len(range(start, stop, loop.step))
    most = min(MOST_PARTS, cut.parts, max(cut.threads, 2, _work((nest,)) // LEAST_PART))
    size = ceil(rounds / most) * loop.step
    first, last = (Ref(one, I32) for one in bounds)
    shared = replace(loop, start=first, stop=last)

    def change(statement: Statement) -> Iterator[Statement]:
        if statement is loop:
            yield shared
        elif isinstance(statement, For):
            yield replace(statement, body=_mapped(statement.body, change))
        else:
            yield statement

    return next(change(nest)), Parts(start, stop, loop.step, size)


def _work(block: tuple[Statement, ...]) -> int:
    """About how many statements a block runs."""
    total = 0
    for statement in block:
        match statement:
            case For(body=body):
                rounds = _rounds(statement)
                total += (_UNKNOWN_ROUNDS if rounds is None else rounds) * _work(body)
            case While(head=head, body=body):
                total += _UNKNOWN_ROUNDS * (_work(head) + _work(body))
            case If(then=then, otherwise=otherwise):
                total += max(_work(then), _work(otherwise))
            case _:
                total += 1
    return total


def _rounds(loop: For) -> int | None:
    start, stop = _number(loop.start), _number(loop.stop)
    return None if start is None or stop is None else len(range(start, stop, loop.step))


def _number(operand: Operand) -> int | None:
    return int(const_lanes(operand)[0]) if isinstance(operand, Const) else None
