"""The benchmarks: `./dev bench --help`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from benchmarks.page import PAGE, write_section

if TYPE_CHECKING:
    from collections.abc import Sequence

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks and show their tables; the exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["browser"]:
        from benchmarks.browser.command import main as browser

        return browser(given[1:])
    if given[:1] == ["pyodide"]:
        from benchmarks.pyodide.command import main as pyodide

        return pyodide(given[1:])
    if given[:1] == ["litert"]:
        from benchmarks.litert.command import main as litert

        return litert(given[1:])
    if given[:1] == ["conformance"]:
        from benchmarks.conformance.command import main as conformance

        return conformance(given[1:])
    if given[:1] == ["edge"]:
        from benchmarks.edge.command import main as edge

        return edge(given[1:])
    return _numpy_target(given)


def _numpy_target(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description=f"Time likewise beside its peers and write {PAGE.parent.name}/{PAGE.name}.",
        epilog="`./dev bench browser --help` says what is timed in Chromium, "
        "`./dev bench pyodide --help` what of likewise in Pyodide, "
        "`./dev bench conformance --help` which engines run the official cases, "
        "`./dev bench edge --help` how the edge agent is loaded. "
        "Exit status: 0 done; 1 with --check where a goal is missed.",
    )
    parser.add_argument("models", nargs="*", help="only these; the page is then left as it is")
    parser.add_argument("--runs", type=int, default=15, help="timed runs of each engine (15)")
    parser.add_argument("--no-write", action="store_true", help="leave the page as it is")
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")
    options = parser.parse_args(arguments)
    # Read by NumPy's matrix library when it is first imported, which happens below.
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    from benchmarks.machine import describe
    from benchmarks.numpy_target import CONTESTS, run_contest
    from benchmarks.report import missed_goals, to_markdown
    from benchmarks.startup import LARGE, import_times, open_times
    from tools.models import ensure

    known = [contest.model for contest in CONTESTS]
    for name in options.models:
        if name not in known:
            parser.error(f"no benchmark of {name!r}; there are: {', '.join(known)}")
    chosen = [c for c in CONTESTS if not options.models or c.model in options.models]
    outcomes = []
    for contest in chosen:
        print(f"timing {contest.label} …", file=sys.stderr, flush=True)
        outcomes.append(run_contest(contest, max(1, options.runs)))
    print("timing imports and opening …", file=sys.stderr, flush=True)
    imports, openings = import_times(9), open_times(3)
    megabytes = ensure(LARGE).stat().st_size / 2**20
    page = to_markdown(describe(), outcomes, imports, openings, megabytes)
    print(page)
    if not options.models and not options.no_write:
        write_section("The NumPy target", page)
        print(f"written: {PAGE}", file=sys.stderr)
    missed = missed_goals(outcomes, imports, openings, megabytes)
    return int(options.check and bool(missed))


if __name__ == "__main__":
    sys.exit(main())
