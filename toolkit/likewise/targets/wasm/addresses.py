"""Addresses as a base register and an immediate, stepped rather than computed where a loop allows.

Every access of a function has an affine index. Its constant part goes into the instruction's
immediate; the rest is a `Slot`: an i32 local that holds a byte offset. A slot that changes with a
loop's counter is a pointer, set before the loop and stepped at the end of each round. Accesses
whose addresses differ by a constant share a slot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from likewise.loop.affine import IndexFacts
from likewise.loop.clean import operands
from likewise.loop.nodes import (
    Buffer,
    BufferParam,
    Const,
    For,
    Function,
    If,
    Let,
    Load,
    Memory,
    Operand,
    Ref,
    Statement,
    Store,
    While,
    const_lanes,
)
from likewise.loop.types import I32

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Access", "AddressPlan", "Recipe", "Slot"]

Terms = tuple[tuple[int, int], ...]
_IMMEDIATE_LIMIT = 2**31


@dataclass(slots=True, eq=False)
class Slot:
    """A local that holds a byte offset; `step` is added at the end of each round of its loop."""

    recipe: Recipe
    step: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """base slot + base address parameter + constant + sum of coefficient * value(id)."""

    slot: Slot | None
    parameter: int | None
    constant: int
    terms: Terms

    @property
    def trivial(self) -> bool:
        """Whether it is at most one local, so that nothing need be computed."""
        parts = (self.slot is not None) + (self.parameter is not None) + len(self.terms)
        return self.constant == 0 and parts <= 1 and all(n == 1 for _, n in self.terms)


@dataclass(frozen=True, slots=True)
class Access:
    """Where a load or store goes: the recipe's value plus an immediate of at least 0."""

    recipe: Recipe
    immediate: int


@dataclass(slots=True, eq=False)
class _Loop:
    node: For
    depth: int
    slots: dict[tuple[int | None, int, Terms], Slot] = field(default_factory=dict)


class AddressPlan:
    """Plans one function. `addresses` gives the byte offset of each buffer in memory."""

    def __init__(self, function: Function, addresses: dict[Buffer, int]) -> None:
        self.addresses = addresses
        self.facts = IndexFacts()
        self.depth: dict[int, int] = {}
        self.access: dict[int, Access] = {}
        self.loops: dict[int, _Loop] = {}
        self._pending: list[tuple[int, Memory, Operand, tuple[_Loop, ...]]] = []
        for param in function.scalars:
            self.depth[param.id] = 0
            if param.range is not None:
                self.facts.ranges[param.id] = param.range
        self._scan(function.body, ())
        for identity, memory, index, scope in self._pending:
            self.access[identity] = self._plan(memory, index, scope)

    def slots(self, loop: For) -> Iterator[Slot]:
        """The slots to set before a loop, in order."""
        return iter(self.loops[id(loop)].slots.values())

    def _scan(self, block: tuple[Statement, ...], scope: tuple[_Loop, ...]) -> None:
        for statement in block:
            match statement:
                case Let(id=identity, expr=expr):
                    self.facts.definitions[identity] = expr
                    self.depth[identity] = len(scope)
                    if isinstance(expr, Load):
                        self._pending.append((id(statement), expr.memory, expr.index, scope))
                case Store(memory=memory, index=index):
                    self._pending.append((id(statement), memory, index, scope))
                case For(id=identity, start=start, stop=stop, body=body):
                    self._bound(identity, start, stop)
                    self.depth[identity] = len(scope) + 1
                    loop = _Loop(statement, len(scope) + 1)
                    self.loops[id(statement)] = loop
                    self._scan(body, (*scope, loop))
                case If(then=then, otherwise=otherwise):
                    self._scan(then, scope)
                    self._scan(otherwise, scope)
                case While(head=head, body=body):
                    self._scan(head, scope)
                    self._scan(body, scope)
                case _:
                    pass

    def _bound(self, identity: int, start: Operand, stop: Operand) -> None:
        low, high = self.facts.range(start)[0], self.facts.range(stop)[1]
        self.facts.ranges[identity] = (low, max(low, high - 1))

    def _plan(self, memory: Memory, index: Operand, scope: tuple[_Loop, ...]) -> Access:
        size = memory.storage.bytes
        form = self.facts.affine(index)
        base = self.addresses[memory] if isinstance(memory, Buffer) else 0
        parameter = memory.position if isinstance(memory, BufferParam) else None
        terms = tuple((one, times * size) for one, times in form.terms)
        constant, immediate = form.constant * size, base
        known = all(n > 0 and self.facts.range(Ref(one, I32))[0] >= 0 for one, n in form.terms)
        # The hardware adds the immediate without wrapping: what it is added to must not be
        # negative, so a constant part moves into it only where every other part is known.
        if (not terms and parameter is None) or (known and (constant >= 0 or base + constant >= 0)):
            immediate, constant = base + constant, 0
        if not 0 <= immediate < _IMMEDIATE_LIMIT:
            constant, immediate = constant + immediate, 0
        return Access(self._resolve(parameter, constant, terms, scope), immediate)

    def _resolve(
        self, parameter: int | None, constant: int, terms: Terms, scope: tuple[_Loop, ...]
    ) -> Recipe:
        """How to get at a value of this form inside the innermost loop of `scope`."""
        whole = Recipe(None, parameter, constant, terms)
        if not scope or (whole.trivial and not any(self.depth[one] for one, _ in terms)):
            return whole
        loop, outer = scope[-1], scope[:-1]
        counter = loop.node.id
        inner = tuple(
            (one, n) for one, n in terms if one != counter and self.depth[one] >= loop.depth
        )
        if inner:
            rest = tuple(one for one in terms if one not in inner)
            base = self._resolve(parameter, constant, rest, scope)
            return Recipe(base.slot, base.parameter, base.constant, (*base.terms, *inner))
        key = (parameter, constant, terms)
        if key in loop.slots:
            return Recipe(loop.slots[key], None, 0, ())
        times = next((n for one, n in terms if one == counter), 0)
        if times == 0:
            found = self._resolve(parameter, constant, terms, outer)
            if found.trivial:
                return found
            loop.slots[key] = Slot(found)
        else:
            rest = tuple(one for one in terms if one[0] != counter)
            start = loop.node.start
            if isinstance(start, Const):
                first = int(const_lanes(start)[0]) * times
                found = self._resolve(parameter, constant + first, rest, outer)
            else:
                found = self._resolve(parameter, constant, rest, outer)
                found = Recipe(
                    found.slot, found.parameter, found.constant, (*found.terms, (start.id, times))
                )
            loop.slots[key] = Slot(found, times * loop.node.step)
        return Recipe(loop.slots[key], None, 0, ())

    def needed(self, statement: Statement) -> Iterator[Operand]:
        """What a statement reads as values: its operands without an index that a slot covers."""
        access = self.access.get(id(statement))
        if access is None:
            yield from operands(statement)
        else:
            if isinstance(statement, Store):
                yield statement.value
            yield from (Ref(one, I32) for one, _ in access.recipe.terms)
        if isinstance(statement, For):
            for slot in self.slots(statement):
                yield from (Ref(one, I32) for one, _ in slot.recipe.terms)
