"""The rules of the loop IR, checked on a finished program."""

from __future__ import annotations

from likewise.loop.clean import operands
from likewise.loop.independence import independent, loops_of
from likewise.loop.nodes import (
    Apply,
    Buffer,
    BufferParam,
    Call,
    Const,
    Copy,
    DeclareVar,
    Fill,
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
    SetVar,
    Statement,
    Store,
    Variable,
    While,
)
from likewise.loop.operations import result_type
from likewise.loop.types import BOOL, I32, LoopError, Storage, Type

__all__ = ["verify", "verify_function"]


def verify(program: Program) -> None:
    """Raise LoopError, which says the function and the fault, unless every rule holds."""
    names = [one.name for one in program.buffers]
    if len(set(names)) != len(names):
        raise LoopError("two buffers have one name")
    for buffer in program.buffers:
        _verify_buffer(buffer)
    known: dict[str, Function] = {}
    for function in program.functions:
        if function.name in known:
            raise LoopError("two functions have one name", given=function.name)
        verify_function(function, known, frozenset(program.buffers))
        known[function.name] = function
    if not program.functions or program.functions[-1].name != "run":
        raise LoopError("the last function must be `run`", given=list(known))
    last = program.functions[-1]
    if last.memories or last.scalars:
        raise LoopError("`run` takes no parameters")


def _verify_buffer(buffer: Buffer) -> None:
    if buffer.size < 0:
        raise LoopError("a buffer has a negative size", given=buffer.size).at(buffer.name)
    if (buffer.kind == "constant") != (buffer.data is not None):
        raise LoopError("constants have data, and nothing else has").at(buffer.name)
    if buffer.data is not None and (
        buffer.data.size != buffer.size or buffer.data.dtype != buffer.storage.numpy
    ):
        raise LoopError("a constant's data does not fit it", given=buffer.data.dtype).at(
            buffer.name
        )


def verify_function(
    function: Function, known: dict[str, Function], buffers: frozenset[Buffer]
) -> None:
    """Check one function, given those that it may call and the buffers that it may name."""
    _Verifier(function, known, buffers).check()


class _Verifier:
    def __init__(
        self, function: Function, known: dict[str, Function], buffers: frozenset[Buffer]
    ) -> None:
        self.function = function
        self.known = known
        self.buffers = buffers
        self.types: dict[int, Type] = {one.id: one.type for one in function.scalars}
        self.variables: dict[int, Variable] = {}
        self.bound = set(self.types)

    def check(self) -> None:
        self.block(self.function.body)

    def fail(self, what: str, given: object = None) -> LoopError:
        return LoopError(what, given=given).at(self.function.name)

    def need(self, condition: bool, what: str, given: object = None) -> None:
        if not condition:
            raise self.fail(what, given)

    def operand(self, operand: Operand, want: Type | None = None) -> None:
        if not isinstance(operand, Const):
            found = self.types.get(operand.id)
            self.need(found is not None, "a value is used where it is not bound", operand)
            self.need(found is operand.type, "a value is used as another type", operand)
        self.need(want is None or operand.type is want, f"a {want} is needed here", operand)

    def memory(self, memory: Memory, *, written: bool = False) -> None:
        if isinstance(memory, BufferParam):
            inside = memory.position < len(self.function.memories)
            self.need(
                inside and self.function.memories[memory.position] == memory,
                "a memory parameter that the function does not have",
                memory,
            )
            self.need(
                not written or memory.position in self.function.writes,
                "a parameter is written but not declared so",
                memory,
            )
            return
        self.need(memory in self.buffers, "a buffer that the program does not have", memory)
        self.need(
            not written or memory.kind in ("output", "scratch"),
            f"a buffer of kind {memory.kind} is written",
            memory.name,
        )

    def block(self, statements: tuple[Statement, ...]) -> None:
        types, variables = dict(self.types), dict(self.variables)
        for statement in statements:
            self.statement(statement)
        self.types, self.variables = types, variables

    def bind(self, identity: int, one: Type) -> None:
        self.need(identity not in self.bound, "a value is bound twice", identity)
        self.bound.add(identity)
        self.types[identity] = one

    def statement(self, statement: Statement) -> None:
        if not isinstance(statement, While):
            for one in operands(statement):
                self.operand(one)
        match statement:
            case Let(id=identity, expr=expr):
                self.expression(expr)
                self.bind(identity, expr.type)
            case DeclareVar(variable=variable, initial=value):
                self.need(value.type is variable.type, "a variable starts as another type")
                self.variables[variable.id] = variable
            case SetVar(variable=variable, value=value):
                self.need(self.variables.get(variable.id) == variable, "an unknown variable")
                self.need(value.type is variable.type, "a variable is set to another type")
            case Store(memory=memory, index=index, value=value):
                self.memory(memory, written=True)
                self.operand(index, I32)
                self.need(_storable(memory.storage, value.type), "a value of another type stored")
            case Fill(memory=memory, index=index, count=count):
                self.memory(memory, written=True)
                self.operand(index, I32)
                self.operand(count, I32)
            case Copy(target=target, source=source):
                self.memory(target, written=True)
                self.memory(source)
                self.need(target.storage.bytes == source.storage.bytes, "a copy of other widths")
                for one in operands(statement):
                    self.operand(one, I32)
            case Call():
                self.call(statement)
            case _:
                self.nested(statement)

    def nested(self, statement: Statement) -> None:
        match statement:
            case For(id=identity, start=start, stop=stop, step=step, body=body):
                self.operand(start, I32)
                self.operand(stop, I32)
                self.need(step > 0, "a loop's step is not positive", step)
                self.bind(identity, I32)
                self.block(body)
                del self.types[identity]
            case If(condition=condition, then=then, otherwise=otherwise):
                self.operand(condition, BOOL)
                self.block(then)
                self.block(otherwise)
            case While(head=head, condition=condition, body=body):
                types, variables = dict(self.types), dict(self.variables)
                for one in head:
                    self.statement(one)
                self.operand(condition, BOOL)
                self.block(body)
                self.types, self.variables = types, variables
            case _:
                raise self.fail("no such statement", statement)

    def expression(self, expr: object) -> None:
        match expr:
            case Apply(op=op, type=result, args=args, immediate=immediate):
                found = result_type(op, tuple(one.type for one in args), immediate)
                self.need(found is result, f"{op} gives {found}, not {result}")
            case Load(memory=memory, index=index, type=result):
                self.memory(memory)
                self.operand(index, I32)
                self.need(_loadable(memory.storage, result), f"no load of {result}", memory)
            case Read(variable=variable):
                self.need(self.variables.get(variable.id) == variable, "an unknown variable")
            case _:
                raise self.fail("no such expression", expr)

    def call(self, call: Call) -> None:
        function = self.known.get(call.function)
        if function is None:
            raise self.fail("a call of a function that does not stand before", call.function)
        self.need(len(call.memories) == len(function.memories), "a call with other memories", call)
        for position, (memory, offset) in enumerate(call.memories):
            self.memory(memory, written=position in function.writes)
            self.need(
                memory.storage is function.memories[position].storage,
                "a call with memory of another storage",
                memory,
            )
            self.operand(offset, I32)
        given = [one.type for one in call.scalars] + [I32, I32] * (call.parts is not None)
        self.need(
            given == [one.type for one in function.scalars],
            "a call with scalars of other types",
            call,
        )
        if call.parts is not None:
            self.parts(call, function, call.parts)

    def parts(self, call: Call, function: Function, parts: Parts) -> None:
        self.need(
            parts.start < parts.stop and parts.step > 0 and parts.size % parts.step == 0,
            "parts that are no range",
            parts,
        )
        memories = [memory for memory, _ in call.memories]
        self.need(len(set(memories)) == len(memories), "parts with one memory twice", call)
        for position, apart in call.copies:
            memory = memories[position]
            self.need(
                isinstance(memory, Buffer)
                and memory.kind == "scratch"
                and memory.size >= apart > 0
                and memory.size % apart == 0,
                "copies that the memory does not hold",
                memory,
            )
        own = frozenset[Memory](function.memories[position] for position, _ in call.copies)
        first, last = function.scalars[-2:]
        bounds = Ref(first.id, I32), Ref(last.id, I32)
        loops = [one for one in loops_of(function.body) if (one.start, one.stop) == bounds]
        self.need(
            len(loops) == 1
            and loops[0].step == parts.step
            and first.range == last.range == (parts.start, parts.stop)
            and independent(function, loops[0], own),
            "parts that depend on each other",
            call.function,
        )


def _loadable(storage: Storage, one: Type) -> bool:
    if one.lanes == 1:
        return one is storage.raw
    if one.kind == "f" or storage.lane.kind == "f":
        return one.element is storage.lane
    return one.kind == storage.lane.kind and one.bits >= storage.bytes * 8


def _storable(storage: Storage, one: Type) -> bool:
    if one.lanes == 1:
        return one is storage.raw
    if one.kind == "f" or storage.lane.kind == "f":
        return one.element is storage.lane
    return one.kind == storage.lane.kind and one.bits >= storage.bytes * 8
