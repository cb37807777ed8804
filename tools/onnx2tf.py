"""`.tflite` files as onnx2tf makes them, for benchmarks beside it and beside LiteRT.js.

onnx2tf needs Python 3.12 and some 660 MB of packages: it has an environment of its own, made once
in `.cache/onnx2tf`. What it converts is kept beside the models.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from likewise.onnx.exporter import save
from tools.models import CACHE
from tools.python312 import environment

if TYPE_CHECKING:
    from likewise.ir import Graph

__all__ = ["VERSION", "ConversionError", "convert", "python"]

VERSION: Final = "2.6.9"


class ConversionError(Exception):
    """onnx2tf makes no usable file of a model; the message says why."""


def convert(graph: Graph, name: str, cache: Path = CACHE) -> Path:
    """The float32 `.tflite` file that onnx2tf makes of a graph of static shapes, called `name`.

    Inputs of int64 become int32, which is all that LiteRT.js takes. Raises `ConversionError` where
    onnx2tf fails, `DevError` where it cannot be installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model.onnx"
        save(graph, source)
        _narrow(source)
        digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
        made = cache / f"onnx2tf-{VERSION}" / f"{name}-{digest}.tflite"
        if not made.exists():
            made.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(_converted(source), made)
    return made


def _converted(source: Path) -> Path:
    """What onnx2tf writes for a file, which it changes."""
    command: list[str | Path] = [
        python(),
        "-m",
        "onnx2tf",
        "-i",
        source.name,
        "-o",
        "out",
        "-coion",
        "-n",
    ]
    done = subprocess.run(
        command,
        cwd=source.parent,
        check=False,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    written = source.parent / "out" / f"{source.stem}_float32.tflite"
    if done.returncode or not written.exists():
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        raise ConversionError((lines or [f"exit status {done.returncode}"])[-1][:300])
    return written


def python() -> Path:
    """The Python of the environment that holds onnx2tf, which is made first where it is missing."""
    return environment("onnx2tf", [f"onnx2tf=={VERSION}"], "some 660 MB")


def _narrow(file: Path) -> None:
    """Let the model in a file take int32 where it takes int64."""
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load(file)
    graph = model.graph
    for value in graph.input:
        if value.type.tensor_type.elem_type != TensorProto.INT64:
            continue
        value.type.tensor_type.elem_type = TensorProto.INT32
        wide = f"{value.name}_int64"
        for node in graph.node:
            node.input[:] = [wide if read == value.name else read for read in node.input]
        graph.node.insert(0, helper.make_node("Cast", [value.name], [wide], to=TensorProto.INT64))
    onnx.save(model, file)
