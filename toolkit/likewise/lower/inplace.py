"""Kernels that write their result over an operand that nobody reads again, where they may."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from likewise.loop.inplace import writes_behind
from likewise.loop.nodes import Buffer, Call, Const, Program, const_lanes
from likewise.loop.verifier import verify
from likewise.lower.memory import callees, named, touched, with_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.loop.nodes import Function, Memory, Statement

__all__ = ["share_places"]


def share_places(program: Program) -> tuple[Program, dict[str, str]]:
    """The verified program that computes the same in fewer buffers, and whence its new kernels are.

    Where `run` calls a kernel that is the last to use one buffer and the first to use another, of
    the same type and size, they become one if the kernel reads each element before it writes it.
    """
    *kernels, run = program.functions
    variants = _Variants({one.name: one for one in kernels})
    first, last = _uses(program)
    place: dict[Buffer, Buffer] = {}
    body: list[Statement] = []
    for at, statement in enumerate(run.body):
        made = statement
        if isinstance(statement, Call) and not statement.scalars:
            for source, target in _pairs(statement, at, first, last):
                found = variants.over(statement, source, target)
                if found is not None:
                    made = found
                    place[target] = place.get(source, source)
                    break
        body.append(made)
    for target, source in list(place.items()):  # what ends in an output begins in it
        if target.kind == "output":
            del place[target]
            place = {one: target if to is source else to for one, to in place.items()}
            place[source] = target
    run = replace(run, body=with_memory(tuple(body), place))
    used = set(callees(run.body))
    shared = Program(
        tuple(one for one in program.buffers if one not in place),
        (*(one for one in variants.functions.values() if one.name in used), run),
    )
    verify(shared)
    return shared, variants.origins


def _uses(program: Program) -> tuple[dict[Memory, int], dict[Memory, int]]:
    """The first and the last statement of `run` that uses each buffer."""
    by_name = named(program.functions)
    first: dict[Memory, int] = {}
    last: dict[Memory, int] = {}
    for at, statement in enumerate(program.functions[-1].body):
        used: set[Memory] = {memory for memory, _ in touched((statement,))}
        for callee in callees((statement,)):
            used |= by_name[callee]
        for memory in used:
            first.setdefault(memory, at)
            last[memory] = at
    return first, last


def _pairs(
    call: Call, at: int, first: dict[Memory, int], last: dict[Memory, int]
) -> Iterator[tuple[Buffer, Buffer]]:
    """The buffers that end with a call, each with those of its type and size that begin with it."""
    whole = [
        memory
        for memory, offset in call.memories
        if isinstance(memory, Buffer) and isinstance(offset, Const) and not const_lanes(offset)[0]
    ]
    for target in whole:
        if target.kind in ("scratch", "output") and first[target] == at:
            for source in whole:
                alike = (source.storage, source.size) == (target.storage, target.size)
                if source.kind == "scratch" and last[source] == at > first[source] and alike:
                    yield source, target


@dataclass
class _Variants:
    """The kernels by name, and with them those that write over an operand."""

    functions: dict[str, Function]
    made: dict[tuple[str, int, int], str | None] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """The kernel that one that writes over an operand was made of."""

    def over(self, call: Call, source: Buffer, target: Buffer) -> Call | None:
        """The call with the source for the target too; None where the kernel cannot do that."""
        memories = [memory for memory, _ in call.memories]
        read, written = memories.index(source), memories.index(target)
        key = call.function, read, written
        if key not in self.made:
            self.made[key] = self._write(self.functions[call.function], read, written, source.size)
        name = self.made[key]
        if name is None:
            return None
        passed = tuple(one for at, one in enumerate(call.memories) if at != written)
        return replace(call, function=name, memories=passed)

    def _write(self, function: Function, read: int, written: int, size: int) -> str | None:
        params = function.memories
        if not writes_behind(function, params[read], params[written], size):
            return None
        kept = {
            one: replace(one, position=one.position - (one.position > written)) for one in params
        }
        kept[params[written]] = kept[params[read]]
        name, number = f"{function.name}_over", 1
        while name in self.functions:
            number += 1
            name = f"{function.name}_over_{number}"
        self.origins[name] = function.name
        self.functions[name] = replace(
            function,
            name=name,
            memories=tuple(sorted(set(kept.values()), key=lambda one: one.position)),
            body=with_memory(function.body, kept),
            writes=tuple(sorted({kept[params[at]].position for at in function.writes})),
        )
        return name
