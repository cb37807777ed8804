"""The loop IR: what a compiled target computes.

Programs are written with `ProgramBuilder` and `FunctionBuilder`, checked by `verify`, shown by
`program_text`, and defined by `interpret`.
"""

from likewise.loop.builder import FunctionBuilder, Var
from likewise.loop.interp import interpret
from likewise.loop.nodes import Buffer, BufferParam, Function, Memory, Program
from likewise.loop.program import ProgramBuilder
from likewise.loop.text import function_text, program_text
from likewise.loop.types import (
    BOOL,
    F32,
    F64,
    I32,
    I64,
    STORAGES,
    U32,
    U64,
    LoopError,
    S,
    Storage,
    Type,
    type_named,
)
from likewise.loop.values import Value, ValueLike
from likewise.loop.verify import verify

__all__ = [
    "BOOL",
    "F32",
    "F64",
    "I32",
    "I64",
    "STORAGES",
    "U32",
    "U64",
    "Buffer",
    "BufferParam",
    "Function",
    "FunctionBuilder",
    "LoopError",
    "Memory",
    "Program",
    "ProgramBuilder",
    "S",
    "Storage",
    "Type",
    "Value",
    "ValueLike",
    "Var",
    "function_text",
    "interpret",
    "program_text",
    "type_named",
    "verify",
]
