"""Plants thirty faults, one at a time: `python -m tests.mutations [--write] [WORD …]`.

For each: whether the part of the suite that should notice it does, and which node bisection of a
model that holds the operator names. `--write` puts the table into docs/conformance.md. The exit
status is 1 where a fault went unnoticed, or bisection named the right node fewer than 27 times.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.page import table, write_section
from tests.mutations.bisecting import bisected
from tests.mutations.faults import FAULTS
from tests.mutations.planting import noticed

NAMED = 27
"""Of 30: a fault may show only when kernels meet."""


def main() -> int:
    """Plant them and show the table; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("words", nargs="*", help="only faults whose names have one of these words")
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    options = parser.parse_args()
    words = options.words or [""]
    chosen = [fault for fault in FAULTS if any(word in fault.name for word in words)]
    rows, seen, named = [], 0, 0
    for fault in chosen:
        found, node = noticed(fault), bisected(fault)
        right = node == fault.operator
        seen, named = seen + found, named + right
        rows.append([fault.name, fault.operator, "yes" if found else "**no**", node])
        print(" | ".join(rows[-1]), flush=True)
    text = (
        f"`python -m tests.mutations --write` planted {len(chosen)} faults of one line, one at a "
        "time,\nin a copy of the package. The suite "
        f"noticed {seen}; bisection between NumPy and WebAssembly, in a\nmodel that holds the "
        f"operator among others, named the right node {named} times.\n\n"
        + table(["fault", "operator", "noticed", "bisection names"], rows)
    )
    print(text)
    if options.write and not options.words:
        write_section("Planted faults", text)
    return int(seen < len(chosen) or named < NAMED * len(chosen) // len(FAULTS))


if __name__ == "__main__":
    sys.exit(main())
