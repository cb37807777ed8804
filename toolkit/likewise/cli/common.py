"""What the commands share: options made values, and how results are shown."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from likewise.conform.inputs import draw_feeds
from likewise.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from likewise.ir import Array
    from likewise.model import Model
    from likewise.targets import litert, wasm

__all__ = [
    "feeds_for",
    "parse_shapes",
    "print_json",
    "print_tables",
    "printable",
    "progress",
    "table",
]


def feeds_for(
    model: Model | wasm.Runner | litert.Runner,
    inputs: Sequence[str],
    shapes: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """The inputs of a run from the options `-i`, `--shape` and `--seed`."""
    given = dict(_read_input(text) for text in inputs)
    return draw_feeds(model.inputs, given, parse_shapes(shapes), seed)


def _split(text: str, option: str, form: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name or not value:
        raise InputError(f"{option} {text!r} is not understood", allowed=f"{option} {form}")
    return name, value


def _read_input(text: str) -> tuple[str, Array]:
    name, path = _split(text, "--input", "NAME=FILE.npy")
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise InputError(f"cannot read {path!r}: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(
            f"{path!r} is not a .npy file of numbers: {error}",
            hint="write one with numpy.save",
        ) from None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path!r} holds several arrays", allowed="a .npy file with one")
    return name, array


def parse_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Shapes by input name from `NAME=1,3,224,224`; `NAME=()` is a scalar."""
    found = {}
    for text in texts:
        name, value = _split(text, "--shape", "NAME=1,3,224,224")
        try:
            sizes = tuple(int(size) for size in value.strip("()[]").split(",") if size.strip())
        except ValueError:
            sizes = (-1,)
        if any(size < 0 for size in sizes):
            raise InputError(
                f"--shape {text!r} is not understood", allowed="--shape NAME=1,3,224,224"
            )
        found[name] = sizes
    return found


def parse_constants(texts: Sequence[str]) -> dict[str, Any]:
    """Values by input name from `NAME=16000` or nested lists in JSON, `NAME=[[1, 2]]`."""
    found = {}
    for text in texts:
        name, value = _split(text, "--constant", "NAME=16000")
        try:
            found[name] = np.array(json.loads(value))
        except ValueError:
            raise InputError(
                f"--constant {text!r} is not understood",
                allowed="--constant NAME=16000, or lists: NAME=[[1, 2]]",
            ) from None
    return found


def print_json(content: Any) -> None:
    """Print `content` as JSON on standard output."""
    print(json.dumps(content, indent=2, default=str))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose columns named with a leading `>` are right-aligned."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    made.show_header = any(columns)
    made.min_width = len(title)
    for column in columns:
        right = column.startswith(">")
        made.add_column(column.lstrip(">"), justify="right" if right else "left")
    for row in rows:
        made.add_row(*(printable(str(cell)) for cell in row))
    return made


def printable(text: str) -> str:
    """`text` without control characters: a model's names may hold escape sequences."""
    return (
        text
        if text.isprintable()
        else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    )


def print_tables(*tables: Table) -> None:
    """Print tables below each other; plain text where the output is no terminal."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=160)
    for index, one in enumerate(tables):
        if index:
            console.print()
        console.print(one)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Shows what is being done while it is done, on a terminal; elsewhere nothing."""
    console = Console(stderr=True, quiet=quiet)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:
        yield lambda text: status.update(f"{printable(text)} …")
