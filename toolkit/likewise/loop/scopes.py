"""The blocks that are open while a function is being written.

A pure operation is put into the outermost open loop body in which its operands are known, so
what a loop does not change stands before the loop; one that is there already is used again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from likewise.loop.nodes import Apply, Const, Let, Operand, Ref, Statement
from likewise.loop.types import Type

__all__ = ["Scope", "Scopes"]

Key = tuple[str, Type, tuple[Operand, ...], tuple[int, ...]]


@dataclass(slots=True, eq=False)
class Scope:
    """One open block. `barrier`: it may not run at all, so nothing is moved out of it."""

    index: int
    barrier: bool
    statements: list[Statement] = field(default_factory=list)
    known: dict[Key, Ref] = field(default_factory=dict)
    open: bool = True


class Scopes:
    """The stack of open blocks, and where each value was bound."""

    def __init__(self) -> None:
        self.stack = [Scope(0, barrier=True)]
        self.home: dict[int, Scope] = {}

    @property
    def top(self) -> Scope:
        return self.stack[-1]

    def push(self, *, barrier: bool) -> Scope:
        self.stack.append(Scope(len(self.stack), barrier))
        return self.top

    def pop(self) -> tuple[Statement, ...]:
        closed = self.stack.pop()
        closed.open = False
        return tuple(closed.statements)

    def append(self, statement: Statement) -> None:
        self.top.statements.append(statement)

    def visible(self, operand: Operand) -> bool:
        """Whether the operand's block is still open."""
        return isinstance(operand, Const) or self.home[operand.id].open

    def find(self, key: Key) -> Ref | None:
        """The same operation if an open block holds it."""
        for scope in reversed(self.stack):
            found = scope.known.get(key)
            if found is not None:
                return found
        return None

    def bind(self, key: Key, identity: int) -> tuple[Ref, Apply]:
        """Put a pure operation where it belongs."""
        op, result, args, immediate = key
        depth = max((self.home[one.id].index for one in args if isinstance(one, Ref)), default=0)
        for scope in reversed(self.stack):
            if scope.barrier or scope.index <= depth:
                break
        node = Apply(op, result, args, immediate)
        scope.statements.append(Let(identity, node))
        ref = Ref(identity, result)
        scope.known[key] = ref
        self.home[identity] = scope
        return ref, node
