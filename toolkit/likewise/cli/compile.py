"""`likewise compile`: a model as what a target runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from likewise.cli.common import (
    parse_constants,
    parse_shapes,
    print_json,
    print_tables,
    progress,
    table,
)
from likewise.compiler import compile as compile_to_target
from likewise.targets import litert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.targets import wasm
    from likewise.targets.wasm.tune import Tuning

__all__ = ["compile_model"]


def compile_model(
    path: str,
    *,
    target: Any,
    shapes: Sequence[str],
    constants: Sequence[str],
    numerics: Any,
    weights: Any,
    weights_type: Any,
    threads: int | None,
    golden: bool | None,
    tiles: str | None,
    tune: bool,
    output: str,
    as_json: bool,
) -> None:
    """Compile the model at `path`, write it to `output` and print what it takes."""
    start = time.perf_counter()
    asked: dict[str, Any] = {
        "numerics": numerics,
        "weights": weights,
        "threads": threads,
        "golden": golden,
        "tiles": tiles,
        "tune": tune or None,
        "weights_type": weights_type,
    }
    with progress(quiet=as_json) as told:
        if target == "wasm":
            asked["progress"] = lambda step, part: told(f"{step}, {part:.0%}")
        made: wasm.Artefact | litert.Artefact = compile_to_target(
            path,
            target,
            shapes=parse_shapes(shapes),
            constants=parse_constants(constants),
            **{name: value for name, value in asked.items() if value is not None},
        )
    seconds = time.perf_counter() - start
    files = made.save(output)
    how, form, sizes = _described(made)
    ports = [
        (kind, port.name, str(port.type))
        for kind, ports in (("in", made.signature.inputs), ("out", made.signature.outputs))
        for port in ports
    ]
    if as_json:
        print_json(
            {
                "model": path,
                "target": target,
                **form,
                "source_sha256": made.source_sha256,
                "files": {str(file): file.stat().st_size for file in files},
                "inputs": {name: kind for way, name, kind in ports if way == "in"},
                "outputs": {name: kind for way, name, kind in ports if way == "out"},
                **{f"{name}_bytes": size for name, size in sizes.items()},
                "seconds": seconds,
                **_tuning_facts(made),
            }
        )
        return
    facts = [(_SIZES[name], f"{size:,} bytes") for name, size in sizes.items()]
    facts += [("file", f"{file}: {file.stat().st_size:,} bytes") for file in files]
    title = f"{path}: {how}, {seconds:.1f} s"
    shown = [table(title, ("", ""), facts), table("signature", ("", "name", "type"), ports)]
    print_tables(*shown, *_tuning_tables(made))


def _tuning(made: wasm.Artefact | litert.Artefact) -> Tuning | None:
    return None if isinstance(made, litert.Artefact) else made.tuning


def _tuning_facts(made: wasm.Artefact | litert.Artefact) -> dict[str, Any]:
    """What trying tiles found, for machines."""
    found = _tuning(made)
    if found is None:
        return {}
    choices = [
        {
            "shape": str(one.shape),
            "calls": one.calls,
            "before": str(one.before),
            "tile": str(one.tile),
            "milliseconds_before": one.milliseconds_before,
            "milliseconds": one.milliseconds,
        }
        for one in found.choices
    ]
    return {
        "tuning": {
            "milliseconds_before": found.milliseconds_before,
            "milliseconds": found.milliseconds,
            "choices": choices,
        }
    }


def _tuning_tables(made: wasm.Artefact | litert.Artefact) -> list[Any]:
    """The tiles that were changed, and what that gained."""
    found = _tuning(made)
    if found is None:
        return []
    changed = [one for one in found.choices if one.tile != one.before]
    rows = [
        (
            str(one.shape),
            f"{one.calls}",
            f"{one.before} → {one.tile}",
            f"{one.milliseconds_before:.3f} → {one.milliseconds:.3f}",
        )
        for one in changed
    ]
    title = (
        f"tiles: {len(changed)} of {len(found.choices)} changed; a run takes "
        f"{found.milliseconds_before:.1f} → {found.milliseconds:.1f} ms under wasmtime"
    )
    return [table(title, ("shape", "calls", "tile", "ms a run"), rows)]


_SIZES: Final = {
    "code": "code",
    "weight": "weights",
    "memory": "memory",
    "scratch": "of which inputs, outputs and intermediate values",
}


def _described(
    made: wasm.Artefact | litert.Artefact,
) -> tuple[str, dict[str, Any], dict[str, int]]:
    """The form that was asked for, in words and for machines, and the sizes that are known."""
    if isinstance(made, litert.Artefact):
        size = {"weight": made.weight_bytes}
        return f"{made.weights_type} weights", {"weights_type": made.weights_type}, size
    sizes = {
        "code": made.code_bytes,
        "weight": made.weight_bytes,
        "memory": made.memory_bytes,
        "scratch": made.scratch_bytes,
    }
    shared = f", up to {made.threads} threads" if made.threads > 1 else ""
    form = {"numerics": made.numerics, "threads": made.threads}
    return f"{made.numerics} numerics{shared}", form, sizes
