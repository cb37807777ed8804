"""The peer in the browser: onnxruntime-web on WebAssembly, one thread, in headless Chromium."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from likewise.conform.engines import Answer, Engine
from likewise.conform.engines.of_chromium import in_page, without_chromium
from likewise.conform.engines.outside import npm_package, page_folder
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from likewise.conform.subject import Feeds, Outputs, Subject

__all__ = ["ENGINE", "PACKAGE", "packed"]

PACKAGE: Final = "onnxruntime-web"
_ABSENT: Final = (
    "npm install onnxruntime-web, here or in a folder above; "
    "LIKEWISE_NODE_MODULES names another node_modules"
)


class _OnnxruntimeWeb(Engine):
    name = "onnxruntime-web"
    is_peer = True
    order: ClassVar[int] = 81

    def missing(self) -> str:
        return _ABSENT if npm_package(PACKAGE) is None else without_chromium()

    def version(self) -> str:
        content = json.loads((_found() / "package.json").read_text(encoding="utf-8"))
        return f"onnxruntime-web {content['version']}"

    def answer(self, subject: Subject, feeds: Sequence[Feeds], mode: str = "") -> Answer:
        del mode
        with page_folder() as folder:
            (folder / "onnxruntime-web").symlink_to(_found() / "dist")
            (folder / "model.onnx").write_bytes(subject.onnx_bytes)
            runs, content = packed([{**subject.given, **one} for one in feeds])
            (folder / "inputs.bin").write_bytes(content)
            (folder / "order.json").write_text(json.dumps({"runs": runs}))
            try:
                told = in_page(folder, "onnxruntime")
            except LikewiseError as error:
                raise LikewiseError("onnxruntime-web failed", given=error.given) from None
            answer = (folder / "outputs.bin").read_bytes()
        return Answer(_unpacked(told["described"], answer))


def _found() -> Path:
    package = npm_package(PACKAGE)
    if package is None:
        raise LikewiseError("onnxruntime-web is not here", hint=_ABSENT)
    return package


def packed(runs: Sequence[Feeds]) -> tuple[list[list[dict[str, Any]]], bytes]:
    """For every run what its inputs are and where in the bytes they stand, and the bytes."""
    described, parts, at = [], [], 0
    for feeds in runs:
        one = []
        for name, value in feeds.items():
            array = np.ascontiguousarray(value)
            entry = {"name": name, "dtype": str(array.dtype), "shape": list(np.shape(value))}
            one.append({**entry, "offset": at, "size": array.nbytes})
            parts.append(array.tobytes())
            at += array.nbytes
        described.append(one)
    return described, b"".join(parts)


def _unpacked(described: Sequence[Sequence[dict[str, Any]]], answer: bytes) -> list[Outputs]:
    made: list[Outputs] = []
    at = 0
    for run in described:
        outputs: Outputs = {}
        for one in run:
            kind = np.dtype(one["dtype"])
            part = answer[at : at + one["size"]]
            outputs[one["name"]] = np.frombuffer(part, kind).reshape(one["shape"])
            at += one["size"]
        made.append(outputs)
    return made


ENGINE = _OnnxruntimeWeb()
