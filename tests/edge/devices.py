"""A device in a folder: keys, settings, bundles of tiny models, and the agent as a process."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import likewise
from likewise.bundle import build, generate, read_private, read_public, write_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from likewise.bundle import Part

AGENT = (sys.executable, "-W", "error", "-m", "likewise_edge.cli")


def scaling(factor: float, shape: Sequence[Any] = (2, 3)) -> bytes:
    """The model y = factor * x."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        "scaling",
        [value("x", TensorProto.FLOAT, shape)],
        [value("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(factor, np.float32), "factor")],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10
    ).SerializeToString()


def counting(turns: int) -> bytes:
    """The model y = x, which takes so many turns of a loop: some microseconds each."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["on"]),
            helper.make_node("Mul", ["a", "a"], ["b"]),
        ],
        "body",
        [
            value("turn", TensorProto.INT64, []),
            value("going", TensorProto.BOOL, []),
            value("a", TensorProto.FLOAT, [2, 3]),
        ],
        [value("on", TensorProto.BOOL, []), value("b", TensorProto.FLOAT, [2, 3])],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["turns", "", "x"], ["y"], body=body)],
        "counting",
        [value("x", TensorProto.FLOAT, [2, 3])],
        [value("y", TensorProto.FLOAT, [2, 3])],
        [numpy_helper.from_array(np.array(turns), "turns")],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10
    ).SerializeToString()


@dataclass
class Running:
    """An agent's process."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int

    def events(self) -> list[dict[str, Any]]:
        # TFLite's interpreter writes lines of its own between the agent's.
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def request(
        self,
        path: str,
        content: Any = None,
        headers: dict[str, str] | None = None,
        context: Any = None,
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body (as JSON where it is that) and headers of the answer."""
        scheme = "http" if context is None else "https"
        body = content if content is None or isinstance(content, bytes) else _json(content)
        asked = urllib.request.Request(f"{scheme}://localhost:{self.port}{path}", body)
        for name, value in (headers or {}).items():
            asked.add_header(name, value)
        try:
            with urllib.request.urlopen(asked, timeout=60, context=context) as answer:
                return answer.status, _read(answer), _headers(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _read(error), _headers(error)

    def infer(self, x: Any = None, name: str = "m", **more: Any) -> tuple[int, Any, dict[str, str]]:
        x = np.ones((2, 3)) if x is None else np.asarray(x)
        data = {"name": "x", "datatype": "FP32", "shape": list(x.shape), "data": x.tolist()}
        return self.request(f"/v2/models/{name}/infer", {"inputs": [data], **more})

    def answer(self) -> float:
        """The model's factor."""
        status, content, _ = self.infer()
        assert status == 200, content
        return float(content["outputs"][0]["data"][0])

    def wait_for(self, condition: Any, seconds: float = 60) -> None:
        """Until the condition holds; fails where it does not in time, or the agent has ended."""
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: self.request("/v2/health/ready")[0] == 200)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


def _headers(answer: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


def _read(answer: Any) -> Any:
    content = answer.read()
    kind = answer.headers.get("content-type", "")
    return json.loads(content) if kind == "application/json" and content else content


def _signed(part: Part, parts: Mapping[str, bytes]) -> Part:
    content = parts[part.name]
    return replace(part, size=len(content), sha256=sha256(content).hexdigest())


@dataclass
class Device:
    """What is in the folder; `settings` is the text of the configuration."""

    folder: Path
    settings: str = ""

    def __post_init__(self) -> None:
        generate(self.folder / "signer.key")
        (self.folder / "keys").mkdir()
        (self.folder / "signer.pub").rename(self.folder / "keys" / "signer.pub")
        self.configure(self.settings)

    def configure(self, settings: str) -> None:
        """Write the configuration: a free port, and `settings` after it."""
        server = "" if "[server]" in settings else "[server]\n"
        head = 'state = "state"\nkeys = "keys"\n'
        text = f"{head}{server}{settings}".replace("[server]\n", "[server]\nport = 0\n", 1)
        self.config.write_text(text)

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def keys(self) -> list[Any]:
        return [read_public(self.folder / "keys" / "signer.pub")]

    def bundle(
        self,
        factor: float = 2,
        version: int = 1,
        *,
        name: str = "m",
        engines: Sequence[str] = ("numpy",),
        shape: Sequence[Any] = (2, 3),
        key: Path | None = None,
        model: bytes | None = None,
        spoilt: Mapping[str, bytes] | None = None,
    ) -> Path:
        """A bundle of y = factor * x, or of another model; `spoilt` are parts that are wrong."""
        loaded = likewise.load(model or scaling(factor, shape))
        manifest, parts, _ = build(loaded, name, version, engines=engines)
        parts |= spoilt or {}
        manifest = replace(manifest, parts=tuple(_signed(it, parts) for it in manifest.parts))
        path = self.folder / f"{name}-{version}-{factor:g}.lwb"
        write_bundle(path, manifest, parts, read_private(key or self.folder / "signer.key"))
        return path

    def call(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """A command of the agent."""
        command = [*AGENT, "-c", str(self.config), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    def install(self, bundle: Path) -> None:
        done = self.call("install", bundle)
        assert done.returncode == 0, done.stderr

    @contextlib.contextmanager
    def serving(self, *, ready: bool = True) -> Iterator[Running]:
        """The agent, killed at the end if it has not ended."""
        log = self.folder / f"log-{time.monotonic_ns()}"
        with log.open("wb") as stream:
            process = subprocess.Popen([*AGENT, "-c", str(self.config), "serve"], stderr=stream)
        try:
            running = Running(process, log, 0)
            running.wait_for(lambda: "listening" in log.read_text())
            listening = [event for event in running.events() if event["event"] == "listening"]
            running.port = listening[0]["port"]
            if ready:
                running.wait_until_ready()
            yield running
        finally:
            process.kill()
            process.wait()
