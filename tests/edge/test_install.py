"""Bundles on a device: installed, replaced, gone back from, refused in clear words."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from likewise.bundle import generate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.edge.devices import Device


def test_install_serve_update_and_go_back(device: Device) -> None:
    device.install(device.bundle(2))
    with device.serving() as agent:
        assert agent.answer() == 2
        device.install(device.bundle(3, version=2))
        agent.wait_for(lambda: agent.answer() == 3)
        done = device.call("rollback", "m")
        assert done.stdout.startswith("m: version 1 on numpy\n")
        assert "rolled back by hand" in done.stdout
        agent.wait_for(lambda: agent.answer() == 2)
        assert agent.stop() == 0


def test_the_status(device: Device) -> None:
    assert device.call("status").stdout == "no model is installed\n"
    device.install(device.bundle(2, engines=("wasm", "numpy")))
    found = json.loads(device.call("status", "--json").stdout)["m"]["current"]
    assert {result["engine"] for result in found["results"]} == {"wasm", "numpy"}
    fastest = min(found["results"], key=lambda result: result["milliseconds"])
    assert found["engine"] == fastest["engine"]
    again = device.call("install", device.bundle(2, engines=("wasm", "numpy")))
    assert again.stdout == "m: this bundle serves already\n"


def test_nothing_to_go_back_to(device: Device) -> None:
    device.install(device.bundle())
    done = device.call("rollback", "m")
    assert done.returncode == 2
    assert done.stderr == "likewise-edge: there is nothing to go back to for 'm'\n"


def corrupted(device: Device) -> Path:
    path = device.bundle()
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        content[archive.getinfo("model.onnx").header_offset + 60] ^= 1
    path.write_bytes(content)
    return path


def cut_short(device: Device) -> Path:
    path = device.bundle()
    path.write_bytes(path.read_bytes()[:-100])
    return path


def of_another_signer(device: Device) -> Path:
    generate(device.folder / "other.key")
    return device.bundle(key=device.folder / "other.key")


def no_bundle(device: Device) -> Path:
    path = device.folder / "text.lwb"
    path.write_text("hello")
    return path


BROKEN = {
    "corrupt": (corrupted, "the bundle is damaged"),
    "cut short": (cut_short, "this is no bundle, or a damaged one"),
    "another signer": (of_another_signer, "the signature is by none of the trusted keys"),
    "no bundle": (no_bundle, "this is no bundle, or a damaged one"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_not_installed(device: Device, case: str) -> None:
    device.install(device.bundle(5))
    make, message = BROKEN[case]
    done = device.call("install", make(device))
    assert done.returncode == 1
    assert message in done.stderr
    with device.serving() as agent:
        assert agent.answer() == 5
