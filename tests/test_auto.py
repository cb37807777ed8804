"""`Model.run(target="auto")`: compiled where that can be, NumPy where not, the same answer."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from onnx import TensorProto, helper

import likewise
from likewise.targets.wasm import artefact, load


def model(operator: str, kind: int = TensorProto.FLOAT) -> likewise.Model:
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", kind, ["n", 3])],
        [helper.make_tensor_value_info("y", kind, None)],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    return likewise.load(made.SerializeToString())


def test_it_compiles_once_for_each_set_of_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(*given: object, **options: object) -> object:
        made.append(1)
        return load(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(artefact, "load", counted)
    exp = model("Exp")
    for rows, count in ((2, 1), (2, 1), (5, 2), (2, 2)):
        x = np.linspace(-1, 1, 3 * rows, dtype=np.float32).reshape(rows, 3)
        y = exp.run({"x": x}, target="auto")["y"]
        assert exp.ran_on == "wasm"
        assert len(made) == count
        np.testing.assert_allclose(y, exp.run({"x": x})["y"], rtol=1e-6)
        assert exp.ran_on == "numpy"


def test_numpy_runs_what_does_not_compile() -> None:
    text = model("StringNormalizer", TensorProto.STRING)
    x = np.array([["a", "b", "c"]], object)
    assert text.run({"x": x}, target="auto")["y"].tolist() == [["a", "b", "c"]]
    assert text.ran_on == "numpy"


def test_numpy_runs_where_there_is_no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    exp = model("Exp")
    exp.run({"x": np.zeros((1, 3), np.float32)}, target="auto")
    assert exp.ran_on == "numpy"


def test_wrong_use() -> None:
    exp = model("Exp")
    with pytest.raises(likewise.InputError, match="no target 'pi' to run on; allowed: numpy, auto"):
        exp.run({"x": np.zeros((1, 3), np.float32)}, target="pi")  # type: ignore[arg-type]
    with pytest.raises(likewise.InputError, match="input 'x' has the wrong shape"):
        exp.run({"x": np.zeros((1, 2), np.float32)}, target="auto")
