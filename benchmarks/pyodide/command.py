"""`./dev bench pyodide`: the benchmark's command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.browser.contests import CONTESTS
from benchmarks.machine import hardware
from benchmarks.page import PAGE, write_section
from benchmarks.pyodide.measure import measure
from benchmarks.pyodide.report import missed, section
from benchmarks.pyodide.site import put, put_site, served
from tools.environment import DevError
from tools.pyodide import DISTRIBUTION, VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

MODELS: Final = ("mobilenetv2", "silero_vad")


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark and show its tables; the exit status."""
    parser = argparse.ArgumentParser(
        prog="./dev bench pyodide",
        description="Time likewise in Pyodide in headless Chromium, from navigation to the first "
        "answer beside a module compiled beforehand, and a module run from Python beside the same "
        f"from JavaScript, and write their section of {PAGE.parent.name}/{PAGE.name}.",
        epilog="Exit status: 0 done; 1 with --check where a goal is missed.",
    )
    parser.add_argument("models", nargs="*", help="only these; the page is then left as it is")
    parser.add_argument("--runs", type=int, default=5, help="visits of each way (5)")
    parser.add_argument("--turns", type=int, default=30, help="turns of each language (30)")
    parser.add_argument("--no-write", action="store_true", help="leave the page as it is")
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")
    options = parser.parse_args(arguments)
    for name in options.models:
        if name not in MODELS:
            parser.error(f"no benchmark of {name!r}; there are: {', '.join(MODELS)}")
    chosen = [one for one in CONTESTS if one.model in (options.models or MODELS)]
    outcomes = []
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            put_site(folder)
            with served(folder) as server:
                for contest in chosen:
                    print(f"visiting {contest.label} …", file=sys.stderr, flush=True)
                    on_site = put(contest, folder)
                    outcomes.append(
                        measure(server, on_site, max(1, options.runs), max(1, options.turns))
                    )
    except (DevError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    page = section(_machine(outcomes[0].chromium), outcomes)
    print(page)
    if not options.models and not options.no_write:
        write_section("likewise in Pyodide", page)
        print(f"written: {PAGE}", file=sys.stderr)
    return int(options.check and bool(missed(outcomes)))


def _machine(chromium: str) -> dict[str, str]:
    """What it ran on; the load is that of the last five minutes, this benchmark included."""
    lock = json.loads((DISTRIBUTION / "pyodide-lock.json").read_text(encoding="utf-8"))
    return {
        **hardware(),
        "Chromium": chromium,
        "Pyodide": f"{VERSION}, NumPy {lock['packages']['numpy']['version']}",
        "processes at work or waiting, on average": f"{os.getloadavg()[1]:.1f}",
    }
