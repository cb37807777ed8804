"""What the pages fetch, in one folder, and the server on this machine that gives it to them."""

from __future__ import annotations

import gzip
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import likewise
from likewise.conform.engines import outside
from likewise.conform.engines.outside import ISOLATED, Handler
from likewise.ir import Expression, TensorType
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from tools.models import ensure
from tools.node import build, install
from tools.onnx2tf import ConversionError, convert

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from benchmarks.browser.contests import Contest
    from likewise.model import Model
    from tools.node import Node

__all__ = [
    "HERE",
    "LITERT",
    "PEER",
    "RUNTIME",
    "Prepared",
    "Size",
    "bundle",
    "links",
    "made_site",
    "open_shapes",
    "prepare",
    "served",
]

HERE = Path(__file__).resolve().parent
RUNTIME = HERE.parent.parent / "wasm" / "runtime"
PACKAGES = HERE / "node_modules"
PEER = PACKAGES / "onnxruntime-web"
PEER_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""What a page of the peer downloads: its script for WebAssembly alone, and its kernels."""
LITERT = PACKAGES / "@litertjs" / "core"
LITERT_FILES = ("litert_wasm_internal.js", "litert_wasm_internal.wasm")
"""And of LiteRT.js, besides its script, for one thread."""

LARGE = 64 << 20
"""Bytes of a module from which on the runtime fetches a script to read it."""


@dataclass(frozen=True)
class Size:
    """Bytes of something downloaded, as they are and compressed."""

    raw: int
    gzip: int

    def __add__(self, other: Size) -> Size:
        return Size(self.raw + other.raw, self.gzip + other.gzip)


@dataclass(frozen=True)
class Prepared:
    """A model on the site, compiled to `module`. `sizes` is what a page of each engine downloads:
    the engine first, the model second. `refused` is why LiteRT.js does not run it; '' where it
    does.
    """

    contest: Contest
    module: Path
    inputs: list[dict[str, Any]]
    shapes: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, Any]
    dims: Mapping[str, int]
    code_bytes: int
    memory_bytes: int
    sizes: Mapping[str, tuple[Size, Size]]
    outputs: Mapping[str, tuple[int, ...]]
    refused: str

    def subjects(self) -> list[dict[str, Any]]:
        """The engines that run it, as `page/contest.js` takes them."""
        name = self.contest.model
        peer = {"engine": "onnxruntime", "model": f"/{name}.onnx", "dims": self.dims}
        file = f"/{name}.tflite"
        litert = {"engine": "litert", "model": file, "outputs": self.outputs, "optional": True}
        found: list[dict[str, Any]] = [
            {"name": "fast", "engine": "likewise", "module": f"/{name}.wasm"},
            {"name": "peer", "threads": 1, **peer},
            {"name": "strict", "engine": "likewise", "module": f"/{name}.strict.wasm"},
            {"name": "peer, 2 threads", "threads": 2, **peer},
            {"name": "fast, 2 threads", "engine": "likewise", "module": f"/{name}.threads.wasm"},
            {"name": "litert", "threads": 1, **litert},
            {"name": "litert, 2 threads", "threads": 2, **litert},
        ]
        return found[:5] if self.refused else found


def links(module: Path, engine: str) -> list[dict[str, str]]:
    """The links in the head of a page of that engine, on one thread, for the model of `module`:
    all that it downloads but the model, as browsers are told of it beforehand.
    """
    folder = module.parent
    kernels = {"rel": "preload", "as": "fetch", "crossOrigin": "anonymous"}
    found: list[dict[str, str]] = []
    match engine:
        case "likewise":
            files = _imported(folder / "runtime.js")
            if module.stat().st_size >= LARGE:
                files += folder.glob("large-*.js")
            scripts = [f"/{one.name}" for one in files]
        case "onnxruntime":
            scripts = [f"/{PEER.name}/{PEER_FILES[0]}?threads=1"]
            found = [{**kernels, "href": f"/{PEER.name}/{PEER_FILES[1]}"}]
        case _:
            first, *others = _imported(folder / "litert.js")
            scripts = [f"/{first.name}?threads=1", *(f"/{one.name}" for one in others)]
            found = [
                {**kernels, "as": "script", "href": f"/litert/{LITERT_FILES[0]}"},
                {**kernels, "href": f"/litert/{LITERT_FILES[1]}"},
            ]
    scripts += ["/page/arrays.js", "/page/engines.js"]
    return [{"rel": "modulepreload", "href": one} for one in scripts] + found


class _Isolated(Handler):
    """Isolates the pages, so that they may have threads and a fine clock; keeps nothing cached."""

    added: ClassVar[dict[str, str]] = {**Handler.added, **ISOLATED}

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file without reading it: as servers do, and what is timed is the page."""
        outputfile.flush()
        self.connection.sendfile(source)


def served(folder: Path) -> AbstractContextManager[str]:
    """The address at which the folder is served, on this machine only."""
    return outside.served(folder, _Isolated)


def made_site(folder: Path) -> None:
    """Put into the folder what every model needs: the pages, the runtime, the peer."""
    node = build(RUNTIME)
    install(HERE)
    bundle(node, "runtime", RUNTIME, folder)
    bundle(node, "litert", LITERT, folder)
    (folder / "page").symlink_to(HERE / "page")
    (folder / "onnxruntime-web").symlink_to(PEER / "dist")
    (folder / "litert").symlink_to(LITERT / "wasm")


def bundle(node: Node, name: str, package: Path, folder: Path) -> None:
    """Write a package as a script of that name, as a page downloads it."""
    esbuild = RUNTIME / "node_modules" / "esbuild" / "bin" / "esbuild"
    options = ("--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=error")
    command: list[str | Path] = [
        node.program,
        esbuild,
        f"{name}={package / 'dist' / 'index.js'}",
        *options,
        "--splitting",
        f"--outdir={folder}",
    ]
    subprocess.run(command, check=True)


def prepare(contest: Contest, folder: Path) -> Prepared:
    """Compile the model and put it and its inputs on the site.

    Raises LikewiseError where it does not compile.
    """
    path = ensure(contest.model)
    model = likewise.load(path)
    shapes = open_shapes(contest, model)
    feeds = contest.feeds(model)
    constants = {name: feeds[name] for name in contest.fixed}
    artefact = likewise.compile(model, shapes=shapes, constants=constants)
    module, _ = artefact.save(folder / f"{contest.model}.wasm")
    strict = likewise.compile(model, shapes=shapes, constants=constants, numerics="strict")
    strict.save(folder / f"{contest.model}.strict.wasm")
    shared = likewise.compile(model, shapes=shapes, constants=constants, threads=2)
    shared.save(folder / f"{contest.model}.threads.wasm")
    (folder / f"{contest.model}.onnx").symlink_to(path)
    inputs = []
    for name, array in feeds.items():
        file = folder / f"{contest.model}.{name}.bin"
        file.write_bytes(np.ascontiguousarray(array).tobytes())
        shape = [int(one) for one in array.shape]
        inputs.append(
            {"name": name, "dtype": str(array.dtype), "shape": shape, "url": f"/{file.name}"}
        )
    refused = _put_tflite(contest, model, shapes, constants, folder)
    peer = sum((_size(PEER / "dist" / name) for name in PEER_FILES), Size(0, 0))
    litert = sum((_size(LITERT / "wasm" / name) for name in LITERT_FILES), Size(0, 0))
    return Prepared(
        contest,
        module,
        inputs,
        shapes,
        constants,
        _dims(contest, model),
        artefact.code_bytes,
        artefact.memory_bytes,
        {
            "likewise": (_scripts(folder / "runtime.js"), _size(module)),
            "onnxruntime-web": (peer, _size(path)),
            "LiteRT.js": (
                _scripts(folder / "litert.js") + litert,
                Size(0, 0) if refused else _size(folder / f"{contest.model}.tflite"),
            ),
        },
        {
            port.name: tuple(map(int, map(str, port.shape or ())))
            for port in artefact.signature.outputs
        },
        refused,
    )


def _put_tflite(
    contest: Contest,
    model: Model,
    shapes: Mapping[str, tuple[int, ...]],
    constants: Mapping[str, Any],
    folder: Path,
) -> str:
    """Put what onnx2tf makes of the model on the site; why there is nothing, or ''.

    It is given the graph with its shapes settled: of some files as they are it makes nothing.
    """
    graph = simplify(specialize(model.graph, shapes, constants))
    try:
        (folder / f"{contest.model}.tflite").symlink_to(convert(graph, contest.model))
    except ConversionError as error:
        return f"onnx2tf: {error}"
    return ""


def open_shapes(contest: Contest, model: Model) -> dict[str, tuple[int, ...]]:
    """Those shapes of the contest that the model leaves open."""
    ports = {port.name: port for port in model.inputs}
    return {
        name: shape for name, shape in contest.shapes.items() if ports[name].shape != tuple(shape)
    }


def _dims(contest: Contest, model: Model) -> dict[str, int]:
    """The sizes of the model's symbols."""
    found: dict[str, int] = {}
    for port in model.inputs:
        if isinstance(port.type, TensorType) and port.type.dims is not None:
            sizes = contest.shapes.get(port.name, ())
            for dim, size in zip(port.type.dims, sizes, strict=False):
                if isinstance(dim, Expression):
                    found[str(dim)] = size
    return found


def _scripts(file: Path) -> Size:
    return sum(map(_size, _imported(file)), Size(0, 0))


def _imported(file: Path) -> list[Path]:
    """A bundled script and what it imports at once: not what it fetches when that is needed."""
    files = [file]
    for one in files:
        names = re.findall(r'from ?"\./([^"]+)"', one.read_text(encoding="utf-8"))
        files += [other for name in names if (other := one.with_name(name)) not in files]
    return files


@cache
def _size(file: Path) -> Size:
    content = file.read_bytes()
    return Size(len(content), len(gzip.compress(content, 6)))
