"""`likewise compile` as a user calls it: files, tables, JSON."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.targets.wasm import load

if TYPE_CHECKING:
    from pathlib import Path


def test_compile_writes_a_module_and_its_twin(likewise: Any, folder: Path) -> None:
    done = likewise("compile", "relu.onnx", "--shape", "x=2,3", "-o", "relu.wasm", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["inputs"] == {"x": "float[2, 3]"}
    assert content["files"].keys() == {"relu.wasm", "relu.plain.wasm"}
    assert len(content["source_sha256"]) == 64
    for module in ("relu.wasm", "relu.plain.wasm"):
        assert likewise("run", module, "-i", "x=x.npy", "-o", "out.npz").returncode == 0
        with np.load(folder / "out.npz") as kept:
            np.testing.assert_array_equal(kept["y"], [[0, 0, 1], [2, 0, 4]])
    strict = ["compile", "relu.onnx", "--shape", "x=2,3", "--numerics", "strict", "-o", "one.wasm"]
    assert "strict numerics" in likewise(*strict).stdout
    assert not (folder / "one.plain.wasm").exists()


def test_compile_shows_progress_on_a_terminal_alone(likewise: Any, folder: Path) -> None:
    call = ["compile", "affine.onnx", "--shape", "x=2,3", "-o", "shown.wasm"]
    assert likewise(*call).stderr == ""
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", "likewise", *call]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=True,
    )
    shown = os.read(master, 1 << 20).decode()
    os.close(terminal)
    os.close(master)
    assert ", 0% …" in shown or ", 100% …" in shown
    assert b"fast numerics" in done.stdout


def test_compile_writes_weights_beside(likewise: Any, folder: Path) -> None:
    call = ["compile", "affine.onnx", "--shape", "x=2,3", "--weights", "separate", "--json"]
    done = likewise(*call, "-o", "affine.wasm")
    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout)["files"]
    assert list(files) == ["affine.wasm", "affine.plain.wasm", "affine.weights"]
    for module in list(files)[:2]:
        assert likewise("run", module, "-i", "x=x.npy", "-o", "out.npz").returncode == 0
        with np.load(folder / "out.npz") as kept:
            np.testing.assert_array_equal(kept["y"], [[4, 5, 6], [7, 2, 9]])
    (folder / "affine.weights").write_bytes(b"")
    done = likewise("run", "affine.wasm")
    assert done.returncode == 1
    assert "affine.wasm: these are not the module's weights, 'affine.weights'" in done.stderr
    (folder / "affine.weights").unlink()
    done = likewise("run", "affine.wasm")
    assert done.returncode == 2
    assert "the module's weights cannot be read from 'affine.weights'" in done.stderr


def test_compile_for_threads(likewise: Any, folder: Path) -> None:
    call = ["compile", "affine.onnx", "--shape", "x=2,3", "-o", "affine.wasm", "--threads"]
    done = likewise(*call, "2", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["threads"] == 2
    assert likewise("run", "affine.wasm", "-i", "x=x.npy", "-o", "out.npz").returncode == 0
    with np.load(folder / "out.npz") as kept:
        np.testing.assert_array_equal(kept["y"], [[4, 5, 6], [7, 2, 9]])
    assert "fast numerics, up to 2 threads" in likewise(*call, "2").stdout
    done = likewise(*call, "0")
    assert done.returncode == 2
    assert "there is no such number of threads; given: 0; allowed: 1 to 64" in done.stderr


def test_compile_tries_tiles_and_takes_them_from_a_file(likewise: Any, folder: Path) -> None:
    call = ["compile", "affine.onnx", "--shape", "x=2,3", "-o", "affine.wasm"]
    done = likewise(*call, "--tune", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert list(content["files"]) == ["affine.wasm", "affine.plain.wasm", "affine.tiles.json"]
    assert content["tuning"].keys() == {"milliseconds_before", "milliseconds", "choices"}
    module = (folder / "affine.wasm").read_bytes()
    done = likewise(*call, "--tiles", "affine.tiles.json", "--json")
    assert done.returncode == 0, done.stderr
    assert "tuning" not in json.loads(done.stdout)
    assert (folder / "affine.wasm").read_bytes() == module
    assert "changed; a run takes" in likewise(*call, "--tune").stdout
    (folder / "affine.tiles.json").write_text("{}")
    done = likewise(*call, "--tiles", "affine.tiles.json")
    assert done.returncode == 2
    assert "likewise: affine.tiles.json: the file holds no tiles; allowed: likewise" in done.stderr


def test_compile_writes_a_tflite_file(likewise: Any, folder: Path) -> None:
    call = ["compile", "relu.onnx", "--target", "litert", "--shape", "x=2,3", "-o", "relu.tflite"]
    done = likewise(*call, "--weights-type", "float16", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["weights_type"] == "float16"
    assert content["inputs"] == {"x": "float[2, 3]"}
    for model in (["relu.tflite"], ["relu.onnx", "--target", "litert", "--threads", "2"]):
        assert likewise("run", *model, "-i", "x=x.npy", "-o", "out.npz").returncode == 0
        with np.load(folder / "out.npz") as kept:
            np.testing.assert_array_equal(kept["y"], [[0, 0, 1], [2, 0, 4]])
    assert "float32 weights" in likewise(*call).stdout
    done = likewise(*call, "--numerics", "strict")
    assert done.returncode == 2
    assert "the target 'litert' has no numerics; given: strict" in done.stderr


def test_compile_with_and_without_golden_vectors(likewise: Any, folder: Path) -> None:
    call = ["compile", "relu.onnx", "--shape", "x=2,3", "-o", "relu.wasm"]
    for more, found in ((), []), (("--no-golden",), None):
        assert likewise(*call, *more).returncode == 0
        assert load(folder / "relu.wasm").self_test() == found
    done = likewise(*call, "--target", "litert", "--golden")
    assert done.returncode == 2
    assert "the target 'litert' carries no golden vectors" in done.stderr


def test_compile_takes_the_value_that_an_input_always_has(likewise: Any, folder: Path) -> None:
    value = "x=[[1, -2, 3]]"
    done = likewise("compile", "relu.onnx", "--constant", value, "-o", "fixed.wasm", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["inputs"] == {}
    assert likewise("run", "fixed.wasm", "-o", "out.npz").returncode == 0
    with np.load(folder / "out.npz") as kept:
        np.testing.assert_array_equal(kept["y"], [[1, 0, 3]])
