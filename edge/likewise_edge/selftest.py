"""The self-test: whether an engine answers the golden vectors on this device, and how fast.

Each engine is tested in a process of its own, since one that is broken may crash or hang.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.bundle import golden
from likewise.bundle.build import GOLDEN
from likewise.bundle.engines import ENGINES, engine_named
from likewise.conform.inputs import draw_feeds
from likewise.errors import LikewiseError
from likewise_edge.state import Chosen, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.bundle.manifest import Manifest

__all__ = ["choose", "installed", "surroundings", "test_engine", "test_engines"]


def surroundings() -> str:
    """Versions of all that a result of the self-test depends on."""
    packages = ["likewise", *(package for engine in ENGINES for package in engine.packages)]
    found = [f"{package}-{installed(package)}" for package in packages if installed(package)]
    return " ".join([platform.machine(), platform.python_version(), *found])


def installed(package: str) -> str:
    """The version of a package that is installed; '' where it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def choose(folder: Path, manifest: Manifest, bundle: str, runs: int, seconds: float) -> Chosen:
    """The fastest engine that passes; raises `LikewiseError` with every reason where none does."""
    results = test_engines(folder, manifest, runs, seconds)
    passed = [result for result in results if result.passed]
    if not passed:
        raise LikewiseError(
            "no engine passes the self-test on this device",
            given="; ".join(f"{it.engine}: {it.problem}" for it in results) or "no engine",
        )
    best = min(passed, key=lambda result: result.milliseconds)
    return Chosen(bundle, manifest.version, best.engine, tuple(results), surroundings())


def test_engines(folder: Path, manifest: Manifest, runs: int, seconds: float) -> list[Result]:
    """Every engine that the bundle has a part for, one after the other."""
    return [
        _tested_apart(folder, part.engine, runs, seconds) for part in manifest.parts if part.engine
    ]


def _tested_apart(folder: Path, name: str, runs: int, seconds: float) -> Result:
    command = [sys.executable, "-m", __spec__.name, str(folder), name, str(runs)]
    try:
        done = subprocess.run(  # noqa: S603 — our own program
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return Result(name, f"it did not end within {seconds:g} s")
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        why = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
        return Result(name, f"the test crashed ({why}): {words[-1] if words else 'no words'}")
    return Result(**json.loads(done.stdout.splitlines()[-1]))


def test_engine(folder: Path, name: str, runs: int) -> Result:
    """Load the engine's part, hold it to the golden vectors, then time it."""
    try:
        engine = engine_named(name)
        runner = engine.load(folder / engine.part)
        distance = golden.check((folder / GOLDEN).read_bytes(), runner)
        feeds = draw_feeds(runner.inputs, {}, {})
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            runner.run(feeds)
            times.append(time.perf_counter() - start)
    except LikewiseError as error:
        return Result(name, str(error))
    return Result(name, "", statistics.median(times) * 1e3, distance)


def main(arguments: Sequence[str]) -> None:
    """Print the result of one engine as JSON."""
    folder, name, runs = arguments
    result = test_engine(Path(folder), name, int(runs))
    print(json.dumps({field: getattr(result, field) for field in result.__dataclass_fields__}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
