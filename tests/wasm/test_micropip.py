"""`micropip.install` of the plain wheel in stock Pyodides, in Node."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from pyodide_lock import PyodideLockSpec

import likewise
from likewise.conform.engines.outside import answer_of_node
from tools import pyodide
from tools.node import find_node, install

HERE = Path(__file__).resolve().parent / "pyodide"
MICROPIP = {
    "3.12": {
        "micropip==0.9.0": "babcf68c1849e229aa887564bc5f2de50273c3212e73c9aff8e3e6e80f2b6a23",
        "packaging==24.2": "09abb1bccd265c01f4a3aa3f7a7db064b36514d2cba19a2f694fe6150451a759",
    },
    "3.14": {
        "micropip==0.11.1": "768de165adb8e66906039d8fec4127a57f522dfdf8e6fbff877a4616941ecfd3",
        "packaging==26.1": "5d9c0669c6285e491e0ced2eee587eaf67b670d94a19e94e3984a481aba6802f",
    },
}
"""By the Python of a Pyodide, what its lock file names, in PyPI's builds with their hashes."""

pytestmark = [pytest.mark.slow, pytest.mark.network]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pyodide.build_wheel(tmp_path_factory.mktemp("wheel"))


def run(stock: Path, python: str, folder: Path, wheel: Path, program: str) -> Any:
    """A program's last value, in a Pyodide of that Python with micropip and the wheel at hand."""
    wheels = folder / "wheels"
    wheels.mkdir()
    pinned = "".join(f"{one} --hash=sha256:{sha}\n" for one, sha in MICROPIP[python].items())
    (folder / "pinned.txt").write_text(pinned)
    command: list[str | Path] = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--python-version", python, "--require-hashes"]
    command += ["--dest", wheels, "-r", folder / "pinned.txt"]
    subprocess.run(command, check=True, capture_output=True)
    (folder / wheel.name).write_bytes(wheel.read_bytes())
    (folder / "program.py").write_text(program.replace("WHEEL", f"emfs:/work/{wheel.name}"))
    return answer_of_node([find_node().program, HERE / "install.mjs", stock, folder])


def test_the_wheel_holds_likewise_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (record,) = (archive.read(one).decode() for one in names if one.endswith("/RECORD"))
        (commands,) = (archive.read(one).decode() for one in names if "entry_points" in one)
    assert {one.partition("/")[0] for one in names} == {
        "likewise",
        f"likewise-{likewise.__version__}.dist-info",
    }
    assert [line.partition(",")[0] for line in record.splitlines()] == names
    assert commands.split() == ["[console_scripts]", "likewise", "=", "likewise.cli:main"]


WITH_NUMPY = """
import micropip
await micropip.install("WHEEL")
import numpy as np
import likewise

model = likewise.load("/work/model.onnx")
x = np.arange(8, dtype=np.float32).reshape(2, 4)
here = model.run({"x": x})["y"]
compiled = model.run({"x": x}, target="auto")["y"]
{
    "packages": sorted(micropip.list()),
    "here": here.tolist(),
    "compiled": compiled.tolist(),
    "ran_on": model.ran_on,
}
"""


def test_in_0_27_it_brings_numpy_and_runs_a_model(tmp_path: Path, wheel: Path) -> None:
    install(pyodide.PACKAGE)
    core = pyodide.PACKAGE / "node_modules" / "pyodide"
    stock = tmp_path / "stock"
    stock.mkdir()
    for file in core.iterdir():
        (stock / file.name).symlink_to(file)
    pyodide._put_numpy(PyodideLockSpec.from_json(core / "pyodide-lock.json"), stock)
    graph = helper.make_graph(
        [helper.make_node("Exp", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
    found = run(stock, "3.12", tmp_path, wheel, WITH_NUMPY)
    assert {"likewise", "numpy"} <= set(found["packages"])
    assert found["ran_on"] == "wasm"
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    for kind in ("here", "compiled"):
        np.testing.assert_allclose(found[kind], np.exp(x), rtol=1e-6)


WITHOUT_NUMPY = """
import compileall
import sys
import warnings
import micropip

await micropip.install("WHEEL", deps=False)
warnings.simplefilter("error")
import likewise

broken = []
for name in ("load", "compile"):
    try:
        getattr(likewise, name)
    except ImportError as error:
        broken.append(error.name)
folder = likewise.__path__[0]
{
    "python": sys.version_info[:2],
    "version": likewise.__version__,
    "packages": sorted(micropip.list()),
    "error": str(likewise.InputError("none", hint="give one")),
    "missing": broken,
    "compiles": bool(compileall.compile_dir(folder, quiet=1, force=True)),
}
"""


def test_in_314_it_installs_and_lacks_numpy_alone(tmp_path: Path, wheel: Path) -> None:
    """No registry has NumPy for that Pyodide: what needs none is what is tested."""
    install(HERE)
    stock = HERE / "node_modules" / "pyodide"
    found = run(stock, "3.14", tmp_path, wheel, WITHOUT_NUMPY)
    assert found["python"] == [3, 14]
    assert found["version"] == likewise.__version__
    assert "likewise" in found["packages"]
    assert found["error"] == "none; give one"
    assert found["missing"] == ["numpy", "numpy"]
    assert found["compiles"]
