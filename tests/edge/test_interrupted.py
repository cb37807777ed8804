"""Killed at any moment, or on a full disk, the device serves a whole old or a whole new model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from likewise_edge.install import Trial, begin_serving, end_probation, install
from likewise_edge.store import Store

if TYPE_CHECKING:
    from tests.edge.devices import Device

ROOT = Path(__file__).resolve().parent.parent.parent
OLD, NEW = 2.0, 3.0

# The operation, what the device serves after it, and how many steps it has at least. A process that
# began to serve and ended without order is a crash on probation, which is gone back from.
OPERATIONS = {
    "install": (NEW, 25),
    "update": (NEW, 25),
    "rollback": (OLD, 6),
    "begin": (OLD, 6),
    "prove": (NEW, 6),
}

# It ends in the steps of an installation, which are struck all the same.
SLOW_UPDATE = pytest.param("update", marks=pytest.mark.slow)


def prepared(device: Device, operation: str) -> Path:
    """A folder whose `before` holds a device with the old model, or old and new."""
    before = device.folder / "before"
    (before / "keys").mkdir(parents=True)
    shutil.copy(device.folder / "keys" / "signer.pub", before / "keys")
    store, trial = Store(before / "state"), Trial(1, 60.0)
    install(store, device.bundle(OLD), device.keys, trial)
    end_probation(store, "m", store.state("m").current.bundle)  # type: ignore[union-attr]
    new = device.bundle(NEW, version=2)
    if operation in {"install", "update"}:
        new.rename(before / "new.lwb")
    else:
        install(store, new, device.keys, trial)
    if operation == "prove":
        begin_serving(store, "m", trial)
    return device.folder


def strike(device: Device, way: str, operation: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.edge.interrupted", way, operation]
    done = subprocess.run(
        [*command, str(prepared(device, operation))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("operation", [SLOW_UPDATE, "install", "rollback", "begin", "prove"])
def test_killed_at_every_step(device: Device, operation: str) -> None:
    *killed, ended = strike(device, "kill", operation)
    end, steps = OPERATIONS[operation]
    assert len(killed) >= steps
    assert {line["ended"] for line in killed} == {"killed"}
    before = OLD if operation in {"install", "update"} else NEW
    answers = [line["answer"] for line in killed]
    assert ended["answer"] == end
    assert set(answers) <= {OLD, NEW}
    if operation != "prove":
        switch = [answer == end for answer in answers]
        assert switch == sorted(switch)
        assert answers[0] == before
    if operation in {"install", "update"}:
        assert {line["again"] for line in killed} == {"0"}, killed
        assert {line["after"] for line in killed} == {NEW}
        assert {line["left"] for line in killed} == {0}


@pytest.mark.parametrize("operation", ["install", SLOW_UPDATE, "rollback"])
def test_a_full_disk_at_every_step(device: Device, operation: str) -> None:
    *failed, ended = strike(device, "full", operation)
    end, _ = OPERATIONS[operation]
    before = OLD if operation in {"install", "update"} else NEW
    assert len(failed) >= 4
    for line in failed:
        assert line["ended"] == "1", line
        assert "the disk is full" in line["words"]
        assert line["answer"] in {before, end}
        assert (line["again"], line["after"]) == ("0", end) or operation == "rollback", line
    assert ended["answer"] == end
