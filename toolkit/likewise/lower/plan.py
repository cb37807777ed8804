"""The static memory plan: where each buffer of a program stands, memory reused by lifetime."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from itertools import combinations
from math import inf

from likewise.loop.nodes import (
    Buffer,
    For,
    If,
    Memory,
    Program,
    Statement,
    While,
)
from likewise.lower.memory import callees, named, touched

__all__ = ["MemoryPlan", "Span", "lifetimes", "plan_memory"]

ALIGNMENT = 64
_FIRST = 64  # address 0 belongs to nobody, and constants' negative offsets stay addresses
_TRIES = 30
"""Orders in which buffers are placed at most, from each of those that it starts with."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Byte addresses of all buffers; `size` in bytes, of which `scratch` are not constants."""

    addresses: dict[Buffer, int]
    size: int
    scratch: int


def plan_memory(program: Program) -> MemoryPlan:
    """Each constant has a place of its own; all else shares by lifetime.

    Inputs and outputs never share with each other: a host may fill the inputs of a run with outputs
    of the last.
    """
    addresses: dict[Buffer, int] = {}
    end = _FIRST
    for buffer in program.buffers:
        if buffer.kind == "constant":
            addresses[buffer] = end
            end = _aligned(end + buffer.bytes)
    placed, size = _pack(lifetimes(program))
    for buffer, offset in placed.items():
        addresses[buffer] = end + offset
    return MemoryPlan(addresses, end + size, size)


def _aligned(number: int) -> int:
    return -(-number // ALIGNMENT) * ALIGNMENT


def _pack(spans: dict[Buffer, Span]) -> tuple[dict[Buffer, int], int]:
    """Offsets such that buffers that may not share do not overlap, and the bytes that they take.

    Buffers are placed one by one in the lowest gap, the largest first or those that are large for
    long. What then stands last is placed first in the next try.
    """
    apart, least = _apart(spans)
    names = sorted(spans, key=lambda one: one.name)
    best: dict[Buffer, int] = {}
    size: float = inf
    for order in (
        sorted(names, key=lambda one: -one.bytes),
        sorted(names, key=lambda one: -one.bytes * (spans[one][1] - spans[one][0] + 1)),
    ):
        for _ in range(_TRIES):
            placed = _placed(order, apart)
            ends = {one: at + _aligned(one.bytes) for one, at in placed.items()}
            reached = max(ends.values(), default=0)
            if reached < size:
                best, size = placed, reached
            last = next((one for one in order if ends[one] == reached), None)
            if reached == least or last is None or last is order[0]:
                break
            order.remove(last)
            order.insert(0, last)
        if size == least:
            break
    return best, int(size)


def _placed(order: list[Buffer], apart: dict[Buffer, set[Buffer]]) -> dict[Buffer, int]:
    """Each buffer in the lowest gap that those before it leave."""
    placed: dict[Buffer, int] = {}
    for buffer in order:
        taken: list[tuple[int, int]] = []
        for other in apart[buffer] & placed.keys():
            insort(taken, (placed[other], placed[other] + _aligned(other.bytes)))
        at = 0
        for start, stop in taken:
            if at + buffer.bytes <= start:
                break
            at = max(at, stop)
        placed[buffer] = at
    return placed


def _apart(spans: dict[Buffer, Span]) -> tuple[dict[Buffer, set[Buffer]], int]:
    """The buffers that each may not share with, and the bytes that are needed at least."""
    apart: dict[Buffer, set[Buffer]] = {one: set() for one in spans}
    ports = [one for one in spans if one.kind != "scratch"]
    for one, other in combinations(ports, 2):
        apart[one].add(other)
        apart[other].add(one)
    least = sum(_aligned(one.bytes) for one in ports)
    alive: list[Buffer] = []
    for buffer in sorted(spans, key=spans.__getitem__):
        alive = [one for one in alive if spans[one][1] >= spans[buffer][0]]
        for one in alive:
            apart[one].add(buffer)
            apart[buffer].add(one)
        alive.append(buffer)
        least = max(least, sum(_aligned(one.bytes) for one in alive))
    return apart, least


def lifetimes(program: Program) -> dict[Buffer, Span]:
    """First and last use of each buffer but constants, counted in statements of `run`.

    The host writes inputs before the first statement and reads outputs after the last. A buffer
    used inside a loop of `run` lives as long as that loop. Buffers that another function names
    directly live where that function is called.
    """
    by_name = named(program.functions)
    spans: dict[Buffer, Span] = {}

    def use(memory: Memory, first: int, last: int) -> None:
        if isinstance(memory, Buffer) and memory.kind != "constant":
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
                for buffer in by_name[callee]:
                    use(buffer, first, clock)
        return clock

    end = walk(program.functions[-1].body, 0) + 1
    for buffer in program.buffers:
        if buffer.kind == "input":
            use(buffer, 0, 0)
        elif buffer.kind == "output" or buffer not in spans:
            use(buffer, end, end)
    return spans
