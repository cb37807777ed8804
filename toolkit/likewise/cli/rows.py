"""Files of rows for `likewise run --rows`: read with Polars, written with Polars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from likewise.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

__all__ = ["parse_columns", "read_rows", "write_rows"]

FORMATS: Final = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".arrow": "ipc",
    ".ipc": "ipc",
}
"""What the end of a file's name says of its form: the names are those of Polars' functions."""


def read_rows(path: str) -> pl.DataFrame:
    """The rows in a file; raises `InputError` where there are none."""
    try:
        import polars as pl
    except ImportError:
        raise MissingDependencyError("polars", "polars", "reading files of rows") from None
    read = getattr(pl, f"read_{_form(path)}")
    try:
        frame: pl.DataFrame = read(path)
    except OSError as error:
        raise InputError(f"cannot read {path!r}: {error.strerror or error}") from None
    except pl.exceptions.PolarsError as error:
        raise InputError(f"cannot read rows from {path!r}: {_line(error)}") from None
    return frame


def write_rows(frame: pl.DataFrame, path: str) -> None:
    """Write rows to a file of the form that its name says."""
    from polars.exceptions import PolarsError

    try:
        getattr(frame, f"write_{_form(path)}")(path)
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error.strerror or error}") from None
    except PolarsError as error:
        Path(path).unlink(missing_ok=True)  # what was begun is no file of rows
        raise InputError(
            f"cannot write the rows to {path!r}: {_line(error)}", hint="a .parquet file holds all"
        ) from None


def parse_columns(texts: Sequence[str]) -> dict[str, list[str]]:
    """Columns by input name from `NAME=a,b,c`."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise InputError(f"--columns {text!r} is not understood", allowed="--columns NAME=a,b")
        found[name] = value.split(",")
    return found


def _form(path: str) -> str:
    form = FORMATS.get(Path(path).suffix.lower())
    if form is None:
        raise InputError(f"{path!r} is called like no file of rows", allowed=", ".join(FORMATS))
    return form


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
