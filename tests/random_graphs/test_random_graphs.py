"""Random models on every target: near the float64 oracle, strict numerics the same bits.

The same few hundred models at each run; `python -m tests.random_graphs` draws thousands of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from likewise.conform.noise import with_noise
from likewise.ir import DType, TensorType, Value
from likewise.ops.build import GraphBuilder
from likewise.targets.numpy.plan import Plan
from tests.random_graphs.drawing import Drawn, models
from tests.random_graphs.engines import Batch
from tests.random_graphs.targets import TARGETS, Prepared, Target, faults

if TYPE_CHECKING:
    from pathlib import Path

same_each_time = settings(
    phases=[__import__("hypothesis").Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@settings(same_each_time, max_examples=300)
@given(models())
def test_targets_agree(drawn: Drawn) -> None:
    found = list(faults(Prepared(drawn)))
    assert not found, "\n".join(found)


@settings(same_each_time, max_examples=100)
@given(models(families=("views",)))
def test_targets_agree_on_views(drawn: Drawn) -> None:
    found = list(faults(Prepared(drawn)))
    assert not found, "\n".join(found)


@settings(same_each_time, max_examples=100)
@given(models(families=("convolutions", "networks", "elementwise")))
def test_targets_agree_on_networks(drawn: Drawn) -> None:
    found = list(faults(Prepared(drawn)))
    assert not found, "\n".join(found)


def test_engines_agree(tmp_path: Path) -> None:
    batch = Batch(tmp_path)

    @settings(same_each_time, max_examples=120)
    @given(models())
    def collect(drawn: Drawn) -> None:
        batch.add(Prepared(drawn))

    collect()
    assert batch.count >= 100
    apart = batch.apart()
    assert not apart, apart


@pytest.mark.parametrize("wrong", [1 + 2.0**-19, np.nan, -1.0])
def test_a_wrong_answer_is_noticed(wrong: float) -> None:
    """A target that is wrong in one element of one output fails, in whatever is drawn first."""

    def off(prepared: Prepared) -> dict[str, np.ndarray]:
        made = prepared.model.run(prepared.drawn.feeds)
        for array in made.values():
            if array.dtype.kind == "f" and array.size:
                array.reshape(-1)[np.abs(array).argmax()] *= wrong
        return made

    found: list[str] = []

    @settings(same_each_time, max_examples=90)
    @given(models(families=("elementwise",), most=2))
    def collect(drawn: Drawn) -> None:
        if not drawn.special:
            found.extend(faults(Prepared(drawn), {"off": Target(off)}))

    collect()
    assert len(found) > 5


def test_noise_moves_what_is_rounded_and_leaves_what_is_exact() -> None:
    b, x = GraphBuilder(), Value("x", TensorType(DType.DOUBLE, (3,)))
    doubled = b.Add(x, x)
    floor, tanh = b.Floor(doubled), b.Tanh(doubled)
    graph = b.graph("g", [x], [floor, tanh])
    exact = frozenset({"x", doubled.name, floor.name})
    given_ = np.array([1.0, 2.0, 3.0])
    still, moved = Plan(with_noise(graph, graph, exact, 0)).run([given_])
    np.testing.assert_array_equal(still, 2 * given_)
    assert 0 < np.abs(moved - np.tanh(2 * given_)).max() < 4 * 2.0**-52


def test_every_target_has_a_turn() -> None:
    """No target declines all models."""
    turns = dict.fromkeys(TARGETS, 0)

    @settings(same_each_time, max_examples=40)
    @given(models())
    def count(drawn: Drawn) -> None:
        prepared = Prepared(drawn)
        for name, target in TARGETS.items():
            turns[name] += target.run(prepared) is not None

    count()
    assert min(turns.values()) > 3, turns
