"""Loop nests over the elements of a view: axes joined where all accesses allow, lanes inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from math import prod

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

    The body is written to see what it does with each index. A joined group is run with the
    index of its last axis counting through all of it and the others 0, where that leads to the
    same places: an index that was divided and put together again may not have it.
    """
    single = [[axis] for axis in range(len(shape))]
    apart = _Probe(shape, single, body)
    groups: list[list[int]] = []
    for axis in range(len(shape)):
        if groups and apart.alike(axis - 1, axis, shape[axis]):
            groups[-1].append(axis)
        else:
            groups.append([axis])
    if len(groups) == len(shape):
        return single
    joined = _Probe(shape, groups, body)
    if not joined.resembles(apart):
        return single
    kept: list[list[int]] = []
    for group in groups:
        kept += [group] if joined.agrees(apart, group) else [[axis] for axis in group]
    return kept


class _Probe:
    """A body written once, with one counter a group of axes, for its accesses."""

    def __init__(self, shape: Sequence[int], groups: Sequence[Sequence[int]], body: Body) -> None:
        k = Kernel("probe")
        indices = [k.index(0)] * len(shape)
        self.counters = [-1] * len(shape)
        for group in groups:
            counter = k.fresh(I32)
            size = prod(shape[axis] for axis in group)
            k.facts.ranges[counter.id] = (0, max(size - 1, 0))
            indices[group[-1]] = Value(k, counter, I32)
            self.counters[group[-1]] = counter.id
        body(k, tuple(indices))
        statements = k.scopes.stack[0].statements
        self.tied = _used_otherwise(k, statements, self.counters)
        self.forms = [k.facts.affine(index) for index in _indices(statements)]

    def alike(self, outer: int, inner: int, size: int) -> bool:
        """Whether every access steps along `outer` as it does after `size` steps along `inner`."""
        first, second = self.counters[outer], self.counters[inner]
        return not {first, second} & self.tied and all(
            one.coefficient(first) == one.coefficient(second) * size for one in self.forms
        )

    def resembles(self, other: _Probe) -> bool:
        """Whether both access memory as often, from the same places on."""
        return [one.constant for one in self.forms] == [one.constant for one in other.forms]

    def agrees(self, apart: _Probe, group: Sequence[int]) -> bool:
        """Whether this, written for a joined group, steps as the axes apart do."""
        joined, last = self.counters[group[-1]], apart.counters[group[-1]]
        return len(group) == 1 or (
            joined not in self.tied
            and all(
                one.coefficient(joined) == other.coefficient(last)
                for one, other in zip(self.forms, apart.forms, strict=True)
            )
        )


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
