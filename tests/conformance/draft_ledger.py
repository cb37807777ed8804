"""Writes a ledger of a compiled target anew from what the cases do now.

    python -m tests.conformance.draft_ledger wasm              # the official cases
    python -m tests.conformance.draft_ledger wasm_operators    # those of the operators
    python -m tests.conformance.draft_ledger litert            # the official cases

Reasons are those of the compiler's refusals. A case that gives a wrong result is listed as such:
it wants a fix or a reason found by a person.
"""

from __future__ import annotations

import json
import re
import sys
import time
import tomllib
from collections import Counter, defaultdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

from likewise.errors import LikewiseError, UnsupportedError
from tests.conformance import ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

HEAD = """\
# {} `fixed` pass
# with their parameters made constants. Strict both ways; drafted by
# `python -m tests.conformance.draft_ledger`.
"""
WASM = "What compiled WebAssembly modules are known to fail, in strict and in fast numerics."
LITERT = "What is refused as a TFLite file, or fails on ai-edge-litert; in float32."


UNEXPLAINED = ("wrong result: ", "fails: ")


def reason_of(error: BaseException) -> str:
    """Why a case fails, without names of nodes."""
    if not isinstance(error, LikewiseError):
        text = " ".join(str(error).split())[:120]
        return f"wrong result: {text}" if isinstance(error, AssertionError) else f"fails: {error!r}"
    text = re.sub(r"(no such element type); given: (\w+)", r"\1: \2", str(error))
    nodes = re.findall(r"node '[^\n]*?' \((\w+)\): (?:\w+: )?([^;\n]*)", text)
    if isinstance(error, UnsupportedError) and nodes:
        whys = {f"{name}: {re.sub(' %.*: ', ' a ', why)}" for name, why in nodes}
        return "; ".join(sorted(why for why in whys if "cannot be compiled" not in why))
    text = text.partition("; allowed: ")[0]
    return re.sub(r"^<bytes>: |(in|out)put '?\w*'?: |; given: .*", "", text, flags=re.DOTALL)


def table(name: str, reasons: Mapping[str, str]) -> str:
    """The tables `[[name]]`: one a reason, its cases in order."""
    groups: dict[str, list[str]] = defaultdict(list)
    for case, reason in reasons.items():
        groups[reason].append(case)
    made = []
    for reason in sorted(groups):
        cases = "".join(f"  {json.dumps(case)},\n" for case in sorted(groups[reason]))
        text = json.dumps(reason, ensure_ascii=False)
        made.append(f"[[{name}]]\nreason = {text}\ncases = [\n{cases}]\n")
    return "\n".join(made)


def draft(
    run: Callable[[str], bool], names: Iterable[str], known: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Failing cases and those with fixed parameters, each with a reason.

    Why a result is wrong only a person can say: then the reason in `known` stays.
    """
    failed, fixed = {}, {}
    for name in names:
        try:
            if run(name):
                fixed[name] = "the case feeds what a compiled model has as constants"
        except Exception as error:  # noqa: BLE001 — whatever it is, it goes into the ledger
            found = reason_of(error)
            failed[name] = known.get(name, found) if found.startswith(UNEXPLAINED) else found
    return failed, fixed


def main() -> None:
    """Write the ledger named first; with names of cases behind it, show what those do."""
    target, *names = sys.argv[1:]
    path = ledger.FOLDER / f"{target}.toml"
    entries = tomllib.loads(path.read_text())["expected"] if path.exists() else []
    known = {
        case: entry["reason"]
        for entry in entries
        for case in entry["cases"]
        if not entry["reason"].startswith(UNEXPLAINED)
    }
    if not names or not path.exists():  # an old one may name cases that are no more
        path.write_text("expected = []\n")
    module, title = {
        "wasm": ("tests.conformance.test_wasm_cases", WASM),
        "wasm_operators": ("tests.lower.test_cases", WASM),
        "litert": ("tests.conformance.test_litert_cases", LITERT),
    }[target]
    cases: Any = import_module(module)
    start = time.perf_counter()
    failed, fixed = draft(cases.run, names or cases.CASES, known)
    if not names:
        path.write_text(
            f"{HEAD.format(title)}\n{table('expected', failed)}\n{table('fixed', fixed)}"
        )
    for reason, count in Counter(failed.values()).most_common():
        print(f"{count:5} {reason}")
    print(f"{len(failed)} fail, {len(fixed)} fixed, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
