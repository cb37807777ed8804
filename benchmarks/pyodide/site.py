"""What the page and its worker fetch, in one folder, and the server that counts what it gives."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import likewise
from benchmarks.browser.site import HERE as BROWSER
from benchmarks.browser.site import RUNTIME, bundle, open_shapes
from likewise.conform.engines import outside
from likewise.conform.engines.outside import ISOLATED, Handler
from tools.models import ensure
from tools.node import build
from tools.pyodide import build_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from benchmarks.browser.contests import Contest

__all__ = ["Put", "Server", "put", "put_site", "served"]

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Put:
    """A model on the site: what the worker is told of it, and what NumPy answers here."""

    contest: Contest
    told: dict[str, Any]
    expected: dict[str, Any]
    megabytes: float


def put_site(folder: Path) -> None:
    """Put into the folder what every model needs: the page, the runtime, Pyodide."""
    bundle(build(RUNTIME), "runtime", RUNTIME, folder)
    (folder / "page").symlink_to(HERE / "page")
    (folder / "arrays.js").symlink_to(BROWSER / "page" / "arrays.js")
    (folder / "pyodide").symlink_to(build_distribution())


def put(contest: Contest, folder: Path) -> Put:
    """Compile the model, and put it, its module and its inputs on the site."""
    path = ensure(contest.model)
    model = likewise.load(path)
    feeds = contest.feeds(model)
    shapes = open_shapes(contest, model)
    constants = {name: feeds[name] for name in contest.fixed}
    likewise.compile(model, shapes=shapes, constants=constants).save(
        folder / f"{contest.model}.wasm"
    )
    shutil.copy(path, folder / f"{contest.model}.onnx")
    inputs = []
    for name, array in feeds.items():
        file = folder / f"{contest.model}.{name}.bin"
        file.write_bytes(np.ascontiguousarray(array).tobytes())
        inputs.append(
            {
                "name": name,
                "dtype": str(array.dtype),
                "shape": list(array.shape),
                "url": f"/{file.name}",
            }
        )
    told = {
        "onnx": f"/{contest.model}.onnx",
        "module": f"/{contest.model}.wasm",
        "inputs": inputs,
        "shapes": shapes,
        "constants": {name: array.tolist() for name, array in constants.items()},
    }
    return Put(contest, told, model.run(feeds), path.stat().st_size / 1e6)


@dataclass
class Server:
    """Where the site is, and the sizes in bytes of the files that it gave."""

    address: str
    given: list[int] = field(default_factory=list)


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """Serve the folder on this machine only."""
    counts = Server("")

    class Counting(Handler):
        added: ClassVar[dict[str, str]] = {**Handler.added, **ISOLATED}

        def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:  # type: ignore[override]
            counts.given.append(source.seek(0, os.SEEK_END))
            source.seek(0)
            super().copyfile(source, outputfile)

    with outside.served(folder, Counting) as address:
        counts.address = address
        yield counts
