"""`likewise conform` and `likewise bisect` as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import jsonschema
import numpy as np
import pytest
from onnx import TensorProto, helper, load, save

from likewise.conform.reports.as_json import schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CALL = "from likewise.cli import main; main()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proof")
    graph = helper.make_graph(
        [
            helper.make_node("Exp", ["x"], ["e"], name="exp"),
            helper.make_node("Mul", ["e", "scale"], ["y"], name="scaled"),
        ],
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", "m"]),
            helper.make_tensor_value_info("scale", TensorProto.FLOAT, []),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    opsets = [helper.make_opsetid("", 18)]
    save(helper.make_model(graph, opset_imports=opsets, ir_version=10), folder / "exp.onnx")
    np.savez(folder / "in.npz", x=np.zeros((2, 3), np.float32), scale=np.float32(2))
    np.savez(folder / "less.npz", x=np.zeros((2, 3), np.float32))
    (folder / "text.npz").write_text("no archive")
    return folder


@pytest.fixture
def likewise(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", CALL, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


HELD = ["--targets", "numpy,wasm,onnxruntime"]
SHAPE = ["--shape", "x=1,4"]


def test_conform_shows_and_writes_reports(likewise: Any, folder: Path) -> None:
    files = ["--html", "r.html", "--junit", "r.xml", "--runs", "2", "--constant", "scale=3"]
    done = likewise("conform", "exp.onnx", *HELD, *SHAPE, *files)
    assert done.returncode == 0, done.stderr
    assert "2 runs, drawn from seed 0" in done.stdout
    for text in ("wasm fast", "wasm strict", "onnxruntime", "Every target keeps the contract."):
        assert text in done.stdout
    assert (folder / "r.html").read_text().startswith("<!doctype html>")
    suite = ET.parse(folder / "r.xml").getroot()
    assert suite.get("tests") == "8"
    assert suite.get("failures") == "0"


def test_conform_on_inputs_of_a_file(likewise: Any) -> None:
    done = likewise("conform", "exp.onnx", *HELD, "--inputs", "in.npz", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    jsonschema.validate(content, schema())
    assert content["inputs"] == {"x": "float[2, 3]", "scale": "float[]"}
    assert content["origin"] == "in.npz"
    assert [one["operator"] for one in content["layers"]] == ["Exp", "Mul"]


def test_targets_that_do_not_part(likewise: Any, folder: Path) -> None:
    done = likewise("bisect", "exp.onnx", "--targets", "numpy,wasm:strict", "--inputs", "in.npz")
    assert done.returncode == 0, done.stderr
    assert "numpy and wasm strict do not part" in done.stdout
    assert not (folder / "bisected.onnx").exists()


FAULTY = """
import likewise.conform.engines.of_wasm as module

class Faulty:
    def __init__(self, *arguments, load=module.load):
        self.inner = load(*arguments)

    def run(self, feeds):
        made = self.inner.run(feeds)
        return {name: x * (1.001 if name == "y" else 1) for name, x in made.items()}

module.load = Faulty
"""


def test_targets_that_part(folder: Path) -> None:
    """The module's output y is a thousandth too large."""
    arguments = ["bisect", "exp.onnx", "--targets", "numpy,wasm", *SHAPE]
    for options in (["-o", "small.onnx"], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-c", FAULTY + CALL, *arguments, *options],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        if options == ["--json"]:
            content = json.loads(done.stdout)
            assert (content["node"], content["operator"], content["alone"]) == (
                "scaled",
                "Mul",
                True,
            )
            assert content["after"] == pytest.approx(1e-3, rel=0.01)
            assert content["files"] == ["bisected.onnx", "bisected.npz"]
        else:
            assert "numpy and wasm fast part here" in done.stdout
            assert "it parts by itself" in done.stdout
    assert [node.name for node in load(folder / "small.onnx").graph.node] == ["scaled"]
    assert set(np.load(folder / "small.npz")) == {"e", "scale", "y@numpy", "y@wasm fast"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conform", "exp.onnx", "--targets", "pi"], "there is no target 'pi'; allowed: numpy"),
        (["conform", "exp.onnx"], "the shape of 'x' must be given"),
        (["conform", "exp.onnx", "--inputs", "none.npz"], "cannot read 'none.npz': No such file"),
        (["conform", "exp.onnx", "--inputs", "text.npz"], "'text.npz' is no .npz file of arrays"),
        (["conform", "exp.onnx", *HELD, "--inputs", "less.npz"], "the input 'scale' is missing"),
        (["conform", "none.onnx"], "none.onnx"),
        (["bisect", "exp.onnx", "--targets", "numpy", *SHAPE], "two targets are held against"),
        (["bisect", "exp.onnx", "--targets", "numpy:fast,wasm"], "no numerics 'fast'"),
        (["bisect", "exp.onnx", "--targets", "wasm:slow,numpy"], "allowed: fast, strict"),
    ],
)
def test_wrong_use(likewise: Any, arguments: list[str], message: str) -> None:
    done = likewise(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
