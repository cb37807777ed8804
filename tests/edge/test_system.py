"""What surrounds the agent: systemd, its unit and its watchdog, and the script that installs it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from likewise_edge.agent import Agent
from likewise_edge.config import read_config
from likewise_edge.notify import notify, watchdog_seconds
from likewise_edge.server import HANG_SECONDS, is_well
from likewise_edge.serving import Slot
from likewise_edge.store import Store

if TYPE_CHECKING:
    from tests.edge.devices import Device

EDGE = Path(__file__).resolve().parent.parent.parent / "edge"
UNIT = EDGE / "systemd" / "likewise-edge.service"
LARGEST = 120_000_000
"""Bytes that the agent may take on the disk beside the models."""


def listener(path: Path) -> socket.socket:
    """What systemd listens with."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(str(path))
    made.settimeout(60)
    return made


def test_systemd_is_told(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    with listener(device.folder / "notify") as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", str(device.folder / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        device.install(device.bundle())
        with device.serving(ready=False) as agent:
            told: set[bytes] = set()
            while told != {b"READY=1", b"WATCHDOG=1"}:  # in which order is the machine's business
                told.add(systemd.recv(100))
            ending = threading.Thread(target=agent.stop)
            ending.start()
            while systemd.recv(100) != b"STOPPING=1":
                pass
            ending.join()


def test_a_run_that_never_ends_starves_the_watchdog(device: Device) -> None:
    """Without a sign of life systemd starts the agent anew."""
    agent = Agent(read_config(device.config), Store(device.folder / "state"))
    agent.slots["m"] = Slot("m", 1)
    assert is_well(agent, now=1000.0)
    agent.slots["m"].began = 1000.0
    assert is_well(agent, now=1000.0 + HANG_SECONDS - 1)
    assert not is_well(agent, now=1000.0 + HANG_SECONDS)


def test_without_systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    assert not notify("READY=1")
    monkeypatch.setenv("WATCHDOG_USEC", "5000000")
    assert watchdog_seconds() == 5.0
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_seconds() is None


def test_the_units_times() -> None:
    """The unit's times fit the agent's: it is not killed while it does what it should."""
    lines = UNIT.read_text().splitlines()
    entries = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    assert entries["Type"] == "notify"
    assert int(entries["TimeoutStopSec"]) > 30  # server.drain_seconds
    assert entries["ExecStart"].endswith("/likewise-edge serve")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text().replace("/opt/likewise-edge/bin/likewise-edge serve", "/bin/true")
    unit.write_text(text.replace("User=likewise-edge", "User=daemon"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout  # an exposure of 2.0 of 10 at most: "OK"


@pytest.mark.slow
def test_the_script_installs_it(tmp_path: Path) -> None:
    """Into an image, from this clone; the result runs, and is small enough for a Raspberry Pi."""
    command = ["sh", str(EDGE / "install.sh"), f"{EDGE.parent}[edge]"]
    for _ in range(2):  # again is an upgrade
        done = subprocess.run(
            command, env=environment(tmp_path), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "etc/systemd/system/likewise-edge.service").read_text() == UNIT.read_text()
    home = tmp_path / "opt/likewise-edge"
    packages = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in packages) < LARGEST
    config = tmp_path / "config.toml"
    config.write_text('state = "state"\nkeys = "keys"\n')
    agent = [str(home / "bin" / "likewise-edge"), "-c", str(config)]
    done = subprocess.run([*agent, "doctor", "--json"], capture_output=True, text=True, check=False)
    found = {one["subject"]: one["level"] for one in json.loads(done.stdout)}
    assert found["engine wasm"] == "good"
    assert found["keys"] == "bad"


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "ROOT": str(root)}


def test_the_script_refuses_an_old_python(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    done = subprocess.run(
        ["sh", str(EDGE / "install.sh")],
        env={**environment(tmp_path), "PYTHON": str(old)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Python 3.11 to 3.14 is needed;" in done.stderr
    assert "Python 3.9.2" in done.stderr
