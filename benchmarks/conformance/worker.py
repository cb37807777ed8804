"""Runs cases in a process of its own: `python -m benchmarks.conformance.worker PEER`.

Reads names of cases, a line each, and writes one line of JSON for each when it is done.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from dataclasses import asdict

from benchmarks.conformance.peers import PEERS
from benchmarks.conformance.verdict import Outcome, held
from tests.conformance.onnx_cases import onnx_cases


def main() -> None:
    """Serve the peer named until the input ends."""
    peer = next(one for one in PEERS if one.name == sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what an engine prints goes elsewhere
    warnings.simplefilter("ignore")
    cases = onnx_cases()
    print(json.dumps(asdict(Outcome("ready"))), file=answers)
    for line in sys.stdin:
        case = cases[line.strip()]
        try:
            run = peer.opened(case.model())
        except Exception as error:  # noqa: BLE001 — whatever it raises, it does not open the model
            outcome = Outcome.failed("refused", error)
        else:
            outcome = held(case, run)
        print(json.dumps(asdict(outcome)), file=answers)


if __name__ == "__main__":
    main()
