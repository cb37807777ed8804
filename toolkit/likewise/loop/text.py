"""The text form of loop IR: one operation a line, for people and golden tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.nodes import (
    Apply,
    Buffer,
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

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["function_text", "program_text"]

_SIGNS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "and": "&",
    "or": "|",
    "xor": "^",
    "shl": "<<",
    "shr": ">>",
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
}


def program_text(program: Program) -> str:
    """Buffers, then functions; the data of constants is left out."""
    lines = [f"{one.kind} {one.name}: {one.storage}[{one.size}]" for one in program.buffers]
    return "\n".join([*lines, *map(function_text, program.functions)]) + "\n"


def function_text(function: Function) -> str:
    """One function, indented by two spaces a block."""
    memories = [
        f"m{one.position}: {'&' if one.position in function.writes else ''}{one.storage}"
        for one in function.memories
    ]
    scalars = [f"%{one.id}: {one.type}" for one in function.scalars]
    head = f"func {function.name}({', '.join(memories + scalars)})"
    return "\n".join([head, *_block(function.body, "  ")])


def _block(block: tuple[Statement, ...], indent: str) -> Iterator[str]:
    for statement in block:
        match statement:
            case For(id=identity, start=start, stop=stop, step=step, body=body):
                by = f" step {step}" if step != 1 else ""
                yield f"{indent}for %{identity} = {_operand(start)} to {_operand(stop)}{by}"
                yield from _block(body, indent + "  ")
            case While(head=head, condition=condition, body=body):
                yield f"{indent}while"
                yield from _block(head, indent + "  ")
                yield f"{indent}do if {_operand(condition)}"
                yield from _block(body, indent + "  ")
            case If(condition=condition, then=then, otherwise=otherwise):
                yield f"{indent}if {_operand(condition)}"
                yield from _block(then, indent + "  ")
                if otherwise:
                    yield f"{indent}else"
                    yield from _block(otherwise, indent + "  ")
            case _:
                yield indent + _simple(statement)


def _simple(statement: Statement) -> str:
    match statement:
        case Let(id=identity, expr=expr):
            return f"%{identity}: {expr.type} = {_expr(expr)}"
        case DeclareVar(variable=variable, initial=value):
            return f"var v{variable.id}: {variable.type} = {_operand(value)}"
        case SetVar(variable=variable, value=value):
            return f"v{variable.id} = {_operand(value)}"
        case Store(memory=memory, index=index, value=value):
            return f"{_memory(memory)}[{_operand(index)}] = {_operand(value)}"
        case Fill(memory=memory, index=index, count=count, byte=byte):
            return f"fill {_memory(memory)}[{_operand(index)}], {_operand(count)}, byte {byte}"
        case Copy(target, to, source, start, count):
            return (
                f"copy {_memory(target)}[{_operand(to)}], "
                f"{_memory(source)}[{_operand(start)}], {_operand(count)}"
            )
        case Call(function=function, memories=memories, scalars=scalars, parts=parts):
            passed = [f"{_memory(memory)}[{_operand(offset)}]" for memory, offset in memories]
            passed += [_operand(one) for one in scalars]
            if parts is not None:
                passed.append(f"{parts.start} to {parts.stop} by {parts.size}")
            return f"call {function}({', '.join(passed)})"
        case _:
            raise TypeError(f"no such statement: {statement!r}")


def _expr(expr: Expr) -> str:
    match expr:
        case Load(memory=memory, index=index):
            return f"{_memory(memory)}[{_operand(index)}]"
        case Apply(op=op, args=args) if op in _SIGNS:
            return f"{_operand(args[0])} {_SIGNS[op]} {_operand(args[1])}"
        case Apply(op=op, args=args, immediate=immediate):
            shown = [_operand(one) for one in args]
            if op not in ("cast", "bitcast", "splat"):
                shown += [str(one) for one in immediate]
            return f"{op}({', '.join(shown)})"
        case _:
            return f"v{expr.variable.id}"


def _memory(memory: Memory) -> str:
    return memory.name if isinstance(memory, Buffer) else f"m{memory.position}"


def _operand(operand: Operand) -> str:
    if not isinstance(operand, Const):
        return f"%{operand.id}"
    lanes = const_lanes(operand)
    if all(repr(one) == repr(lanes[0]) for one in lanes):
        return f"{lanes[0]!r}" if len(lanes) == 1 else f"{operand.type}({lanes[0]!r})"
    return f"{operand.type}({', '.join(map(repr, lanes))})"
