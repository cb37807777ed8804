"""Bundles: what is written, what is believed, and the commands that make them."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

import likewise
from likewise.bundle import (
    Manifest,
    build,
    generate,
    open_bundle,
    read_private,
    read_public,
    write_bundle,
)
from likewise.errors import LikewiseError
from tests.cli.conftest import folder as folder  # noqa: PLC0414 — a fixture
from tests.cli.conftest import likewise as command  # noqa: F401 — a fixture
from tests.edge.devices import scaling

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def built() -> tuple[Manifest, dict[str, bytes]]:
    manifest, parts, left_out = build(likewise.load(scaling(2)), "double", 3)
    assert not left_out
    return manifest, parts


def test_what_is_written_is_read_again(tmp_path: Path, built: Any) -> None:
    manifest, parts = built
    private, public = generate(tmp_path / "one.key")
    assert private.stat().st_mode & 0o777 == 0o600
    paths = [tmp_path / "a.lwb", tmp_path / "b.lwb"]
    for path in paths:
        write_bundle(path, manifest, parts, read_private(private))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with open_bundle(paths[0], [read_public(public)]) as bundle:
        found = bundle.manifest
        assert (found.name, found.version, found.parts) == ("double", 3, manifest.parts)
        assert list(map(str, found.inputs)) == ["x: float[2, 3]"]
        assert {part.name: b"".join(bundle.read(part)) for part in found.parts} == parts
        assert bundle.id == sha256(manifest.to_bytes()).hexdigest()


def test_each_member_is_stored(tmp_path: Path, built: Any) -> None:
    private, _ = generate(tmp_path / "one.key")
    write_bundle(tmp_path / "a.lwb", built[0], built[1], read_private(private))
    with zipfile.ZipFile(tmp_path / "a.lwb") as archive:
        members = {info.filename: info.compress_type for info in archive.infolist()}
    assert list(members)[:2] == ["manifest.json", "manifest.sig"]
    assert set(members.values()) == {zipfile.ZIP_STORED}


def entry(manifest: Manifest, **changes: Any) -> bytes:
    return json.dumps(json.loads(manifest.to_bytes()) | changes).encode()


PART = {"name": "a", "engine": "", "bytes": 1, "sha256": "0" * 64}
NONSENSE = {
    "no JSON": (b"{", "the manifest is no JSON"),
    "a list": (b"[]", "the manifest is of another format; given: list"),
    "another format": ({"format": "x"}, "of another format; given: x; allowed: likewise-bundle/1"),
    "a name that leads out": ({"name": "../m"}, "the manifest has a wrong 'name'; given: '../m'"),
    "a version below 0": ({"version": -1}, "the manifest has a wrong 'version'; given: -1"),
    "no parts": ({"parts": None}, "the manifest has a wrong 'parts'; given: None"),
    "a part that is none": ({"parts": [1]}, "the manifest has a part that is none; given: 1"),
    "a part that leads out": (
        {"parts": [PART | {"name": "../../etc/passwd"}]},
        "the manifest has a wrong 'name'; given: '../../etc/passwd'",
    ),
    "a part twice": (
        {"parts": [PART, PART | {"name": "A"}]},
        "the manifest names a part twice; given: ['a', 'a']",
    ),
    "no hash": ({"parts": [PART | {"sha256": "0"}]}, "the manifest has a wrong 'sha256'"),
    "an unknown type": (
        {"inputs": [{"name": "x", "dtype": "float31", "shape": []}]},
        "the manifest has a wrong 'dtype'; given: 'float31'; allowed: an element type",
    ),
    "no shape": (
        {"inputs": [{"name": "x", "dtype": "float", "shape": "2"}]},
        "the manifest has a wrong 'shape'; given: '2'; allowed: a list of sizes and nulls",
    ),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_manifests_that_are_not_believed(built: Any, case: str) -> None:
    content: Any
    content, message = NONSENSE[case]
    raw = content if isinstance(content, bytes) else entry(built[0], **content)
    with pytest.raises(LikewiseError) as raised:
        Manifest.from_bytes(raw)
    assert message in str(raised.value)


def test_a_part_that_is_longer_than_signed(tmp_path: Path, built: Any) -> None:
    manifest, parts = built
    private, public = generate(tmp_path / "one.key")
    short = replace(manifest.parts[0], size=manifest.parts[0].size - 1)
    wrong = replace(manifest, parts=(short, *manifest.parts[1:]))
    write_bundle(tmp_path / "a.lwb", wrong, parts, read_private(private))
    with (
        pytest.raises(LikewiseError, match="not the content that its manifest names"),
        open_bundle(tmp_path / "a.lwb", [read_public(public)]) as bundle,
    ):
        list(bundle.read(bundle.manifest.parts[0]))


def test_a_name_that_cannot_be() -> None:
    with pytest.raises(LikewiseError, match="this cannot be a model's name; given: 'a b'"):
        build(likewise.load(scaling(2)), "a b")


def test_an_engine_that_is_none() -> None:
    with pytest.raises(
        LikewiseError, match="there is no engine 'abacus'; allowed: litert, wasm, numpy"
    ):
        build(likewise.load(scaling(2)), "m", engines=["abacus"])


def test_the_commands(command: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    arguments = ("bundle", "relu.onnx", "--shape", "x=2,3", "-o", "relu.lwb")
    none = command(*arguments)
    assert none.returncode == 2
    assert "make one with: likewise keygen" in none.stderr
    assert "bundle.pub" in command("keygen").stdout
    assert "there is a key" in command("keygen").stderr
    made = json.loads(command(*arguments, "--json").stdout)
    assert (made["name"], made["version"], made["left_out"]) == ("relu", 1, {})
    assert made["inputs"] == {"x": "float[2, 3]"}
    assert {"model.wasm", "model.onnx"} < made["parts"].keys()
    only = json.loads(command(*arguments, "--json", "--engine", "numpy").stdout)
    assert "model.wasm" not in only["parts"]


def test_keys_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "text.pub"
    path.write_text("hello")
    with pytest.raises(LikewiseError, match="holds no public key"):
        read_public(path)
    with pytest.raises(LikewiseError, match="holds no private key"):
        read_private(path)
