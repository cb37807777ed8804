"""What memory a block of statements touches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from likewise.loop.nodes import (
    Buffer,
    Call,
    Copy,
    Fill,
    For,
    Function,
    If,
    Let,
    Load,
    Memory,
    Statement,
    Store,
    While,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["callees", "named", "touched", "with_memory"]


def touched(block: tuple[Statement, ...]) -> Iterator[tuple[Memory, bool]]:
    """Every memory that a block reads or writes, and whether it writes it."""
    for statement in block:
        match statement:
            case Let(expr=Load(memory=memory)):
                yield memory, False
            case Store(memory=memory) | Fill(memory=memory):
                yield memory, True
            case Copy(target=target, source=source):
                yield target, True
                yield source, False
            case Call(memories=memories):
                for memory, _ in memories:
                    yield memory, True
            case For(body=body):
                yield from touched(body)
            case If(then=then, otherwise=otherwise):
                yield from touched(then)
                yield from touched(otherwise)
            case While(head=head, body=body):
                yield from touched(head)
                yield from touched(body)
            case _:
                pass


def callees(block: tuple[Statement, ...]) -> Iterator[str]:
    """Every function that a block calls."""
    for statement in block:
        match statement:
            case Call(function=name):
                yield name
            case For(body=body):
                yield from callees(body)
            case If(then=then, otherwise=otherwise):
                yield from callees(then)
                yield from callees(otherwise)
            case While(head=head, body=body):
                yield from callees(head)
                yield from callees(body)
            case _:
                pass


def named(functions: tuple[Function, ...]) -> dict[str, set[Buffer]]:
    """The buffers that each function, or one that it calls, touches by name."""
    found: dict[str, set[Buffer]] = {}
    for one in functions:
        found[one.name] = {memory for memory, _ in touched(one.body) if isinstance(memory, Buffer)}
        for callee in callees(one.body):
            found[one.name] |= found[callee]
    return found


def with_memory(block: tuple[Statement, ...], other: Mapping[Any, Memory]) -> tuple[Statement, ...]:
    """The block on other memories."""

    def exchange(memory: Memory) -> Memory:
        return other.get(memory, memory)

    def one(statement: Statement) -> Statement:
        match statement:
            case Call(memories=memories):
                passed = tuple((exchange(memory), offset) for memory, offset in memories)
                return replace(statement, memories=passed)
            case Let(expr=Load(memory=memory)) if isinstance(statement.expr, Load):
                return replace(statement, expr=replace(statement.expr, memory=exchange(memory)))
            case Store(memory=memory) | Fill(memory=memory):
                return replace(statement, memory=exchange(memory))
            case Copy(target=target, source=source):
                return replace(statement, target=exchange(target), source=exchange(source))
            case For(body=body):
                return replace(statement, body=with_memory(body, other))
            case If(then=then, otherwise=otherwise):
                return replace(
                    statement,
                    then=with_memory(then, other),
                    otherwise=with_memory(otherwise, other),
                )
            case While(head=head, body=body):
                return replace(
                    statement, head=with_memory(head, other), body=with_memory(body, other)
                )
            case _:
                return statement

    return tuple(map(one, block))
