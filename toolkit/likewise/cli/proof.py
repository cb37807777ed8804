"""`likewise conform` and `likewise bisect`: the targets held against each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.cli.common import (
    parse_constants,
    parse_shapes,
    print_json,
    print_tables,
    progress,
    table,
)
from likewise.conform.bisect import Side, bisect
from likewise.conform.check import conform
from likewise.conform.engines import engines, find
from likewise.conform.inputs import draw_feeds
from likewise.conform.reports.as_html import as_html
from likewise.conform.reports.as_json import as_json as report_as_json
from likewise.conform.reports.as_junit import as_junit
from likewise.conform.subject import Subject
from likewise.errors import InputError
from likewise.model import load
from likewise.targets.ports import Port, check_feeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.conform.bisect import Parting
    from likewise.conform.check import Finding, Report
    from likewise.conform.subject import Feeds

__all__ = ["bisect_model", "conform_model"]

GOOD, BROKEN = 0, 1


def conform_model(
    path: str,
    *,
    targets: str,
    inputs: str | None,
    shapes: Sequence[str],
    constants: Sequence[str],
    seed: int,
    runs: int,
    times: float,
    layers: int,
    html: str | None,
    junit: str | None,
    as_json: bool,
) -> int:
    """Run the model at `path` on the targets, show the report and write it; the exit status."""
    chosen = find(_names(targets)) if targets else list(engines().values())
    subject = _subject(path, shapes, constants, inputs)
    feeds = _feeds(subject, inputs, range(seed, seed + runs))
    origin = Path(inputs).name if inputs else f"drawn from seed {seed}"
    with progress(quiet=as_json) as told:
        report = conform(
            subject,
            feeds,
            chosen,
            origin=origin,
            times=times,
            layers=layers if html or as_json else 0,
            progress=told,
        )
    for file, text in ((html, as_html), (junit, as_junit)):
        if file:
            _write(file, text(report))
    if as_json:
        print_json(report_as_json(report))
    else:
        _show(report)
    return GOOD if report.good else BROKEN


def bisect_model(
    path: str,
    *,
    targets: str,
    inputs: str | None,
    shapes: Sequence[str],
    constants: Sequence[str],
    seed: int,
    times: float,
    output: str | None,
    as_json: bool,
) -> int:
    """Search the model at `path` for the first node where two targets part; the exit status."""
    first, second = _sides(targets)
    subject = _subject(path, shapes, constants, inputs)
    (feeds,) = _feeds(subject, inputs, [seed])
    with progress(quiet=as_json) as told:
        found = bisect(subject, feeds, (first, second), times=times, progress=told)
    files = found.save(output or "bisected.onnx") if found.graph is not None else ()
    if as_json:
        print_json(_described(found, files))
    else:
        _tell(found, files)
    return GOOD if found.node is None else BROKEN


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _sides(text: str) -> tuple[Side, Side]:
    """The two sides of `numpy,wasm` or `wasm:strict,node:strict`."""
    found = []
    for name in _names(text):
        engine_name, _, mode = name.partition(":")
        (engine,) = find([engine_name])
        mode = mode or engine.modes[0]
        if mode not in engine.modes:
            raise InputError(
                f"the target {engine_name!r} has no numerics {mode!r}",
                allowed=", ".join(filter(None, engine.modes)) or "none to choose",
            )
        if missing := engine.missing():
            raise InputError(f"the target {engine_name!r} is not here", hint=missing)
        found.append(Side(engine, mode))
    if len(found) != 2:
        raise InputError(
            "two targets are held against each other",
            given=text or "none",
            allowed=f"two of {', '.join(engines())}",
        )
    return found[0], found[1]


def _subject(
    path: str, shapes: Sequence[str], constants: Sequence[str], inputs: str | None
) -> Subject:
    """The model for the shapes given, or those of the arrays in the file of inputs."""
    model = load(path)
    given = parse_constants(constants)
    sizes: dict[str, Sequence[int]] = dict(parse_shapes(shapes))
    names = {port.name for port in model.inputs}
    for name, array in _arrays(inputs).items() if inputs else ():
        if name in names:
            sizes.setdefault(name, array.shape)
    # A leading size that nobody gives is one, as in `likewise run`.
    drawn = [port for port in model.inputs if port.name not in given]
    for name, array in draw_feeds(drawn, {}, sizes).items():
        sizes.setdefault(name, np.shape(array))
    return Subject(model, sizes, given, file=Path(path))


def _feeds(subject: Subject, inputs: str | None, seeds: Sequence[int]) -> list[Feeds]:
    ports = [Port(value.name, value.type) for value in subject.graph.inputs]
    if inputs:
        given = _arrays(inputs)
        arrays = check_feeds(ports, given)
        return [{port.name: one for port, one in zip(ports, arrays, strict=True)}]
    return [draw_feeds(ports, {}, {}, seed) for seed in seeds]


def _arrays(path: str) -> dict[str, np.ndarray[Any, Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except OSError as error:
        raise InputError(f"cannot read {path!r}: {error.strerror or error}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path!r} is no .npz file of arrays: {error}", hint="write one with numpy.savez"
        ) from None


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error.strerror}") from None


def _show(report: Report) -> None:
    columns = ("target", "output", ">max abs", ">rel. to scale", ">RMS", ">× reference", "verdict")
    rows: list[tuple[str, ...]] = []
    for one in report.answers:
        if one.error:
            rows.append((one.label, "", "", "", "", "", _shown_error(one.error, one.is_peer)))
        rows += [(one.label, *_cells(finding, one.is_peer)) for finding in one.findings]
    count = f"{report.runs} run{'' if report.runs == 1 else 's'}"
    title = f"{report.model}: {count}, {report.origin}; beside the graph in float64"
    tables = [table(title, columns, rows)]
    if report.bits:
        bits = [
            (one.mode, ", ".join(one.members), "; ".join(one.apart) or "every bit")
            for one in report.bits
        ]
        tables.append(table("the same bits", ("numerics", "targets", "verdict"), bits))
    notes = [(one.label, one.note) for one in report.answers if one.note]
    notes += [(name, f"not here: {what}") for name, what in report.absent.items()]
    if notes:
        tables.append(table("", ("", ""), notes))
    print_tables(*tables)
    print()
    print("Every target keeps the contract." if report.good else "Not every target does.")


def _cells(finding: Finding, is_peer: bool) -> tuple[str, ...]:
    name = f"{finding.output}, run {finding.run}" if finding.run else finding.output
    found, verdict = finding.difference, finding.verdict
    numbers = ("", "", "")
    if found is not None:
        numbers = (f"{found.absolute:.2e}", f"{found.relative:.2e}", f"{found.rms:.2e}")
    good = "good" if verdict.good else verdict.reason if is_peer else f"WRONG: {verdict.reason}"
    return (name, *numbers, f"{verdict.times:.2f}", good)


def _shown_error(error: str, is_peer: bool) -> str:
    text = " ".join(error.split())
    text = text if len(text) < 160 else f"{text[:159]}…"
    return f"refuses: {text}" if is_peer else f"FAILS: {text}"


def _described(found: Parting, files: Sequence[Path]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "targets": list(found.sides),
        "runs": found.runs,
        "nodes": found.nodes,
        "part": found.node is not None,
    }
    if found.node is not None:
        content |= {
            "node": found.node.name,
            "operator": found.node.operator.name,
            "position": found.position,
            "inputs": [str(one.type) for one in found.node.inputs if one is not None],
            "outputs": [str(one.type) for one in found.node.outputs if one is not None],
            "before": found.before,
            "after": found.after,
            "alone": found.alone,
            "reason": found.reason,
            "files": [str(file) for file in files],
        }
    return dict(json.loads(json.dumps(content, default=str)))


def _tell(found: Parting, files: Sequence[Path]) -> None:
    first, second = found.sides
    if found.node is None:
        print(f"{first} and {second} do not part: what differs is rounding ({found.runs} run).")
        return
    node = found.node
    types = [str(one.type) for one in node.inputs if one is not None]
    made = [str(one.type) for one in node.outputs if one is not None]
    company = len(found.graph.nodes) - 1 if found.graph else 0
    alone = f"with {company} nodes before it" if company else "by itself"
    rows = [
        ("node", node.name or node.label),
        ("operator", node.operator.name),
        ("position", f"{found.position} of {found.nodes}"),
        ("types", f"({', '.join(types)}) -> ({', '.join(made)})"),
        ("apart before", f"{found.before:.2e} of the scale"),
        ("apart after", f"{found.after:.2e} of the scale"),
        ("on the same inputs", f"it parts {alone}" if found.alone else "it does not part"),
        ("why", found.reason),
        *(("written", str(file)) for file in files),
    ]
    title = f"{first} and {second} part here ({found.runs} runs of both)"
    print_tables(table(title, ("", ""), rows))
