"""Ensembles of decision trees: all samples walk all trees at once, level by level."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from likewise.errors import InferenceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from likewise.ir import Array

__all__ = ["AGGREGATES", "LEAF", "MODES", "Forest"]

MODES: Final = {
    "BRANCH_LEQ": 0,
    "BRANCH_LT": 1,
    "BRANCH_GTE": 2,
    "BRANCH_GT": 3,
    "BRANCH_EQ": 4,
    "BRANCH_NEQ": 5,
    "BRANCH_MEMBER": 6,
    "LEAF": 7,
}
LEAF: Final = 7
AGGREGATES: Final = ("AVERAGE", "SUM", "MIN", "MAX")
_COMPARISONS: Final = (
    np.less_equal,
    np.less,
    np.greater_equal,
    np.greater,
    np.equal,
    np.not_equal,
)
_CHUNK: Final = 1 << 20  # places held at a time: what fits a processor's cache


@dataclass(frozen=True, eq=False)
class Forest:
    """Nodes of all trees in one table, leaves among them (mode LEAF).

    `yes` and `no` are the children of a node where its comparison, feature against threshold,
    holds or not; a NaN goes by `missing` alone. A vote (leaf, target, weight) counts when a
    sample ends in the leaf. `members` gives the sets of the nodes of mode BRANCH_MEMBER.
    """

    feature: Array
    mode: Array
    threshold: Array
    yes: Array
    no: Array
    missing: Array
    roots: Array
    vote_leaf: Array
    vote_target: Array
    vote_weight: Array
    targets: int
    members: Sequence[Array] = ()

    def check(self) -> None:
        """Raise `InferenceError` for children, roots, targets that are not there and for cycles."""
        count = len(self.mode)
        inner = self.mode != LEAF
        for name, values, limit in (
            ("a child", np.concatenate([self.yes[inner], self.no[inner]]), count),
            ("a root", self.roots, count),
            ("the leaf of a vote", self.vote_leaf, count),
            ("the target of a vote", self.vote_target, self.targets),
            ("a feature", self.feature[inner], np.iinfo(np.int64).max),
        ):
            if len(values) and not 0 <= values.min() <= values.max() < limit:
                wrong = values[(values < 0) | (values >= limit)][0]
                raise InferenceError(
                    f"{name} is out of range", given=int(wrong), allowed=f"0 to {limit - 1}"
                )
        level, depth = np.unique(self.roots), 0
        while len(level):
            level = level[inner[level]]
            level = np.unique(np.concatenate([self.yes[level], self.no[level]]))
            depth += 1
            if depth > count + 1:
                raise InferenceError("the nodes of a tree form a cycle")

    def check_features(self, count: int) -> None:
        """Refuse trees that ask for more than `count` features."""
        if self._features > count:
            raise InferenceError(
                "the trees ask for features that are not there",
                given=f"{count} features",
                allowed=f"{self._features} or more",
            )

    def scores(self, x: Array, aggregate: str) -> tuple[Array, Array]:
        """The votes for `x` [N, F] put together, [N, targets] float64, and whether there were any.

        Where there were none the score is 0.
        """
        self.check_features(x.shape[1])
        step = max(1, _CHUNK // max(1, len(self.roots) * max(1, self.targets)))
        totals = np.zeros((len(x), self.targets))
        voted = np.zeros((len(x), self.targets), bool)
        for start in range(0, len(x), step):
            part = slice(start, start + step)
            totals[part], voted[part] = self._aggregate(self._leaves(x[part]), aggregate)
        return totals, voted

    @cached_property
    def _features(self) -> int:
        return int(self.feature[self.mode != LEAF].max(initial=-1)) + 1

    def _leaves(self, x: Array) -> Array:
        """The leaf that each sample ends in, for each tree: [N, trees]."""
        place = np.tile(self.roots, len(x))
        row = np.repeat(np.arange(len(x)), len(self.roots))
        walking = np.flatnonzero(self.mode[place] != LEAF)
        while len(walking):
            node = place[walking]
            value = x[row[walking], self.feature[node]]
            node = np.where(self._holds(node, value), self.yes[node], self.no[node])
            place[walking] = node
            walking = walking[self.mode[node] != LEAF]
        return place.reshape(len(x), -1)

    def _holds(self, node: Array, value: Array) -> Array:
        threshold = self.threshold[node]
        if len(self._modes) == 1 and self._modes[0] != MODES["BRANCH_MEMBER"]:
            holds = _COMPARISONS[self._modes[0]](value, threshold)
        else:
            holds = np.zeros(len(node), bool)
            modes = self.mode[node]
            for mode in self._modes:
                here = np.flatnonzero(modes == mode)
                if mode == MODES["BRANCH_MEMBER"]:
                    holds[here] = self._is_member(node[here], value[here])
                else:
                    holds[here] = _COMPARISONS[mode](value[here], threshold[here])
        return np.where(np.isnan(value), self.missing[node], holds)

    @cached_property
    def _modes(self) -> list[int]:
        modes: list[int] = np.unique(self.mode[self.mode != LEAF]).tolist()
        return modes

    @cached_property
    def _member_codes(self) -> tuple[Array, Array, Array]:
        """All members in order; sorted numbers of the pairs (set, member); each node's set."""
        members = np.unique(np.concatenate([*self.members, np.zeros(0)]))
        codes = [
            index * len(members) + np.searchsorted(members, values)
            for index, values in enumerate(self.members)
        ]
        sets = np.cumsum(self.mode == MODES["BRANCH_MEMBER"]) - 1
        return members, np.unique(np.concatenate([*codes, np.zeros(0, np.int64)])), sets

    def _is_member(self, node: Array, value: Array) -> Array:
        members, codes, sets = self._member_codes
        if not len(members):
            return np.zeros(len(node), bool)
        place = np.minimum(np.searchsorted(members, value), len(members) - 1)
        code = sets[node] * len(members) + place
        found = codes[np.minimum(np.searchsorted(codes, code), len(codes) - 1)] == code
        return found & (members[place] == value)

    def _aggregate(self, leaves: Array, aggregate: str) -> tuple[Array, Array]:
        voted = np.zeros((len(leaves), self.targets), bool)
        combine = {"MIN": np.minimum, "MAX": np.maximum}.get(aggregate, np.add)
        neutral = {"MIN": np.inf, "MAX": -np.inf}.get(aggregate, 0.0)
        totals = np.full((len(leaves), self.targets), neutral)
        for leaf, target, weight in self._votes:
            # Votes beside a leaf's first come in further rounds, which few ensembles have.
            here = leaf[leaves]
            found = here >= 0
            which = target[np.where(found, here, 0)]
            weights = np.where(found, weight[np.where(found, here, 0)], neutral)
            if self.targets == 1:
                totals[:, 0] = combine(
                    totals[:, 0], combine.reduce(weights, axis=1, initial=neutral)
                )
                voted[:, 0] |= found.any(1)
                continue
            rows = np.broadcast_to(np.arange(len(leaves))[:, None], which.shape)
            cell = rows * self.targets + which
            if combine is np.add:
                places = cell.ravel().astype(np.intp, copy=False)  # 32 bits in WebAssembly
                added = np.bincount(places, weights.ravel(), minlength=totals.size)
                totals += added.reshape(totals.shape)
            else:
                combine.at(totals.reshape(-1), cell.ravel(), weights.ravel())
            voted.reshape(-1)[cell[found]] = True
        if aggregate == "AVERAGE":
            totals /= max(1, len(self.roots))
        return np.where(voted, totals, 0), voted

    @cached_property
    def _votes(self) -> list[tuple[Array, Array, Array]]:
        return list(self._rounds())

    def _rounds(self) -> Iterator[tuple[Array, Array, Array]]:
        """The votes so that in each round a leaf has one: (vote of each node or -1, targets, …)."""
        order = np.argsort(self.vote_leaf, kind="stable")
        leaf = self.vote_leaf[order]
        if not len(leaf):
            return
        first = np.searchsorted(leaf, leaf)
        turn = np.arange(len(leaf)) - first
        for index in range(int(turn.max()) + 1):
            votes = order[turn == index]
            table = np.full(len(self.mode), -1)
            table[self.vote_leaf[votes]] = np.arange(len(votes))
            yield table, self.vote_target[votes], self.vote_weight[votes]
