"""Rows of a Polars frame as a model's inputs, its outputs as columns (the extra `polars`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import InputError, LikewiseError, MissingDependencyError, UnsupportedError
from likewise.ir import DType, TensorType
from likewise.ops.conversion import convert
from likewise.ops.narrow import widened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from likewise.ir import Array
    from likewise.targets.ports import Port, Runs

__all__ = ["run_frame"]


def run_frame(
    model: Runs,
    frame: pl.DataFrame,
    *,
    columns: Mapping[str, Sequence[str]] | None = None,
    constants: Mapping[str, Any] | None = None,
    batch: int = 1024,
    cast: bool = False,
) -> pl.DataFrame:
    """Give the outputs of `model` as columns, a row for each row of `frame`.

    A column goes to the input of its name: numbers, booleans or text as [rows] (or [rows, 1] where
    the input has that shape), a `List` or `Array` column as [rows, …]. `columns` names others:
    `{"x": ["age", "income"]}` makes them one input [rows, 2]. `constants` are inputs that are the
    same for every row. Rows go through in parts of `batch`, or of the size that the model fixes.

    Values become the input's element type if that changes none of them; `cast` rounds them. An
    output [rows] is a column of its type, [rows, …] an `Array` column, a sequence of maps a
    `Struct` column; float16 and bfloat16 become Float32.

    Raises `InputError` for columns that are missing, hold nulls or do not fit,
    `UnsupportedError` for outputs that are no rows, `MissingDependencyError` without Polars.
    """
    _check(frame)
    import polars as pl

    try:
        same = dict(constants or {})
        feeds = {
            port.name: _input(port, [frame[name] for name in names], cast=cast)
            for port, names in _assigned(model.inputs, frame.columns, columns or {}, same)
        }
        parts = _parts(model.inputs, feeds, frame.height, batch)
        made = [
            model.run({**same, **{name: rows[part] for name, rows in feeds.items()}})
            for part in parts
        ]
        sizes = [part.stop - part.start for part in parts]
        return pl.DataFrame([_column(name, [one[name] for one in made], sizes) for name in made[0]])
    except LikewiseError as error:
        raise error if error.where[:1] == (model.name,) else error.at(model.name) from None


def _check(frame: object) -> None:
    """Refuse what is no frame."""
    try:
        import polars as pl
    except ImportError:
        raise MissingDependencyError("polars", "polars", "running a model on a frame") from None
    if not isinstance(frame, pl.DataFrame):
        lazy = isinstance(frame, pl.LazyFrame)
        raise InputError(
            "the rows are in no frame",
            given=f"{type(frame).__module__.partition('.')[0]}.{type(frame).__name__}",
            allowed="a polars.DataFrame",
            hint=f"{'call .collect() on it' if lazy else 'polars.DataFrame(…) may make one of it'}",
        )


def _assigned(
    ports: Sequence[Port],
    there: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    constants: Mapping[str, Any],
) -> Iterator[tuple[Port, Sequence[str]]]:
    """Which columns each input is made of."""
    names = {port.name: str(port) for port in ports}
    for name in (*columns, *constants):
        if name not in names:
            raise InputError(
                f"the model has no input {name!r}", allowed=", ".join(names.values()) or "none"
            )
    for name, chosen in columns.items():
        lost = [one for one in chosen if one not in there]
        if lost or not chosen or isinstance(chosen, str):
            raise InputError(
                f"the columns for input {name!r} are not all there",
                given=chosen,
                allowed=", ".join(map(repr, there)) or "a frame with columns",
            )
    open_ones = [port for port in ports if port.name not in constants]
    missing = [one for one in open_ones if one.name not in columns and one.name not in there]
    if missing:
        one = missing[0]
        raise InputError(
            f"no column is called like the input {str(one)!r}",
            given=", ".join(map(repr, there)) or "no columns",
            hint=f"name its columns: {one.name}={','.join(there[:3]) or 'a,b'}",
        )
    for port in open_ones:
        yield port, columns.get(port.name, (port.name,))


def _input(port: Port, series: Sequence[pl.Series], *, cast: bool) -> Array:
    """The rows of an input: [rows, …] in its element type."""
    if not isinstance(port.type, TensorType):
        raise InputError(f"input {port.name!r} is no tensor, so no column can hold it")
    dims = port.shape
    if dims == ():
        raise InputError(
            f"input {port.name!r} is one value, not one for each row",
            hint="give it as a constant",
        )
    made = [_converted(one, port.type.dtype, cast=cast) for one in series]
    if len(made) == 1:
        (rows,) = made
        single = dims is not None and len(dims) == rows.ndim + 1 and dims[-1] == 1
        return rows[..., None] if single else rows
    nested = [one.name for one, rows in zip(series, made, strict=True) if rows.ndim != 1]
    if nested:
        raise InputError(
            f"input {port.name!r} is made of several columns, and {nested[0]!r} holds lists",
            allowed="columns of single values, or one column of lists",
        )
    return np.stack(made, axis=1)


def _converted(series: pl.Series, dtype: DType, *, cast: bool) -> Array:
    """A column as an array of `dtype`, where no value changes or `cast` allows it."""
    where = f"column {series.name!r}"
    rows = _array(series, where)
    text = rows.dtype == object
    if text or dtype is DType.STRING:
        if not (text and dtype is DType.STRING):
            raise InputError(f"{where} has the wrong type", given=series.dtype, allowed=dtype)
        return rows
    wanted = dtype.numpy
    if rows.dtype == wanted:
        return rows
    if dtype is DType.BOOL:
        raise InputError(f"{where} has the wrong type", given=series.dtype, allowed="Boolean")
    with np.errstate(all="ignore"):
        made = convert(rows, dtype, saturate=False)
        back = convert(made, DType.of(rows.dtype))
        changed = (back != rows) & ~((rows != rows) & (back != back))  # noqa: PLR0124 — NaN
        if rows.dtype.kind in "iu" and made.dtype.kind == "f":
            # 2**63 - 1 becomes 2**63, which the cast back makes 2**63 - 1 again.
            changed |= np.abs(made) >= 2.0**63
    if changed.any() and not (cast and dtype.is_float):
        row = int(np.argwhere(changed)[0][0])
        fits = dtype.is_float
        raise InputError(
            f"{where} holds numbers that {dtype} does not have",
            given=f"{rows[row]} in row {row}, {series.dtype}",
            hint="cast=True (--cast) rounds them" if fits else "convert the column first",
        )
    return made


def _array(series: pl.Series, where: str) -> Array:
    """A column as an array [rows, …]: numbers, booleans, or objects that are text."""
    import polars as pl

    if series.null_count():
        row = series.is_null().arg_max()
        raise InputError(f"{where} has no value in row {row}", hint="fill or drop the nulls")
    kind = series.dtype
    if isinstance(kind, pl.List | pl.Array):
        lengths = (series.list if isinstance(kind, pl.List) else series.arr).len().unique()
        if len(lengths) > 1:
            raise InputError(
                f"{where} holds lists of different lengths",
                given=", ".join(map(str, lengths.sort().head(8))),
                hint="pad them to one length",
            )
        size = int(lengths[0]) if len(lengths) else getattr(kind, "size", 0)
        if size == 0:
            return np.zeros((len(series), 0), np.float32)
        inner = _array(series.explode(), where)
        return inner.reshape(len(series), size, *inner.shape[1:])
    if isinstance(kind, pl.Categorical | pl.Enum):
        series = series.cast(pl.String)
    if series.dtype == pl.String:
        return np.array([*series.to_list(), None], object)[:-1]
    if not (kind.is_numeric() or kind == pl.Boolean) or kind.is_decimal():
        raise InputError(
            f"{where} has a type that no tensor has",
            given=kind,
            allowed="numbers, booleans, text, and lists of them",
        )
    return series.to_numpy()


def _parts(ports: Sequence[Port], feeds: Mapping[str, Array], rows: int, batch: int) -> list[slice]:
    """The rows that go through in one run each."""
    if batch < 1:
        raise InputError("a batch holds one row at least", given=batch)
    fixed: dict[int, str] = {}
    for port in ports:
        if port.name in feeds and port.shape and isinstance(port.shape[0], int):
            fixed.setdefault(port.shape[0], port.name)
    if len(fixed) > 1:
        raise InputError(
            "the inputs do not take the same number of rows",
            given=", ".join(f"{name!r}: {size}" for size, name in fixed.items()),
        )
    size = next(iter(fixed), batch)
    if fixed and (rows == 0 or size == 0 or rows % size):
        raise InputError(
            f"the model takes {size} rows at a time",
            given=f"{rows} rows",
            hint="add rows up to a multiple of that",
        )
    return [slice(at, min(at + size, rows)) for at in range(0, max(rows, 1), size)]


def _column(name: str, parts: Sequence[Any], sizes: Sequence[int]) -> pl.Series:
    """An output as a column; `sizes` are the numbers of rows of its parts."""
    import polars as pl

    for made, size in zip(parts, sizes, strict=True):
        length = len(made) if isinstance(made, list) or np.ndim(made) else None
        if length != size:
            raise UnsupportedError(
                f"output {name!r} has no row for each row of the frame",
                given=f"{size} rows in, {np.shape(made) if length is None else length} out",
            )
    if any(isinstance(made, list) for made in parts):
        return _struct(name, [item for made in parts for item in made])
    if len({made.shape[1:] for made in parts}) > 1:
        raise UnsupportedError(
            f"output {name!r} has another shape in each run",
            given=", ".join(str(list(made.shape)) for made in parts[:4]),
            hint="run all rows at once: a larger batch",
        )
    whole = np.concatenate(parts)
    dtype = DType.of(whole.dtype)
    if dtype is DType.STRING:
        return pl.Series(name, whole.tolist())
    if dtype.is_complex:
        raise UnsupportedError(f"output {name!r} is complex, and columns are not")
    if dtype.is_float and dtype not in {DType.FLOAT, DType.DOUBLE}:
        whole = convert(whole, DType.FLOAT)  # it holds each of these exactly
    elif dtype.is_narrow:
        whole = widened(whole)
    return pl.Series(name, np.ascontiguousarray(whole))


def _struct(name: str, maps: Sequence[Any]) -> pl.Series:
    """A sequence of maps of the same keys as a column of structs."""
    import polars as pl

    keys = list(maps[0]) if maps and isinstance(maps[0], dict) else []
    if any(not isinstance(one, dict) or one.keys() != dict.fromkeys(keys).keys() for one in maps):
        raise UnsupportedError(f"output {name!r} is no sequence of maps of the same keys")
    fields = {str(key): np.array([one[key] for one in maps]) for key in keys}
    return pl.DataFrame(fields).to_struct(name)
