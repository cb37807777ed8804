"""`./dev bench browser`: the benchmark's command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.browser.beside import beside_table, run_beside
from benchmarks.browser.chart import draw
from benchmarks.browser.cold import COLD, visit
from benchmarks.browser.contests import CONTESTS
from benchmarks.browser.profile import profile_table, run_profile
from benchmarks.browser.report import (
    cold_section,
    contest_section,
    missed_contests,
    missed_visits,
)
from benchmarks.browser.run import run_contest
from benchmarks.browser.site import LITERT, PEER, made_site, prepare, served
from benchmarks.machine import hardware
from benchmarks.page import PAGE, write_section
from likewise.errors import LikewiseError
from tools.browser import launch
from tools.environment import DevError
from tools.onnx2tf import VERSION as ONNX2TF

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.browser.contests import Contest
    from benchmarks.browser.site import Prepared

__all__ = ["main"]

CHART = PAGE.with_name("performance-browser.svg")


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark and show its tables; the exit status."""
    options = _options(arguments)
    chosen = [one for one in CONTESTS if not options.models or one.model in options.models]
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _run(chosen, options, Path(folder))
    except DevError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench browser",
        description="Time compiled modules beside onnxruntime-web and LiteRT.js, interleaved in "
        "one page of headless Chromium, and write their sections of "
        f"{PAGE.parent.name}/{PAGE.name}.",
        epilog="Exit status: 0 done; 1 with --check where a goal is missed.",
    )
    parser.add_argument("models", nargs="*", help="only these; the page is then left as it is")
    parser.add_argument("--runs", type=int, default=5, help="turns of each engine (5)")
    parser.add_argument(
        "--only",
        choices=("contests", "cold", "profile"),
        help="one part; profile: kernel by kernel",
    )
    parser.add_argument(
        "--beside",
        type=Path,
        metavar="CHECKOUT",
        help="time the modules beside those that another checkout of the repository compiles",
    )
    parser.add_argument("--no-write", action="store_true", help="leave the page as it is")
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")
    options = parser.parse_args(arguments)
    known = [one.model for one in CONTESTS]
    for name in options.models:
        if name not in known:
            parser.error(f"no benchmark of {name!r}; there are: {', '.join(known)}")
    if options.beside and not (options.beside / "toolkit" / "likewise").is_dir():
        parser.error(f"--beside {options.beside} is no checkout: no toolkit/likewise in it")
    options.runs = max(1, options.runs)
    return options


def _run(chosen: Sequence[Contest], options: argparse.Namespace, folder: Path) -> int:
    made_site(folder)
    if options.only == "cold":
        chosen = [one for one in chosen if one.model in COLD]
    prepared, refused = _prepare_all(chosen, folder)
    with served(folder) as address:
        if options.only == "profile":
            _profile(address, folder, prepared, options.runs)
            return 0
        if options.beside:
            _beside(address, folder, prepared, options)
            return 0
        write = not options.models and not options.no_write
        missed: list[str] = []
        if options.only != "cold":
            missed += _contests(address, prepared, refused, runs=options.runs, write=write)
        colds = [one for one in prepared if one.contest.model in COLD]
        if options.only != "contests" and colds:
            missed += _cold(address, colds, runs=options.runs, write=write)
    return int(options.check and bool(missed))


def _prepare_all(chosen: Sequence[Contest], folder: Path) -> tuple[list[Prepared], dict[str, str]]:
    """The models that compile, and why the others do not."""
    prepared, refused = [], {}
    for contest in chosen:
        _say(f"compiling {contest.label} …")
        try:
            prepared.append(prepare(contest, folder))
        except LikewiseError as error:
            # The file's place is this machine's business.
            file = f"{error.where[0]}: " if error.where else ""
            refused[contest.label] = " ".join(str(error).removeprefix(file).split())
            _say(f"  {refused[contest.label]}")
    return prepared, refused


def _contests(
    address: str,
    prepared: Sequence[Prepared],
    refused: Mapping[str, str],
    *,
    runs: int,
    write: bool,
) -> list[str]:
    """Run and show them; the goals missed."""
    outcomes = []
    with launch() as browser:
        for one in prepared:
            _say(f"timing {one.contest.label} …")
            outcomes.append(run_contest(browser, address, one, runs))
        machine = _machine(browser.version)
    section = contest_section(machine, outcomes, refused, CHART.name)
    print(section)
    if write:
        draw(outcomes, CHART)
        write_section("In the browser", section)
        _say(f"written: {PAGE} and {CHART.name}")
    return missed_contests(outcomes)


def _cold(address: str, prepared: Sequence[Prepared], *, runs: int, write: bool) -> list[str]:
    """Visit and show; the goals missed."""
    visits = []
    for one in prepared:
        _say(f"visiting {one.contest.label} …")
        visits.append(visit(address, one, runs))
    with launch() as browser:
        section = cold_section(_machine(browser.version), visits)
    print(section)
    if write:
        write_section("From a link to the first answer", section)
        _say(f"written: {PAGE}")
    return missed_visits(visits)


def _profile(address: str, folder: Path, prepared: Sequence[Prepared], runs: int) -> None:
    """Show each model's kernels."""
    with launch() as browser:
        for one in prepared:
            print(one.contest.label)
            print(profile_table(run_profile(browser, address, folder, one, runs)))


def _beside(
    address: str, folder: Path, prepared: Sequence[Prepared], options: argparse.Namespace
) -> None:
    """Show how this checkout's modules do beside another's; a run is a second."""
    site = address, folder
    with launch() as browser:
        outcomes = [
            run_beside(browser, site, one, options.beside, options.runs) for one in prepared
        ]
    print(beside_table(outcomes))


def _machine(chromium: str) -> dict[str, str]:
    """What it ran on; the load is that of the last five minutes, this benchmark included."""
    versions = {
        name: json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
        for name, folder in (("onnxruntime-web", PEER), ("LiteRT.js", LITERT))
    }
    return {
        **hardware(),
        "Chromium": chromium,
        **versions,
        "onnx2tf": ONNX2TF,
        "processes at work or waiting, on average": f"{os.getloadavg()[1]:.1f}",
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
