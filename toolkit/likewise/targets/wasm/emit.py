"""One function of the loop IR as WebAssembly code.

A value that is read once, in the block that binds it, stays on the stack; every other gets a
local, free again when its block ends. Loads and reads of variables that wait on no local yet are
put into one before anything is written that could change them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    Parts,
    Read,
    Ref,
    SetVar,
    Statement,
    Store,
    While,
    const_lanes,
)
from likewise.loop.types import I32
from likewise.targets.wasm.addresses import Access, AddressPlan, Recipe, Slot
from likewise.targets.wasm.conversions import Conversions
from likewise.targets.wasm.encoder import FunctionBody, signed, unsigned
from likewise.targets.wasm.instructions import load_code, store_code, v128_const, value_type
from likewise.targets.wasm.uses import Uses

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["emit_function"]

_DEEPEST_TREE = 100


def emit_function(
    function: Function,
    addresses: dict[Buffer, int],
    positions: Mapping[str, int],
    tickets: Mapping[Call, int] | None = None,
    *,
    fused: bool,
) -> FunctionBody:
    """The body; `positions` numbers the functions that it may call.

    `tickets` are those of the calls that threads share.
    """
    plan = AddressPlan(function, addresses)
    return _Emitter(function, plan, positions, tickets or {}, fused=fused).emit()


class _Emitter(Conversions):
    def __init__(
        self,
        function: Function,
        plan: AddressPlan,
        positions: Mapping[str, int],
        tickets: Mapping[Call, int],
        *,
        fused: bool,
    ) -> None:
        memories = ["i32"] * len(function.memories)
        self.params = (*memories, *(value_type(one.type) for one in function.scalars))
        super().__init__(len(self.params), fused=fused)
        self.function = function
        self.plan = plan
        self.positions = positions
        self.tickets = tickets
        self.local_of: dict[int, int] = {}
        self.variable_local: dict[int, int] = {}
        self.slot_local: dict[Slot, int] = {}
        self.pending: dict[int, tuple[Expr, int]] = {}
        self.impure: dict[int, None] = {}
        self.access_of: dict[int, Access] = {}
        self.uses = Uses(function, plan)
        for param in function.scalars:
            self.local_of[param.id] = len(memories) + param.position

    def emit(self) -> FunctionBody:
        self.block(self.function.body)
        begin = bytearray()
        for const, local in self.kept.items():
            begin += v128_const(const) + b"\x21" + unsigned(local)
        code = bytes(begin + self.code)
        return FunctionBody(self.function.name, self.params, tuple(self.locals), code)

    # Values

    def operand(self, operand: Operand) -> None:
        """Put a value on the stack."""
        if isinstance(operand, Const):
            self.constant(operand)
            return
        local = self.local_of.get(operand.id)
        if local is not None:
            self.get(local)
            return
        expr, _ = self.pending.pop(operand.id)
        self.impure.pop(operand.id, None)
        self.expression(expr, operand.id)

    def expression(self, expr: Expr, _identity: int) -> None:
        match expr:
            case Load():
                self.load(expr, self.access_of[_identity])
            case Read(variable=variable):
                self.get(self.variable_local[variable.id])
            case Apply(op="splat", args=(Ref(id=source),)) if self.splats(source, expr):
                self.pending.pop(source)
                self.impure.pop(source, None)
                access = self.access_of[source]
                self.address(access.recipe)
                self.load_splat(expr.type.bits // 8, access.immediate)
            case Apply():
                self.apply(expr)

    def splats(self, identity: int, splat: Apply) -> bool:
        """Whether a splat and the load that waits for it are one instruction."""
        waiting = self.pending.get(identity)
        if waiting is None or not isinstance(waiting[0], Load):
            return False
        return waiting[0].memory.storage.bytes * 8 == splat.type.bits

    def let(self, statement: Let) -> None:
        identity, expr = statement.id, statement.expr
        if identity not in self.uses.count:
            return
        if isinstance(expr, Load):
            self.access_of[identity] = self.plan.access[id(statement)]
        args = _arguments(expr, self.access_of.get(identity))
        depth = 1 + max((self.pending[one][1] for one in args if one in self.pending), default=0)
        if self.uses.alone(identity) and depth < _DEEPEST_TREE:
            self.pending[identity] = (expr, depth)
            if not isinstance(expr, Apply) or any(one in self.impure for one in args):
                self.impure[identity] = None
            return
        self.expression(expr, identity)
        self.keep(identity, value_type(expr.type))

    def keep(self, identity: int, kind: str) -> None:
        """Move the top of the stack into a local for this value."""
        self.local_of[identity] = self.new_local(kind)
        self.set(self.local_of[identity])

    def flush(self) -> None:
        """Give a local to every waiting value that a write could change, largest trees first."""
        for identity in reversed(list(self.impure)):
            if identity in self.impure:
                expr, _ = self.pending.pop(identity)
                self.impure.pop(identity)
                self.expression(expr, identity)
                self.keep(identity, value_type(expr.type))

    # Addresses

    def address(self, recipe: Recipe) -> None:
        """Put the value of a recipe on the stack."""
        first = True
        if recipe.slot is not None:
            self.get(self.slot_local[recipe.slot])
            first = False
        if recipe.parameter is not None:
            self.get(recipe.parameter)
            first = self.join(first)
        for one, times in recipe.terms:
            self.operand(Ref(one, I32))
            self.scale(times)
            first = self.join(first)
        if recipe.constant or first:
            self.i32(recipe.constant)
            self.join(first)

    def join(self, first: bool) -> bool:
        if not first:
            self.op("i32.add")
        return False

    def place(self, memory: Memory, index: Operand) -> None:
        """Put the byte address of an element on the stack."""
        size = memory.storage.bytes
        base = self.plan.addresses[memory] if isinstance(memory, Buffer) else 0
        if isinstance(index, Const):
            base += int(const_lanes(index)[0]) * size
        else:
            self.operand(index)
            self.scale(size)
        if isinstance(memory, BufferParam):
            self.get(memory.position)
            self.join(isinstance(index, Const))
        if isinstance(memory, Buffer) and isinstance(index, Const):
            self.i32(base)
        elif base:
            self.i32(base)
            self.op("i32.add")

    def load(self, load: Load, access: Access) -> None:
        self.address(access.recipe)
        code, after = load_code(load.memory.storage, load.type)
        self.code += code + unsigned(access.immediate)
        for name in after:
            self.op(name)

    # Statements

    def block(self, block: tuple[Statement, ...]) -> None:
        mark = self.mark()
        for statement in block:
            self.statement(statement)
        self.release(mark)

    def statement(self, statement: Statement) -> None:
        match statement:
            case Let():
                self.let(statement)
            case DeclareVar(variable=variable, initial=value):
                self.operand(value)
                self.variable_local[variable.id] = self.new_local(value_type(variable.type))
                self.set(self.variable_local[variable.id])
            case SetVar(variable=variable, value=value):
                self.operand(value)
                self.flush()
                self.set(self.variable_local[variable.id])
            case Store(memory=memory, value=value):
                access = self.plan.access[id(statement)]
                self.address(access.recipe)
                self.operand(value)
                self.flush()
                before, code, after = store_code(memory.storage, value.type)
                self.code += before + code + unsigned(access.immediate) + after
            case Fill() | Copy() | Call():
                self.bulk(statement)
            case For():
                self.loop(statement)
            case If(condition=condition, then=then, otherwise=otherwise):
                self.operand(condition)
                self.flush()
                self.code += b"\x04\x40"
                self.block(then)
                if otherwise:
                    self.code += b"\x05"
                    self.block(otherwise)
                self.code += b"\x0b"
            case While():
                self.while_(statement)

    def bulk(self, statement: Fill | Copy | Call) -> None:
        """Statements that hand over addresses."""
        match statement:
            case Fill(memory=memory, index=index, count=count, byte=byte):
                self.place(memory, index)
                self.i32(byte)
                self.operand(count)
                self.scale(memory.storage.bytes)
                self.flush()
                self.code += b"\xfc\x0b\0"
            case Copy(target, to, source, start, count):
                self.place(target, to)
                self.place(source, start)
                self.operand(count)
                self.scale(target.storage.bytes)
                self.flush()
                self.code += b"\xfc\x0a\0\0"
            case Call() if statement in self.tickets:
                self.flush()
                self.i32(self.tickets[statement])
                self.code += b"\x10" + unsigned(self.positions["share"])
            case Call(parts=None):
                self.call(statement)
            case Call(parts=Parts() as parts):
                self.in_parts(statement, parts)

    def call(self, call: Call, *bounds: int) -> None:
        """Call the function as a whole, or for the part whose bounds the locals hold."""
        for memory, offset in call.memories:
            self.place(memory, offset)
        for one in call.scalars:
            self.operand(one)
        for bound in bounds:
            self.get(bound)
        self.flush()
        self.code += b"\x10" + unsigned(self.positions[call.function])

    def in_parts(self, call: Call, parts: Parts) -> None:
        """Call the function for one part after the other."""
        self.flush()
        mark = self.mark()
        start, stop = self.new_local("i32"), self.new_local("i32")
        names = {"START": start, "STOP": stop, "SIZE": parts.size, "LAST": parts.stop}
        self.i32(parts.start)
        self.set(start)
        self.asm(
            """
            loop
              local.get START i32.const SIZE i32.add local.tee STOP i32.const LAST
              local.get STOP i32.const LAST i32.lt_s select local.set STOP
            """,
            **names,
        )
        self.depth += 1
        self.call(call, start, stop)
        self.asm("local.get STOP local.tee START i32.const LAST i32.lt_s br_if 0 end", **names)
        self.depth -= 1
        self.release(mark)

    def while_(self, statement: While) -> None:
        self.flush()
        mark = self.mark()
        self.asm("block loop")
        self.depth += 1
        for one in statement.head:
            self.statement(one)
        self.operand(statement.condition)
        self.asm("i32.eqz br_if 1")
        self.block(statement.body)
        self.asm("br 0 end end")
        self.depth -= 1
        self.release(mark)

    def loop(self, loop: For) -> None:
        """A loop tests at its end; one that may not run at all stands in an `if`."""
        self.flush()
        mark = self.mark()
        trips = _trips(loop)
        counted = trips is not None and loop.id not in self.uses.count
        counter = self.new_local("i32")
        self.local_of[loop.id] = counter
        slots = list(self.plan.slots(loop))
        first = loop.start
        if trips is None:
            kept = self.new_local("i32")
            self.operand(first)
            self.asm("local.tee KEPT", KEPT=kept)
            self.operand(loop.stop)
            self.asm("i32.lt_s if")
            self.get(kept)
        elif counted:
            self.i32(trips or 0)
        else:
            self.operand(first)
        self.set(counter)
        for slot in slots:
            self.address(slot.recipe)
            self.slot_local[slot] = self.new_local("i32")
            self.set(self.slot_local[slot])
        self.asm("loop")
        self.depth += 1
        self.block(loop.body)
        self.depth -= 1
        for slot in slots:
            if slot.step:
                self.add_to(self.slot_local[slot], slot.step)
                self.set(self.slot_local[slot])
        self.add_to(counter, -1 if counted else loop.step)
        self.asm("local.tee COUNTER", COUNTER=counter)
        if not counted:
            self.operand(loop.stop)
            self.op("i32.lt_s")
        self.asm("br_if 0 end" if trips is not None else "br_if 0 end end")
        self.release(mark)

    def add_to(self, local: int, step: int) -> None:
        self.get(local)
        self.code += b"\x41" + signed(step)
        self.op("i32.add")


def _arguments(expr: Expr, access: Access | None) -> list[int]:
    """The values that evaluating an expression reads."""
    if access is not None:
        return [one for one, _ in access.recipe.terms]
    if isinstance(expr, Apply):
        return [one.id for one in expr.args if isinstance(one, Ref)]
    return []


def _trips(loop: For) -> int | None:
    """How often a loop of constant bounds runs (at least once), else None."""
    if not isinstance(loop.start, Const) or not isinstance(loop.stop, Const):
        return None
    start, stop = int(const_lanes(loop.start)[0]), int(const_lanes(loop.stop)[0])
    return len(range(start, stop, loop.step)) or None
