"""Whether a function may write over what it reads.

All loops have known bounds, so it is counted out: when each element is read for the last time, and
when one of its position is written first. Time counts the accesses in the order of the program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.loop.independence import accesses
from likewise.loop.nodes import (
    Apply,
    BufferParam,
    Call,
    Const,
    Copy,
    Fill,
    For,
    If,
    Let,
    Load,
    Operand,
    Statement,
    Store,
    While,
    const_lanes,
)

if TYPE_CHECKING:
    from likewise.loop.affine import IndexFacts
    from likewise.loop.nodes import Function

__all__ = ["writes_behind"]

_MOST: Final = 8
"""Accesses an element, on average, that are counted out."""
_LARGEST: Final = 2**24
"""Elements that are counted out: each takes 16 bytes meanwhile, and some 50 nanoseconds."""

Array = np.ndarray[Any, Any]

_ARITHMETIC: Final[dict[str, np.ufunc]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "neg": np.negative,
    "shl": np.left_shift,
    "div": np.floor_divide,
    "rem": np.remainder,
    "min": np.minimum,
    "max": np.maximum,
}
"""What indices are made by. None wraps: an index is a place in memory."""


class _UnknownError(Exception):
    """It cannot be counted, or not in a reasonable time."""


def writes_behind(function: Function, source: BufferParam, target: BufferParam, size: int) -> bool:
    """Whether `target` may be the same `size` elements of memory as `source`.

    That is so if nothing writes `source`, and each of its elements is read for the last time before
    that of `target` at its position is written.
    """
    if size > _LARGEST:
        return False
    found = accesses(function)
    if any(site.written for site in found.by_memory[source]):
        return False
    count = _Count(source, target, size, found.facts)
    try:
        count.block(function.body, (), np.zeros((), np.int64))
    except _UnknownError:
        return False
    return bool((count.read < count.written).all())


@dataclass
class _Count:
    """The time of the last read and of the first write of each element."""

    source: BufferParam
    target: BufferParam
    size: int
    facts: IndexFacts
    values: dict[int, Array] = field(default_factory=dict)
    """What counters of loops, and what is made of them, go through: an axis for each loop."""

    def __post_init__(self) -> None:
        self.read = np.full(self.size, -1, np.int64)
        self.written = np.full(self.size, np.iinfo(np.int64).max, np.int64)
        self.left = _MOST * self.size

    def block(self, block: tuple[Statement, ...], rounds: tuple[int, ...], time: Array) -> None:
        """Count a block inside loops of so many `rounds`, inner ones first, from `time` on."""
        for statement in block:
            length = self.length(statement)
            if length:
                self.statement(statement, rounds, time)
                time = time + length

    def statement(self, statement: Statement, rounds: tuple[int, ...], time: Array) -> None:
        match statement:
            case Let(expr=Load(index=index, type=one)):
                np.maximum.at(self.read, *self.accesses(index, one.lanes, rounds, time))
            case Store(index=index, value=value):
                np.minimum.at(self.written, *self.accesses(index, value.type.lanes, rounds, time))
            case For(id=identity, body=body):
                # Each loop has an axis; those of inner loops stand before those of outer ones.
                counter = np.array(_range(statement), np.int64)
                counter = counter.reshape(-1, *[1] * len(rounds))
                self.values[identity] = counter
                number = np.arange(counter.size).reshape(counter.shape)
                inside = sum(map(self.length, body))
                self.block(body, (counter.size, *rounds), time + number * inside)
            case If(then=then, otherwise=otherwise):  # counted as if both were run
                self.block((*then, *otherwise), rounds, time)

    def accesses(
        self, index: Operand, lanes: int, rounds: tuple[int, ...], time: Array
    ) -> tuple[Array, Array]:
        """The places, `lanes` from `index` on, and the times of an access in every round."""
        self.left -= lanes * prod(rounds)
        if self.left < 0:
            raise _UnknownError
        places = self.value(index)[..., np.newaxis] + np.arange(lanes)
        times = time[..., np.newaxis]
        places, times = (np.broadcast_to(one, (*rounds, lanes)) for one in (places, times))
        there = (places >= 0) & (places < self.size)
        return places[there], times[there]

    def value(self, operand: Operand) -> Array:
        """What an index goes through."""
        if isinstance(operand, Const):
            return np.array(const_lanes(operand)[0], np.int64)
        found = self.values.get(operand.id)
        if found is None:
            made = self.facts.definitions.get(operand.id)
            if not isinstance(made, Apply) or made.op not in _ARITHMETIC:
                raise _UnknownError
            args = [self.value(one) for one in made.args]
            if made.op in ("div", "rem") and (args[0].min() < 0 or args[1].min() <= 0):
                raise _UnknownError  # they round otherwise, and NumPy's are faster
            found = self.values[operand.id] = _ARITHMETIC[made.op](*args)
        return found

    def length(self, statement: Statement) -> int:
        """How many accesses a statement makes."""
        match statement:
            case Let(expr=Load(memory=self.source)) | Store(memory=self.target):
                return 1
            case For(body=body):
                inside = sum(map(self.length, body))
                return inside and inside * len(_range(statement))
            case If(then=then, otherwise=otherwise):
                return sum(map(self.length, (*then, *otherwise)))
            case Fill(memory=self.target) | Copy(target=self.target) | Copy(source=self.source):
                raise _UnknownError
            case While(head=head, body=body) if any(map(self.length, (*head, *body))):
                raise _UnknownError
            case Call():
                raise _UnknownError
            case _:
                return 0


def _range(loop: For) -> range:
    if not isinstance(loop.start, Const) or not isinstance(loop.stop, Const):
        raise _UnknownError
    start, stop = (int(const_lanes(one)[0]) for one in (loop.start, loop.stop))
    return range(start, stop, loop.step)
