"""The status page: one document without scripts that asks for nothing else."""

from __future__ import annotations

import platform
import time
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

import likewise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise_edge.agent import Agent
    from likewise_edge.serving import Slot
    from likewise_edge.state import State

__all__ = ["status_page"]

STYLE: Final = """
:root { color-scheme: light dark; --line: #8885; --soft: #8882; --good: #1a7f37; --bad: #b42318;
  --ink: #2563a8 }
@media (prefers-color-scheme: dark) { :root { --good: #4cc26a; --bad: #ff8a80; --ink: #7fb2f0 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.15rem; margin: 0 }
header, section > div:first-child { display: flex; flex-wrap: wrap; gap: 0 1rem;
  justify-content: space-between; align-items: baseline }
section { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 1rem 0 }
small, th, .note { color: color-mix(in srgb, currentColor 70%, transparent) }
table { border-collapse: collapse; width: 100%; margin-top: .75rem }
th, td { text-align: left; padding: .2rem .75rem .2rem 0; border-top: 1px solid var(--soft);
  font-weight: normal; white-space: nowrap }
th:last-child, td:last-child { padding-right: 0 }
td.good, td.bad { white-space: normal; overflow-wrap: break-word; width: 50% }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.good { color: var(--good) } .bad { color: var(--bad) }
figure { margin: .75rem 0 0; overflow-x: auto }
svg { display: block; width: 100%; min-width: 30rem; height: auto }
svg text { font: 11px system-ui, sans-serif; fill: currentColor; opacity: .7 }
svg line { stroke: var(--soft) } svg circle { fill: var(--ink); opacity: .6 }
svg path { fill: none; stroke: var(--ink); stroke-dasharray: 5 4 }
"""
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 760, 170, 56, 22


def status_page(agent: Agent) -> str:
    """The page: each model with what serves, how it proved itself, and how fast it answers."""
    slots = sorted(agent.slots.values(), key=lambda slot: slot.name)
    sections = [_section(slot, agent.store.state(slot.name)) for slot in slots]
    none = "<p>No model is installed: <code>likewise-edge install model.lwb</code></p>"
    up = _duration(time.time() - agent.started)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>likewise-edge</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="10">
<style>{STYLE}</style></head><body>
<header><h1>likewise-edge on {escape(platform.node())}</h1>
<small>{escape(likewise.__version__)}, up for {up}</small></header>
{"".join(sections) or none}
</body></html>
"""


def _section(slot: Slot, state: State) -> str:
    loaded = slot.loaded
    if loaded is None:
        head, mark = "nothing serves", '<span class="bad">not ready</span>'
    else:
        head = f"version {loaded.manifest.version} on {escape(loaded.engine)}"
        trial = state.probation is not None
        mark = '<span class="good">ready</span>' + (", on probation" if trial else "")
    parts = [
        f"<div><h2>{escape(slot.name)}</h2><span>{head}</span><span>{mark}</span></div>",
        _results(state),
        _figure(list(slot.latencies), slot.waiting),
        *(
            f'<p class="note">Rejected {escape(bundle[:12])}: {escape(why)}</p>'
            for bundle, why in state.rejected.items()
        ),
    ]
    return f"<section>{''.join(parts)}</section>\n"


def _results(state: State) -> str:
    if state.current is None:
        return ""
    rows = []
    for result in state.current.results:
        serves = " (serves)" if result.engine == state.current.engine else ""
        outcome = '<td class="good">passed</td>'
        if not result.passed:
            outcome = f'<td class="bad">{escape(result.problem)}</td>'
        numbers = f"{result.milliseconds:.2f}", f"{result.error:.1g}"
        cells = "".join(f'<td class="n">{n if result.passed else ""}</td>' for n in numbers)
        rows.append(f"<tr><td>{escape(result.engine)}{serves}</td>{outcome}{cells}</tr>")
    return (
        "<table><tr><th>engine</th><th>self-test</th>"
        '<th class="n">ms</th><th class="n">error</th></tr>'
        f"{''.join(rows)}</table>"
    )


def _figure(latencies: Sequence[tuple[float, float]], waiting: int) -> str:
    """The last runs over time, with their median."""
    if not latencies:
        return f'<p class="note">No run yet; {waiting} waiting.</p>'
    moments, seconds = np.asarray(latencies).T
    times = seconds * 1e3
    top = _rounded_up(float(times.max()))
    begin, span = float(moments[0]), max(float(moments[-1] - moments[0]), 1e-3)
    x = _LEFT + (moments - begin) / span * (_WIDTH - _LEFT - 8)
    y = (_HEIGHT - _BOTTOM) - times / top * (_HEIGHT - _BOTTOM - 8)
    median, p90, p99 = np.percentile(times, (50, 90, 99))
    level = (_HEIGHT - _BOTTOM) - median / top * (_HEIGHT - _BOTTOM - 8)
    grid = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{top * part:g} ms</text>'
        for part in (0, 0.5, 1)
        for at in [(_HEIGHT - _BOTTOM) - part * (_HEIGHT - _BOTTOM - 8)]
    )
    dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2"/>' for a, b in zip(x, y, strict=True))
    words = f"{len(times)} runs: median {median:.2f} ms, 90 % {p90:.2f}, 99 % {p99:.2f}"
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{words}">{grid}'
        f'{dots}<path d="M{_LEFT} {level:.1f}H{_WIDTH}"/>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{_duration(time.time() - begin)} ago</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT - 6}" text-anchor="end">'
        f"{_duration(time.time() - float(moments[-1]))} ago</text></svg>"
        f'<figcaption class="note">The last {words}; {waiting} waiting.</figcaption></figure>'
    )


def _rounded_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20 … that is not below."""
    power = 10.0 ** np.floor(np.log10(max(value, 1e-3)))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value))


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
