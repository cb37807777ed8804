"""Draws thousands of random models and runs them on every target.

    python -m tests.random_graphs --graphs 3000 --seed 1

Models are drawn in rounds of 250, each from a seed of its own, and what fails is shrunk and
shown. Node and Chromium run each round's modules at once; `--alone` leaves them out. With
`--write` the figures go into docs/conformance.md. The exit status is 1 where anything disagreed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, seed, settings

from benchmarks.page import write_section
from tests.random_graphs.drawing import Drawn, models
from tests.random_graphs.engines import Batch
from tests.random_graphs.targets import TARGETS, Prepared, faults

ROUND = 250
MOST = 20
"""Failures after which it is enough."""


class Tally:
    """What ran so far."""

    def __init__(self) -> None:
        self.graphs = 0
        self.nodes = 0
        self.operators: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()
        self.failures: list[str] = []

    def run_round(self, number: int, count: int, *, engines: bool) -> None:
        """Draw `count` models from seed `number`; what fails is shrunk and kept."""
        with tempfile.TemporaryDirectory() as folder:
            batch = Batch(Path(folder))

            @seed(number)
            @settings(
                max_examples=count,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            )
            @given(models())
            def check(drawn: Drawn) -> None:
                prepared = Prepared(drawn)
                found = list(faults(prepared, TARGETS, self.runs))
                assert not found, "\n".join(found)
                self._count(drawn)
                if engines:
                    batch.add(prepared)

            try:
                check()
            except Exception as error:  # noqa: BLE001 — whatever it is, it is shown
                self.fail(number, _words(error))
            if engines:
                apart = batch.apart()
                self.runs.update({"Node strict": batch.count})
                self.runs.update({f"Chromium {mode}": batch.count for mode in ("strict", "fast")})
                for engine, models_apart in apart.items():
                    self.fail(number, f"{engine} gives other bits for models {models_apart}")

    def fail(self, number: int, words: str) -> None:
        """Keep and show a failure of a round."""
        self.failures.append(f"seed {number}: {words}")
        print(self.failures[-1], flush=True)

    def _count(self, drawn: Drawn) -> None:
        self.graphs += 1
        names = [node.operator.name for node in drawn.graph.walk()]
        self.nodes += len(names)
        self.operators.update(names)

    def table(self) -> str:
        """The figures in Markdown."""
        rows = [f"| {name} | {count} |" for name, count in self.runs.items()]
        lines = [
            f"`python -m tests.random_graphs --graphs {self.graphs} --write`: {self.graphs} random",
            f"models with {self.nodes} nodes of {len(self.operators)} operators, on every target;",
            f"{len(self.failures)} disagreements. A target declines what is no match for it: the",
            "interpreter large models, onnxruntime NaNs, infinities and what it has no kernel for.",
            "",
            "| target | models run |",
            "| --- | ---: |",
            *rows,
        ]
        return "\n".join(lines)


def _words(error: Any) -> str:
    notes = "\n".join(getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}\n{notes}"


def main() -> int:
    """Run the rounds and show the figures; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.random_graphs", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--graphs", type=int, default=3000, help="about how many models (3000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (1)")
    parser.add_argument("--alone", action="store_true", help="without Node and Chromium")
    parser.add_argument("--write", action="store_true", help="put the figures into the page")
    options = parser.parse_args()
    tally, start = Tally(), time.perf_counter()
    number = options.seed
    while tally.graphs < options.graphs:
        count = min(ROUND, options.graphs - tally.graphs)
        tally.run_round(number, count, engines=not options.alone)
        seconds = time.perf_counter() - start
        failed = len(tally.failures)
        print(
            f"seed {number}: {tally.graphs} models, {failed} failures, {seconds:.0f} s", flush=True
        )
        number += 1
        if failed > 20:
            break
    print(tally.table())
    print(", ".join(f"{name} {count}" for name, count in tally.operators.most_common()))
    if options.write:
        write_section("Random models", tally.table())
    return int(bool(tally.failures))


if __name__ == "__main__":
    sys.exit(main())
