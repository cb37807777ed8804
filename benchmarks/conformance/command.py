"""`./dev bench conformance`: the benchmark's command line."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

import onnx

from benchmarks.conformance.browser import run_in_chromium
from benchmarks.conformance.peers import PEERS
from benchmarks.conformance.processes import run_cases, worker_of
from benchmarks.conformance.report import matrix, ours
from benchmarks.page import write_section
from tests.conformance.onnx_cases import onnx_cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.conformance.report import Outcomes

__all__ = ["main"]

WEB = "onnxruntime-web"
SECTION = "The official cases, beside other engines"


def main(arguments: Sequence[str]) -> int:
    """Run the peers and show the matrix; the exit status."""
    known = [WEB, *(peer.name for peer in PEERS)]
    parser = argparse.ArgumentParser(
        prog="./dev bench conformance",
        description="Run the official ONNX cases through other engines, each in processes of its "
        "own, and write the matrix into docs/conformance.md.",
    )
    parser.add_argument("--peers", nargs="+", choices=known, help="only these; nothing is written")
    parser.add_argument("--cases", nargs="+", help="only these cases; nothing is written")
    parser.add_argument("--show", metavar="KIND", help="list failures of that kind: wrong, crash …")
    options = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = "1"
    cases = onnx_cases()
    for name in options.cases or ():
        if name not in cases:
            parser.error(f"there is no case {name!r}")
    cases = {name: cases[name] for name in options.cases or cases}
    chosen = options.peers or known
    engines: dict[str, Outcomes] = ours(cases) if not options.cases else {}
    versions = {}
    for peer in PEERS:
        if peer.name in chosen and not peer.version:
            _say(f"{peer.name} is left out: pip install {peer.package}")
        elif peer.name in chosen:
            _say(f"{peer.name} {peer.version} …")
            engines[peer.name] = run_cases(worker_of(peer), list(cases), say=_say)
            versions[peer.name] = peer.version
    if WEB in chosen:
        _say(f"{WEB} …")
        engines[WEB], versions[WEB] = run_in_chromium(cases)
    kinds = {name: case.kind for name, case in cases.items()}
    section = f"{_head()}\n\n{matrix(kinds, engines, versions)}"
    print(section)
    for engine in versions if options.show else ():
        for name, outcome in engines[engine].items():
            if outcome.kind == options.show:
                print(f"{engine}: {name}: {outcome.reason}")
    if not options.cases and not options.peers:
        write_section(SECTION, section)
        _say("written: docs/conformance.md")
    return 0


def _head() -> str:
    return f"""\
`./dev bench conformance` ran the official cases of onnx {onnx.__version__} through every engine, in
processes of its own, and held outputs, element types and shapes as onnx's own test runner does.
Ours are what the ledgers in `tests/expected/` say, which the suite holds both ways; the compiled
target runs each case in strict and in fast numerics, and passes where both do."""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
