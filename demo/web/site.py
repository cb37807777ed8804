"""The page's site: what Vite builds, the models with their modules, and Pyodide, in one folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import likewise
from tools.environment import ROOT, DevError, say
from tools.node import build, digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["MODELS", "PYODIDE", "SITE", "make_site"]

RUNTIME: Final = ROOT / "wasm" / "runtime"
PAGE: Final = ROOT / "web-demo"
SITE: Final = PAGE / "dist"
"""What a static host serves, under any path."""
MODELS: Final = ROOT / ".cache" / "page"
"""The models of the page and what likewise compiles them to: made once, and again when either
changes."""
COMPILER: Final = "toolkit/likewise/**/*.py"
PYODIDE: Final = ROOT / "build" / "pyodide"
"""What `./dev build-pyodide` writes."""


def make_site() -> Path:
    """Have the whole site built; quick when nothing changed. Returns its folder.

    Raises DevError where npm cannot build it, and LikewiseError where a model does not compile.
    """
    build(RUNTIME)
    build(PAGE, more=("index.html", "vite.config.js", "python/*.py"), over=(RUNTIME,))
    models = make_models()
    _mirror(models, SITE / "models")
    _mirror(PYODIDE, SITE / "pyodide")
    return SITE


def make_models() -> Path:
    """The folder of the models, with their modules and what the page says of them."""
    _made("digits.onnx", ("demo/web/digits.py",), _train)
    _made("digits.wasm", ("demo/web/digits.py", COMPILER), _compile_digits)
    return MODELS


def _train() -> None:
    """Train the digits' net in a process of its own, whose matrix products have one thread."""
    say("training the digits' net")
    command = [sys.executable, "-m", "demo.web.digits", str(MODELS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise DevError(f"training the digits' net failed; it said:\n{done.stdout}{done.stderr}")


def _compile_digits() -> None:
    likewise.compile(MODELS / "digits.onnx").save(MODELS / "digits.wasm")


def _made(name: str, sources: tuple[str, ...], make: Callable[[], None]) -> None:
    """Have `make` run, unless it did before and none of `sources` changed since."""
    MODELS.mkdir(parents=True, exist_ok=True)
    stamp = MODELS / f".{name}"
    wanted = digest(ROOT, sources)
    if not stamp.is_file() or stamp.read_text() != wanted:
        make()
        stamp.write_text(wanted)


def _mirror(source: Path, target: Path) -> None:
    """Have `target` hold the files of `source` and no others; those not changed stay."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = {one.name: one for one in source.glob("[!.]*") if one.is_file()}
    for old in target.iterdir():
        if old.name not in wanted:
            old.unlink()
    for name, one in wanted.items():
        copy = target / name
        if not copy.exists() or copy.stat().st_mtime_ns != one.stat().st_mtime_ns:
            shutil.copy2(one, copy)
