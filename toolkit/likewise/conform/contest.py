"""Timing a compiled model in headless Chromium, in turn with its peers there."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from likewise.conform.engines.of_chromium import in_page, without_chromium
from likewise.conform.engines.of_node import order_in
from likewise.conform.engines.of_onnxruntime_web import packed
from likewise.conform.engines.outside import npm_package, page_folder
from likewise.errors import InputError, LikewiseError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from likewise.conform.subject import Feeds, Subject

__all__ = ["PEERS", "time_in_chromium"]

PEERS: Final = {
    "onnxruntime-web": {"onnxruntime-web": "onnxruntime-web"},
    "litert-js": {"@litertjs/core": "litert", "@litertjs/wasm-utils": "litert-utils"},
}
"""By peer the npm packages that it needs, and what the page calls them."""


def time_in_chromium(
    subject: Subject, feeds: Feeds, peers: Sequence[str], runs: int, warmup: int
) -> dict[str, list[float]]:
    """Milliseconds of `runs` calls of the module in fast numerics, `likewise`, and of each peer.

    One thread each; LiteRT.js runs the `.tflite` file that likewise makes. Raises `InputError` that
    says what to install where something is missing, `LikewiseError` where an engine fails.
    """
    for peer in peers:
        missing = _missing(peer)
        if missing:
            raise InputError(f"{peer} cannot run here", hint=missing)
    with page_folder() as folder:
        exchange = order_in(folder, subject, [feeds], "fast")
        described, content = packed([{**feeds, **subject.given}])
        if content != (folder / "inputs.bin").read_bytes():
            raise LikewiseError("inputs of other element types or in another order", given=[*feeds])
        if "onnxruntime-web" in peers:
            (folder / "model.onnx").write_bytes(subject.onnx_bytes)
        if "litert-js" in peers:
            _put_tflite(subject, folder)
        for peer in peers:
            for name, called in PEERS[peer].items():
                _link(name, folder / called)
        order = {
            "engines": ["likewise", *peers],
            "inputs": described[0],
            "plan": exchange.plan,
            "runs": runs,
            "warmup": warmup,
        }
        (folder / "order.json").write_text(json.dumps(order))
        times: dict[str, list[float]] = in_page(folder, "contest")
    return times


def _missing(peer: str) -> str:
    """What to install before a peer can run; empty where it can."""
    for name in PEERS[peer]:
        if npm_package(name) is None:
            return (
                f"npm install {next(iter(PEERS[peer]))}, here or in a folder above; "
                "LIKEWISE_NODE_MODULES names another node_modules"
            )
    if peer == "litert-js" and find_spec("flatbuffers") is None:
        return "pip install 'likewise[litert]'"
    return without_chromium()


def _link(name: str, place: Path) -> None:
    """Put a package where the page looks for it; of onnxruntime-web that is what it built."""
    package = npm_package(name)
    if package is None:
        raise LikewiseError(f"{name} is not here")
    place.symlink_to(package / "dist" if name == "onnxruntime-web" else package)


def _put_tflite(subject: Subject, folder: Path) -> None:
    from likewise.targets.litert import compile_graph

    made = compile_graph(subject.graph, name=subject.model.name)
    (folder / "model.tflite").write_bytes(made.data)
