"""The ledgers: which cases a target is known to fail, and why.

`tests/expected/<target>.toml` holds tables `[[expected]]` with `cases` (names or patterns) and
`reason`. A ledger is strict both ways: what it lists must fail, what it does not must pass.
`[[random]]` lists cases whose output is drawn at random: they may come out right by chance.
`includes` names a ledger whose tables are part of this one.
"""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

FOLDER = Path(__file__).parents[1] / "expected"


@dataclass(frozen=True)
class Target:
    """What documents call a target, and its ledgers.

    `cases` is the ledger of the official cases, `own` that of the operators' own ones: "" where
    all of these pass, None where they do not run there.
    """

    label: str
    cases: str
    own: str | None


TARGETS = tuple(
    target
    for target in (
        Target("NumPy", "numpy", ""),
        Target("WebAssembly", "wasm", "wasm_operators"),
        Target("Chromium", "chromium", None),
        Target("LiteRT", "litert", None),
        Target("Pyodide", "pyodide", None),
    )
    if (FOLDER / f"{target.cases}.toml").exists()
)
"""The targets that have a ledger."""


def expected_failures(target: str, cases: Collection[str]) -> dict[str, str]:
    """The reason by case that does not pass, random ones included."""
    return listed(target, "expected", cases) | listed(target, "random", cases)


def listed(target: str, table: str, cases: Collection[str]) -> dict[str, str]:
    """The reason by case that a table of a ledger gives; a pattern that matches none raises."""
    ledger = tomllib.loads((FOLDER / f"{target}.toml").read_text())
    found = listed(ledger["includes"], table, cases) if "includes" in ledger else {}
    for entry in ledger.get(table, []):
        for pattern in entry["cases"]:
            matched = fnmatch.filter(cases, pattern)
            if not matched:
                raise ValueError(f"{target}.toml: no case matches {pattern!r}")
            found.update(dict.fromkeys(matched, entry["reason"]))
    return found
