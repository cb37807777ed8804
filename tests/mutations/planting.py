"""Planting a fault in a copy of the package, and what the suite and bisection make of it there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutations.faults import TOOLKIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.mutations.faults import Fault

__all__ = ["noticed", "planted", "run_tests"]

ROOT = TOOLKIT.parent


@contextmanager
def planted(fault: Fault | None) -> Iterator[Path]:
    """A copy of the package's folder with the fault in it, or without any."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(
            TOOLKIT / "likewise",
            Path(folder, "likewise"),
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        if fault is not None:
            path = Path(folder, fault.file().relative_to(TOOLKIT))
            source = path.read_text(encoding="utf-8")
            path.write_text(source.replace(fault.old, fault.new), encoding="utf-8")
        yield Path(folder)


def run_python(package: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Python at the repository's root with the package from that folder."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def run_tests(package: Path, tests: Sequence[str]) -> tuple[bool, str]:
    """Whether these tests pass with the package of that folder, and what they said last.

    They stop at the first failure. Raises RuntimeError where they do not run at all.
    """
    options = ("-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--no-header", "--tb=line")
    done = run_python(package, ["-m", "pytest", *options, "-m", "not slow", *tests])
    last = (done.stdout.strip().splitlines() or [done.stderr[-300:]])[-1]
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest {' '.join(tests)}: {last}")
    return done.returncode == 0, last


def noticed(fault: Fault) -> bool:
    """Whether the part of the suite that should notices the fault."""
    with planted(fault) as package:
        passed, _ = run_tests(package, fault.tests)
    return not passed
