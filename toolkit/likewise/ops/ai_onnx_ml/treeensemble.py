"""TreeEnsemble: decision trees whose leaves vote for targets."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, f64, u8
from likewise.ops.checks import check_dtype, check_rank
from likewise.ops.operator import Operator
from likewise.ops.score_loops import transformed
from likewise.ops.scores import PostTransform, transform
from likewise.ops.tree_loops import tree_scores
from likewise.ops.trees import AGGREGATES, LEAF, MODES, Forest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView

_TRANSFORMS: tuple[PostTransform, ...] = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")


class TreeEnsemble(Operator, versions=(5,)):
    """[N, F] → [N, n_targets]: the weights of the leaves that each row ends in, put together.

    Nodes and leaves stand in tables of their own. The sets of BRANCH_MEMBER nodes stand in
    `membership_values`, ended by NaNs. A NaN feature goes by `nodes_missing_value_tracks_true`.
    """

    aggregate_function: int = 1
    leaf_targetids: tuple[int, ...]
    leaf_weights: np.ndarray
    membership_values: np.ndarray | None = None
    n_targets: int
    nodes_falseleafs: tuple[int, ...]
    nodes_falsenodeids: tuple[int, ...]
    nodes_featureids: tuple[int, ...]
    nodes_hitrates: np.ndarray | None = None
    nodes_missing_value_tracks_true: tuple[int, ...] | None = None
    nodes_modes: np.ndarray
    nodes_splits: np.ndarray
    nodes_trueleafs: tuple[int, ...]
    nodes_truenodeids: tuple[int, ...]
    post_transform: int = 0
    tree_roots: tuple[int, ...]

    def infer(self, x: TensorType) -> TensorType:
        check_dtype(x, {DType.FLOAT, DType.DOUBLE, DType.FLOAT16}, "X")
        check_rank(x, 2, "X")
        for name, value, limit in (
            ("aggregate_function", self.aggregate_function, len(AGGREGATES)),
            ("post_transform", self.post_transform, len(_TRANSFORMS)),
        ):
            if not 0 <= value < limit:
                raise InferenceError(
                    f"{name} is out of range", given=value, allowed=f"0 to {limit - 1}"
                )
        self._forest.check()
        return x.with_shape((x.shape[0], self.n_targets))

    @cached_property
    def _forest(self) -> Forest:
        nodes, leaves = self.nodes_modes.size, self.leaf_weights.size
        lengths = [len(self.__dict__[name]) for name in self.__dict__ if name in _PER_NODE]
        if set(lengths) != {nodes} or len(self.leaf_targetids) != leaves:
            raise InferenceError(
                "the attributes of nodes or leaves differ in length",
                given=f"{sorted({nodes, *lengths})}, {leaves}, {len(self.leaf_targetids)}",
            )

        def joined(values: Array, filler: float) -> Array:
            """An attribute of the nodes, then `filler` for the leaves."""
            return np.concatenate([values.ravel(), np.full(leaves, filler, values.dtype)])

        missing = np.array(self.nodes_missing_value_tracks_true or [0] * nodes, bool)
        yes = np.array(self.nodes_truenodeids, np.int64)
        no = np.array(self.nodes_falsenodeids, np.int64)
        return Forest(
            feature=joined(np.array(self.nodes_featureids, np.int64), 0),
            mode=joined(self.nodes_modes.astype(np.int64), LEAF),
            threshold=joined(self.nodes_splits.astype(np.float64), 0),
            yes=joined(yes + nodes * (np.array(self.nodes_trueleafs, np.int64) != 0), 0),
            no=joined(no + nodes * (np.array(self.nodes_falseleafs, np.int64) != 0), 0),
            missing=joined(missing, 0),
            roots=np.array(self.tree_roots, np.int64),
            vote_leaf=np.arange(nodes, nodes + leaves),
            vote_target=np.array(self.leaf_targetids, np.int64),
            vote_weight=self.leaf_weights.ravel().astype(np.float64),
            targets=self.n_targets,
            members=self._members(),
        )

    def _members(self) -> list[Array]:
        count = int((self.nodes_modes == MODES["BRANCH_MEMBER"]).sum())
        if not count:
            return []
        if self.membership_values is None:
            raise InferenceError("membership_values is missing", given=f"{count} nodes need it")
        values = self.membership_values.ravel().astype(np.float64)
        ends = np.flatnonzero(np.isnan(values))
        sets = [part[~np.isnan(part)] for part in np.split(values, ends)]
        if len(sets) == count + 1 and not len(sets[-1]):
            sets.pop()
        if len(sets) != count:
            raise InferenceError(
                "membership_values does not fit the nodes",
                given=f"{len(sets)} sets for {count} nodes",
            )
        return sets

    def evaluate(self, x: Array) -> Array:
        wide = x.astype(np.float64)
        scores, _ = self._forest.scores(wide, AGGREGATES[self.aggregate_function])
        if not self.post_transform:
            return scores.astype(x.dtype)
        return transform(scores, _TRANSFORMS[self.post_transform]).astype(x.dtype)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        wide = lowering.cast(x, DType.FLOAT) if x.dtype is DType.FLOAT16 else x
        scores = tree_scores(lowering, self._forest, wide, AGGREGATES[self.aggregate_function])
        if self.post_transform:
            scores = transformed(lowering, scores, _TRANSFORMS[self.post_transform])
        return lowering.cast(scores, x.dtype)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        def tree(**given: object) -> TreeEnsemble:
            """x0 <= 0.5 ? (x1 in {1, 2} ? 1 for target 0 : 2 for 1) : 4 for 0."""
            settings: dict[str, object] = {
                "leaf_targetids": (0, 1, 0),
                "leaf_weights": f32([1, 2, 4]),
                "membership_values": f32([1, 2, np.nan]),
                "n_targets": 2,
                "nodes_falseleafs": (1, 1),
                "nodes_falsenodeids": (2, 1),
                "nodes_featureids": (0, 1),
                "nodes_modes": u8([0, 6]),
                "nodes_splits": f32([0.5, 0]),
                "nodes_trueleafs": (0, 1),
                "nodes_truenodeids": (1, 0),
                "tree_roots": (0,),
                **given,
            }
            return cls(**settings)  # type: ignore[arg-type]  # a table of attributes

        nan = float("nan")
        x = f32([[0, 1], [0.5, 3], [1, 1], [nan, 2], [0, nan]])
        made = [[1, 0], [0, 2], [4, 0], [4, 0], [0, 2]]
        yield Case(tree(), [x], [f32(made)])
        yield Case(tree(), [f64(x)], [f64(made)])
        there = tree(nodes_missing_value_tracks_true=(1, 1))
        yield Case(there, [x[3:]], [f32([[1, 0], [1, 0]])])
        twice = tree(tree_roots=(0, 1), aggregate_function=0)
        yield Case(twice, [x[2:3]], [f32([[2.5, 0]])])
        yield Case(tree(), [x[:0]], [np.zeros((0, 2), np.float32)])
        yield Case(tree(), [x[:, :1]], error="ask for features that are not there; given: 1")
        yield Case(tree(nodes_truenodeids=(0, 0)), [x], error="form a cycle")
        yield Case(tree(nodes_featureids=(0,)), [x], error="differ in length")
        yield Case(tree(leaf_targetids=(0, 2, 0)), [x], error="the target of a vote is out of")
        yield Case(tree(membership_values=None), [x], error="membership_values is missing")


_PER_NODE = frozenset(
    {
        "nodes_falseleafs",
        "nodes_falsenodeids",
        "nodes_featureids",
        "nodes_splits",
        "nodes_trueleafs",
        "nodes_truenodeids",
    }
)
