"""TreeEnsembleClassifier, TreeEnsembleRegressor: the trees before opset 5."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from likewise.errors import InferenceError
from likewise.ir import DType, TensorType
from likewise.ops.case import Case, f32, i64, strings
from likewise.ops.operator import Operator
from likewise.ops.score_loops import (
    best_label,
    chosen_label,
    feature_rows,
    logistic_view,
    transformed,
)
from likewise.ops.scores import PostTransform, as_rows, batch_of, labels_of, logistic, transform
from likewise.ops.tree_loops import tree_scores
from likewise.ops.trees import LEAF, MODES, Forest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.ir import Array
    from likewise.lower import Lowering, TensorView


class OldTrees(Operator):
    """Base of the two: nodes named by tree and number within the tree, leaves among them."""

    nodes_falsenodeids: tuple[int, ...] = ()
    nodes_featureids: tuple[int, ...] = ()
    nodes_hitrates: tuple[float, ...] | None = None
    nodes_hitrates_as_tensor: np.ndarray | None = None
    nodes_missing_value_tracks_true: tuple[int, ...] | None = None
    nodes_modes: tuple[str, ...] = ()
    nodes_nodeids: tuple[int, ...] = ()
    nodes_treeids: tuple[int, ...] = ()
    nodes_truenodeids: tuple[int, ...] = ()
    nodes_values: tuple[float, ...] | None = None
    nodes_values_as_tensor: np.ndarray | None = None
    base_values: tuple[float, ...] | None = None
    base_values_as_tensor: np.ndarray | None = None
    post_transform: PostTransform = "NONE"

    def _floats(self, name: str) -> Array:
        """A list of floats, from the attribute or its form as a tensor; empty where absent."""
        values = self.__dict__[f"{name}_as_tensor"]
        values = self.__dict__[name] if values is None else values.ravel()
        return np.array(() if values is None else values, np.float64)

    def _grown(self, prefix: str, targets: int) -> Forest:
        """The trees; the votes are the attributes that start with `prefix` (class, target)."""
        nodes = len(self.nodes_treeids)
        tables = {name: len(self.__dict__[name]) for name in _PER_NODE}
        tables["nodes_values"] = len(self._floats("nodes_values"))
        if set(tables.values()) != {nodes}:
            raise InferenceError("the attributes of nodes differ in length", given=tables)
        unknown = set(self.nodes_modes) - MODES.keys() | {"BRANCH_MEMBER"} & set(self.nodes_modes)
        if unknown:
            raise InferenceError("nodes_modes has an unknown mode", given=", ".join(unknown))
        tree = np.array(self.nodes_treeids, np.int64)
        mode = np.array([MODES[mode] for mode in self.nodes_modes], np.int64)
        find = _Finder(tree, np.array(self.nodes_nodeids, np.int64))
        inner = mode != LEAF
        children = []
        for name in ("nodes_truenodeids", "nodes_falsenodeids"):
            child = np.zeros(nodes, np.int64)
            child[inner] = find(tree[inner], np.array(self.__dict__[name], np.int64)[inner], name)
            children.append(child)
        # A tree's root is its first node.
        roots = np.sort(np.unique(tree, return_index=True)[1])
        votes = self.__dict__
        return Forest(
            feature=np.array(self.nodes_featureids, np.int64),
            mode=mode,
            threshold=self._floats("nodes_values"),
            yes=children[0],
            no=children[1],
            missing=np.array(self.nodes_missing_value_tracks_true or [0] * nodes, bool),
            roots=roots,
            vote_leaf=find(
                np.array(votes[f"{prefix}_treeids"], np.int64),
                np.array(votes[f"{prefix}_nodeids"], np.int64),
                f"{prefix}_nodeids",
            ),
            vote_target=np.array(votes[f"{prefix}_ids"], np.int64),
            vote_weight=self._floats(f"{prefix}_weights"),
            targets=targets,
        )

    def _base(self, targets: int) -> Array:
        base = self._floats("base_values")
        if len(base) not in (0, 1, targets):
            raise InferenceError(
                "base_values does not fit", given=f"{len(base)} values", allowed=f"{targets}"
            )
        return base


class _Finder:
    """Where the node with a number of a tree stands in the table of all nodes."""

    def __init__(self, tree: Array, node: Array) -> None:
        self.trees = np.unique(tree)
        self.numbers = np.unique(node)
        self.keys, self.places = np.unique(self._key(tree, node), return_index=True)
        if len(self.keys) != len(tree):
            raise InferenceError("two nodes of a tree have the same number")

    def _key(self, tree: Array, node: Array) -> Array:
        row, column = np.searchsorted(self.trees, tree), np.searchsorted(self.numbers, node)
        return row * (len(self.numbers) + 1) + column

    def __call__(self, tree: Array, node: Array, name: str) -> Array:
        if len(tree) != len(node):
            raise InferenceError(
                f"{name} differs in length from the trees", given=f"{len(node)} and {len(tree)}"
            )
        if not len(node):
            return np.zeros(0, np.int64)
        there = np.isin(tree, self.trees) & np.isin(node, self.numbers)
        slot = np.searchsorted(self.keys, self._key(tree, node))
        slot = np.minimum(slot, len(self.keys) - 1)
        there &= self.keys[slot] == self._key(tree, node)
        if not there.all():
            wrong = np.flatnonzero(~there)[0]
            raise InferenceError(
                f"{name} names a node that is not there",
                given=f"node {node[wrong]} of tree {tree[wrong]}",
            )
        return self.places[slot]


class TreeEnsembleRegressor(OldTrees, versions=(1, 3, 5)):
    """[N, F] → [N, n_targets] in float32: the votes put together, then the base values added."""

    aggregate_function: Literal["AVERAGE", "SUM", "MIN", "MAX"] = "SUM"
    n_targets: int = 1
    target_ids: tuple[int, ...] = ()
    target_nodeids: tuple[int, ...] = ()
    target_treeids: tuple[int, ...] = ()
    target_weights: tuple[float, ...] | None = None
    target_weights_as_tensor: np.ndarray | None = None

    @cached_property
    def _forest(self) -> Forest:
        return self._grown("target", self.n_targets)

    def infer(self, x: TensorType) -> TensorType:
        batch = batch_of(x)
        self._base(self.n_targets)
        check_votes(self._forest)
        return TensorType(DType.FLOAT, (batch, self.n_targets))

    def evaluate(self, x: Array) -> Array:
        scores, _ = self._forest.scores(as_rows(x), self.aggregate_function)
        base = self._base(self.n_targets)
        return transform(scores + (base if len(base) else 0), self.post_transform)

    def lower(self, lowering: Lowering, x: TensorView) -> TensorView:
        rows = feature_rows(lowering, x)
        scores = tree_scores(lowering, self._forest, rows, self.aggregate_function)
        scores = with_base(lowering, scores, self._base(self.n_targets))
        return transformed(lowering, scores, self.post_transform)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        settings = {**two_trees(), **votes("target", (0, 1, 0, 0), (1.0, 2.0, 4.0, 8.0))}
        x = f32([[0, 1], [1, 2], [float("nan"), 3]])
        plain = cls(n_targets=2, base_values=(0.5, 0.0), **settings)
        yield Case(plain, [x], [f32([[5.5, 0], [8.5, 2], [8.5, 2]])])
        mean = cls(n_targets=2, aggregate_function="AVERAGE", **settings)
        yield Case(mean, [x[:1]], [f32([[2.5, 0]])])
        low = cls(n_targets=2, aggregate_function="MIN", **settings)
        yield Case(low, [i64([[0, 1], [1, 2]])], [f32([[1, 0], [8, 2]])])
        yield Case(plain, [x[:, :1]], error="features that are not there")
        lost = {**settings, "nodes_truenodeids": (7, 0, 0, 1, 0, 0)}
        yield Case(cls(n_targets=2, **lost), [x], error="node 7 of tree 0")


class TreeEnsembleClassifier(OldTrees, versions=(1, 3, 5)):
    """The label [N] of the largest score, and the scores [N, classes] in float32.

    Two classes whose votes are all for the first, without a base value for each, are told apart
    by that score s, as onnxruntime does (ONNX is silent): with no negative weight s > 0.5 is the
    second class and the scores are 1 - s and s, else s > 0 is and they are -s and s. LOGISTIC
    makes them f(-s) and f(s); SOFTMAX and SOFTMAX_ZERO leave them so.
    """

    class_ids: tuple[int, ...] = ()
    class_nodeids: tuple[int, ...] = ()
    class_treeids: tuple[int, ...] = ()
    class_weights: tuple[float, ...] | None = None
    class_weights_as_tensor: np.ndarray | None = None
    classlabels_int64s: tuple[int, ...] | None = None
    classlabels_strings: tuple[str, ...] | None = None

    @cached_property
    def _labels(self) -> tuple[Array, DType]:
        return labels_of(self.classlabels_strings, self.classlabels_int64s)

    @cached_property
    def _forest(self) -> Forest:
        return self._grown("class", len(self._labels[0]))

    def infer(self, x: TensorType) -> tuple[TensorType, TensorType]:
        batch = batch_of(x)
        labels, dtype = self._labels
        self._base(len(labels))
        check_votes(self._forest)
        return TensorType(dtype, (batch,)), TensorType(DType.FLOAT, (batch, len(labels)))

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        labels, _ = self._labels
        scores, _ = self._forest.scores(as_rows(x), "SUM")
        base = self._base(len(labels))
        if len(labels) == 2 and set(self.class_ids) == {0} and len(base) < 2:
            return self._binary(scores[:, 0], base)
        scores = scores + (base if len(base) else 0)
        return labels[scores.argmax(1)], transform(scores, self.post_transform)

    def lower(self, lowering: Lowering, x: TensorView) -> tuple[TensorView, TensorView]:
        labels, _ = self._labels
        rows = feature_rows(lowering, x)
        scores = tree_scores(lowering, self._forest, rows, "SUM")
        base = self._base(len(labels))
        if len(labels) == 2 and set(self.class_ids) == {0} and len(base) < 2:
            first = scores.slice((0, 0), (1, 1), (rows.shape[0], 1))
            return self._lower_binary(lowering, with_base(lowering, first, base))
        scores = lowering.materialise(with_base(lowering, scores, base))
        made = transformed(lowering, scores, self.post_transform)
        return best_label(lowering, scores, labels), made

    def _lower_binary(self, lowering: Lowering, score: TensorView) -> tuple[TensorView, TensorView]:
        positive = (self._floats("class_weights") >= 0).all()
        limit = 0.5 if positive else 0.0
        second = lowering.elementwise(lambda _, v: v > limit, DType.BOOL, score)
        chosen = chosen_label(lowering, second.reshape((score.shape[0],)), self._labels[0])
        logistic_wanted = self.post_transform == "LOGISTIC"
        negative = lowering.elementwise(
            lambda _, v: 1.0 - v if positive and not logistic_wanted else -v, score.dtype, score
        )
        pair = (negative, score)
        if logistic_wanted:
            pair = (logistic_view(lowering, negative), logistic_view(lowering, score))
        kind = self.post_transform if self.post_transform == "PROBIT" else "NONE"
        return chosen, transformed(lowering, lowering.concat(pair, 1), kind)

    def _binary(self, score: Array, base: Array) -> tuple[Array, Array]:
        labels, _ = self._labels
        score = score + (base[-1] if len(base) else 0)
        positive = (self._floats("class_weights") >= 0).all()
        second = score > (0.5 if positive else 0)
        if self.post_transform == "LOGISTIC":
            both = np.stack((logistic(-score), logistic(score)), 1)
        else:
            both = np.stack((1 - score if positive else -score, score), 1)
        kind = self.post_transform if self.post_transform == "PROBIT" else "NONE"
        return labels[second.astype(np.int64)], transform(both, kind)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x = f32([[0, 1], [1, 2], [float("nan"), 3]])
        weights = (1.0, 2.0, 4.0, 8.0)
        several = {**two_trees(), **votes("class", (0, 1, 2, 0), weights)}
        three = cls(classlabels_strings=("a", "b", "c"), **several)
        made = f32([[1, 0, 4], [8, 2, 0], [8, 2, 0]])
        yield Case(three, [x], [strings(["c", "a", "a"]), made])
        single = {**two_trees(), **votes("class", (0,) * 4, (0.25, 0.5, 0.125, 0.25))}
        two = cls(classlabels_int64s=(5, 7), **single)
        yield Case(two, [x[:2]], [i64([5, 7]), f32([[0.625, 0.375], [0.25, 0.75]])])
        single = {**two_trees(), **votes("class", (0,) * 4, (-1.0, 1.0, 0.0, 1.0))}
        two = cls(classlabels_int64s=(5, 7), **single)
        yield Case(two, [x[:2]], [i64([5, 7]), f32([[1, -1], [-2, 2]])])
        yield Case(cls(**several), [x], error="one of the two lists of class labels")
        wrong = cls(classlabels_int64s=(5, 7), **several)
        yield Case(wrong, [x], error="the target of a vote is out of range; given: 2")


def with_base(lowering: Lowering, scores: TensorView, base: Array) -> TensorView:
    """The scores plus the base values, where there are any."""
    if not len(base):
        return scores
    more = lowering.constant(base.astype(np.float64))
    return lowering.elementwise(lambda _, a, b: a + b, scores.dtype, scores, more)


def check_votes(forest: Forest) -> None:
    """Refuse trees that are not whole and votes without a weight or target."""
    lengths = {len(forest.vote_leaf), len(forest.vote_target), len(forest.vote_weight)}
    if len(lengths) != 1:
        raise InferenceError("the attributes of the votes differ in length", given=sorted(lengths))
    forest.check()


_PER_NODE = (
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_truenodeids",
)


def two_trees() -> dict[str, Any]:
    """For the cases: x0 <= 0.5 ? leaf 1 : leaf 2, and x1 < 1.5 ? leaf 1 : leaf 2."""
    return {
        "nodes_falsenodeids": (2, 0, 0, 2, 0, 0),
        "nodes_featureids": (0, 0, 0, 1, 0, 0),
        "nodes_modes": ("BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_LT", "LEAF", "LEAF"),
        "nodes_nodeids": (0, 1, 2, 0, 1, 2),
        "nodes_treeids": (0, 0, 0, 1, 1, 1),
        "nodes_truenodeids": (1, 0, 0, 1, 0, 0),
        "nodes_values": (0.5, 0.0, 0.0, 1.5, 0.0, 0.0),
    }


def votes(prefix: str, targets: tuple[int, ...], weights: tuple[float, ...]) -> dict[str, Any]:
    """For the cases: a vote of each of the four leaves."""
    return {
        f"{prefix}_ids": targets,
        f"{prefix}_nodeids": (1, 2, 1, 2),
        f"{prefix}_treeids": (0, 0, 1, 1),
        f"{prefix}_weights": weights,
    }
