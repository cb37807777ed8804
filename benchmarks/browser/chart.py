"""The speeds as a picture beside the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.browser.run import Outcome

__all__ = ["draw"]

COLOURS = {"fast": "#0b6e99", "strict": "#8cc0d6"}


def draw(outcomes: Sequence[Outcome], file: Path) -> None:
    """Write an SVG: a bar for fast and one for strict numerics, a mark at each goal."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    labels = [one.prepared.contest.label for one in outcomes]
    goals = [one.prepared.contest.goal for one in outcomes]
    rows = range(len(outcomes))
    # Text stays text, and the same figures give the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "likewise"}):
        figure = Figure(figsize=(8, 0.8 + 0.42 * len(outcomes)), layout="constrained")
        axes = figure.subplots()
        for place, (name, colour) in enumerate(COLOURS.items()):
            speeds = [one.speed(name) or 0 for one in outcomes]
            positions = [row + 0.36 * (place - 0.5) for row in rows]
            axes.barh(positions, speeds, 0.34, color=colour, label=name)
        axes.plot(goals, rows, "|", color="black", markersize=16, label="goal (fast)")
        axes.axvline(1, color="grey", linewidth=1)
        axes.set_yticks(list(rows), labels)
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.set_xlabel("times as fast as onnxruntime-web, one thread, Chromium")
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside upper center", frameon=False, ncols=3)
        figure.savefig(file, format="svg", metadata={"Date": None})
