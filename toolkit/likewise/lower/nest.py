"""Loop nests over the elements of a view: axes joined where all accesses allow, lanes inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from likewise.loop.nodes import Apply, Const, Let, Load, Ref, Statement, Store
from likewise.loop.types import I32, LoopError
from likewise.loop.values import Value
from likewise.lower.kernel import Kernel

__all__ = ["Body", "join_axes", "write_nest"]

Body = Callable[[Kernel, tuple[Value, ...]], None]


def write_nest(k: Kernel, shape: Sequence[int], body: Body, lanes: int) -> None:
    """Loops over `shape`, the last axis by `lanes` elements and the rest of it one by one."""
    whole = shape[-1] // lanes * lanes if shape else 0
    with ExitStack() as stack:
        outer = [stack.enter_context(k.loop(size)) for size in shape[:-1]]
        if not shape:
            body(k, ())
            return
        if lanes > 1 and whole:
            with k.loop(0, whole, lanes) as last, k.lanes_over(last, lanes):
                if last.constant is not None:
                    raise LoopError("a lane loop of one round has no counter")
                body(k, (*outer, last))
        else:
            whole = 0
        with k.loop(whole, shape[-1]) as last:
            body(k, (*outer, last))


def join_axes(shape: Sequence[int], body: Body) -> list[list[int]]:
    """Groups of neighbouring axes that one loop can cover: every access steps alike.

    The body is written once to see what it does with each index. A joined group is run with the
    index of its last axis counting through all of it and the others 0.
    """
    k = Kernel("probe")
    indices: list[Value] = []
    for size in shape:
        counter = k.fresh(I32)
        k.facts.ranges[counter.id] = (0, max(size - 1, 0))
        indices.append(Value(k, counter, I32))
    body(k, tuple(indices))
    counters = [one.node.id for one in indices if isinstance(one.node, Ref)]
    tied = _used_otherwise(k, k.scopes.stack[0].statements, counters)
    accesses = [k.facts.affine(index) for index in _indices(k.scopes.stack[0].statements)]
    groups: list[list[int]] = []
    for axis in range(len(shape)):
        previous = axis - 1
        if (
            groups
            and not {counters[axis], counters[previous]} & tied
            and all(
                one.coefficient(counters[previous]) == one.coefficient(counters[axis]) * shape[axis]
                for one in accesses
            )
        ):
            groups[-1].append(axis)
        else:
            groups.append([axis])
    return groups


def _indices(block: Sequence[Statement]) -> list[Const | Ref]:
    found: list[Const | Ref] = []
    for statement in block:
        if isinstance(statement, Let) and isinstance(statement.expr, Load):
            found.append(statement.expr.index)
        elif isinstance(statement, Store):
            found.append(statement.index)
    return found


_LINEAR = frozenset({"add", "sub", "mul", "shl", "neg"})


def _used_otherwise(k: Kernel, block: Sequence[Statement], counters: list[int]) -> set[int]:
    """The counters that reach anything but an affine index."""
    tied: set[int] = set()
    for statement in block:
        if not isinstance(statement, Let):
            if not isinstance(statement, Store):
                return set(counters)
            continue
        if not isinstance(statement.expr, Apply):
            continue
        made = statement.expr
        linear = made.type is I32 and made.op in _LINEAR
        if linear and made.op == "mul":
            linear = any(isinstance(one, Const) for one in made.args)
        if not linear:
            for one in made.args:
                if isinstance(one, Ref) and one.type is I32:
                    tied |= {c for c in counters if k.depends(one.id, c, through_loads=False)}
    return tied
