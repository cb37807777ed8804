"""The matrix in Markdown: engines by kinds of case, how they fail, and our own gaps."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.conformance.verdict import KINDS_OF_FAILURE, Outcome
from benchmarks.page import table
from tests.conformance.ledger import TARGETS, expected_failures, listed
from tests.conformance.onnx_cases import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OURS", "Outcomes", "matrix", "ours"]

Outcomes = dict[str, Outcome]

OURS = {f"likewise: {target.label}": target.cases for target in TARGETS}
"""Our targets and their ledgers in `tests/expected/`."""


def ours(cases: Mapping[str, object]) -> dict[str, Outcomes]:
    """Our targets as their ledgers say, which the suite holds both ways."""
    found = {}
    for label, ledger in OURS.items():
        failing = expected_failures(ledger, list(cases))
        found[label] = {
            name: Outcome("refused", failing[name]) if name in failing else Outcome("pass")
            for name in cases
        }
    return found


def matrix(
    kinds: Mapping[str, str], engines: Mapping[str, Outcomes], versions: Mapping[str, str]
) -> str:
    """The section: `kinds` gives each case's kind, `engines` what each made of the cases."""
    parts = [_passed(kinds, engines, versions), _failures(engines, versions)]
    if len(engines) > len(versions):
        parts += [_alone(engines, versions), _gaps(kinds, engines)]
    return "\n".join(parts)


def _passed(
    kinds: Mapping[str, str], engines: Mapping[str, Outcomes], versions: Mapping[str, str]
) -> str:
    rows = []
    for engine, outcomes in engines.items():
        count = Counter(kinds[name] for name, one in outcomes.items() if one.kind == "pass")
        name = f"{engine} {versions[engine]}" if engine in versions else engine
        rows.append([name, *(str(count[kind]) for kind in KINDS), f"**{count.total()}**"])
    totals = Counter(kinds.values())
    rows.append(["cases", *(str(totals[kind]) for kind in KINDS), str(totals.total())])
    return table(["cases that pass", *(f"`{kind}`" for kind in KINDS), "all"], rows)


def _failures(engines: Mapping[str, Outcomes], versions: Mapping[str, str]) -> str:
    rows = []
    for engine in versions:
        count = Counter(one.kind for one in engines[engine].values())
        rows.append([engine, *(str(count[kind]) for kind in KINDS_OF_FAILURE)])
    head = (
        "How the others do not pass: with an error (refused), with an output that the case does "
        "not allow (wrong), with the end of their process or with none in time:\n\n"
    )
    return head + table(["", *KINDS_OF_FAILURE], rows)


def _alone(engines: Mapping[str, Outcomes], versions: Mapping[str, str]) -> str:
    """What one passes and another does not."""
    targets = [engine for engine in engines if engine not in versions]
    passing = {e: {n for n, one in engines[e].items() if one.kind == "pass"} for e in engines}
    rows = [
        [
            peer,
            *(
                f"{len(passing[own] - passing[peer])} / {len(passing[peer] - passing[own])}"
                for own in targets
            ),
        ]
        for peer in versions
    ]
    head = "Cases that the target of ours passes and the peer does not / the other way round:\n\n"
    return head + table(["", *targets], rows)


def _gaps(kinds: Mapping[str, str], engines: Mapping[str, Outcomes]) -> str:
    """Why our own targets do not pass: the ledgers' reasons, the frequent ones first."""
    parts = []
    for label, ledger in OURS.items():
        if label not in engines:
            continue
        reasons = Counter(one.reason for one in engines[label].values() if one.kind != "pass")
        ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        fixed = len(listed(ledger, "fixed", list(kinds)))
        note = (
            f" Of those that pass, {fixed} have inputs that a compiled model has as constants "
            "(axes, shapes, …) made such."
            if fixed
            else ""
        )
        parts.append(
            f"### Gaps of {label}\n\n{reasons.total()} cases do not pass.{note}\n\n"
            + table(["reason", "cases"], [[_cell(why), str(count)] for why, count in ordered])
        )
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
