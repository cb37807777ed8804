"""The doctor: what it finds on this machine, and on a Raspberry Pi that is not well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from likewise_edge.config import read_config
from likewise_edge.doctor import THROTTLED, examine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.edge.devices import Device


def findings(device: Device, root: Path | None = None) -> dict[str, tuple[str, str]]:
    """Level and words by subject; of several the last."""
    found = examine(read_config(device.config), root or device.folder / "nothing")
    return {one.subject: (one.level, one.what) for one in found}


def test_a_device_in_order(device: Device) -> None:
    device.install(device.bundle(engines=("wasm", "numpy")))
    done = device.call("doctor", "--json")
    assert done.returncode == 0, done.stdout
    found = {one["subject"]: one for one in json.loads(done.stdout)}
    assert found["keys"]["what"] == f"1 trusted in {device.folder / 'keys'}"
    assert found["engine wasm"]["what"].startswith("wasmtime ")
    assert found["model m"]["level"] == "good"
    assert found["model m"]["what"].startswith("version 1 on ")
    assert device.call("doctor").stdout.startswith("good Python: ")


def test_a_device_out_of_order(device: Device) -> None:
    device.install(device.bundle())
    part = next((device.folder / "state" / "bundles").glob("*/model.onnx"))
    part.write_bytes(b"")
    next((device.folder / "keys").iterdir()).unlink()
    done = device.call("doctor")
    assert done.returncode == 1
    assert "bad  keys: there is no trusted key in " in done.stdout
    assert "model.onnx: the part is damaged (install its bundle again)" in done.stdout


@pytest.mark.parametrize(
    ("bits", "level", "words"),
    [
        ("0x0", "good", "none"),
        ("0x50000", "note", "since the start: the voltage is too low; the processor is throttled"),
        ("0x5000a", "bad", "the frequency is capped; it is too hot for its full speed"),
    ],
)
def test_throttling(device: Device, bits: str, level: str, words: str) -> None:
    path = device.folder / "pi" / THROTTLED
    path.parent.mkdir(parents=True)
    path.write_text(f"{bits}\n")
    assert findings(device, device.folder / "pi")["throttling"] == (level, words)


def test_a_pi_that_is_hot_slow_and_full(device: Device) -> None:
    pi = device.folder / "pi"
    for name, content in {
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        "proc/meminfo": "MemTotal: 948000 kB\nMemAvailable: 102400 kB\n",
        "sys/class/thermal/thermal_zone0/temp": "81234\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    }.items():
        path = pi / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    found = findings(device, pi)
    assert found["device"][1].startswith("Raspberry Pi 4 Model B Rev 1.4, ")
    assert found["memory"] == ("note", "100 of 925 MiB available")
    assert found["temperature"] == ("note", "81 °C")
    assert found["frequency"] == ("note", "governor powersave: the lowest")
    assert found["models"] == ("note", "none is installed")


def test_an_engine_that_is_missing(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likewise_edge.doctor.installed", lambda _: "")
    assert findings(device)["engine wasm"] == ("note", "not installed")
