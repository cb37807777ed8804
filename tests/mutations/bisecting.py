"""What bisection names in the model of a fault: `python -m tests.mutations.bisecting FAULT`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.mutations.faults import FAULTS
from tests.mutations.planting import planted, run_python

if TYPE_CHECKING:
    from tests.mutations.faults import Fault

__all__ = ["bisected"]


def bisected(fault: Fault) -> str:
    """The operator of the node where NumPy and WebAssembly part with the fault planted.

    `nothing` where they do not; the last words of the error where bisection fails.
    """
    with planted(fault) as package:
        done = run_python(package, ["-m", "tests.mutations.bisecting", fault.name])
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return said[-1] if said else f"exit status {done.returncode}"


def main() -> None:
    """Bisect with whatever package is imported, and print the operator."""
    from likewise.conform.bisect import Side, bisect
    from likewise.conform.engines import find
    from likewise.conform.subject import Subject

    (fault,) = (one for one in FAULTS if one.name == sys.argv[1])
    numpy, wasm = find(["numpy", "wasm"])
    subject = Subject.of_graph(fault.chain.graph())
    found = bisect(subject, {"x": fault.chain.feed()}, (Side(numpy), Side(wasm, "strict")))
    print(found.node.operator.name if found.node else "nothing")


if __name__ == "__main__":
    main()
