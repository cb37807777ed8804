"""The loop IR executed slowly and obviously: the definition that every target must equal.

Scalars are NumPy arrays of no dimension, vectors of one. `fused` says whether `madd` on vectors
rounds once, as fast numerics does where the hardware can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.loop.meaning import apply
from likewise.loop.nodes import (
    Apply,
    Buffer,
    BufferParam,
    Call,
    Const,
    Copy,
    DeclareVar,
    Expr,
    Fill,
    For,
    Function,
    If,
    Let,
    Load,
    Memory,
    Operand,
    Program,
    SetVar,
    Statement,
    Store,
    While,
    const_lanes,
)
from likewise.loop.types import LoopError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["interpret"]

Array = np.ndarray[Any, Any]


def interpret(
    program: Program, inputs: Mapping[str, Array], *, fused: bool = False
) -> dict[str, Array]:
    """The outputs by name, flat. Inputs are flat arrays of their storage's NumPy dtype."""
    state: dict[Buffer, Array] = {}
    for buffer in program.buffers:
        state[buffer] = np.zeros(buffer.size, buffer.storage.numpy)
        if buffer.data is not None:
            state[buffer][:] = buffer.data.reshape(-1)
        elif buffer.kind == "input":
            state[buffer][:] = inputs[buffer.name].reshape(-1)
    functions = {one.name: one for one in program.functions}
    with np.errstate(all="ignore"):
        _Frame(functions, functions["run"], [], [], state=state, fused=fused).run()
    return {one.name: state[one] for one in program.buffers if one.kind == "output"}


class _Frame:
    """One call of one function."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        function: Function,
        memories: list[tuple[Buffer, int]],
        scalars: list[Array],
        *,
        state: dict[Buffer, Array],
        fused: bool,
    ) -> None:
        self.functions = functions
        self.function = function
        self.memories = memories
        self.state = state
        self.fused = fused
        self.values: dict[int, Array] = {}
        self.variables: dict[int, Array] = {}
        for param, value in zip(function.scalars, scalars, strict=True):
            self.values[param.id] = value

    def run(self) -> None:
        self.block(self.function.body)

    def operand(self, operand: Operand) -> Array:
        if not isinstance(operand, Const):
            return self.values[operand.id]
        one = operand.type
        lanes = const_lanes(operand)
        if one.is_float:
            raw = operand.bits.to_bytes(one.bits // 8 * one.lanes, "little")
            found = np.frombuffer(raw, one.numpy)
        else:
            found = np.array(lanes, one.numpy)
        return found if one.lanes > 1 else found.reshape(())

    def number(self, operand: Operand) -> int:
        return int(self.operand(operand))

    def span(self, memory: Memory, index: int, count: int) -> Array:
        """A view of `count` elements; being outside is an error here and unspecified elsewhere."""
        buffer, base = (
            self.memories[memory.position] if isinstance(memory, BufferParam) else (memory, 0)
        )
        first = base + index
        if first < 0 or first + count > buffer.size:
            raise LoopError(
                "an access lies outside its buffer",
                given=f"{count} elements from {first}",
                allowed=f"{buffer.name} has {buffer.size}",
            ).at(self.function.name)
        return self.state[buffer][first : first + count]

    def block(self, block: tuple[Statement, ...]) -> None:
        for statement in block:
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        match statement:
            case Let(id=identity, expr=expr):
                self.values[identity] = self.expression(expr)
            case (
                DeclareVar(variable=variable, initial=value)
                | SetVar(variable=variable, value=value)
            ):
                self.variables[variable.id] = self.operand(value)
            case Store(memory=memory, index=index, value=value):
                found = self.operand(value)
                span = self.span(memory, self.number(index), value.type.lanes)
                if memory.storage.name in ("f16", "bf16"):
                    span.view(np.uint16)[:] = found.astype(np.uint16)
                else:
                    span[:] = found.astype(span.dtype)
            case Fill(memory=memory, index=index, count=count, byte=byte):
                span = self.span(memory, self.number(index), self.number(count))
                span.view(np.uint8)[:] = byte
            case Copy(target, to, source, start, many):
                size = self.number(many)
                moved = self.span(source, self.number(start), size).copy()
                self.span(target, self.number(to), size).view(np.uint8)[:] = moved.view(np.uint8)
            case Call():
                self.call(statement)
            case _:
                self.nested(statement)

    def nested(self, statement: Statement) -> None:
        match statement:
            case For(id=identity, start=start, stop=stop, step=step, body=body):
                end = self.number(stop)
                index = self.number(start)
                while index < end:
                    self.values[identity] = np.array(index, np.int32)
                    self.block(body)
                    index += step
            case If(condition=condition, then=then, otherwise=otherwise):
                self.block(then if self.operand(condition) else otherwise)
            case While(head=head, condition=condition, body=body):
                self.block(head)
                while self.operand(condition):
                    self.block(body)
                    self.block(head)
            case _:
                raise LoopError("no such statement", given=statement)

    def call(self, call: Call) -> None:
        passed = []
        for memory, offset in call.memories:
            buffer, base = (
                self.memories[memory.position] if isinstance(memory, BufferParam) else (memory, 0)
            )
            passed.append((buffer, base + self.number(offset)))
        scalars = [self.operand(one) for one in call.scalars]
        function = self.functions[call.function]
        parts: list[list[Array]] = [[]]
        if call.parts is not None:
            one = call.parts
            starts = range(one.start, one.stop, one.size)
            ends = [*starts[1:], one.stop]
            parts = [
                [np.array(at, np.int32) for at in two] for two in zip(starts, ends, strict=True)
            ]
        for at, part in reversed(list(enumerate(parts))):  # so that one that needs another is seen
            own = list(passed)
            for position, apart in call.copies:
                buffer, base = passed[position]
                own[position] = (buffer, base + at % (buffer.size // apart) * apart)
            _Frame(
                self.functions, function, own, [*scalars, *part], state=self.state, fused=self.fused
            ).run()

    def expression(self, expr: Expr) -> Array:
        match expr:
            case Apply():
                args = [self.operand(one) for one in expr.args]
                return apply(expr, args, fused=self.fused)
            case Load(memory=memory, index=index, type=one):
                span = self.span(memory, self.number(index), one.lanes)
                if memory.storage.name == "f16":
                    span = span.view(np.uint16)
                found = span.astype(one.numpy)
                return found if one.lanes > 1 else found.reshape(())
            case _:
                return self.variables[expr.variable.id]
