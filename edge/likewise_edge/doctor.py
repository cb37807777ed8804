"""`likewise-edge doctor`: what is missing, slow or throttled on this device, and what helps."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from likewise.bundle.engines import ENGINES
from likewise.errors import LikewiseError
from likewise_edge import durable
from likewise_edge.selftest import installed
from likewise_edge.store import Store
from likewise_edge.updates import trusted_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from likewise_edge.config import Config

__all__ = ["Finding", "examine"]

Level = Literal["good", "note", "bad"]

THROTTLED: Final = "sys/devices/platform/soc/soc:firmware/get_throttled"
_CAUSES: Final = {
    0: "the voltage is too low",
    1: "the frequency is capped",
    2: "the processor is throttled",
    3: "it is too hot for its full speed",
}
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """`bad` keeps models from being served as they should be, `note` is worth a look."""

    level: Level
    subject: str
    what: str
    hint: str = ""


def examine(config: Config, root: Path = Path("/")) -> list[Finding]:
    """All findings; `root` is where the system's files are looked for."""
    return [
        *_python(),
        *_packages(),
        *_processor(root),
        *_memory(root),
        *_clock(),
        *_disk(config.state),
        *_keys(config),
        *_models(config),
    ]


def _python() -> Iterator[Finding]:
    words = f"{platform.python_version()}, {platform.machine()}, {sys.maxsize.bit_length() + 1} bit"
    if sys.maxsize < 2**32:
        yield Finding("bad", "Python", words, "install the 64-bit system: engines need it")
    else:
        yield Finding("good", "Python", words)


def _packages() -> Iterator[Finding]:
    for engine in ENGINES:
        found = {name: installed(name) for name in engine.packages}
        there = [f"{name} {version}" for name, version in found.items() if version]
        if there:
            yield Finding("good", f"engine {engine.name}", ", ".join(there))
        else:
            wanted = engine.packages[0]
            yield Finding("note", f"engine {engine.name}", "not installed", f"pip install {wanted}")


def _processor(root: Path) -> Iterator[Finding]:
    model = _text(root / "proc/device-tree/model").strip("\0")
    yield Finding("good", "device", f"{model or platform.machine()}, {os.cpu_count()} cores")
    bits = _text(root / THROTTLED)
    if bits:
        yield from _throttled(int(bits, 16))
    heat = _text(root / "sys/class/thermal/thermal_zone0/temp")
    if heat.lstrip("-").isdigit():
        degrees = int(heat) / 1000
        hot = degrees >= 75
        hint = "from 80 °C on it slows down: give it a heat sink or a fan" if hot else ""
        yield Finding("note" if hot else "good", "temperature", f"{degrees:.0f} °C", hint)
    governor = _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor == "powersave":
        yield Finding(
            "note", "frequency", "governor powersave: the lowest", "choose ondemand or performance"
        )
    elif governor:
        yield Finding("good", "frequency", f"governor {governor}")


def _throttled(bits: int) -> Iterator[Finding]:
    """What the firmware says: low bits for now, the same 16 further for since the start."""
    now = [words for bit, words in _CAUSES.items() if bits >> bit & 1]
    before = [words for bit, words in _CAUSES.items() if bits >> bit + 16 & 1]
    hint = "use the power supply made for this device, and cool it"
    if now:
        yield Finding("bad", "throttling", "; ".join(now), hint)
    elif before:
        yield Finding("note", "throttling", f"since the start: {'; '.join(before)}", hint)
    else:
        yield Finding("good", "throttling", "none")


def _memory(root: Path) -> Iterator[Finding]:
    lines = _text(root / "proc/meminfo").splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) >> 10 for line in lines if ":" in line}
    if "MemAvailable" in sizes:
        free, total = sizes["MemAvailable"], sizes.get("MemTotal", 0)
        low = free < 150
        hint = "the agent takes some 100 MiB beside the models" if low else ""
        words = f"{free} of {total} MiB available"
        yield Finding("note" if low else "good", "memory", words, hint)


def _clock() -> Iterator[Finding]:
    year = time.gmtime().tm_year
    if year < 2026:
        yield Finding(
            "bad", "clock", f"it is set to {year}", "certificates need the time: timedatectl status"
        )


def _disk(state: Path) -> Iterator[Finding]:
    try:
        state.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(state).free // _MIB
        with tempfile.TemporaryDirectory(dir=state) as folder:
            start = time.perf_counter()
            for _ in range(5):
                durable.replace(Path(folder, "probe"), b"x" * 4096)
            milliseconds = (time.perf_counter() - start) * 200
    except OSError as error:
        yield Finding(
            "bad",
            "disk",
            f"cannot write in {state}: {error.strerror}",
            "run it as the agent's user",
        )
        return
    low, slow = free < 256, milliseconds > 200
    hint = "free some space: an update needs the size of its bundle twice" if low else ""
    yield Finding("note" if low else "good", "disk", f"{free} MiB free in {state}", hint)
    hint = "the card may be worn out" if slow else ""
    words = f"{milliseconds:.1f} ms to write durably"
    yield Finding("note" if slow else "good", "disk", words, hint)


def _keys(config: Config) -> Iterator[Finding]:
    try:
        count = len(trusted_keys(config.keys))
        yield Finding("good", "keys", f"{count} trusted in {config.keys}")
    except LikewiseError as error:
        yield Finding("bad", "keys", str(error))


def _models(config: Config) -> Iterable[Finding]:
    try:
        store = Store(config.state)
    except LikewiseError as error:
        return [Finding("bad", "models", str(error))]
    found = [_model(store, name) for name in store.names()]
    hint = "likewise-edge install MODEL.lwb"
    return found or [Finding("note", "models", "none is installed", hint)]


def _model(store: Store, name: str) -> Finding:
    try:
        state = store.state(name)
        if state.current is None:
            reasons = "; ".join(state.rejected.values())
            return Finding("bad", f"model {name}", f"nothing serves: {reasons}")
        store.verify(state.current.bundle)
    except LikewiseError as error:
        return Finding("bad", f"model {name}", str(error), "install its bundle again")
    failed = [result for result in state.current.results if not result.passed]
    words = f"version {state.current.version} on {state.current.engine}, whole"
    if failed:
        problems = "; ".join(f"{result.engine}: {result.problem}" for result in failed)
        return Finding("note", f"model {name}", f"{words}; {problems}")
    return Finding("good", f"model {name}", words)


def _text(path: Path) -> str:
    """The content of a small file of the system; '' where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
