"""Trees, support vector machines, encoders and cached attention, compiled, against NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from likewise.ir import TensorType, Value, type_of
from likewise.lower.graph import lower_graph
from likewise.ops.ai_onnx_ml.families.trees import TreeEnsembleClassifier, TreeEnsembleRegressor
from likewise.ops.ai_onnx_ml.labelencoder import LabelEncoder
from likewise.ops.ai_onnx_ml.svmclassifier import SVMClassifier
from likewise.ops.build import GraphBuilder
from likewise.ops.com_microsoft.groupqueryattention import GroupQueryAttention
from likewise.ops.trees import MODES
from likewise.targets.wasm import emit_lowered, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ops.operator import Operator

COMPARISONS = [name for name, number in MODES.items() if number < MODES["BRANCH_MEMBER"]]
DEPTH, TREES, FEATURES = 3, 5, 4


def assert_same(
    operator: Operator, *inputs: Any, constants: Sequence[int] = (), rtol: float = 2e-6
) -> None:
    """The compiled operator gives what `evaluate` gives; `constants` are no inputs of it."""
    builder, feeds = GraphBuilder(), {}
    values: list[Value | None] = []
    for index, array in enumerate(inputs):
        if array is None:
            values.append(None)
        elif index in constants:
            values.append(builder.constant(array))
        else:
            kind = type_of(array)
            assert isinstance(kind, TensorType)
            values.append(Value(f"i{index}", TensorType(kind.dtype, kind.dims)))
            feeds[f"i{index}"] = array
    made = builder.apply(operator, values)
    live = [one for one in values if one is not None and one.name in feeds]
    lowered = lower_graph(builder.graph("one", live, made))
    found = list(load(emit_lowered(lowered, numerics="strict")).run(feeds).values())
    with np.errstate(all="ignore"):
        expected = operator.evaluate(*inputs)
    for one, other in zip(
        found, expected if isinstance(expected, tuple) else (expected,), strict=True
    ):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


def floats(random: np.random.Generator, *shape: int) -> tuple[float, ...]:
    return tuple(random.standard_normal(shape).astype(np.float32).ravel().tolist())


def forest(
    random: np.random.Generator, modes: Sequence[str], prefix: str, targets: int
) -> dict[str, Any]:
    """Full trees whose comparisons often meet an equal value; up to two votes a leaf."""
    count = 2 ** (DEPTH + 1) - 1
    nodes: dict[str, list[Any]] = {}
    votes: dict[str, list[Any]] = {f"{prefix}_{n}": [] for n in ("ids", "nodeids", "treeids")}
    for tree in range(TREES):
        for node in range(count):
            leaf = node >= count // 2
            row = {
                "falsenodeids": 0 if leaf else 2 * node + 2,
                "featureids": int(random.integers(FEATURES)),
                "missing_value_tracks_true": int(random.integers(2)),
                "modes": "LEAF" if leaf else str(random.choice(modes)),
                "nodeids": node,
                "treeids": tree,
                "truenodeids": 0 if leaf else 2 * node + 1,
                "values": float(random.integers(-2, 3)),
            }
            for name, value in row.items():
                nodes.setdefault(f"nodes_{name}", []).append(value)
            for _ in range(int(random.integers(3)) if leaf else 0):
                votes[f"{prefix}_ids"].append(int(random.integers(targets)))
                votes[f"{prefix}_nodeids"].append(node)
                votes[f"{prefix}_treeids"].append(tree)
    weights = floats(random, len(votes[f"{prefix}_ids"]))
    given = {name: tuple(values) for name, values in {**nodes, **votes}.items()}
    return {**given, f"{prefix}_weights": weights}


@pytest.mark.parametrize("aggregate", ["SUM", "AVERAGE", "MIN", "MAX"])
@pytest.mark.parametrize("modes", [*([one] for one in COMPARISONS), COMPARISONS])
def test_trees(modes: list[str], aggregate: str) -> None:
    random = np.random.default_rng(len(modes))
    x = random.integers(-3, 4, (9, FEATURES)).astype(np.float32)
    x[random.random(x.shape) < 0.1] = np.nan
    given = forest(random, modes, "target", 3)
    given |= {"n_targets": 3, "aggregate_function": aggregate}
    assert_same(TreeEnsembleRegressor(**given), x)


@pytest.mark.parametrize("kind", ["NONE", "SOFTMAX", "SOFTMAX_ZERO", "LOGISTIC", "PROBIT"])
@pytest.mark.parametrize("labels", [(5, 7), (2, 3, 9)])
def test_tree_classifier(labels: tuple[int, ...], kind: str) -> None:
    random = np.random.default_rng(len(labels))
    x = random.integers(-3, 4, (9, FEATURES))
    given = forest(random, COMPARISONS, "class", 1 if len(labels) == 2 else 3)
    given |= {"classlabels_int64s": labels, "post_transform": kind, "wanted": 2}
    operator = TreeEnsembleClassifier(**given)
    assert_same(operator, x)


@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize("kind", ["LINEAR", "POLY", "RBF", "SIGMOID"])
@pytest.mark.parametrize("sizes", [(3, 4), (2, 1, 3), (1, 2, 3, 2)])
def test_support_vectors(sizes: tuple[int, ...], kind: str, probabilities: bool) -> None:
    random = np.random.default_rng(sum(sizes))
    classes, pairs = len(sizes), len(sizes) * (len(sizes) - 1) // 2
    given: dict[str, Any] = {}
    if probabilities:
        given = {"prob_a": floats(random, pairs), "prob_b": floats(random, pairs)}
    operator = SVMClassifier(
        wanted=2,
        classlabels_ints=tuple(range(classes)),
        coefficients=floats(random, sum(sizes), classes - 1),
        kernel_params=(0.3, 0.1, 3.0),
        kernel_type=kind,  # type: ignore[arg-type]  # of the list above
        rho=floats(random, pairs),
        support_vectors=floats(random, sum(sizes), FEATURES),
        vectors_per_class=sizes,
        **given,
    )
    assert_same(operator, random.standard_normal((7, FEATURES)).astype(np.float32), rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 5, 16])
def test_label_encoder(count: int) -> None:
    random = np.random.default_rng(count)
    keys = (*random.integers(-9, 9, count).astype(float).tolist(), float("nan"))
    x = np.append(np.arange(-10, 11), [np.nan, np.inf, -np.inf]).astype(np.float32)
    assert_same(LabelEncoder(keys_floats=keys, values_int64s=tuple(range(count + 1))), x)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"local_window_size": 3},
        {"softcap": 5.0, "scale": 0.2},
        {"smooth_softmax": 1},
        {"causal": False},
        {"do_rotary": True},
        {"do_rotary": True, "rotary_interleaved": True},
    ],
)
@pytest.mark.parametrize(("length", "past", "total"), [(1, 7, 8), (5, 0, 5), (3, 6, 9), (1, 9, 7)])
def test_group_query_attention(
    settings: dict[str, Any], length: int, past: int, total: int
) -> None:
    """How many tokens count is told at run time, by sample."""
    random = np.random.default_rng(total)

    def drawn(*shape: int) -> Any:
        return random.standard_normal(shape).astype(np.float32)

    caches = [drawn(2, 2, past, 8) if past else None for _ in range(2)]
    turns = [drawn(32, 3) if settings.get("do_rotary") else None for _ in range(2)]
    heads = [drawn(2, length, 32), drawn(2, length, 16), drawn(2, length, 16)]
    counts = np.array([total - 1, max(total - 2, length - 1)], np.int32)
    operator = GroupQueryAttention(num_heads=4, kv_num_heads=2, wanted=3, **settings)
    inputs = [*heads, *caches, counts, np.array(total, np.int32), *turns]
    assert_same(operator, *inputs, constants=[6], rtol=1e-5)
