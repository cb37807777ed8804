"""The nodes of the loop IR: all frozen, compared by structure.

A function is a tree of statements. Every operation is bound once by a `Let` (single static
assignment) and its operands are earlier bindings or constants, so an operation happens where it
stands. `Variable` is the one mutable thing: an accumulator, read by `Read` and set by `SetVar`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from likewise.loop.types import Storage, Type

__all__ = [
    "Apply",
    "Buffer",
    "BufferParam",
    "Call",
    "Const",
    "Copy",
    "DeclareVar",
    "Expr",
    "Fill",
    "For",
    "Function",
    "If",
    "Let",
    "Load",
    "Memory",
    "Operand",
    "Parts",
    "Program",
    "Read",
    "Ref",
    "ScalarParam",
    "SetVar",
    "Statement",
    "Store",
    "Variable",
    "While",
    "const_lanes",
]


@dataclass(frozen=True, slots=True)
class Const:
    """A constant by its bits, so that -0.0 and NaN payloads compare as they are.

    The lowest lane stands in the lowest bits.
    """

    type: Type
    bits: int


def const_lanes(const: Const) -> tuple[int | float | bool, ...]:
    """The lanes of a constant (one for a scalar) as Python numbers."""
    one = const.type
    if one.kind == "b":
        return tuple(
            bool(const.bits >> (lane * (128 // one.lanes)) & 1) for lane in range(one.lanes)
        )
    width = one.bits // 8
    raw = const.bits.to_bytes(width * one.lanes, "little")
    kind = "<f" if one.bits == 32 else "<d"
    found: list[int | float | bool] = []
    for lane in range(one.lanes):
        part = raw[lane * width : (lane + 1) * width]
        if one.is_float:
            found.append(struct.unpack(kind, part)[0])
        else:
            found.append(int.from_bytes(part, "little", signed=one.kind == "i"))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Ref:
    """The value bound under `id` by a Let, a loop or a scalar parameter."""

    id: int
    type: Type


Operand = Const | Ref


@dataclass(frozen=True, slots=True)
class Apply:
    """A pure operation; `likewise.loop.operations` says what each name means."""

    op: str
    type: Type
    args: tuple[Operand, ...]
    immediate: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """Memory of the program: `size` elements; `kind` is input, output, constant or scratch.

    `data` (constants only) is a C-contiguous array of `storage.numpy`.
    """

    name: str
    storage: Storage
    size: int
    kind: str
    data: np.ndarray | None = field(default=None, repr=False)

    @property
    def bytes(self) -> int:
        return self.size * self.storage.bytes


@dataclass(frozen=True, slots=True)
class BufferParam:
    """A base address that a function receives; index 0 is wherever the caller points it."""

    position: int
    storage: Storage


Memory = Buffer | BufferParam


@dataclass(frozen=True, slots=True)
class ScalarParam:
    """A scalar that a function receives, readable as `Ref(id, type)`.

    An i32 may have a `range`: the least and the greatest that callers pass.
    """

    position: int
    id: int
    type: Type
    range: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Read `type.lanes` neighbouring elements from `index` on.

    The type is the storage's raw scalar, a vector of its lane type, or a vector of a wider
    integer of the same sign (each element widened).
    """

    memory: Memory
    index: Operand
    type: Type


@dataclass(frozen=True, slots=True)
class Variable:
    """A mutable local value."""

    id: int
    type: Type


@dataclass(frozen=True, slots=True)
class Read:
    """The present value of a variable."""

    variable: Variable

    @property
    def type(self) -> Type:
        return self.variable.type


Expr = Apply | Load | Read


@dataclass(frozen=True, slots=True)
class Let:
    """Bind the value of an expression, evaluated here."""

    id: int
    expr: Expr


@dataclass(frozen=True, slots=True)
class DeclareVar:
    """Start a variable; it lives until its block ends."""

    variable: Variable
    initial: Operand


@dataclass(frozen=True, slots=True)
class SetVar:
    """Give a variable a new value."""

    variable: Variable
    value: Operand


@dataclass(frozen=True, slots=True)
class Store:
    """Write the lanes of `value` from `index` on; integers keep their low bits."""

    memory: Memory
    index: Operand
    value: Operand


@dataclass(frozen=True, slots=True)
class Fill:
    """Set `count` elements from `index` on to bytes of `byte`."""

    memory: Memory
    index: Operand
    count: Operand
    byte: int


@dataclass(frozen=True, slots=True)
class Copy:
    """Move `count` elements; the two ranges may overlap. Both storages have the same width."""

    target: Memory
    target_index: Operand
    source: Memory
    source_index: Operand
    count: Operand


@dataclass(frozen=True, slots=True)
class For:
    """i = start; while i < stop: body; i += step. `step` is a positive constant."""

    id: int
    start: Operand
    stop: Operand
    step: int
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class While:
    """Run `head`, and while `condition` (bound in it) holds run `body` and start over."""

    head: tuple[Statement, ...]
    condition: Operand
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class If:
    """Run one of two blocks."""

    condition: Operand
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Parts:
    """start, start + size, … below stop: where parts begin. `step` divides `size`.

    A part is all rounds of one loop of `step` from its beginning up to the next one, or `stop`.
    """

    start: int
    stop: int
    step: int
    size: int

    @property
    def count(self) -> int:
        return len(range(self.start, self.stop, self.size))


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function; each argument is a memory with an element offset, or a scalar.

    With `parts` it is called once for each part, in any order or by several threads at once; the
    part's beginning and end, two i32, follow the other scalars. The parts are independent: none
    touches what another writes. Scratch memory may be an exception, by its position in `copies`:
    it holds several, that many elements apart, of which a part is given one that no other part uses
    at the time, whatever it contains.
    """

    function: str
    memories: tuple[tuple[Memory, Operand], ...]
    scalars: tuple[Operand, ...] = ()
    parts: Parts | None = None
    copies: tuple[tuple[int, int], ...] = ()


Statement = Let | DeclareVar | SetVar | Store | Fill | Copy | For | While | If | Call


@dataclass(frozen=True, slots=True)
class Function:
    """`memories` and `scalars` are the parameters in order; `writes` the positions written."""

    name: str
    memories: tuple[BufferParam, ...]
    scalars: tuple[ScalarParam, ...]
    body: tuple[Statement, ...]
    writes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """`functions` stand callees first; the last one, `run`, has no parameters."""

    buffers: tuple[Buffer, ...]
    functions: tuple[Function, ...]

    def buffer(self, name: str) -> Buffer:
        """The buffer of that name; raises KeyError."""
        for one in self.buffers:
            if one.name == name:
                return one
        raise KeyError(name)
