"""`likewise bundle` and `likewise keygen`: one signed file for devices, and the keys to sign it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from likewise.bundle.archive import write_bundle
from likewise.bundle.build import build
from likewise.bundle.keys import default_key, generate, read_private
from likewise.cli.common import parse_constants, parse_shapes, print_json, print_tables, table
from likewise.model import load

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bundle_model", "make_key"]


def bundle_model(
    path: str,
    *,
    name: str | None,
    version: int,
    shapes: Sequence[str],
    constants: Sequence[str],
    engines: Sequence[str],
    key: str | None,
    output: str,
    as_json: bool,
) -> None:
    """Write the bundle of the model at `path` and print what it holds."""
    signer = read_private(Path(key) if key else default_key())
    manifest, parts, left_out = build(
        load(path),
        name or Path(path).stem,
        version,
        shapes=parse_shapes(shapes),
        constants=parse_constants(constants),
        engines=engines,
    )
    write_bundle(Path(output), manifest, parts, signer)
    if as_json:
        print_json(
            {
                "bundle": output,
                "name": manifest.name,
                "version": manifest.version,
                "source_sha256": manifest.source_sha256,
                "inputs": {port.name: str(port.type) for port in manifest.inputs},
                "outputs": {port.name: str(port.type) for port in manifest.outputs},
                "parts": {part.name: part.size for part in manifest.parts},
                "left_out": {engine: str(error) for engine, error in left_out.items()},
            }
        )
        return
    rows = [(part.name, part.engine, f"{part.size:,}") for part in manifest.parts]
    rows += [("", engine, f"left out: {error}") for engine, error in left_out.items()]
    title = f"{output}: {manifest.name}, version {manifest.version}"
    print_tables(table(title, ("part", "engine", ">bytes"), rows))


def make_key(output: str | None) -> None:
    """Make a pair of keys and say where they are."""
    private, public = generate(Path(output) if output else default_key())
    rows = [("private, keep it", str(private)), ("public, for the devices", str(public))]
    print_tables(table("keys", ("", ""), rows))
