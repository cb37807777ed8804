"""Writing loop IR by running Python.

    program = ProgramBuilder()
    x, y = program.input("x", S.f32, 100), program.output("y", S.f32, 100)
    with program.function("run") as b:
        with b.loop(100) as i:
            b.store(y, i, b.load(x, i) + 1.0)
    finished = program.finish()

Types are checked as operations are written; an error names the function and the Python line.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.loop import half
from likewise.loop.arithmetic import Arithmetic
from likewise.loop.clean import drop_unused
from likewise.loop.nodes import (
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
    Read,
    ScalarParam,
    SetVar,
    Store,
    Variable,
    While,
)
from likewise.loop.types import BF16, BOOL, F16, I32, LoopError, Storage, Type, type_named
from likewise.loop.values import Value, ValueLike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["FunctionBuilder", "MemoryAt", "Var"]

MemoryAt = Memory | tuple[Memory, ValueLike]


class Var:
    """A mutable local of the function being written: an accumulator."""

    __slots__ = ("builder", "variable")

    def __init__(self, builder: FunctionBuilder, variable: Variable) -> None:
        self.builder = builder
        self.variable = variable

    @property
    def type(self) -> Type:
        return self.variable.type

    def get(self) -> Value:
        """Its value at this point."""
        return self.builder.bind(Read(self.variable))

    def set(self, value: ValueLike) -> None:
        """Give it a new value of its type."""
        self.builder.set_variable(self.variable, value)


class FunctionBuilder(Arithmetic):
    """Writes one function, statement by statement; `finish` gives the frozen result."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._memories: list[BufferParam] = []
        self._scalars: list[ScalarParam] = []
        self._writes: set[int] = set()
        self._last_if: If | None = None

    # Parameters

    def memory(self, storage: Storage) -> BufferParam:
        """One more base address that the function receives."""
        self._memories.append(BufferParam(len(self._memories), storage))
        return self._memories[-1]

    def scalar(self, one: Type) -> Value:
        """One more scalar that the function receives."""
        ref = self.fresh(one)
        self._scalars.append(ScalarParam(len(self._scalars), ref.id, one))
        return Value(self, ref, one)

    # Blocks

    @contextmanager
    def loop(
        self, start: ValueLike, stop: ValueLike | None = None, step: int = 1
    ) -> Iterator[Value]:
        """`loop(n)` counts 0 … n-1; `loop(start, stop, step)` as Python's range, step positive."""
        if stop is None:
            start, stop = 0, start
        if step <= 0:
            raise self.fault("a loop's step is a positive constant", given=step)
        first, last = self.value(start, I32), self.value(stop, I32)
        trips = _trips(first, last, step)
        parent = self.scopes.top
        if trips == 1:
            self.scopes.push(barrier=False)
            yield first
            parent.statements.extend(self.scopes.pop())
            return
        (low, _), (_, high) = first.range(), last.range()
        scope = self.scopes.push(barrier=False)
        ref = self.fresh(I32)
        self.facts.ranges[ref.id] = (low, max(low, high - 1))
        yield Value(self, ref, I32)
        if self.scopes.top is not scope:
            raise self.fault("a block inside this loop was left open")
        body = self.scopes.pop()
        if trips != 0:
            self.scopes.append(For(ref.id, first.node, last.node, step, body))

    @contextmanager
    def while_(self, condition: Callable[[], Value]) -> Iterator[None]:
        """Repeat the block as long as what `condition()` writes holds before each round."""
        self.scopes.push(barrier=False)
        test = condition()
        if test.type is not BOOL:
            raise self.fault("a while loop needs a bool", given=test.type)
        scope = self.scopes.push(barrier=False)
        yield
        if self.scopes.top is not scope:
            raise self.fault("a block inside this loop was left open")
        body = self.scopes.pop()
        self._require(test)
        head = self.scopes.pop()
        self.scopes.append(While(head, test.node, body))

    @contextmanager
    def if_(self, condition: Value) -> Iterator[None]:
        """Run the block where `condition`, a bool, holds."""
        if condition.type is not BOOL:
            raise self.fault("`if_` needs a bool", given=condition.type, allowed="bool")
        self.scopes.push(barrier=True)
        yield
        made = If(condition.node, self.scopes.pop())
        self._append_if(made)

    def _append_if(self, made: If) -> None:
        if isinstance(made.condition, Const) and not made.otherwise:
            if made.condition.bits:
                self.scopes.top.statements.extend(made.then)
            self._last_if = made
            return
        self.scopes.append(made)
        self._last_if = made

    @contextmanager
    def otherwise(self) -> Iterator[None]:
        """The other branch of the `if_` that was just closed."""
        made = self._last_if
        statements = self.scopes.top.statements
        constant = made is not None and isinstance(made.condition, Const)
        if made is None or not (constant or (statements and statements[-1] is made)):
            raise self.fault("`otherwise` must follow its `if_` at once")
        self.scopes.push(barrier=True)
        yield
        body = self.scopes.pop()
        if isinstance(made.condition, Const):
            if not made.condition.bits:
                statements.extend(body)
            return
        statements[-1] = If(made.condition, made.then, body)

    # Variables

    def var(self, initial: ValueLike, one: Type | None = None) -> Var:
        """A new mutable local that starts as `initial`; `one` is its type beside a number."""
        if one is None and not isinstance(initial, Value):
            raise self.fault("a variable that starts as a number needs a type", given=initial)
        start = self.value(initial, one or I32)
        self._require(start)
        variable = Variable(self.fresh_id(), start.type)
        self.scopes.append(DeclareVar(variable, start.node))
        return Var(self, variable)

    def set_variable(self, variable: Variable, value: ValueLike) -> None:
        found = self.value(value, variable.type)
        if found.type is not variable.type:
            raise self.fault("a variable keeps its type", given=found.type, allowed=variable.type)
        self._require(found)
        self.scopes.append(SetVar(variable, found.node))

    def bind(self, expr: Expr) -> Value:
        """Evaluate an expression here, and nowhere else."""
        ref = self.fresh(expr.type)
        self.scopes.append(Let(ref.id, expr))
        self.facts.definitions[ref.id] = expr
        return Value(self, ref, expr.type)

    # Memory

    def index(self, index: ValueLike) -> Value:
        """An element index: an i32 handle or a Python integer."""
        if isinstance(index, float) or (isinstance(index, Value) and index.type is not I32):
            raise self.fault("an index is an i32", given=index, hint="use .cast(I32)")
        return self.value(index, I32)

    def load(self, memory: Memory, index: ValueLike, lanes: int = 1) -> Value:
        """Read `lanes` neighbouring elements, widened to the lane width of that many lanes.

        f16 and bf16 come as f32, bool as bool or a mask.
        """
        at, storage = self.index(index), memory.storage
        raw = self._loaded_type(storage, lanes)
        self._require(at)
        found = self.bind(Load(memory, at.node, raw))
        if storage is F16:
            return half.f16_to_f32(self, found)
        if storage is BF16:
            return half.bf16_to_f32(self, found)
        if storage.value is BOOL and lanes > 1:
            return found.ne(0)
        return found

    def _loaded_type(self, storage: Storage, lanes: int) -> Type:
        if lanes == 1:
            return storage.raw
        width, kind = 128 // lanes, storage.lane.kind
        floats_fit = storage.bytes * 8 == width or (kind != "f" and storage not in (F16, BF16))
        if storage in (F16, BF16):
            floats_fit = lanes == 4
        if lanes not in (2, 4, 8, 16) or width < storage.bytes * 8 or not floats_fit:
            raise self.fault(f"no vector load of {lanes} elements of {storage}")
        return type_named(f"{kind}{width}x{lanes}")

    def store(self, memory: Memory, index: ValueLike, value: ValueLike) -> None:
        """Write a scalar, or the lanes of a vector to neighbouring elements.

        Integers keep their low bits; f32 is rounded into f16 and bf16, ties to even.
        """
        at, storage = self.index(index), memory.storage
        found = self.value(value, storage.value)
        given = found.type
        if given.kind != storage.value.kind or (given.lanes == 1 and given is not storage.value):
            raise self.fault(
                f"a {given} does not go into memory of {storage}",
                allowed=f"{storage.value} or its vectors",
            )
        if storage is F16:
            found = half.f32_to_f16(self, found)
        elif storage is BF16:
            found = half.f32_to_bf16(self, found)
        elif given.is_bool and given.is_vector:
            found = found.cast(type_named(f"u{given.bits}x{given.lanes}")) & 1
        if found.type.lanes > 1 and found.type.bits < storage.bytes * 8:
            raise self.fault(f"lanes of {found.type} are narrower than {storage}")
        self._require(at, found)
        self._wrote(memory)
        self.scopes.append(Store(memory, at.node, found.node))

    def _wrote(self, memory: Memory) -> None:
        if isinstance(memory, BufferParam):
            self._writes.add(memory.position)
        elif memory.kind in ("constant", "input"):
            raise self.fault(f"the {memory.kind} {memory.name!r} is not written to")

    def fill(self, memory: Memory, index: ValueLike, count: ValueLike, byte: int = 0) -> None:
        """Set `count` elements to bytes of `byte`."""
        at, many = self.index(index), self.index(count)
        self._require(at, many)
        self._wrote(memory)
        self.scopes.append(Fill(memory, at.node, many.node, byte & 255))

    def copy(
        self,
        target: Memory,
        target_index: ValueLike,
        source: Memory,
        source_index: ValueLike,
        count: ValueLike,
    ) -> None:
        """Move `count` elements; the ranges may overlap."""
        if target.storage.bytes != source.storage.bytes:
            raise self.fault("a copy needs equal widths", given=(target.storage, source.storage))
        to, start, many = self.index(target_index), self.index(source_index), self.index(count)
        self._require(to, start, many)
        self._wrote(target)
        self.scopes.append(Copy(target, to.node, source, start.node, many.node))

    # Calls

    def call(
        self, function: Function, memories: Sequence[MemoryAt], scalars: Sequence[ValueLike] = ()
    ) -> None:
        """Call `function` on memories (with an element offset if paired with one) and scalars."""
        if len(memories) != len(function.memories) or len(scalars) != len(function.scalars):
            raise self.fault(
                f"{function.name} does not take these arguments",
                given=f"{len(memories)} memories, {len(scalars)} scalars",
                allowed=f"{len(function.memories)} memories, {len(function.scalars)} scalars",
            )
        passed = []
        for position, one in enumerate(memories):
            memory, offset = one if isinstance(one, tuple) else (one, 0)
            want = function.memories[position].storage
            if memory.storage is not want:
                raise self.fault(
                    f"memory {position} of {function.name} has another storage",
                    given=memory.storage,
                    allowed=want,
                )
            if position in function.writes:
                self._wrote(memory)
            at = self.index(offset)
            self._require(at)
            passed.append((memory, at.node))
        values = [
            self.value(given, param.type)
            for given, param in zip(scalars, function.scalars, strict=True)
        ]
        for value, param in zip(values, function.scalars, strict=True):
            self._require(value)
            if value.type is not param.type:
                raise self.fault("a scalar of another type", given=value, allowed=param.type)
        nodes = tuple(value.node for value in values)
        self.scopes.append(Call(function.name, tuple(passed), nodes))

    def finish(self) -> Function:
        """The function as written, without the pure operations that nothing needs."""
        if len(self.scopes.stack) != 1:
            raise self.fault("a block of this function was left open")
        body = drop_unused(tuple(self.scopes.stack[0].statements))
        writes = tuple(sorted(self._writes))
        return Function(self.name, tuple(self._memories), tuple(self._scalars), body, writes)

    def fault(
        self, what: str, *, given: object = None, allowed: object = None, hint: str | None = None
    ) -> LoopError:
        """An error that says this function and the Python line that writes it."""
        error = LoopError(what, given=given, allowed=allowed, hint=hint)
        return error.at(self.name, _python_line())


def _trips(first: Value, last: Value, step: int) -> int | None:
    start, stop = first.constant, last.constant
    if start is None or stop is None:
        return None
    return len(range(int(start), int(stop), step))


def _python_line() -> str:
    """File and line of the innermost frame outside this package."""
    frame = sys._getframe(1)  # noqa: SLF001 — the only way to the line that wrote the operation
    while frame.f_back is not None and (
        frame.f_globals.get("__package__") == __package__
        or frame.f_globals.get("__name__") == "contextlib"
    ):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
