"""The distribution for Pyodide: what it holds, and likewise inside it, in Node."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import likewise
from likewise.conform.engines.outside import answer_of_node
from likewise.conform.inputs import draw_feeds
from likewise.targets.wasm import load
from tests.wasm.serving import served
from tools import pyodide
from tools.browser import launch
from tools.environment import DevError
from tools.models import ensure
from tools.node import find_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyodide_lock import PyodideLockSpec

SCRIPT = Path(__file__).resolve().parent / "pyodide" / "run.mjs"


@pytest.fixture(scope="module")
def distribution() -> Path:
    return pyodide.build_distribution()


def run(distribution: Path, folder: Path, program: str, flags: Sequence[str] = ()) -> Any:
    """What a program leaves in `answer`, run in Pyodide with `folder` as /work."""
    (folder / "program.py").write_text(program)
    return answer_of_node([find_node().program, *flags, SCRIPT, distribution, folder])


def test_it_holds_core_numpy_and_likewise_alone(distribution: Path) -> None:
    lock = json.loads((distribution / "pyodide-lock.json").read_text())
    assert set(lock["packages"]) == {"likewise", "numpy"}
    wheels = {one["file_name"] for one in lock["packages"].values()}
    files = {file.name for file in distribution.iterdir() if not file.name.startswith(".")}
    assert files == {*pyodide.CORE, *wheels, "pyodide-lock.json"}
    for one in lock["packages"].values():
        content = (distribution / one["file_name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one["sha256"]
    assert lock["packages"]["likewise"]["depends"] == ["numpy"]
    assert lock["info"]["version"] == pyodide.VERSION


def test_it_is_built_once(distribution: Path) -> None:
    before = (distribution / "pyodide-lock.json").stat().st_mtime_ns
    assert pyodide.build_distribution() == distribution
    assert (distribution / "pyodide-lock.json").stat().st_mtime_ns == before


HOST = """
import numpy as np
import likewise
from likewise.targets.wasm import load

model = likewise.load("/work/model.onnx")
x = np.arange(8, dtype=np.float32).reshape(2, 4) % 3
made = likewise.compile(model, shapes={"x": x.shape})
runner = made.load()
auto = model.run({"x": x}, target="auto")
ran_on = model.ran_on
refused = []
for what in (lambda: runner.input_view("x"),
             lambda: load(likewise.compile(model, shapes={"x": x.shape}, threads=2).data),
             lambda: load(made.data[:-3])):
    try:
        what()
    except likewise.LikewiseError as error:
        refused.append(str(error))
answer = {
    "first": {name: y.tolist() for name, y in runner.run({"x": x}).items()},
    "second": {name: y.tolist() for name, y in runner.run({"x": x * 0}).items()},
    "auto": {name: y.tolist() for name, y in auto.items()},
    "ran_on": ran_on,
    "self_test": runner.self_test(),
    "memory": made.memory_bytes <= runner.memory_bytes < made.memory_bytes + 65536,
    "refused": refused,
}
"""


def test_modules_run_on_the_browsers_own_webassembly(distribution: Path, tmp_path: Path) -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["at"]), helper.make_node("Exp", ["x"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [
            helper.make_tensor_value_info("at", TensorProto.INT64, None),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
    found = run(distribution, tmp_path, HOST)
    x = np.arange(8, dtype=np.float32).reshape(2, 4) % 3
    for kind in ("first", "auto"):
        assert found[kind]["at"] == np.stack(np.nonzero(x)).tolist()
        np.testing.assert_allclose(found[kind]["y"], np.exp(x), rtol=1e-6)
    assert found["second"] == {"at": [[], []], "y": [[1.0] * 4] * 2}
    assert found["ran_on"] == "wasm"
    assert found["self_test"] == []
    assert found["memory"]
    view, threads, broken = found["refused"]
    assert "the memory of a page's module is not Python's" in view
    assert "compile it with threads=1" in threads
    assert "the WebAssembly module cannot be used" in broken


def product(size: int) -> bytes:
    """A product with weights of `size` × `size`, and a sigmoid."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["y"]),
    ]
    weights = np.random.default_rng(2).standard_normal((size, size)).astype(np.float32)
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, size])],
        [numpy_helper.from_array(weights / size, "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    return bytes(made.SerializeToString())


WEIGHTS = """
import base64
import js
import likewise
import numpy as np
from likewise.targets.wasm import load

made = likewise.compile("/work/model.onnx", weights="separate")
files = made.save("/tmp/net.wasm")
x = np.load("/work/x.npy")
relaxed = js.WebAssembly.validate(js.Uint8Array.new(made.data))
ran = [
    made.load(),
    load(files[0] if relaxed else files[1]),
    load(made.plain, weights=memoryview(made.weights)),
]
wrong = []
for weights in (b"", made.weights[:-1], bytes(len(made.weights)), made.weights + b"1"):
    try:
        load(made.plain, weights=weights)
    except likewise.LikewiseError as error:
        wrong.append(str(error).partition("; take")[0].partition("given: ")[2][:12])
answer = {
    "relaxed": relaxed,
    "y": [base64.b64encode(one.run({"x": x})["y"].tobytes()).decode() for one in ran],
    "turned": base64.b64encode(ran[0].run({"x": np.asfortranarray(x)})["y"].tobytes()).decode(),
    "self_test": [one.self_test() for one in ran],
    "wrong": wrong,
}
"""
RELAXED_SIMD = "--experimental-wasm-relaxed-simd"


def accepts(flag: str) -> bool:
    done = subprocess.run([find_node().program, flag, "-e", ""], capture_output=True, check=False)
    return not done.returncode


@pytest.mark.parametrize("flags", [(), (RELAXED_SIMD,)], ids=["", "relaxed"])
def test_weights_beside_the_module_and_the_twin_that_the_engine_takes(
    distribution: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    if not all(map(accepts, flags)):
        pytest.skip("this Node has relaxed SIMD always on, and no flag for it")
    (tmp_path / "model.onnx").write_bytes(product(200))
    x = np.random.default_rng(3).standard_normal((3, 200)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    found = run(distribution, tmp_path, WEIGHTS, flags)
    made = likewise.compile(tmp_path / "model.onnx", weights="separate")
    assert made.plain is not None
    fast, plain = (
        base64.b64encode(load(one, weights=made.weights).run({"x": x})["y"].tobytes()).decode()
        for one in (made.data, made.plain)
    )
    assert fast != plain
    used = fast if found["relaxed"] else plain
    assert found["relaxed"] or not flags
    assert found["y"] == [used, used, plain]
    assert found["turned"] == used
    assert found["self_test"] == [[], [], []]
    assert made.weights is not None
    size = f"{len(made.weights)} bytes"
    assert found["wrong"] == [
        "0 bytes; all",
        f"{len(made.weights) - 1} bytes;"[:12],
        "SHA-256 " + hashlib.sha256(bytes(len(made.weights))).hexdigest()[:4],
        f"more than {size}"[:12],
    ]


LARGE = """
import base64
import numpy as np
import likewise

model = likewise.load("/model.onnx")
x = np.linspace(-1, 1, 4500, dtype=np.float32).reshape(3, 1500)
made = likewise.compile(model)
try:
    made.load()
    said = ""
except likewise.UnsupportedError as error:
    said = str(error)
runner = await made.load_async()
auto = model.run({"x": x}, target="auto")["y"]
{
    "bytes": len(made.data),
    "said": said,
    "y": base64.b64encode(runner.run({"x": x})["y"].tobytes()).decode(),
    "self_test": runner.self_test(),
    "ran_on": model.ran_on,
    "close": float(abs(auto - runner.run({"x": x})["y"]).max()),
}
"""


def test_a_pages_own_thread_awaits_a_large_module(distribution: Path, tmp_path: Path) -> None:
    (tmp_path / "pyodide").symlink_to(distribution)
    (tmp_path / "index.html").write_text("<!doctype html><title>Pyodide</title>")
    (tmp_path / "model.onnx").write_bytes(product(1500))
    with served(tmp_path) as address, launch() as browser:
        page = browser.new_page()
        page.goto(address)
        found = page.evaluate(IN_PAGE, LARGE)
    assert found["bytes"] > 8 << 20
    assert found["said"].startswith("the module is too large for this thread or its memory; given:")
    assert found["said"].endswith("await load_async() where a page's own thread may not wait")
    assert found["self_test"] == []
    assert found["ran_on"] == "numpy"
    assert found["close"] < 1e-6
    x = np.linspace(-1, 1, 4500, dtype=np.float32).reshape(3, 1500)
    expected = likewise.compile(tmp_path / "model.onnx").load().run({"x": x})["y"]
    assert found["y"] == base64.b64encode(expected.tobytes()).decode()


IN_PAGE = """async (program) => {
  const { loadPyodide } = await import("/pyodide/pyodide.mjs");
  const pyodide = await loadPyodide();
  await pyodide.loadPackage(["numpy", "likewise"]);
  const model = await (await fetch("/model.onnx")).arrayBuffer();
  pyodide.FS.writeFile("/model.onnx", new Uint8Array(model));
  const made = await pyodide.runPythonAsync(program);
  return made.toJs({ dict_converter: Object.fromEntries });
}"""
"""Runs a program in Pyodide on the page's own thread, and gives its last value."""


PROGRAM = """
import hashlib
import numpy as np
import likewise

model = likewise.load("/work/model.onnx")
feeds = {name: one for name, one in np.load("/work/feeds.npz").items()}
np.savez("/work/out.npz", **model.run(feeds))
made = likewise.compile(model)
answer = [hashlib.sha256(one).hexdigest() for one in (made.data, made.plain)]
"""


@pytest.mark.network
def test_mobilenetv2_runs_and_compiles_to_the_same_bytes(
    distribution: Path, tmp_path: Path
) -> None:
    model = likewise.load(ensure("mobilenetv2"))
    (tmp_path / "model.onnx").write_bytes(ensure("mobilenetv2").read_bytes())
    feeds = draw_feeds(model.inputs, {}, {}, 3)
    np.savez(tmp_path / "feeds.npz", **feeds)
    found = run(distribution, tmp_path, PROGRAM)
    here = likewise.compile(model)
    assert here.plain is not None
    assert found == [hashlib.sha256(one).hexdigest() for one in (here.data, here.plain)]
    expected = model.run(feeds)
    with np.load(tmp_path / "out.npz") as made:
        for name, array in expected.items():
            np.testing.assert_allclose(made[name], array, rtol=0, atol=1e-5 * abs(array).max())


def lock_of(sha256: str) -> PyodideLockSpec:
    from pyodide_lock import PyodideLockSpec

    info = {"arch": "wasm32", "platform": "p", "version": "1", "python": "3.12", "abi_version": "1"}
    numpy = {"name": "numpy", "version": "2", "file_name": "numpy.whl", "install_dir": "site"}
    numpy |= {"sha256": sha256, "package_type": "package"}
    packages = {"numpy": {**numpy, "imports": [], "depends": []}}
    return PyodideLockSpec(info=info, packages=packages)  # type: ignore[arg-type]


def test_a_numpy_that_is_not_pyodides_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "given.whl"
    file.write_bytes(b"numpy")
    monkeypatch.setenv("LIKEWISE_PYODIDE_NUMPY", str(file))
    with pytest.raises(DevError, match="names abc; it is not used"):
        pyodide._put_numpy(lock_of("abc"), tmp_path)
    assert not (tmp_path / "numpy.whl").exists()
    pyodide._put_numpy(lock_of(hashlib.sha256(b"numpy").hexdigest()), tmp_path)
    assert (tmp_path / "numpy.whl").read_bytes() == b"numpy"


def test_a_page_may_fetch_numpy_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://pyodide.example/numpy.whl"
    monkeypatch.setenv("LIKEWISE_PYODIDE_NUMPY", address)
    lock = lock_of("abc")
    pyodide._put_numpy(lock, tmp_path)
    assert lock.packages["numpy"].file_name == address
    assert lock.packages["numpy"].sha256 == "abc"
