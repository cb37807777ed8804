"""Which register tile a kernel takes for which shape: a table, kept as data.

`tiles.json` beside this module holds what was found best where it was measured; a file of the same
format that `likewise compile --tune` writes goes before it. docs/tiles.md describes the format. A
tile says how much is computed at a time, never in what order sums are added up: results are the
same to the bit whatever the table says.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from likewise.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["FORMAT", "Rule", "Shape", "TileSize", "Tiles", "default_tiles"]

FORMAT: Final = "likewise.tiles/1"


@dataclass(frozen=True, slots=True, order=True)
class TileSize:
    """So many rows (places, pixels) by so many columns (output channels) at a time."""

    rows: int
    columns: int

    @classmethod
    def read(cls, text: object) -> Self:
        """Of text such as `6x8`."""
        found = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", text) if isinstance(text, str) else None
        if found is None:
            raise InputError("this is no tile", given=repr(text), allowed="such as '6x8'")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kernel computes, as far as the best tile depends on it.

    `sizes` are the rows, along as many axes as they have, the columns, and the products that are
    summed up for one element.
    """

    kernel: str
    sizes: tuple[int, ...]

    @classmethod
    def read(cls, text: str) -> Self:
        """Of text such as `f32_conv_3x3 56x56x64x576`."""
        found = re.fullmatch(r"(\w+) (\d{1,10}(?:x\d{1,10}){2,8})", text)
        if found is None:
            raise InputError(
                "this is no shape of a kernel", given=repr(text), allowed="such as 'f32_gemm 9x8x7'"
            )
        return cls(found[1], tuple(map(int, found[2].split("x"))))

    @property
    def rows(self) -> int:
        return prod(self.sizes[:-2])

    def __str__(self) -> str:
        return f"{self.kernel} {'x'.join(map(str, self.sizes))}"


@dataclass(frozen=True, slots=True)
class Rule:
    """The tile of kernels whose names fit a pattern, of shapes of at most so many rows, in one
    kind of numerics or in both.

    `others` are what else these kernels can be written with.
    """

    kernel: str
    tile: TileSize
    others: tuple[TileSize, ...]
    rows: int | None = None
    numerics: str | None = None

    def fits(self, shape: Shape, numerics: str) -> bool:
        return (
            fnmatchcase(shape.kernel, self.kernel)
            and (self.rows is None or shape.rows <= self.rows)
            and self.numerics in (None, numerics)
        )


@dataclass(frozen=True)
class Tiles:
    """The table: what was chosen for a shape, else what the first rule says that fits it and the
    numerics.
    """

    rules: tuple[Rule, ...]
    chosen: Mapping[Shape, TileSize] = field(default_factory=dict)
    engine: str = ""
    numerics: str = "fast"

    def of(self, shape: Shape) -> TileSize:
        """The tile for a shape."""
        return self.chosen.get(shape) or self._rule(shape).tile

    def candidates(self, shape: Shape) -> tuple[TileSize, ...]:
        """All tiles that can be chosen for a shape, that of the rule first."""
        rule = self._rule(shape)
        return (rule.tile, *rule.others)

    def choosing(self, chosen: Mapping[Shape, TileSize], engine: str = "") -> Tiles:
        """The table with other choices."""
        return replace(self, chosen=dict(chosen), engine=engine)

    def under(self, numerics: str) -> Tiles:
        """The table for `fast` or `strict` numerics."""
        return replace(self, numerics=numerics)

    def _rule(self, shape: Shape) -> Rule:
        return next(rule for rule in self.rules if rule.fits(shape, self.numerics))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write what was chosen; raises `InputError` where that cannot be."""
        content = {
            "format": FORMAT,
            "engine": self.engine,
            "tiles": {str(shape): str(tile) for shape, tile in self.chosen.items()},
        }
        file = Path(path)
        try:
            file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot write {str(file)!r}: {error.strerror}") from None
        return file

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Tiles:
        """The default table with the choices of a file.

        Raises `InputError` for a file that is none of these, or names a tile that the kernel cannot
        be written with.
        """
        file = Path(path)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {str(file)!r}: {error.strerror}") from None
        try:
            return _choices(content)
        except InputError as error:
            raise error.at(str(file)) from None


def _choices(raw: bytes) -> Tiles:
    table = default_tiles()
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError("the file is not JSON", given=error) from None
    given = content.get("format") if isinstance(content, dict) else type(content).__name__
    if given != FORMAT:
        raise InputError(
            "the file holds no tiles",
            given=given,
            allowed=FORMAT,
            hint="`likewise compile --tune` writes such files",
        )
    tiles = content.get("tiles")
    if not isinstance(tiles, dict):
        raise InputError("'tiles' is no object of shapes", given=type(tiles).__name__)
    chosen: dict[Shape, TileSize] = {}
    for name, text in tiles.items():
        shape = Shape.read(name)
        try:
            tile = TileSize.read(text)
        except InputError as error:
            raise error.at(name) from None
        allowed = table.candidates(shape)
        if tile not in allowed:
            raise InputError(
                "the kernel has no such tile", given=tile, allowed=", ".join(map(str, allowed))
            ).at(name)
        chosen[shape] = tile
    return table.choosing(chosen, str(content.get("engine", "")))


@cache
def default_tiles() -> Tiles:
    """The table that the compiler comes with."""
    content = json.loads(Path(__file__).with_name("tiles.json").read_bytes())
    return Tiles(tuple(map(_rule, content["rules"])))


def _rule(entry: Mapping[str, Any]) -> Rule:
    others = tuple(map(TileSize.read, entry["others"]))
    tile = TileSize.read(entry["tile"])
    return Rule(entry["kernel"], tile, others, entry.get("rows"), entry.get("numerics"))
