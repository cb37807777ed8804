"""The page's site: what Vite builds, the models with their modules, and Pyodide, in one folder."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import likewise
from tools.environment import ROOT, DevError, say
from tools.models import ensure
from tools.node import build, digest
from tools.pyodide import build_distribution

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["MODELS", "SITE", "make_site"]

RUNTIME: Final = ROOT / "wasm" / "runtime"
PAGE: Final = ROOT / "web-demo"
SITE: Final = PAGE / "dist"
"""What a static host serves, under any path."""
MODELS: Final = ROOT / ".cache" / "page"
"""The models of the page and what likewise compiles them to: made once, and again when either
changes."""
COMPILER: Final = "toolkit/likewise/**/*.py"
OCR_SIZES: Final = {
    "det": ((960, 800), (640, 960), (128, 640)),
    "cls": ((48, 192),),
    "rec": ((48, 320), (48, 640), (48, 960)),
}
"""Height and width of what each network of PP-OCRv4 is compiled for."""
TITLE: Final = (40, 30, 640, 112)
"""The title on the page that the demo draws: a picture of a single line."""


def make_site() -> Path:
    """Have the whole site built; quick when nothing changed. Returns its folder.

    Raises DevError where npm cannot build it, and LikewiseError where a model does not compile.
    """
    build(RUNTIME)
    lock = ROOT / ".cache" / "page.lock"
    with lock.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # tests make it from several processes
        _make()
    return SITE


def _make() -> None:
    build(PAGE, more=("index.html", "vite.config.js", "python/*.py"), over=(RUNTIME,))
    models = make_models()
    _mirror(models, SITE / "models")
    _mirror(build_distribution(), SITE / "pyodide")


def make_models() -> Path:
    """The folder of the models, with their modules and what the page says of them."""
    _made("digits.onnx", ("demo/web/digits.py",), _train)
    _made("digits.wasm", ("demo/web/digits.py", COMPILER), _compile_digits)
    _made("ppocr", ("demo/web/site.py", "demo/page.py", COMPILER), _ocr)
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


def _ocr() -> None:
    """Compile PP-OCRv4's networks for some sizes, whose modules share a network's weights."""
    from demo.ocr.recognise import alphabet
    from demo.page import draw_page

    for network, sizes in OCR_SIZES.items():
        path = ensure(f"ppocr_{network}")
        shutil.copy2(path, MODELS / f"ppocr_{network}.onnx")
        model = likewise.load(path)
        for height, width in sizes:
            say(f"compiling ppocr_{network} for {height} × {width}")
            shapes = {"x": (1, 3, height, width)}
            artefact = likewise.compile(model, shapes=shapes, weights="separate")
            stem = f"ppocr_{network}-{height}x{width}"
            *_, weights = artefact.save(MODELS / f"{stem}.wasm")
            weights.replace(MODELS / f"ppocr_{network}.weights")
        if network == "rec":
            classes = alphabet(model.metadata["character"])
    facts = {
        "sizes": [{"height": height, "width": width} for height, width in OCR_SIZES["det"]],
        "widths": [width for _, width in OCR_SIZES["rec"]],
        "classes": classes,
    }
    (MODELS / "ppocr.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    page = draw_page().image
    page.save(MODELS / "report.png")
    page.crop(TITLE).save(MODELS / "sign.png")


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
