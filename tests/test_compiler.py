"""likewise.compile: what comes out, what is refused, and how it is saved."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import likewise
from likewise.errors import InputError, MissingDependencyError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

INFO = helper.make_tensor_value_info


def model(*nodes: Any) -> bytes:
    graph = helper.make_graph(
        nodes or [helper.make_node("Exp", ["x"], ["y"])],
        "g",
        [INFO("x", TensorProto.FLOAT, ["n", 3])],
        [INFO("y", TensorProto.FLOAT, None)],
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset).SerializeToString()


def test_fast_numerics_bring_a_plain_twin(tmp_path: Path) -> None:
    made = likewise.compile(model(), shapes={"x": (2, 3)})
    x = np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_allclose(made.load().run({"x": x})["y"], np.exp(x), rtol=1e-6)
    assert str(made.signature) == "(x: float[2, 3]) -> (y: float[2, 3])"
    assert made.source_sha256 == hashlib.sha256(model()).hexdigest()
    saved = made.save(tmp_path / "exp.wasm")
    assert [file.name for file in saved] == ["exp.wasm", "exp.plain.wasm"]
    assert [file.read_bytes() for file in saved] == [made.data, made.plain]
    strict = likewise.compile(likewise.load(model()), shapes={"x": (2, 3)}, numerics="strict")
    assert strict.plain is None
    assert strict.data == made.plain
    assert made.load().source_sha256 == made.source_sha256


def test_feeds_are_checked_as_those_of_a_model() -> None:
    shapes = {"x": (1, 3)}
    loaded, compiled = likewise.load(model()), likewise.compile(model(), shapes=shapes).load()
    for feeds in ({"z": 1}, {}, {"x": np.zeros((1, 3))}, {"x": [["a"]]}):
        messages = []
        for runner in (loaded, compiled):
            with pytest.raises(InputError) as caught:
                runner.run(feeds)
            messages.append(str(caught.value).replace("[n, 3]", "[1, 3]"))
        assert messages[0] == messages[1]
    assert compiled.run({"x": [[0, 0, 0]]})["y"].tolist() == [[1, 1, 1]]


def test_everything_that_cannot_be_compiled_is_said_at_once() -> None:
    nodes = [
        helper.make_node("RandomNormalLike", ["x"], ["r"], name="first"),
        helper.make_node("RandomUniformLike", ["x"], ["s"], name="second"),
        helper.make_node("Add", ["r", "s"], ["y"]),
    ]
    with pytest.raises(UnsupportedError) as caught:
        likewise.compile(model(*nodes), shapes={"x": (1, 3)})
    for name in ("node 'first' (RandomNormalLike): ", "node 'second' (RandomUniformLike): "):
        assert name in str(caught.value)
    with pytest.raises(UnsupportedError) as caught:
        likewise.compile(model())
    assert "input 'x': compiled code needs every size" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "tpu"}, "there is no target 'tpu'; allowed: wasm, litert"),
        ({"numerics": "loose"}, "there is no numerics 'loose'; allowed: strict, fast"),
        ({"shapes": {"x": (1, 4)}}, "<bytes>: the shape for input 'x' does not fit"),
    ],
)
def test_wrong_options(options: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        likewise.compile(model(), **options)
    assert message in str(caught.value)


def test_running_without_wasmtime_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    made = likewise.compile(model(), shapes={"x": (1, 3)})
    monkeypatch.setitem(__import__("sys").modules, "wasmtime", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'likewise\[wasm\]'"):
        made.load()


def test_progress_is_told_step_by_step() -> None:
    node = helper.make_node
    graph = helper.make_graph(
        [node("Exp", ["x"], ["e"]), node("Sin", ["e"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    content = model.SerializeToString()
    told: list[tuple[str, float]] = []
    likewise.compile(content, progress=lambda *step: told.append(step))
    assert told == [
        ("lowering", 0.0),
        ("lowering", 0.5),
        ("running golden vectors", 0.0),
        ("writing the module", 0.0),
        ("writing the module", 0.5),
        ("done", 1.0),
    ]
    with pytest.raises(likewise.InputError, match="'litert' tells no progress"):
        likewise.compile(content, "litert", progress=print)  # type: ignore[call-overload]
