"""Instructions for the operations of the loop IR, and the locals of a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from likewise.loop.nodes import Apply, Const, Operand, const_lanes
from likewise.loop.operations import COMPARISONS
from likewise.targets.wasm.assembler import assemble
from likewise.targets.wasm.encoder import signed, unsigned
from likewise.targets.wasm.opcodes import LOADS, OPCODES, STORES, simd

if TYPE_CHECKING:
    from likewise.loop.types import Storage, Type

__all__ = ["Instructions", "load_code", "shape_of", "store_code", "v128_const", "value_type"]


def value_type(one: Type) -> str:
    """The WebAssembly type that holds a value."""
    if one.lanes > 1:
        return "v128"
    if one.is_bool or one.bits < 32:
        return "i32"
    return f"{'f' if one.is_float else 'i'}{one.bits}"


def shape_of(one: Type) -> str:
    """How vector instructions name a type: signs are not told apart."""
    return f"{'f' if one.is_float else 'i'}{one.bits}x{one.lanes}"


def v128_const(const: Const) -> bytes:
    """The instruction that gives a vector constant."""
    return simd(0x0C) + const.bits.to_bytes(16, "little")


_ZERO_LOADS: Final = {2: simd(0x08) + b"\1", 4: simd(0x5C) + b"\2", 8: simd(0x5D) + b"\3"}


def load_code(storage: Storage, one: Type) -> tuple[bytes, tuple[str, ...]]:
    """The load up to its offset, and what widens the lanes after it."""
    if one.lanes == 1:
        code, exponent = LOADS[storage.name, value_type(one)]
        return code + bytes((exponent,)), ()
    bits, sign = storage.bytes * 8, "s" if one.kind == "i" else "u"
    align = bytes((storage.bytes.bit_length() - 1,))
    if bits == one.bits:
        return simd(0x00) + align, ()
    if bits * 2 == one.bits:
        number = {8: 1, 16: 3, 32: 5}[bits] + (sign == "u")
        return simd(number) + b"\3", ()
    after = []
    while bits < one.bits:
        source, wide = f"i{bits}x{128 // bits}", f"i{bits * 2}x{64 // bits}"
        after.append(f"{wide}.extend_low_{source}_{sign}")
        bits *= 2
    return _ZERO_LOADS[storage.bytes * one.lanes], tuple(after)


def store_code(storage: Storage, one: Type) -> tuple[bytes, bytes, bytes]:
    """What narrows the lanes, the store up to its offset, and what follows the offset."""
    if one.lanes == 1:
        code, exponent = STORES[storage.bytes][value_type(one)]
        return b"", code + bytes((exponent,)), b""
    wide = one.bits // 8
    align = bytes((storage.bytes.bit_length() - 1,))
    if wide == storage.bytes:
        return b"", simd(0x0B) + align, b""
    total = storage.bytes * one.lanes
    low = [lane * wide + at for lane in range(one.lanes) for at in range(storage.bytes)]
    number = {2: 0x59, 4: 0x5A, 8: 0x5B}[total]
    low += [0] * (16 - len(low))
    return simd(0x0C) + bytes(low) + simd(0x0E), simd(number) + align, b"\0"


class Instructions:
    """Code, locals, and the translation of pure operations."""

    def __init__(self, params: int, *, fused: bool) -> None:
        self.code = bytearray()
        self.fused = fused
        self.first = params
        self.locals: list[str] = []
        self.free: dict[str, list[int]] = {}
        self.taken: list[tuple[str, int]] = []
        self.depth = 0
        """Loops around the code that is being written."""
        self.kept: dict[Const, int] = {}
        """Constants that the function puts into locals when it begins."""

    def operand(self, operand: Operand) -> None:
        raise NotImplementedError

    # Locals

    def new_local(self, kind: str) -> int:
        """A local that is ours until the block ends."""
        free = self.free.setdefault(kind, [])
        if free:
            number = free.pop()
        else:
            number = self.first + len(self.locals)
            self.locals.append(kind)
        self.taken.append((kind, number))
        return number

    def mark(self) -> int:
        return len(self.taken)

    def release(self, mark: int) -> None:
        while len(self.taken) > mark:
            kind, number = self.taken.pop()
            self.free[kind].append(number)

    # Small parts

    def op(self, name: str) -> None:
        self.code += OPCODES[name]

    def get(self, local: int) -> None:
        self.code += b"\x20" + unsigned(local)

    def set(self, local: int) -> None:
        self.code += b"\x21" + unsigned(local)

    def asm(self, words: str, **names: int) -> None:
        """Control flow and the like, as `assemble` takes it."""
        self.code += assemble(words, names)

    def tee(self, kind: str) -> int:
        """Keep the top of the stack in a fresh local as well."""
        local = self.new_local(kind)
        self.code += b"\x22" + unsigned(local)
        return local

    def i32(self, number: int) -> None:
        number &= 0xFFFFFFFF
        self.code += b"\x41" + signed(number - (1 << 32) if number >> 31 else number)

    def integer(self, number: int, one: Type) -> None:
        """A constant of a scalar integer type."""
        if one.bits == 64:
            number &= 0xFFFFFFFFFFFFFFFF
            self.code += b"\x42" + signed(number - (1 << 64) if number >> 63 else number)
        else:
            self.i32(number)

    def scale(self, times: int) -> None:
        if times == 1:
            return
        if times > 0 and times & (times - 1) == 0:
            self.i32(times.bit_length() - 1)
            self.op("i32.shl")
        else:
            self.i32(times)
            self.op("i32.mul")

    def constant(self, const: Const) -> None:
        one = const.type
        if one.lanes > 1:
            self._vector(const)
        elif one.is_float:
            opcode = b"\x43" if one.bits == 32 else b"\x44"
            self.code += opcode + const.bits.to_bytes(one.bits // 8, "little")
        else:
            self.integer(int(const_lanes(const)[0]), one)

    def _vector(self, const: Const) -> None:
        """A vector constant. V8 makes one with several instructions wherever it stands, zeros and
        ones apart: inside a loop it is read from a local that never changes.
        """
        if self.depth and const.bits not in (0, (1 << 128) - 1):
            if const not in self.kept:
                self.kept[const] = self.first + len(self.locals)
                self.locals.append("v128")
            self.get(self.kept[const])
        else:
            self.code += v128_const(const)

    def load_splat(self, size: int, offset: int) -> None:
        exponent = size.bit_length() - 1
        self.code += simd(0x07 + exponent) + bytes((exponent,)) + unsigned(offset)

    # Operations

    def apply(self, node: Apply) -> None:
        """Evaluate a pure operation onto the stack."""
        special = getattr(self, f"op_{node.op}", None)
        if special is not None:
            special(node)
            return
        for one in node.args:
            self.operand(one)
        self.op(self.plain_name(node))

    def plain_name(self, node: Apply) -> str:
        """The one instruction of an operation that has one."""
        source = node.args[0].type
        name, op = (shape_of(source) if source.lanes > 1 else value_type(source)), node.op
        signed_op = op in ("shr", "min", "max") or (op in COMPARISONS and op not in ("eq", "ne"))
        if (op in {"div", "rem"} or signed_op) and source.is_int:
            return f"{name}.{op}_{'s' if source.kind == 'i' else 'u'}"
        if source.lanes > 1 and op in ("and", "or", "xor", "not", "any_true"):
            return f"v128.{op}"
        return f"{name}.{op}"

    def operands(self, node: Apply) -> None:
        """Put all operands on the stack."""
        for one in node.args:
            self.operand(one)

    def op_neg(self, node: Apply) -> None:
        if node.type.is_int and node.type.lanes == 1:
            self.integer(0, node.type)
            self.operand(node.args[0])
            self.op(f"{value_type(node.type)}.sub")
        else:
            self.operands(node)
            self.op(self.plain_name(node))

    def op_abs(self, node: Apply) -> None:
        self.operands(node)
        if node.type.lanes > 1 or node.type.is_float:
            self.op(self.plain_name(node))
            return
        kind = value_type(node.type)
        value = self.tee(kind)
        self.get(value)
        self.integer(node.type.bits - 1, node.type)
        self.op(f"{kind}.shr_s")
        sign = self.tee(kind)
        self.op(f"{kind}.xor")
        self.get(sign)
        self.op(f"{kind}.sub")

    def op_not(self, node: Apply) -> None:
        self.operands(node)
        if node.type.lanes > 1:
            self.op("v128.not")
        elif node.type.is_bool:
            self.op("i32.eqz")
        else:
            self.integer(-1, node.type)
            self.op(f"{value_type(node.type)}.xor")

    def _is_safe(self, divisor: Operand) -> bool:
        return isinstance(divisor, Const) and const_lanes(divisor)[0] not in (0, -1)

    def op_div(self, node: Apply) -> None:
        one = node.type
        if one.is_float or self._is_safe(node.args[1]):
            self.operands(node)
            self.op(self.plain_name(node))
            return
        kind = value_type(one)
        # For a divisor of 0 or -1 the answer is a * b, and the division is by 1.
        self.operand(node.args[0])
        a = self.tee(kind)
        self.operand(node.args[1])
        b = self.new_local(kind)
        self.set(b)
        self.integer(1, one)
        self.get(b)
        self._unsafe(kind, b, one)
        unsafe = self.tee("i32")
        self.op("select")
        self.op(self.plain_name(node))
        quotient = self.new_local(kind)
        self.set(quotient)
        self.get(a)
        self.get(b)
        self.op(f"{kind}.mul")
        self.get(quotient)
        self.get(unsafe)
        self.op("select")

    def _unsafe(self, kind: str, divisor: int, one: Type) -> None:
        """Whether a divisor is 0, or -1 in a signed type."""
        self.get(divisor)
        if one.kind == "u":
            self.op(f"{kind}.eqz")
            return
        self.integer(1, one)
        self.op(f"{kind}.add")
        self.integer(2, one)
        self.op(f"{kind}.lt_u")

    def op_rem(self, node: Apply) -> None:
        self.operand(node.args[0])
        if not self._is_safe(node.args[1]):
            kind = value_type(node.type)
            self.integer(1, node.type)
            self.operand(node.args[1])
            divisor = self.tee(kind)
            self.get(divisor)
            self.op(f"{kind}.eqz")
            self.op("select")
        else:
            self.operand(node.args[1])
        self.op(self.plain_name(node))

    def _shift(self, node: Apply) -> None:
        self.operands(node)
        value, count = node.args[0].type, node.args[1].type
        if value.lanes == 1 and value.bits == 64 and count.bits == 32:
            self.op("i64.extend_i32_u")
        self.op(self.plain_name(node))

    op_shl = op_shr = _shift

    def _equal(self, node: Apply) -> None:
        self.operands(node)
        if node.args[0].type.is_bool and node.args[0].type.lanes > 1:
            self.op("v128.xor")
            if node.op == "eq":
                self.op("v128.not")
            return
        self.op(self.plain_name(node))

    op_eq = op_ne = _equal

    def _extend_sign(self, node: Apply) -> None:
        self.operands(node)
        if node.op != "sext32" or node.type.bits == 64:
            self.op(f"{value_type(node.type)}.extend{node.op[4:]}_s")

    op_sext8 = op_sext16 = op_sext32 = _extend_sign

    def op_madd(self, node: Apply) -> None:
        a, b, c = node.args
        for one in (a, b):
            self.operand(one)
        name = shape_of(node.type) if node.type.lanes > 1 else value_type(node.type)
        if self.fused and node.type.lanes > 1:
            self.operand(c)
            self.op(f"{name}.relaxed_madd")
        else:
            self.op(f"{name}.mul")
            self.operand(c)
            self.op(f"{name}.add")

    def op_nmadd(self, node: Apply) -> None:
        a, b, c = node.args
        name = shape_of(node.type) if node.type.lanes > 1 else value_type(node.type)
        if self.fused and node.type.lanes > 1:
            for one in (a, b, c):
                self.operand(one)
            self.op(f"{name}.relaxed_nmadd")
            return
        for one in (c, a, b):
            self.operand(one)
        self.op(f"{name}.mul")
        self.op(f"{name}.sub")
