"""The loop IR: what a compiled target computes.

Programs are written with `ProgramBuilder` and `FunctionBuilder`, checked by `verify`, shown by
`program_text`, and defined by `interpret`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.lazy import offered

if TYPE_CHECKING:
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
    from likewise.loop.verifier import verify

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

_OFFERED = {
    "BOOL": "likewise.loop.types",
    "F32": "likewise.loop.types",
    "F64": "likewise.loop.types",
    "I32": "likewise.loop.types",
    "I64": "likewise.loop.types",
    "STORAGES": "likewise.loop.types",
    "U32": "likewise.loop.types",
    "U64": "likewise.loop.types",
    "Buffer": "likewise.loop.nodes",
    "BufferParam": "likewise.loop.nodes",
    "Function": "likewise.loop.nodes",
    "FunctionBuilder": "likewise.loop.builder",
    "LoopError": "likewise.loop.types",
    "Memory": "likewise.loop.nodes",
    "Program": "likewise.loop.nodes",
    "ProgramBuilder": "likewise.loop.program",
    "S": "likewise.loop.types",
    "Storage": "likewise.loop.types",
    "Type": "likewise.loop.types",
    "Value": "likewise.loop.values",
    "ValueLike": "likewise.loop.values",
    "Var": "likewise.loop.builder",
    "function_text": "likewise.loop.text",
    "interpret": "likewise.loop.interp",
    "program_text": "likewise.loop.text",
    "type_named": "likewise.loop.types",
    "verify": "likewise.loop.verifier",
}

# An operator that NumPy runs needs types alone.
__getattr__ = offered(__name__, _OFFERED)
