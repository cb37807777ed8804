"""The static memory plan: where each buffer of a program stands, scratch reused by lifetime."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

from likewise.loop.nodes import (
    Buffer,
    For,
    If,
    Memory,
    Program,
    Statement,
    While,
)
from likewise.lower.memory import callees, touched

__all__ = ["MemoryPlan", "lifetimes", "plan_memory"]

ALIGNMENT = 64
_FIRST = 64  # address 0 belongs to nobody, and constants' negative offsets stay addresses


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Byte addresses of all buffers; `size` in bytes, of which `scratch` are reused memory."""

    addresses: dict[Buffer, int]
    size: int
    scratch: int


def plan_memory(program: Program) -> MemoryPlan:
    """Constants, inputs and outputs each have their own place; scratch shares by lifetime."""
    addresses: dict[Buffer, int] = {}
    end = _FIRST
    for kind in ("constant", "input", "output"):
        for buffer in program.buffers:
            if buffer.kind == kind:
                addresses[buffer] = end
                end = _aligned(end + buffer.bytes)
    spans = lifetimes(program)
    placed, size = _pack([one for one in program.buffers if one.kind == "scratch"], spans)
    for buffer, offset in placed.items():
        addresses[buffer] = end + offset
    return MemoryPlan(addresses, end + size, size)


def _aligned(number: int) -> int:
    return -(-number // ALIGNMENT) * ALIGNMENT


def _pack(
    buffers: list[Buffer], spans: dict[Buffer, tuple[int, int]]
) -> tuple[dict[Buffer, int], int]:
    """Offsets such that buffers alive together do not overlap: largest first, lowest gap."""
    placed: dict[Buffer, int] = {}
    size = 0
    for buffer in sorted(buffers, key=lambda one: (-one.bytes, one.name)):
        if buffer not in spans:
            placed[buffer] = 0
            size = max(size, _aligned(buffer.bytes))
            continue
        first, last = spans[buffer]
        taken: list[tuple[int, int]] = []
        for other, offset in placed.items():
            if other in spans and spans[other][0] <= last and first <= spans[other][1]:
                insort(taken, (offset, offset + _aligned(other.bytes)))
        at = 0
        for start, stop in taken:
            if at + buffer.bytes <= start:
                break
            at = max(at, stop)
        placed[buffer] = at
        size = max(size, at + _aligned(buffer.bytes))
    return placed, size


def lifetimes(program: Program) -> dict[Buffer, tuple[int, int]]:
    """First and last use of each scratch buffer, counted in statements of `run`.

    A buffer used inside a loop of `run` lives as long as that loop. Buffers that another
    function names directly live where that function is called.
    """
    named = {
        one.name: {memory for memory, _ in touched(one.body) if isinstance(memory, Buffer)}
        for one in program.functions
    }
    for one in program.functions:
        for callee in callees(one.body):
            named[one.name] |= named[callee]
    spans: dict[Buffer, tuple[int, int]] = {}

    def use(memory: Memory, first: int, last: int) -> None:
        if isinstance(memory, Buffer) and memory.kind == "scratch":
            start, stop = spans.get(memory, (first, last))
            spans[memory] = (min(start, first), max(stop, last))

    def walk(block: tuple[Statement, ...], clock: int) -> int:
        for statement in block:
            clock += 1
            if isinstance(statement, If):
                clock = walk(statement.otherwise, walk(statement.then, clock))
                continue
            first = clock
            if isinstance(statement, For | While):
                clock += 1
            for memory, _ in touched((statement,)):
                use(memory, first, clock)
            for callee in callees((statement,)):
                for buffer in named[callee]:
                    use(buffer, first, clock)
        return clock

    walk(program.functions[-1].body, 0)
    return spans
