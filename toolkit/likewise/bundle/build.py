"""From a model to what its bundle holds: a part for each engine, and golden vectors."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import likewise
from likewise.bundle import golden
from likewise.bundle.engines import ENGINES, engine_named
from likewise.bundle.manifest import Manifest, Part, valid_name
from likewise.errors import (
    InputError,
    LikewiseError,
    MissingDependencyError,
    UnsupportedError,
)
from likewise.model import Model
from likewise.passes.specialize import specialize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["GOLDEN", "build"]

GOLDEN: Final = "golden.json"


def build(
    model: Model,
    name: str,
    version: int = 1,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    constants: Mapping[str, Any] | None = None,
    engines: Sequence[str] = (),
) -> tuple[Manifest, dict[str, bytes], dict[str, LikewiseError]]:
    """The manifest, the parts by name, and why the engines left out cannot run the model.

    Every part has the same inputs: those of the model with `shapes` and `constants` settled, as
    `likewise.compile` does. `engines` names those that must be there, and no other is; without
    it each that can run the model is taken.
    Raises `InputError` for a wrong option or a shape left open, `UnsupportedError` for a model
    that an engine named cannot run.
    """
    if not valid_name(name):
        raise InputError(
            "this cannot be a model's name",
            given=repr(name),
            allowed="letters, digits, '.', '_' and '-', 64 at most",
            hint="choose another one with --name",
        )
    chosen = [engine_named(one) for one in engines] or list(ENGINES)
    parts: dict[str, bytes] = {}
    left_out: dict[str, LikewiseError] = {}
    try:
        graph = specialize(model.graph, shapes or {}, constants)
        settled = Model(graph, name)
        for engine in chosen:
            try:
                parts[engine.part] = engine.write(graph)
            except (UnsupportedError, MissingDependencyError) as error:
                if engines:
                    raise
                left_out[engine.name] = error
        parts[GOLDEN] = golden.draw(settled)
    except LikewiseError as error:
        raise error.at(model.name) from None
    runs = {engine.part: engine.name for engine in chosen}
    manifest = Manifest(
        name=name,
        version=version,
        source_sha256=model.source_sha256,
        made_by=f"likewise {likewise.__version__}",
        inputs=settled.inputs,
        outputs=settled.outputs,
        parts=tuple(
            Part(part, runs.get(part, ""), len(content), sha256(content).hexdigest())
            for part, content in parts.items()
        ),
    )
    return manifest, parts, left_out
