"""Saved files run anywhere an interpreter is; what is missing or wrong is said."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import likewise
from likewise.errors import (
    InputError,
    LikewiseError,
    MissingDependencyError,
    ModelError,
    UnsupportedError,
)
from likewise.ir import DType
from likewise.onnx.exporter import save
from likewise.targets.litert import load
from likewise.targets.litert.program import Operation, Program, Tensor
from likewise.targets.litert.writer import write as write_file
from tests.targets.litert.running import built

if TYPE_CHECKING:
    from pathlib import Path


def write(b: Any, x: Any, size: Any) -> Any:
    return b.Add(b.MaxPool(x, kernel_shape=(2, 2)), size), b.Relu(x)


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "model.onnx"
    save(built({"x/0": (1, 3, 4, 4), "größe": (1,)}, write), path)
    return str(path)


def test_a_saved_file_keeps_names_order_types_and_layout(model: str, tmp_path: Path) -> None:
    made = likewise.compile(model, "litert")
    (path,) = made.save(tmp_path / "model.tflite")
    runner = load(path, threads=2)
    assert [str(one) for one in runner.inputs] == [
        "x/0: float[1, 3, 4, 4]",
        "größe: float[1]",
    ]
    assert runner.inputs == made.signature.inputs
    assert runner.outputs == made.signature.outputs
    assert runner.metadata["source_sha256"] == made.source_sha256
    x = np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4)
    outputs = runner.run({"x/0": x, "größe": np.array([100], np.float32)})
    np.testing.assert_array_equal(outputs["y0"], x[:, :, 1:, 1:] + 100)
    np.testing.assert_array_equal(outputs["y1"], x)


def test_the_file_names_its_signature(model: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=likewise.compile(model, "litert").data)
    signature = {"serving_default": {"inputs": ["größe", "x/0"], "outputs": ["y0", "y1"]}}
    assert interpreter.get_signature_list() == signature


def test_more_than_a_file_can_hold_is_refused() -> None:
    many = np.broadcast_to(np.float32(1), 1 << 29)
    x, y = Tensor("x", DType.FLOAT, (1,)), Tensor("y", DType.FLOAT, many.shape)
    constant = Tensor("c", DType.FLOAT, many.shape, many)
    program = Program((x,), (y,), (Operation("ADD", (x, constant), (y,), "AddOptions"),))
    with pytest.raises(UnsupportedError, match="at most 2 GB; given: 2,147,483,648 bytes"):
        write_file(program, {})


def test_wrong_feeds_and_files_are_refused(model: str, tmp_path: Path) -> None:
    runner = likewise.compile(model, "litert").load()
    with pytest.raises(InputError, match="the input 'größe' is missing"):
        runner.run({"x/0": np.zeros((1, 3, 4, 4), np.float32)})
    with pytest.raises(ModelError, match="these bytes are no TFLite file"):
        load(b"not a model at all")
    with pytest.raises(ModelError, match="the TFLite file cannot be used"):
        load(b"\x1c\0\0\0TFL3" + b"\0" * 40)
    with pytest.raises(InputError, match=r"cannot read '.*nothing.tflite': No such file"):
        load(tmp_path / "nothing.tflite")
    with pytest.raises(InputError, match="a run needs a thread; given: 0"):
        likewise.compile(model, "litert").load(threads=0)


def test_no_interpreter_is_named(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = likewise.compile(model, "litert")
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingDependencyError) as missing:
        made.load()
    assert str(missing.value) == (
        "running TFLite files needs the package 'ai-edge-litert', which is not installed; "
        "install it with: pip install 'likewise[litert]'"
    )
    older: Any = ModuleType("tflite_runtime.interpreter")
    older.Interpreter = None
    monkeypatch.setitem(sys.modules, "tflite_runtime", ModuleType("tflite_runtime"))
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", older)
    monkeypatch.setattr(np, "__version__", "2.3.1")
    with pytest.raises(
        MissingDependencyError,
        match=r"given: tflite-runtime, which needs NumPy 1, beside NumPy 2\.3\.1",
    ):
        made.load()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights_type": "int4"}, "there is no type of weights 'int4'; allowed: float32, float16"),
        ({"numerics": "strict"}, "the target 'litert' has no numerics; given: strict"),
    ],
)
def test_options_of_other_targets_are_refused(
    options: dict[str, Any], message: str, model: str
) -> None:
    with pytest.raises(LikewiseError, match=message):
        likewise.compile(model, "litert", **options)
