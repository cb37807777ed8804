"""How often the code of a function reads each value, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.nodes import For, Function, If, Let, Operand, Ref, Statement, While

if TYPE_CHECKING:
    from likewise.targets.wasm.addresses import AddressPlan

__all__ = ["Uses"]


class Uses:
    """`count` has the values that are read at all: what nothing needs counts for nothing."""

    def __init__(self, function: Function, plan: AddressPlan) -> None:
        self.count: dict[int, int] = {}
        self._plan = plan
        self._read_in: dict[int, int] = {}
        self._bound_in: dict[int, int] = {}
        self._blocks = 0
        self._block(function.body)

    def alone(self, identity: int) -> bool:
        """Whether a value is read once, in the block that binds it."""
        once = self.count[identity] == 1
        return once and self._read_in[identity] == self._bound_in[identity]

    def _use(self, operand: Operand, block: int) -> None:
        if isinstance(operand, Ref):
            self.count[operand.id] = self.count.get(operand.id, 0) + 1
            self._read_in[operand.id] = block

    def _block(self, block: tuple[Statement, ...], number: int | None = None) -> None:
        """Count backwards, so that what reads a value is seen before it."""
        if number is None:
            self._blocks += 1
            number = self._blocks
        for statement in reversed(block):
            match statement:
                case Let(id=identity):
                    if identity not in self.count:
                        continue
                    self._bound_in[identity] = number
                case For(stop=stop, body=body):
                    self._block(body)
                    self._use(stop, 0)  # it is read in every round: never left on the stack
                case If(then=then, otherwise=otherwise):
                    self._block(then)
                    self._block(otherwise)
                case While(head=head, condition=condition, body=body):
                    self._block(body)
                    self._blocks += 1
                    inside = self._blocks
                    self._use(condition, inside)
                    self._block(head, inside)
                    continue
                case _:
                    pass
            for one in self._plan.needed(statement):
                self._use(one, number)
