"""The TypeScript runtime: its own tests in Node, its size, what its package holds."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

from tests.wasm.conftest import RUNTIME

if TYPE_CHECKING:
    from pathlib import Path

    from tools.node import Node

LIMIT = 10_000
"""Bytes of the minified bundle: what a page downloads before compression."""


def output(node: Node, *arguments: str, **variables: str) -> str:
    done = subprocess.run(
        arguments,
        cwd=RUNTIME,
        env={**node.environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests(node: Node, modules: Path) -> None:
    files = sorted(str(one) for one in (RUNTIME / "dist" / "tests").glob("*.test.js"))
    said = output(
        node,
        str(node.program),
        "--test",
        "--test-reporter=tap",
        *files,
        LIKEWISE_TEST_MODULES=str(modules),
    )
    summary = re.findall(r"^# (\w+) (\d+)$", said, re.MULTILINE)
    counts = {name: int(count) for name, count in summary}
    assert counts["pass"] > 100
    assert counts["fail"] == counts["skipped"] == counts["todo"] == 0


def test_size(node: Node) -> None:
    found = json.loads(output(node, str(node.program), "tools/size.js"))
    assert found["minified"] <= LIMIT


def test_package(node: Node) -> None:
    said = output(node, *node.npm, "pack", "--dry-run", "--json", "--ignore-scripts")
    packed = json.loads(said)
    [entry] = packed.values() if isinstance(packed, dict) else packed
    files = {one["path"] for one in entry["files"]}
    package = json.loads((RUNTIME / "package.json").read_text())
    wanted = {
        path.removeprefix("./") for one in package["exports"].values() for path in one.values()
    }
    assert wanted | {"dist/node/main.js", "README.md"} <= files
    left_out = re.compile(r"^(src|tools|tests)/|/tests/|stamp")
    assert not [name for name in files if left_out.search(name)]
    assert "dependencies" not in package


def test_lock_file_names_no_host() -> None:
    lock = json.loads((RUNTIME / "package-lock.json").read_text())
    packages = [one for name, one in lock["packages"].items() if name]
    assert packages
    assert not [one for one in packages if "resolved" in one or "integrity" not in one]
