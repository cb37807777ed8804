"""What memory a block of statements touches."""

from __future__ import annotations

from collections.abc import Iterator

from likewise.loop.nodes import (
    Call,
    Copy,
    Fill,
    For,
    If,
    Let,
    Load,
    Memory,
    Statement,
    Store,
    While,
)

__all__ = ["callees", "touched"]


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


