"""Dropping pure bindings that nothing needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likewise.loop.nodes import (
    Apply,
    Call,
    Copy,
    DeclareVar,
    Fill,
    For,
    If,
    Let,
    Load,
    Operand,
    Ref,
    SetVar,
    Statement,
    Store,
    While,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["drop_unused", "operands"]


def operands(statement: Statement) -> Iterator[Operand]:
    """What a statement itself reads; not what the blocks inside it read."""
    match statement:
        case Let(expr=Apply(args=args)):
            yield from args
        case Let(expr=Load(index=index)):
            yield index
        case DeclareVar(initial=value) | SetVar(value=value):
            yield value
        case Store(index=index, value=value):
            yield index
            yield value
        case For(start=start, stop=stop):
            yield start
            yield stop
        case If(condition=condition) | While(condition=condition):
            yield condition
        case Call(memories=memories, scalars=scalars):
            yield from (offset for _, offset in memories)
            yield from scalars
        case Fill(index=index, count=count):
            yield index
            yield count
        case Copy(target_index=to, source_index=start, count=count):
            yield to
            yield start
            yield count
        case _:
            pass


def drop_unused(block: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """The block without bindings, loops and branches that have no effect."""
    return _sweep(block, set())


def _sweep(block: tuple[Statement, ...], used: set[int]) -> tuple[Statement, ...]:
    kept: list[Statement] = []
    for statement in reversed(block):
        found: Statement | None = statement
        match statement:
            case Let(id=identity):
                if identity not in used:
                    found = None
            case For(id=identity, start=start, stop=stop, step=step, body=body):
                body = _sweep(body, used)
                found = For(identity, start, stop, step, body) if body else None
            case If(condition=condition, then=then, otherwise=otherwise):
                then, otherwise = _sweep(then, used), _sweep(otherwise, used)
                found = If(condition, then, otherwise) if then or otherwise else None
            case While(head=head, condition=condition, body=body):
                body = _sweep(body, used)
                used.update(one.id for one in (condition,) if isinstance(one, Ref))
                found = While(_sweep(head, used), condition, body)
            case _:
                pass
        if found is not None:
            kept.append(found)
            used.update(one.id for one in operands(found) if isinstance(one, Ref))
    return tuple(reversed(kept))
