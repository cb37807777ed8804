"""The commands as a user calls them: tables, JSON, exit statuses, mistakes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from onnx import TensorProto, helper

from likewise.ops.case import f32


def test_run_draws_what_is_not_given_from_the_seed(likewise: Any) -> None:
    first, second, other = (
        json.loads(likewise("run", "relu.onnx", "--json", "--seed", seed).stdout)["outputs"]
        for seed in ("1", "1", "2")
    )
    assert first == second != other
    assert first["y"]["shape"] == [1, 3]


def test_run_takes_arrays_and_keeps_outputs(likewise: Any, folder: Path) -> None:
    done = likewise("run", "relu.onnx", "-i", "x=x.npy", "-o", "out.npz")
    assert done.returncode == 0, done.stderr
    assert "float32[2, 3]" in done.stdout
    with np.load(folder / "out.npz") as kept:
        np.testing.assert_array_equal(kept["y"], [[0, 0, 1], [2, 0, 4]])


def test_run_shows_and_reads_what_numpy_has_no_name_for(likewise: Any, folder: Path) -> None:
    square = helper.make_node("Mul", ["x", "x"], ["y"])
    ports = [helper.make_tensor_value_info(one, TensorProto.BFLOAT16, [2]) for one in ("x", "y")]
    graph = helper.make_graph([square], "g", ports[:1], ports[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    (folder / "square.onnx").write_bytes(model.SerializeToString())
    np.save(folder / "bits.npy", np.array([0x3F80, 0xC000], np.uint16).view("V2"))
    given = ("square.onnx", "-i", "x=bits.npy")
    done = likewise("run", *given, "-o", "squared.npz")
    assert done.returncode == 0, done.stderr
    shown = [line.split() for line in done.stdout.splitlines()[-2:]]
    assert shown[0] == ["in", "x", "bfloat16[2]", "-2", "-0.5", "1", "1", "-2"]
    assert shown[1] == ["out", "y", "bfloat16[2]", "1", "2.5", "4", "1", "4"]
    made = json.loads(likewise("run", *given, "--json").stdout)["outputs"]["y"]
    assert (made["dtype"], made["first"]) == ("bfloat16", ["1.0", "4.0"])
    with np.load(folder / "squared.npz") as kept:
        np.save(folder / "again.npy", kept["y"])
    assert "16" in likewise("run", "square.onnx", "-i", "x=again.npy").stdout.split()


def test_python_runs_it_as_a_module() -> None:
    command = [sys.executable, "-m", "likewise", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("likewise, version ")


def test_run_compiles_for_a_target(likewise: Any) -> None:
    numpy, wasm = (
        json.loads(likewise("run", "relu.onnx", "--json", "--target", target).stdout)["outputs"]
        for target in ("numpy", "wasm")
    )
    assert numpy == wasm


def test_inspect_shows_signature_and_cost(likewise: Any) -> None:
    content = json.loads(likewise("inspect", "relu.onnx", "--shape", "x=5,3", "--json").stdout)
    assert content["inputs"] == {"x": "float[n, 3]"}
    assert content["operators"] == {"ai.onnx.Relu": 1}
    assert content["flops"] == 15
    assert content["peak_activation_bytes"] == 2 * 15 * 4
    assert "float[n, 3]" in likewise("inspect", "relu.onnx").stdout


def test_inspect_names_what_is_not_supported(likewise: Any) -> None:
    done = likewise("inspect", "unknown.onnx")
    assert done.returncode == 1
    assert "Frobnicate" in done.stdout


def test_bench_compares_in_turn(likewise: Any) -> None:
    done = likewise(
        "bench", "relu.onnx", "--runs", "2", "--json", "--against", "onnxruntime,reference"
    )
    content = json.loads(done.stdout)
    assert content["milliseconds"].keys() == {"likewise", "onnxruntime", "reference"}
    assert content["ratio"].keys() == {"onnxruntime", "reference"}
    assert content["profile"]["Relu"]["calls"] == 1


MISTAKES = {
    "no such file": (["run", "none.onnx"], 2, "there is no file 'none.onnx'"),
    "a broken file": (["run", "broken.onnx"], 1, "broken.onnx: "),
    "not ONNX": (["run", "x.npy"], 1, "x.npy: this is not an ONNX model"),
    "an operator there is none for": (["run", "unknown.onnx"], 1, "ai.onnx.Frobnicate"),
    "a wrong input name": (
        ["run", "relu.onnx", "-i", "z=x.npy"],
        2,
        "the model has no input 'z'; allowed: 'x'",
    ),
    "a wrong element type": (["run", "relu.onnx", "-i", "x=wrong.npy"], 2, ".astype('float32')"),
    "a wrong shape": (
        ["run", "relu.onnx", "--shape", "x=2,4"],
        2,
        "the shape for input 'x' does not fit; given: 2,4; allowed: [n, 3]",
    ),
    "a shape that is none": (["run", "relu.onnx", "--shape", "x=a"], 2, "--shape NAME=1,3,224,224"),
    "an array that is none": (
        ["run", "relu.onnx", "-i", "x=relu.onnx"],
        2,
        "'relu.onnx' is not a .npy file",
    ),
    "a missing array": (["run", "relu.onnx", "-i", "x=no.npy"], 2, "cannot read 'no.npy'"),
    "an unknown peer": (
        ["bench", "relu.onnx", "--against", "caffe"],
        2,
        "no peer is called 'caffe'; allowed: onnxruntime, reference, onnxruntime-web, litert-js",
    ),
    "threads in the browser": (
        ["bench", "relu.onnx", "--against", "litert-js", "--threads", "2"],
        2,
        "litert-js is timed with one thread; given: 2; allowed: 1",
    ),
    "a shape left open": (
        ["compile", "relu.onnx", "-o", "no.wasm"],
        1,
        "input 'x': compiled code needs every size; given: float[n, 3]; pass --shape x=…",
    ),
    "a value that is none": (
        ["compile", "relu.onnx", "--constant", "x=one", "-o", "no.wasm"],
        2,
        "--constant 'x=one' is not understood",
    ),
    "a module of another run": (
        ["run", "short.wasm"],
        1,
        "this WebAssembly module has no section `likewise`",
    ),
    "several shapes left open": (
        ["run", "odd.onnx"],
        2,
        r"such as --shape \x1b[31mx=2,32 --shape b=2,32",
    ),
    "a size beyond the memory": (
        ["run", "relu.onnx", "--shape", f"x={1 << 60},3"],
        2,
        "there is not enough memory for input 'x'; given: [1152921504606846976, 3]",
    ),
    "a negative seed": (["run", "relu.onnx", "--seed", "-1"], 2, "not in the range x>=0"),
    "an unknown command": (["rum"], 2, "Did you mean 'run'?"),
    "a place that cannot be written": (
        ["run", "relu.onnx", "-o", "none/out.npz"],
        2,
        "cannot write 'none/out.npz'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_without_a_traceback(mistake: str, likewise: Any) -> None:
    arguments, status, message = MISTAKES[mistake]
    done = likewise(*arguments)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == status


def test_escape_sequences_do_not_reach_the_terminal(likewise: Any) -> None:
    done = likewise("run", "odd.onnx", "--shape", "\x1b[31mx=2,2", "--shape", "b=2,2")
    assert done.returncode == 0, done.stderr
    assert r"\x1b[31mx" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_an_output_that_cannot_be_written(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "likewise", "inspect", "relu.onnx", "--json"],
            cwd=folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "likewise: cannot write the output: No space left on device\n"


def test_a_reader_that_leaves(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "likewise", "inspect", "relu.onnx", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_ctrl_c(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "likewise", "bench", "relu.onnx", "--runs", "100000000"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert said.strip() == "likewise: interrupted"
    assert process.returncode == 130


@pytest.mark.parametrize("package", ["click", "rich"])
def test_without_a_package(folder: Path, package: str) -> None:
    script = f"import sys; sys.modules[{package!r}] = None; from likewise.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "inspect", "relu.onnx"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"likewise: the command line needs the package {package!r}, which is not installed; "
        "install it with: pip install 'likewise[cli]'\n"
    )


@pytest.fixture
def rows(folder: Path) -> str:
    path = folder / "rows.csv"
    path.write_text("a,b,c,note\n-1,0.1,1,first\n2,-3,4,second\n")
    return path.name


@pytest.mark.parametrize("form", ["parquet", "ndjson", "arrow"])
def test_run_on_rows(likewise: Any, folder: Path, rows: str, form: str) -> None:
    out = f"made.{form}"
    options = ["--rows", rows, "--columns", "x=a,b,c", "--cast", "-o", out]
    done = likewise("run", "relu.onnx", *options)
    assert done.returncode == 0, done.stderr
    assert "2 rows" in done.stdout
    made = getattr(pl, f"read_{'ipc' if form == 'arrow' else form}")(folder / out)
    assert made.columns == ["y"]
    np.testing.assert_array_equal(f32(made["y"].to_list()), f32([[0, 0.1, 1], [2, 0, 4]]))
    described = json.loads(likewise("run", "relu.onnx", *options, "--json").stdout)
    assert described["rows"] == 2
    assert described["outputs"] == {"y": "Array(Float32, shape=(3,))"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "x=a,b,c"], "column 'b' holds numbers that float does not have"),
        ([], "no column is called like the input 'x: float[n, 3]'"),
        (["--columns", "x"], "--columns 'x' is not understood; allowed: --columns NAME=a,b"),
        (["--target", "wasm"], "--target has no meaning with --rows"),
        (["-i", "x=x.npy"], "--input has no meaning with --rows"),
        (["--columns", "x=a,b,c", "--cast", "-o", "y.csv"], "cannot write the rows to 'y.csv'"),
        (["--columns", "x=a,b,c", "--cast", "-o", "y.npz"], "'y.npz' is called like no file of"),
    ],
)
def test_rows_that_do_not_fit(
    likewise: Any, folder: Path, rows: str, options: list[str], message: str
) -> None:
    done = likewise("run", "relu.onnx", "--rows", rows, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (folder / "y.csv").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "cannot read 'none.csv': No such file or directory"),
        ("rows.txt", b"a\n1\n", "'rows.txt' is called like no file of rows; allowed: .parquet"),
        ("broken.parquet", b"PAR1 no", "cannot read rows from 'broken.parquet': "),
    ],
)
def test_files_that_hold_no_rows(
    likewise: Any, folder: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    done = likewise("run", "relu.onnx", "--rows", name)
    assert done.returncode == 2
    assert message in done.stderr


def test_options_of_rows_alone(likewise: Any) -> None:
    done = likewise("run", "relu.onnx", "--columns", "x=a")
    assert done.returncode == 2
    assert "--columns has no meaning without --rows" in done.stderr
