"""Models and engines for the tests of `likewise conform` and `likewise bisect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import likewise
from likewise.conform.engines import engines
from likewise.conform.subject import Subject
from tools.browser import find_chromium
from tools.node import install
from tools.pyodide import DISTRIBUTION, build_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator

    from likewise.conform.engines import Engine

BENCHMARK = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "browser"


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Engine]:
    """Every engine, with what it needs installed."""
    del tmp_path_factory
    find_chromium()
    install(BENCHMARK)
    build_distribution()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKEWISE_NODE_MODULES", str(BENCHMARK / "node_modules"))
        patch.setenv("LIKEWISE_PYODIDE", str(DISTRIBUTION))
        found = engines()
        assert {name: one.missing() for name, one in found.items()} == dict.fromkeys(found, "")
    return found


@pytest.fixture(autouse=True, scope="module")
def _modules() -> Iterator[None]:
    """Where the peers and Pyodide stand, for fixtures of a module too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKEWISE_NODE_MODULES", str(BENCHMARK / "node_modules"))
        patch.setenv("LIKEWISE_PYODIDE", str(DISTRIBUTION))
        yield


def model_of(
    nodes: list[Any],
    inputs: dict[str, tuple[int, list[Any]]],
    outputs: dict[str, int],
    **constants: np.ndarray,
) -> likewise.Model:
    """A model of opset 18; a name that begins with `c` may be a constant."""
    from onnx import numpy_helper

    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return likewise.load(made.SerializeToString())


def small() -> Subject:
    """A product, a softmax and an index, of two inputs, one with an open size."""
    rng = np.random.default_rng(3)
    node = helper.make_node
    model = model_of(
        [
            node("MatMul", ["x", "c"], ["m"], name="product"),
            node("Add", ["m", "bias"], ["a"], name="sum"),
            node("Softmax", ["a"], ["y"], name="softmax"),
            node("ArgMax", ["y"], ["best"], name="best", axis=-1),
        ],
        {"x": (TensorProto.FLOAT, ["n", 6]), "bias": (TensorProto.FLOAT, [5])},
        {"y": TensorProto.FLOAT, "best": TensorProto.INT64},
        c=rng.standard_normal((6, 5)).astype(np.float32),
    )
    return Subject(model, {"x": (3, 6)})


def feeds(subject: Subject, seed: int = 0) -> dict[str, Any]:
    """Inputs of a subject."""
    from likewise.conform.inputs import draw_feeds
    from likewise.targets.ports import Port

    ports = [Port(value.name, value.type) for value in subject.graph.inputs]
    return draw_feeds(ports, {}, {}, seed)
