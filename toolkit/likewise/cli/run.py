"""`likewise run`: one run of a model, its outputs shown and kept."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.cli.common import feeds_for, parse_constants, print_json, print_tables, table
from likewise.cli.rows import parse_columns, read_rows, write_rows
from likewise.compiler import compile as compile_to_target
from likewise.errors import InputError
from likewise.frames import run_frame
from likewise.ir import DType
from likewise.model import Model, load
from likewise.ops.conversion import convert
from likewise.ops.narrow import is_narrow, widened
from likewise.targets import litert, wasm
from likewise.targets.litert.writer import IDENTIFIER
from likewise.targets.ports import check_feeds
from likewise.targets.wasm.sections import MAGIC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.ir import Array

__all__ = ["run_model", "run_rows"]


def run_model(
    path: str,
    *,
    inputs: Sequence[str],
    shapes: Sequence[str],
    seed: int,
    output: str | None,
    as_json: bool,
    target: str = "numpy",
    numerics: Any = "fast",
    threads: int | None = None,
) -> None:
    """Run the model at `path`, show a summary of its outputs and keep them in `output`."""
    model: Model | wasm.Runner | litert.Runner = _compiled(path, threads or 1) or load(path)
    feeds = feeds_for(model, inputs, shapes, seed)
    sizes = {name: np.shape(value) for name, value in feeds.items()}
    if target == "wasm" and isinstance(model, Model):
        model = compile_to_target(model, "wasm", shapes=sizes, numerics=numerics).load()
    elif target == "litert" and isinstance(model, Model):
        model = compile_to_target(model, "litert", shapes=sizes).load(threads=threads or 1)
    start = time.perf_counter()
    made = model.run(feeds)
    milliseconds = (time.perf_counter() - start) * 1e3
    arrays = check_feeds(model.inputs, feeds)
    feeds = {
        port.name: array
        for port, array in zip(model.inputs, arrays, strict=True)
        if port.name in feeds
    }
    if output:
        _keep(output, made)
    if as_json:
        content = {
            "model": path,
            "milliseconds": milliseconds,
            "inputs": {name: _described(value) for name, value in feeds.items()},
            "outputs": {name: _described(value) for name, value in made.items()},
        }
        print_json(content)
        return
    columns = ("", "name", "type", ">min", ">mean", ">max", "first values")
    rows = [
        (kind, name, *_row(value))
        for kind, values in (("in", feeds), ("out", made))
        for name, value in values.items()
    ]
    print_tables(table(f"{path}: {milliseconds:.1f} ms", columns, rows))


def run_rows(
    path: str,
    rows: str,
    *,
    columns: Sequence[str],
    constants: Sequence[str],
    cast: bool,
    output: str | None,
    as_json: bool,
) -> None:
    """Run the model at `path` on every row of the file `rows`; keep its outputs as columns."""
    model: Model | wasm.Runner | litert.Runner = _compiled(path, 1) or load(path)
    frame = read_rows(rows)
    start = time.perf_counter()
    made = run_frame(
        model,
        frame,
        columns=parse_columns(columns),
        constants=parse_constants(constants),
        cast=cast,
    )
    milliseconds = (time.perf_counter() - start) * 1e3
    if output:
        write_rows(made, output)
    if as_json:
        types = {name: str(kind) for name, kind in made.schema.items()}
        print_json(
            {"model": path, "rows": made.height, "milliseconds": milliseconds, "outputs": types}
        )
        return
    shown = [
        (name, str(kind), " ".join(str(value)[:40] for value in made[name].head(4).to_list()))
        for name, kind in made.schema.items()
    ]
    title = f"{path}: {made.height:,} rows, {milliseconds:.1f} ms"
    print_tables(table(title, ("out", "type", "first rows"), shown))


def _compiled(path: str, threads: int) -> wasm.Runner | litert.Runner | None:
    """The runner of a compiled module or a TFLite file; None for any other file."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(len(MAGIC))
    except OSError:
        return None  # `load` says what is wrong
    if start == MAGIC:
        return wasm.load(path)
    return litert.load(path, threads=threads) if start.endswith(IDENTIFIER) else None


def _keep(path: str, made: dict[str, Any]) -> None:
    arrays = {name: value for name, value in made.items() if isinstance(value, np.ndarray)}
    left = made.keys() - arrays.keys()
    if left:
        raise InputError(f"outputs that are no tensors cannot be kept in {path!r}", given=left)
    try:
        with open(path, "wb") as file:  # noqa: PTH123 — np.savez would append .npz to a path
            np.savez(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error.strerror}") from None


def _described(value: Any) -> dict[str, Any]:
    if not isinstance(value, np.ndarray):
        return {"type": type(value).__name__, "value": repr(value)[:200]}
    described: dict[str, Any] = {"dtype": _dtype(value), "shape": list(value.shape)}
    numbers = _numbers(value)
    if numbers is not None:
        described |= {"min": numbers.min(), "mean": numbers.mean(), "max": numbers.max()}
        described = {k: float(v) if isinstance(v, np.number) else v for k, v in described.items()}
    return described | {"first": [str(item) for item in widened(value.reshape(-1)[:4])]}


def _dtype(value: Array) -> str:
    return str(DType.of(value.dtype) if is_narrow(value) else value.dtype)


def _numbers(value: Array) -> Array | None:
    if value.size == 0 or value.dtype == object or value.dtype.kind == "c":
        return None
    return convert(value, DType.DOUBLE)


def _row(value: Any) -> tuple[str, ...]:
    if not isinstance(value, np.ndarray):
        return (type(value).__name__, "", "", "", repr(value)[:60])
    numbers = _numbers(value)
    extent = ("", "", "")
    if numbers is not None:
        extent = tuple(f"{x:.5g}" for x in (numbers.min(), numbers.mean(), numbers.max()))  # type: ignore[assignment]
    items = widened(value.reshape(-1)[:4])
    first = " ".join(f"{x:.5g}" if numbers is not None else str(x) for x in items)
    return (f"{_dtype(value)}{list(value.shape)}", *extent, first)
