"""Ensembles of decision trees as a loop that walks each row down each tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.ir import DType
from likewise.loop import F64, I32
from likewise.ops.trees import LEAF, MODES

if TYPE_CHECKING:
    from likewise.ir import Array
    from likewise.loop import Value
    from likewise.lower import Kernel, Lowering, TensorView
    from likewise.ops.trees import Forest

__all__ = ["tree_scores"]

_LESS, _EQUAL, _GREATER, _MISSING, _UNORDERED = 1, 2, 4, 8, 16
_HOLDS: Final = {
    "BRANCH_LEQ": _LESS | _EQUAL,
    "BRANCH_LT": _LESS,
    "BRANCH_GTE": _GREATER | _EQUAL,
    "BRANCH_GT": _GREATER,
    "BRANCH_EQ": _EQUAL,
    "BRANCH_NEQ": _LESS | _GREATER | _UNORDERED,
    "BRANCH_MEMBER": 0,
}
"""For which outcomes of feature against threshold each mode holds."""


def tree_scores(lowering: Lowering, forest: Forest, rows: TensorView, aggregate: str) -> TensorView:
    """What `Forest.scores` gives for rows [N, F] of float32 or float64: [N, targets] float64."""
    forest.check_features(rows.shape[1])
    rows = lowering.materialise(rows)
    made = lowering.empty(DType.DOUBLE, (rows.shape[0], forest.targets))
    tables = _Tables.of(lowering, forest)
    neutral = {"MIN": np.inf, "MAX": -np.inf}.get(aggregate, 0.0)

    def combine(k: Kernel, total: Value, weight: Value) -> Value:
        if aggregate in {"MIN", "MAX"}:
            return k.min(total, weight) if aggregate == "MIN" else k.max(total, weight)
        return total + weight

    def finish(k: Kernel, total: Value) -> Value:
        if aggregate in {"MIN", "MAX"}:  # nobody voted
            return k.select(total.eq(neutral), k.const(0.0, F64), total)
        return total / float(max(1, len(forest.roots))) if aggregate == "AVERAGE" else total

    with lowering.kernel(f"{rows.storage}_trees") as k, k.loop(rows.shape[0]) as row:

        def put(target: Value, value: Value) -> None:
            buffer, position = made.address(k, (row, target))
            k.write(buffer, position, value)

        with k.loop(forest.targets) as target:
            put(target, k.const(neutral, F64))
        with k.loop(len(forest.roots)) as tree:
            leaf = tables.walk(k, rows, row, tables.roots.read(k, (tree,)).cast(I32))
            first, last = (tables.votes.read(k, (leaf + i,)).cast(I32) for i in (0, 1))
            with k.loop(first, last) as vote:
                target = tables.targets.read(k, (vote,)).cast(I32)
                weight = tables.weights.read(k, (vote,)).cast(F64)
                put(target, combine(k, made.read(k, (row, target)), weight))
        with k.loop(forest.targets) as target:
            put(target, finish(k, made.read(k, (row, target))))
    return made


@dataclass(frozen=True)
class _Tables:
    """A forest as constants. `feature` is -1 for leaves; node i has the votes `votes[i]` up to
    `votes[i + 1]` and, where there are sets, the members `sets[i]` up to `sets[i + 1]`.
    """

    roots: TensorView
    feature: TensorView
    threshold: TensorView
    holds: TensorView
    yes: TensorView
    no: TensorView
    votes: TensorView
    targets: TensorView
    weights: TensorView
    sets: TensorView | None
    members: TensorView
    only: str | None
    """The mode of all nodes, where no NaN goes another way than its comparison says."""

    @classmethod
    def of(cls, lowering: Lowering, forest: Forest) -> _Tables:
        nodes, inner = len(forest.mode), forest.mode != LEAF
        holds = np.zeros(nodes, np.uint8)
        for mode, outcomes in _HOLDS.items():
            holds[forest.mode == MODES[mode]] = outcomes
        holds |= np.where(forest.missing, _MISSING, 0).astype(np.uint8)
        modes = [mode for mode in _HOLDS if (forest.mode == MODES[mode]).any()]
        plain = len(modes) == 1 and not forest.missing[inner].any() and _HOLDS[modes[0]] & 7
        order = np.argsort(forest.vote_leaf, kind="stable")
        lengths = np.zeros(nodes, np.int64)
        lengths[forest.mode == MODES["BRANCH_MEMBER"]] = [len(one) for one in forest.members]
        sets = np.concatenate([[0], np.cumsum(lengths)])

        def table(values: Any, dtype: Any = np.int32) -> TensorView:
            return lowering.constant(np.ascontiguousarray(values, dtype))

        return cls(
            roots=table(forest.roots),
            feature=table(np.where(inner, forest.feature, -1)),
            threshold=table(*_narrowed(forest.threshold)),
            holds=table(holds, np.uint8),
            yes=table(forest.yes),
            no=table(forest.no),
            votes=table(np.searchsorted(forest.vote_leaf[order], np.arange(nodes + 1))),
            targets=table(forest.vote_target[order]),
            weights=table(*_narrowed(forest.vote_weight[order])),
            sets=table(sets) if forest.members else None,
            members=table(*_narrowed(np.concatenate([*forest.members, np.zeros(1)]))),
            only=modes[0] if plain and modes[0] != "BRANCH_NEQ" else None,
        )

    def walk(self, k: Kernel, rows: TensorView, row: Value, root: Value) -> Value:
        """The leaf that a row ends in."""
        node = k.var(root)
        with k.while_(lambda: self.feature.read(k, (node.get(),)) >= 0):
            at = node.get()
            value = rows.read(k, (row, self.feature.read(k, (at,)).cast(I32)))
            yes, no = self.yes.read(k, (at,)), self.no.read(k, (at,))
            node.set(k.select(self._holds(k, at, value), yes, no))
        return node.get()

    def _holds(self, k: Kernel, at: Value, value: Value) -> Value:
        threshold = self.threshold.read(k, (at,))
        known, threshold = _alike(value, threshold)
        if self.only is not None:
            outcomes = _HOLDS[self.only]
            if outcomes == _EQUAL:
                return known.eq(threshold)
            equal = bool(outcomes & _EQUAL)
            if outcomes & _LESS:
                return known <= threshold if equal else known < threshold
            return known >= threshold if equal else known > threshold
        outcome = k.select(known > threshold, k.const(_GREATER, I32), k.const(_UNORDERED, I32))
        outcome = k.select(known.eq(threshold), k.const(_EQUAL, I32), outcome)
        outcome = k.select(known < threshold, k.const(_LESS, I32), outcome)
        outcome = k.select(value.ne(value), k.const(_MISSING, I32), outcome)
        holds = (self.holds.read(k, (at,)).cast(I32) & outcome).ne(0)
        if self.sets is None:
            return holds
        found = k.var(holds)
        first, last = (self.sets.read(k, (at + i,)).cast(I32) for i in (0, 1))
        with k.loop(first, last) as place:
            one, member = _alike(value, self.members.read(k, (place,)))
            found.set(found.get() | one.eq(member))
        return found.get()


def _narrowed(values: Array) -> tuple[Array, Any]:
    """The values and the narrowest float type that holds them all."""
    narrow = values.astype(np.float32)
    same = (narrow == values) | np.isnan(values)
    return (narrow, np.float32) if same.all() else (values, np.float64)


def _alike(left: Value, right: Value) -> tuple[Value, Value]:
    """Both as float64 unless they have one type."""
    if left.type is right.type:
        return left, right
    return left.cast(F64), right.cast(F64)
