"""A folder of models, and the command called in it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import TensorProto, helper, save

from likewise.ops.case import f32

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model y = relu(x) of shape [n, 3], and what is none."""
    folder = tmp_path_factory.mktemp("cli")
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [info("x", TensorProto.FLOAT, ["n", 3])],
        [info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    save(model, folder / "relu.onnx")
    graph.initializer.append(helper.make_tensor("fives", TensorProto.FLOAT, [3], [5.0] * 3))
    graph.node[0].CopyFrom(helper.make_node("Add", ["x", "fives"], ["y"]))
    save(helper.make_model(graph, opset_imports=model.opset_import), folder / "affine.onnx")
    del graph.initializer[:]
    graph.node[0].CopyFrom(helper.make_node("Relu", ["x"], ["y"]))
    graph.node[0].op_type = "Frobnicate"
    save(helper.make_model(graph), folder / "unknown.onnx")
    odd = helper.make_graph(
        [helper.make_node("Add", ["\x1b[31mx", "b"], ["y\n"])],
        "g",
        [info(name, TensorProto.FLOAT, [2, name[-1]]) for name in ("\x1b[31mx", "b")],
        [info("y\n", TensorProto.FLOAT, None)],
    )
    save(helper.make_model(odd, opset_imports=model.opset_import), folder / "odd.onnx")
    (folder / "broken.onnx").write_bytes(b"\x08\x07\x3a\xff\xff\xff\xff\x0f")
    (folder / "short.wasm").write_bytes(b"\0asm\1\0\0\0")
    np.save(folder / "x.npy", f32([[-1, 0, 1], [2, -3, 4]]))
    np.save(folder / "wrong.npy", np.zeros((2, 3)))
    return folder


@pytest.fixture
def likewise(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Calls the command in the folder."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from likewise.cli import main; main()", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )

    return call
