"""The public surface: what `likewise` offers, how it looks, and what it costs to import."""

from __future__ import annotations

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import likewise
from likewise.ir import DType, Graph
from likewise.ops.case import f32

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
EXPORTED = {
    "Artefact": "class",
    "InferenceError": "error",
    "InputError": "error",
    "LikewiseError": "error",
    "MissingDependencyError": "error",
    "Model": "class",
    "ModelError": "error",
    "Port": "class",
    "UnsupportedError": "error",
    "__version__": "text",
    "compile": "function",
    "load": "function",
    "run_frame": "function",
}


def kind(name: str) -> str:
    value = getattr(likewise, name)
    if isinstance(value, str):
        return "text"
    if inspect.isfunction(value):
        return "function"
    return "error" if issubclass(value, likewise.LikewiseError) else "class"


def test_what_is_offered() -> None:
    assert {name: kind(name) for name in likewise.__all__} == EXPORTED
    assert list(likewise.__all__) == sorted(likewise.__all__)


@pytest.mark.parametrize("name", [n for n, what in EXPORTED.items() if what != "text"])
def test_what_is_offered_is_documented(name: str) -> None:
    offered = getattr(likewise, name)
    assert inspect.getdoc(offered)
    for member, value in vars(offered).items() if inspect.isclass(offered) else ():
        if not member.startswith("_") and (
            inspect.isfunction(value) or isinstance(value, property)
        ):
            assert inspect.getdoc(value), f"{name}.{member}"


def test_errors_are_one_tree() -> None:
    assert issubclass(likewise.InferenceError, likewise.ModelError)
    assert issubclass(likewise.MissingDependencyError, ImportError)


def test_a_name_that_is_not_offered() -> None:
    module: ModuleType = likewise
    with pytest.raises(AttributeError, match="module 'likewise' has no attribute 'lode'"):
        module.lode  # noqa: B018 — it raises


def test_it_is_typed() -> None:
    assert (Path(likewise.__file__).parent / "py.typed").is_file()


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert likewise.__version__ == project["version"]


def test_an_import_is_light() -> None:
    script = "import likewise, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = {name for name in done.stdout.split() if name.startswith(("likewise", "numpy"))}
    assert loaded == {"likewise", "likewise.errors", "likewise.lazy"}


NEEDED = """
import sys
import numpy as np
import likewise
model = likewise.load(sys.argv[1])
model.run({"x": np.zeros((1, 2, 3, 3), np.float32)})
print(*sys.modules)
likewise.compile(model, golden=False)
print(*sys.modules)
"""


def test_only_what_a_model_needs_is_imported(tmp_path: Path) -> None:
    from onnx import helper

    from tests.onnx.test_load_bombs import node, value

    graph = helper.make_graph(
        [node("GlobalAveragePool", ["x"], ["p"]), node("Add", ["p", "p"], ["y"])],
        "g",
        [value("x", (1, 2, 3, 3))],
        [value("y", (1, 2, 1, 1))],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
    done = subprocess.run(
        [sys.executable, "-c", NEEDED, tmp_path / "model.onnx"],
        capture_output=True,
        text=True,
        check=True,
    )
    run, compiled = (set(line.split()) for line in done.stdout.splitlines())
    families = {name for name in run if name.startswith("likewise.ops.ai_onnx.families.")}
    assert {name.rpartition(".")[2] for name in families} == {"arithmetic", "global_pooling"}
    parts = {name for name in run if name.startswith(("likewise.loop", "likewise.lower"))}
    assert parts <= {"likewise.loop", "likewise.loop.math", "likewise.loop.types"}
    assert not {name for name in run if name.startswith("likewise.targets.wasm")}
    assert "likewise.targets.wasm" in compiled
    assert not {name for name in compiled if name.startswith("likewise.targets.litert")}


@pytest.fixture(scope="module")
def model() -> likewise.Model:
    from onnx import StringStringEntryProto, helper

    from tests.onnx.test_load_bombs import node, value

    graph = helper.make_graph(
        [node("Add", ["x", "x"], ["y"])], "g", [value("x", ("n", 2))], [value("y", None)]
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    made.metadata_props.append(StringStringEntryProto(key="alphabet", value="abc"))
    return likewise.load(made.SerializeToString())


def test_a_model(model: likewise.Model) -> None:
    assert repr(model) == "Model('<bytes>', (x: float[n, 2]) -> (y: float[n, 2]))"
    (x,), (y,) = model.inputs, model.outputs
    assert (x.name, x.dtype, str(x.shape)) == ("x", DType.FLOAT, "(n, 2)")
    assert str(y) == "y: float[n, 2]"
    assert isinstance(model.graph, Graph)
    assert dict(model.metadata) == {"alphabet": "abc"}
    assert len(model.source_sha256) == 64
    with pytest.raises(TypeError):
        model.metadata["alphabet"] = ""  # type: ignore[index]  # that is the point


def test_a_run(model: likewise.Model) -> None:
    given = f32([[1, 2]])
    made = model.run({"x": given})
    assert list(made) == ["y"]
    np.testing.assert_array_equal(made["y"], [[2, 4]])
    made["y"][:] = 0
    np.testing.assert_array_equal(given, [[1, 2]])


SOURCES = {
    "nothing": (None, "a model is read from a path, bytes or a binary file; given: NoneType"),
    "no bytes": (b"", "<bytes>: the file is empty"),
    "text": (b"hello", "<bytes>: this is not an ONNX model but plain text"),
    "no file": ("none.onnx", "there is no file 'none.onnx'"),
    "a folder": (".", "'.' is a folder, not a model"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_what_cannot_be_loaded(name: str) -> None:
    source, message = SOURCES[name]
    with pytest.raises(likewise.LikewiseError) as raised:
        likewise.load(source)  # type: ignore[arg-type]  # that is the point
    assert str(raised.value).startswith(message)


def test_a_message_of_onnx() -> None:
    from onnx import ModelProto

    with pytest.raises(likewise.InputError, match="SerializeToString"):
        likewise.load(ModelProto())
