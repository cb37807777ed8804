"""What the demo says: tables for people, JSON for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.engines import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demo.engines import Difference
    from demo.readings import Reading

__all__ = ["agree", "as_json", "print_report"]

BETWEEN = "around them"
WIDE = 120
"""Columns of the output where it is no terminal."""


def agree(readings: Sequence[Reading]) -> bool:
    """Whether all engines read the same texts."""
    return all(reading.texts == readings[0].texts for reading in readings)


def print_report(
    readings: Sequence[Reading],
    differences: Mapping[str, Difference],
    drawn: Sequence[str] | None,
    threads: int,
) -> None:
    """Print what was read, how long it took, and how far the engines agree.

    `drawn` are the lines that the page is known to have, `threads` how many each engine had.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDE)
    console.print(_lines_table(readings))
    console.print()
    console.print(_times_table(readings, differences, threads))
    console.print()
    for line in _conclusions(readings, differences, drawn):
        console.print(line)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left")
    return table


def _lines_table(readings: Sequence[Reading]) -> Table:
    ours, others = readings[0], readings[1:]
    columns = ["text", ">confidence", *(reading.engine.name for reading in others), ""]
    table = _table(f"Read by {ours.engine.name} {ours.engine.version}", columns)
    for index, line in enumerate(ours.lines):
        cells = [Text(line.text), Text(f"{line.confidence:.1%}")]
        for other in others:
            same = index < len(other.lines) and other.lines[index].text == line.text
            text = other.lines[index].text if index < len(other.lines) else "nothing"
            cells.append(Text("same", "green") if same else Text(text, "red"))
        cells.append(Text("was upside down" if line.turned else "", "dim"))
        table.add_row(*cells)
    return table


def _times_table(
    readings: Sequence[Reading], differences: Mapping[str, Difference], threads: int
) -> Table:
    ours, *others = readings
    columns = ["network", ">calls", *(f">{r.engine.name} ms" for r in readings)]
    columns += [">ratio", ">largest difference"] if others else []
    title = f"Times with {threads} thread{'s' if threads > 1 else ''}"
    table = _table(f"{title} each" if others else title, columns)
    for stage in (*STAGES, BETWEEN, "in all"):
        spent = [_milliseconds(reading, stage) for reading in readings]
        calls = str(ours.calls_of(stage)) if stage in STAGES else ""
        row = [stage, calls, *(f"{time:.1f}" for time in spent)]
        if others:
            row.append(f"{spent[0] / spent[1]:.2f}" if stage != BETWEEN else "")
            apart = differences.get(stage)
            row.append(f"{apart.absolute:.1e}" if apart else "")
        table.add_row(*row, end_section=stage == BETWEEN)
    return table


def _milliseconds(reading: Reading, stage: str) -> float:
    within = sum(reading.stage_seconds.values())
    seconds = {**reading.stage_seconds, BETWEEN: reading.seconds - within}
    return 1e3 * seconds.get(stage, reading.seconds)


def _conclusions(
    readings: Sequence[Reading],
    differences: Mapping[str, Difference],
    drawn: Sequence[str] | None,
) -> list[Text]:
    ours = readings[0]
    loads = ", ".join(f"{r.engine.name} {1e3 * r.engine.load_seconds:.0f} ms" for r in readings)
    said = [Text(f"Models opened: {loads}.")]
    if drawn is not None:
        right = sum(text in drawn for text in ours.texts)
        said.append(Text(f"{right} of the {len(drawn)} lines drawn were read letter by letter."))
    if differences:
        farthest = max(d.relative for d in differences.values())
        same = agree(readings)
        verdict = "The texts agree" if same else "The texts DIFFER"
        said.append(
            Text(
                f"{verdict}; the networks' outputs differ by at most {farthest:.1e} of their "
                "largest value.",
                "bold green" if same else "bold red",
            )
        )
    return said


def as_json(
    readings: Sequence[Reading],
    differences: Mapping[str, Difference],
    drawn: Sequence[str] | None,
) -> dict[str, Any]:
    """The same as `print_report` says, for machines."""
    return {
        "agree": agree(readings),
        "drawn": None if drawn is None else list(drawn),
        "engines": [
            {
                "name": reading.engine.name,
                "version": reading.engine.version,
                "load_milliseconds": 1e3 * reading.engine.load_seconds,
                "milliseconds": 1e3 * reading.seconds,
                "network_milliseconds": {
                    stage: 1e3 * seconds for stage, seconds in reading.stage_seconds.items()
                },
                "lines": [
                    {
                        "text": line.text,
                        "confidence": line.confidence,
                        "corners": line.corners.round(1).tolist(),
                        "upside_down": line.turned,
                    }
                    for line in reading.lines
                ],
            }
            for reading in readings
        ],
        "differences": {
            stage: {"absolute": d.absolute, "relative": d.relative}
            for stage, d in differences.items()
        },
    }
