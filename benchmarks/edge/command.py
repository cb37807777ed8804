"""`./dev bench edge`: the agent's capacity, and what happens at twice of it."""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.edge.load import Answer, Question, at_a_rate, one_after_another
from benchmarks.machine import hardware
from benchmarks.page import PAGE, table, write_section
from likewise.bundle import build, generate, read_private, write_bundle
from likewise.conform.inputs import draw_feeds
from likewise.model import load
from tools.models import ensure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["main", "missed"]

TITLE: Final = "The edge agent at twice its capacity"
MODEL: Final = "mobilenetv2"
QUEUE: Final = 8
DECLARED: Final = frozenset({"200", "429", "503", "504"})
"""An answer, or one of the refusals that `edge/README.md` declares."""
DEADLINE: Final = 5.0
"""Seconds that the agent gives a request."""
GROWTH: Final = 8.0
"""MiB that the agent's memory may differ between the first and the last minute."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`capacity` is answers a second; `memory` is seconds and resident MiB of the agent."""

    engine: str
    capacity: float
    alone: float
    answers: Sequence[Answer]
    memory: Sequence[tuple[float, float]]
    seconds: float
    status: int

    def accepted(self, begin: float, end: float) -> list[float]:
        """Seconds to the answers of the requests of that part of the run."""
        return [a.seconds for a in self.answers if a.outcome == "200" and begin <= a.at < end]

    def resident(self, begin: float, end: float) -> float:
        """The median of the memory in that part of the run."""
        return statistics.median(mib for at, mib in self.memory if begin <= at < end)


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark and show its table; the exit status."""
    parser = argparse.ArgumentParser(
        prog="./dev bench edge",
        description=f"Load the edge agent with {MODEL} over loopback at twice the rate that it can "
        f"answer, and write the section of {PAGE.parent.name}/{PAGE.name}.",
        epilog="Exit status: 0 done; 1 with --check where a goal is missed.",
    )
    parser.add_argument("--seconds", type=float, default=300.0, help="of overload (300)")
    parser.add_argument("--no-write", action="store_true", help="leave the page as it is")
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        outcome = _measure(Path(folder), max(20.0, options.seconds))
    page = to_markdown(outcome)
    print(page)
    if not options.no_write:
        write_section(TITLE, page)
        print(f"written: {PAGE}", file=sys.stderr)
    return int(options.check and bool(missed(outcome)))


def _measure(folder: Path, seconds: float) -> Outcome:
    model = load(ensure(MODEL))
    manifest, parts, _ = build(model, "m")
    private, public = generate(folder / "signer.key")
    (folder / "keys").mkdir()
    public.rename(folder / "keys" / public.name)
    write_bundle(folder / "m.lwb", manifest, parts, read_private(private))
    settings = f'state = "state"\nkeys = "keys"\n[server]\nport = 0\nqueue = {QUEUE}\n'
    settings += f"deadline_seconds = {DEADLINE}\n"
    (folder / "config.toml").write_text(settings)
    agent = [sys.executable, "-m", "likewise_edge.cli", "-c", str(folder / "config.toml")]
    subprocess.run([*agent, "install", str(folder / "m.lwb")], check=True, stdout=sys.stderr)
    feeds = draw_feeds(manifest.inputs, {}, {}, seed=3)
    outputs = model.run(feeds)
    with _serving(agent, folder / "log") as (process, port, engine):
        question = Question.of(port, "m", feeds, outputs)
        print("measuring the capacity …", file=sys.stderr, flush=True)
        one_after_another(question, 4, 5.0)
        alone = statistics.median(a.seconds for a in one_after_another(question, 1, 5.0))
        answered = one_after_another(question, 4, 15.0)
        capacity = sum(a.outcome == "200" for a in answered) / 15.0
        print(f"{capacity:.1f} a second; now twice as many …", file=sys.stderr, flush=True)
        with _memory_of(process) as memory:
            answers = at_a_rate(question, 2 * capacity, seconds)
        process.terminate()
        status = process.wait(120)
    for line in (folder / "log").read_text().splitlines():
        if '"level": "info"' not in line:
            print(line, file=sys.stderr)
    return Outcome(engine, capacity, alone, answers, memory, seconds, status)


@contextlib.contextmanager
def _serving(agent: list[str], log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, str]]:
    with log.open("wb") as stream:
        process = subprocess.Popen([*agent, "serve"], stderr=stream)
    try:
        events: dict[str, dict[str, object]] = {}
        while "serving" not in events:
            time.sleep(0.1)
            # TFLite's interpreter writes lines of its own between the agent's.
            lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
            events = {event["event"]: event for event in map(json.loads, lines)}
            if process.poll() is not None:
                sys.exit(log.read_text())
        yield process, int(str(events["listening"]["port"])), str(events["serving"]["engine"])
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _memory_of(process: subprocess.Popen[bytes]) -> Iterator[list[tuple[float, float]]]:
    """Seconds and resident MiB, twice a second."""
    found: list[tuple[float, float]] = []
    over = threading.Event()
    start = time.monotonic()

    def look() -> None:
        while not over.wait(0.5):
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            found.append((time.monotonic() - start, pages * 4096 / 2**20))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def missed(outcome: Outcome) -> list[str]:
    """Each goal that was not reached, in words."""
    counts = Counter(answer.outcome for answer in outcome.answers)
    found = [f"{n} × {what}" for what, n in counts.items() if what not in DECLARED]
    minute = outcome.seconds / 5
    growth = outcome.resident(outcome.seconds - minute, outcome.seconds) - outcome.resident(
        0, minute
    )
    if growth > GROWTH:
        found.append(f"the memory grew by {growth:.1f} MiB")
    for part in range(5):
        times = outcome.accepted(part * minute, (part + 1) * minute)
        queue = (QUEUE + 2) * minute / len(times) if times else 0.0
        if not times or statistics.median(times) > queue:
            found.append(f"the median of part {part + 1} is above what a full queue takes")
    longest = max(outcome.accepted(0, outcome.seconds), default=0.0)
    if longest > DEADLINE:
        found.append(f"an accepted request took {longest:.2f} s, not {DEADLINE:g}")
    if outcome.status:
        found.append(f"the agent ended with status {outcome.status}")
    return found


def to_markdown(outcome: Outcome) -> str:
    """The section of the page."""
    counts = Counter(answer.outcome for answer in outcome.answers)
    late = statistics.quantiles([a.late for a in outcome.answers], n=100)[98]
    facts = {
        **hardware(),
        "model and engine": f"{MODEL}, {outcome.engine}",
        "one after another": f"{outcome.alone * 1e3:.0f} ms",
        "capacity, 4 connections": f"{outcome.capacity:.1f} a second",
        "offered": f"{len(outcome.answers) / outcome.seconds:.1f} a second for "
        f"{outcome.seconds:.0f} s",
        "sent later than planned, 99 %": f"{max(0.0, late) * 1e3:.0f} ms",
    }
    facts |= {f"answered with {what}": f"{n}" for what, n in sorted(counts.items())}
    fifth = outcome.seconds / 5
    rows = []
    for part in range(5):
        begin, end = part * fifth, (part + 1) * fifth
        times = np.array(outcome.accepted(begin, end) or [np.nan]) * 1e3
        median, p99 = np.percentile(times, (50, 99))
        cells = (f"{median:.0f}", f"{p99:.0f}", f"{times.max():.0f}")
        rate = f"{len(times) / fifth:.1f}"
        rows.append(
            (f"{begin:.0f} to {end:.0f}", rate, *cells, f"{outcome.resident(begin, end):.1f}")
        )
    columns = (
        "seconds",
        "answers a second",
        "median, ms",
        "99 %, ms",
        "longest, ms",
        "memory, MiB",
    )
    goals = "\n".join(f"- {line}" for line in missed(outcome) or ["none"])
    return (
        "The load comes from another process on the same machine. Every answer is compared with "
        "that of the NumPy core; every refusal says when to come again.\n\n"
        f"{table(('measured on', ''), facts.items())}\n{table(columns, rows)}\n"
        f"### Goals missed\n\n{goals}\n\nThe goals: answers and declared refusals alone; memory "
        f"that grows by less than {GROWTH:g} MiB from the first fifth to the last; no accepted "
        f"request slower than {DEADLINE:g} s, and at no time the median above what a full queue "
        f"takes, which is {QUEUE + 2} requests at the rate of that time; an end in order.\n"
    )
