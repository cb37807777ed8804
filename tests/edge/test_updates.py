"""New bundles on a running device: taken where they prove themselves, else gone back from."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

import likewise
from likewise.bundle import build
from likewise.errors import LikewiseError
from likewise_edge.install import Trial, begin_serving, install
from likewise_edge.store import Store
from tests.edge.devices import AGENT, counting, scaling
from tests.edge.sites import site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.edge.devices import Device

TRIAL = Trial(1, 60.0)


def parts_of(factor: float) -> dict[str, bytes]:
    """The parts of a good bundle of that factor."""
    return build(likewise.load(scaling(factor)), "m")[1]


def test_from_a_folder(device: Device) -> None:
    shop = device.folder / "shop"
    shop.mkdir()
    device.configure('[models.m]\nsource = "shop"\ncheck_seconds = 0.2\n')
    device.bundle(2).rename(shop / "a.lwb")
    with device.serving() as agent:
        assert agent.answer() == 2
        device.bundle(9, name="other").rename(shop / "other.lwb")
        device.bundle(4, version=3).rename(shop / "c.lwb")
        device.bundle(3, version=2).rename(shop / "b.lwb")
        agent.wait_for(lambda: agent.answer() == 4)
        assert "other" not in agent.request("/v2/repository/index", b"")[1]
        (shop / "c.lwb").unlink()
        agent.wait_for(lambda: "this is an older version" in agent.log.read_text())
        assert agent.answer() == 4
        page = agent.request("/metrics")[1].decode()
        assert 'likewise_installs_total{model="m",outcome="installed"} 2.0' in page


def test_from_an_address(device: Device) -> None:
    with site() as server:
        server.content = device.bundle(2).read_bytes()
        server.piece = 1000
        device.configure(f'[models.m]\nsource = "{server.url}"\n')
        done = device.call("update", "m")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("m: version 1 on numpy, on probation\n")
        assert len(server.asked) > 1
        assert device.call("update", "m").stdout == "m: nothing new\n"
        corrupt = bytearray(device.bundle(3, version=2).read_bytes())
        corrupt[len(corrupt) // 2] ^= 1
        server.content, server.piece = bytes(corrupt), None
        done = device.call("update", "m")
        assert done.returncode == 1
        assert "damaged" in done.stderr or "none of the trusted keys" in done.stderr
        server.content = device.bundle(3, version=2).read_bytes()
        assert device.call("update", "m").stdout.startswith("m: version 2 on numpy")


def test_the_end_does_not_wait_for_a_download(device: Device) -> None:
    device.install(device.bundle(2))
    with site() as server:
        server.stalls = True
        device.configure(f'[models.m]\nsource = "{server.url}"\n')
        with device.serving() as agent:
            assert server.stalled.wait(60)
            assert agent.answer() == 2
            assert agent.stop() == 0
            assert not server.let_go.is_set()
    state = Store(device.folder / "state").state("m")
    assert state.probation is not None
    assert state.probation.running == ""  # it ended in order


def test_a_model_without_a_source(device: Device) -> None:
    done = device.call("update", "m")
    assert done.returncode == 2
    assert "the settings have no [models.m]; allowed: none has a source" in done.stderr


def test_requests_during_an_update_are_all_answered(device: Device) -> None:
    device.install(device.bundle(2))
    new = device.bundle(3, version=2)
    with device.serving() as agent:
        answers: list[float] = []
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                answers.append(agent.answer())

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            device.install(new)
            agent.wait_for(lambda: answers[-1:] == [3])
        finally:
            over.set()
            asking.join()
        assert set(answers) == {2, 3}
        assert answers == sorted(answers)


def test_one_engine_fails_its_self_test(device: Device) -> None:
    wrong = {"model.wasm": parts_of(3)["model.wasm"]}
    device.install(device.bundle(2, engines=("wasm", "numpy"), spoilt=wrong))
    state = Store(device.folder / "state").state("m")
    assert state.current is not None
    assert state.current.engine == "numpy"
    problems = {result.engine: result.problem for result in state.current.results}
    assert problems["numpy"] == ""
    words = "golden vector 0: output 'y': it is not what it has to be; given: a relative error of"
    assert words in problems["wasm"]


def test_every_engine_fails_its_self_test(device: Device) -> None:
    device.install(device.bundle(2))
    bad = device.bundle(3, version=2, spoilt={"golden.json": parts_of(5)["golden.json"]})
    done = device.call("install", bad)
    assert done.returncode == 1
    assert f"{bad.name}: no engine passes the self-test on this device; given: numpy: golden" in (
        done.stderr
    )
    device.configure(f'[models.m]\nsource = "{bad}"\n')
    again = device.call("update", "m")
    assert again.returncode == 2
    assert "this bundle was rejected on this device before; given: no engine" in again.stderr
    with device.serving() as agent:
        assert agent.answer() == 2


def test_a_self_test_that_does_not_end(device: Device) -> None:
    device.configure("[updates]\nselftest_seconds = 1.5\n")
    done = device.call("install", device.bundle(spoilt={"model.onnx": counting(10**7)}))
    assert done.returncode == 1
    assert "numpy: it did not end within 1.5 s" in done.stderr


def test_a_self_test_that_crashes(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    program = device.folder / "crash"
    program.write_text("#!/bin/sh\necho last words >&2\nkill -SEGV $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(LikewiseError) as raised:
        install(Store(device.folder / "state"), device.bundle(), device.keys, TRIAL)
    assert "numpy: the test crashed (signal 11): last words" in str(raised.value)


def test_a_crash_on_probation(device: Device) -> None:
    device.configure("[updates]\nprobation_seconds = 0.5\n")
    device.install(device.bundle(2))
    proved = '"event": "probation is over"'
    with device.serving() as agent:
        agent.wait_for(lambda: proved in agent.log.read_text())
        agent.process.send_signal(signal.SIGSEGV)  # after it: nothing to do with the bundle
        agent.process.wait()
    device.configure("[updates]\nprobation_seconds = 600\n")
    device.install(device.bundle(3, version=2))
    with device.serving() as agent:
        assert agent.answer() == 3
        assert agent.stop() == 0
    with device.serving() as agent:  # an end in order is no crash
        assert agent.answer() == 3
        agent.process.send_signal(signal.SIGSEGV)
        agent.process.wait()
    with device.serving() as agent:
        assert agent.answer() == 2
    status = device.call("status").stdout
    assert "the agent crashed while it was on probation (1 times)" in status


def test_a_loss_of_power_is_no_crash_of_the_bundle_at_once(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(device.folder / "state")
    for version in (1, 2):
        install(store, device.bundle(version, version=version), device.keys, TRIAL)
    served = []
    for boot in "abcd":
        monkeypatch.setattr("likewise_edge.install._boot", lambda boot=boot: boot)
        current = begin_serving(store, "m", TRIAL).current
        served.append(current and current.version)
    assert served == [2, 2, 2, 1]


def test_a_damaged_disk(device: Device) -> None:
    """What is on the disk is verified before it is served."""
    device.install(device.bundle(2))
    device.install(device.bundle(3, version=2))
    store = Store(device.folder / "state")
    state = store.state("m")
    assert state.current is not None
    part = store.folder(state.current.bundle) / "model.onnx"
    content = bytearray(part.read_bytes())
    content[-1] ^= 1
    part.write_bytes(content)
    with device.serving() as agent:
        assert agent.answer() == 2
    assert "model.onnx: the part is damaged" in device.call("status").stdout


def test_other_versions_of_the_engines_are_tested_anew(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(device.folder / "state")
    install(store, device.bundle(engines=("wasm", "numpy")), device.keys, TRIAL)
    monkeypatch.setattr("likewise_edge.selftest.installed", lambda _: "99")
    state = begin_serving(store, "m", TRIAL)
    assert state.current is not None
    assert "wasmtime-99" in state.current.tested_with


def test_a_disk_that_is_too_small(device: Device) -> None:
    """A real limit of the system: no file may grow beyond some kilobytes."""
    device.install(device.bundle(2))
    big = device.bundle(3, version=2, shape=(200, 300))
    command = [*AGENT, "-c", str(device.config), "install", str(big)]
    limit = 100_000

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unpacking failed: the disk is full" in done.stderr
    assert not list((device.folder / "state" / "incoming").iterdir())
    with device.serving() as agent:
        assert agent.answer() == 2
    device.install(big)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount; the limit above is for all")
def test_a_full_file_system(device: Device) -> None:
    small = device.folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(small)]
    assert subprocess.run(mount, check=False).returncode == 0
    try:
        text = device.config.read_text().replace('"state"', '"small/state"')
        device.config.write_text(text)
        device.install(device.bundle(2))
        (small / "filler").write_bytes(bytes(15 << 20))
        done = device.call("install", device.bundle(3, version=2))
        assert done.returncode == 1
        assert "the disk is full; given: 4 MiB free; allowed: 16 MiB are needed" in done.stderr
        with device.serving() as agent:
            assert agent.answer() == 2
            fill(small / "rest")
            assert agent.answer() == 2
            assert agent.stop() == 0
        with device.serving() as agent:
            assert agent.answer() == 2
            agent.process.kill()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return


def test_an_agent_killed_again_and_again(device: Device) -> None:
    """Killed at random while it updates itself, it comes up with one of the models, whole."""
    shop = device.folder / "shop"
    shop.mkdir()
    device.configure('[models.m]\nsource = "shop"\ncheck_seconds = 0.1\n')
    device.install(device.bundle(1))
    rng = random.Random(7)
    seen = {1.0}
    for turn in range(2, 6):
        with device.serving() as agent:
            assert agent.answer() in {*seen, *range(1, turn)}
            device.bundle(turn, version=turn).rename(shop / f"{turn}.lwb")
            time.sleep(rng.uniform(0, 1.5))
            seen.add(agent.answer())
    with device.serving() as agent:
        agent.wait_for(lambda: agent.answer() in range(1, 6))
        status = json.loads(device.call("status", "--json").stdout)["m"]
    store = Store(device.folder / "state")
    for chosen in (status["current"], status["previous"]):
        if chosen is not None:
            store.verify(chosen["bundle"])
