"""A report as one page that needs nothing else."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from likewise.conform.compare import ULP_LIMITS
from likewise.errors import MissingDependencyError

if TYPE_CHECKING:
    from likewise.conform.check import Report

__all__ = ["as_html"]

COLOURS: Final = ("#0b6e99", "#d1495b", "#2e8b57", "#8f5fbf", "#c77c11", "#00868b", "#a3545c")
INK: Final = "#010203"
"""Stands for the page's own colour of text, whichever that is."""
MARKERS: Final = "os^Dv<>"


def as_html(report: Report) -> str:
    """The page: verdicts, plots and the environment, light or dark as its reader has it.

    Raises `MissingDependencyError` without Jinja or Matplotlib.
    """
    try:
        from jinja2 import Environment, select_autoescape
    except ImportError:
        raise MissingDependencyError("jinja2", "conform", "writing the page") from None
    text = Path(__file__).with_name("report.html.jinja").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = _number
    return environment.from_string(text).render(
        report=report,
        title=Path(report.model).name,
        layers=_layers(report) if report.layers else "",
        histogram=_histogram(report),
    )


def _number(value: float | None) -> str:
    if value is None or math.isinf(value):
        return "—" if value is None else "∞"
    return "0" if value == 0 else f"{value:.2g}" if 0.01 <= abs(value) < 1000 else f"{value:.1e}"


def _layers(report: Report) -> str:
    """The error of values inside the model by position, for every target."""
    figure, axes = _figure(3.4)
    names = dict.fromkeys(name for one in report.layers for name in one.errors)
    for at, name in enumerate(names):
        points = [(one.position, one.errors[name]) for one in report.layers if name in one.errors]
        shown = [(x, y) for x, y in points if 0 < y < math.inf]
        axes.plot(
            [x for x, _ in shown],
            [y for _, y in shown],
            color=COLOURS[at % len(COLOURS)],
            marker=MARKERS[at % len(MARKERS)],
            markersize=4,
            linewidth=1.4,
            alpha=0.85,
            label=name,
        )
    axes.set_yscale("log")
    axes.set_xlabel("node, in topological order")
    axes.set_ylabel("error relative to scale")
    axes.grid(axis="y", color=INK, alpha=0.15)
    figure.legend(loc="outside upper left", frameon=False, ncols=4, labelcolor=INK)
    return _svg(figure, "Error by layer")


def _histogram(report: Report) -> str:
    """The share of elements by their error in units of the last place, all outputs together."""
    counts = {
        one.label: [sum(bins) for bins in zip(*found, strict=True)]
        for one in report.answers
        if (found := [f.difference.ulps for f in one.findings if f.difference and f.difference.ulp])
    }
    if not counts:
        return ""
    figure, axes = _figure(0.9 + 0.42 * len(counts))
    left = dict.fromkeys(counts, 0.0)
    for at in range(len(ULP_LIMITS)):
        widths = {name: 100 * bins[at] / max(1, sum(bins)) for name, bins in counts.items()}
        axes.barh(
            list(counts),
            list(widths.values()),
            left=list(left.values()),
            height=0.7,
            color=_shade(at / (len(ULP_LIMITS) - 1)),
            label=_bin(at),
        )
        left = {name: left[name] + width for name, width in widths.items()}
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("per cent of the elements")
    figure.legend(loc="outside upper left", frameon=False, ncols=5, labelcolor=INK)
    return _svg(figure, "Errors in units of the last place")


def _bin(at: int) -> str:
    if at == 0:
        return "the same"
    if math.isinf(ULP_LIMITS[at]):
        return f"> {ULP_LIMITS[at - 1]:g} ULP"
    return f"≤ {ULP_LIMITS[at]:g}"


def _shade(part: float) -> tuple[float, float, float]:
    """From green over yellow to red."""
    stops = ((0.18, 0.55, 0.42), (0.93, 0.77, 0.35), (0.78, 0.22, 0.27))
    low, high = (stops[0], stops[1]) if part < 0.5 else (stops[1], stops[2])
    share = part * 2 % 1 if part not in {0.5, 1} else float(part == 1)
    red, green, blue = (a + (b - a) * share for a, b in zip(low, high, strict=True))
    return red, green, blue


def _figure(height: float) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError("matplotlib", "conform", "drawing the page's plots") from None
    figure = Figure(figsize=(9, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK, which="both")
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    return figure, axes


def _svg(figure: Any, title: str) -> str:
    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "likewise"}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    drawing = text[text.index("<svg") :].replace(INK, "currentColor")
    return drawing.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
