"""A model compiled by two checkouts of this repository, timed call by call in one page."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tools.models import ensure

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from benchmarks.browser.site import Prepared

__all__ = ["Beside", "beside_table", "run_beside"]

WARM_UP = 3000
"""Milliseconds for both modules together before anything counts."""

_COMPILE = """
import json, sys
import numpy as np
import likewise
path, target, shapes, constants = sys.argv[1], sys.argv[2], *map(json.loads, sys.argv[3:])
constants = {name: np.array(value, dtype) for name, (value, dtype) in constants.items()}
likewise.compile(path, shapes=shapes, constants=constants).save(target)
"""


@dataclass(frozen=True)
class Beside:
    """The milliseconds of every call of the other checkout's module and of ours, in turn, and how
    far their outputs are apart, relative to the largest.
    """

    label: str
    other: tuple[float, ...]
    own: tuple[float, ...]
    apart: float


def run_beside(
    browser: Browser, site: tuple[str, Path], prepared: Prepared, checkout: Path, seconds: float
) -> Beside:
    """Compile with the checkout, and time both modules. A site is its address and its folder."""
    address, folder = site
    name = prepared.contest.model
    other = folder / f"{name}.beside.wasm"
    constants = {
        one: (np.asarray(value).tolist(), str(np.asarray(value).dtype))
        for one, value in prepared.constants.items()
    }
    arguments = [ensure(name), other, json.dumps(dict(prepared.shapes)), json.dumps(constants)]
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve() / "toolkit")}
    command = [sys.executable, "-c", _COMPILE, *map(str, arguments)]
    subprocess.run(command, check=True, env=environment)
    page = browser.new_page()
    page.goto(f"{address}/page/")
    spec = {
        "modules": [f"/{other.name}", f"/{name}.wasm"],
        "inputs": prepared.inputs,
        "warmUp": WARM_UP,
        "milliseconds": 1000 * seconds,
    }
    found = page.evaluate("spec => globalThis.benchmark.beside(spec)", spec)
    page.close()
    other_times, own_times = map(tuple, found["times"])
    return Beside(prepared.contest.label, other_times, own_times, found["apart"])


def beside_table(outcomes: list[Beside]) -> str:
    """The least and the lower quartile of either, which other work on the machine stretches least,
    and how many times as fast ours is by each.
    """
    head = f"{'other, ms: least':>16} {'quartile':>9} {'ours, ms: least':>16} {'quartile':>9}"
    lines = [f"{head} {'times as fast':>15} {'apart':>8}"]
    for one in outcomes:
        least = [min(times) for times in (one.other, one.own)]
        low = [_quartile(times) for times in (one.other, one.own)]
        lines.append(
            f"{least[0]:16.3f} {low[0]:9.3f} {least[1]:16.3f} {low[1]:9.3f}"
            f" {least[0] / least[1]:7.2f} {low[0] / low[1]:7.2f} {one.apart:8.0e}  {one.label}"
        )
    return "\n".join(lines)


def _quartile(times: tuple[float, ...]) -> float:
    return statistics.quantiles(times, n=4)[0] if len(times) > 1 else times[0]
