"""From a model to what a target runs: shapes fixed, graph simplified, lowered and emitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, get_args, overload

from likewise.errors import InputError, LikewiseError
from likewise.lower.tiles import Tiles
from likewise.model import Model, load
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.targets import wasm

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from likewise.onnx.source import ModelSource
    from likewise.targets import litert

    TileSource: TypeAlias = Tiles | str | os.PathLike[str]

__all__ = ["Target", "compile"]

Target = Literal["wasm", "litert"]
MOST_THREADS: Final = 64


@overload
def compile(  # noqa: A001
    model: Model | ModelSource,
    target: Literal["wasm"] = "wasm",
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    constants: Mapping[str, Any] | None = None,
    numerics: wasm.Numerics = "fast",
    weights: wasm.Placement = "inside",
    threads: int = 1,
    golden: bool = True,
    progress: wasm.Progress | None = None,
    tiles: TileSource | None = None,
    tune: bool = False,
) -> wasm.Artefact: ...


@overload
def compile(  # noqa: A001
    model: Model | ModelSource,
    target: Literal["litert"],
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    constants: Mapping[str, Any] | None = None,
    weights_type: litert.WeightsType = "float32",
) -> litert.Artefact: ...


def compile(  # noqa: A001 — what it is called in every compiler; the builtin is not used here
    model: Model | ModelSource,
    target: Target = "wasm",
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    constants: Mapping[str, Any] | None = None,
    numerics: wasm.Numerics | None = None,
    weights: wasm.Placement | None = None,
    threads: int | None = None,
    golden: bool | None = None,
    progress: wasm.Progress | None = None,
    tiles: TileSource | None = None,
    tune: bool | None = None,
    weights_type: litert.WeightsType | None = None,
) -> wasm.Artefact | litert.Artefact:
    """The model as an artefact of `target`, for inputs of the shapes given.

    `model` is a loaded one or what `load` takes. `shapes` names each input whose shape the model
    leaves open; a symbol that one input fixes is fixed in all. `constants` gives inputs the value
    that they always have, such as a sample rate: they are no inputs of the artefact.

    Of `wasm` alone: `numerics` is `fast`, or `strict` for the same bits on every engine; `weights`
    stand `inside` the module, or in a `separate` file beside it, which module and plain-SIMD twin
    share; with more than one of `threads`, so many can share the work of a run, and the answer has
    the same bits; with `golden` the module carries the answer of a run in float64, by which it can
    be tested where it is loaded; `progress` is told each step and, from 0 to 1, which part of it is
    done; `tiles`, a table or a file of it, says how much kernels compute at a time, and `tune`
    finds that out under wasmtime: the artefact's `tuning` is what it found (docs/tiles.md). Of
    `litert` alone: `weights_type` is `float32`, or `float16` for half the size.

    Raises `InputError` for a wrong option or shape, `UnsupportedError` that lists everything
    that cannot be compiled.
    """
    for option, given, allowed, of in (
        ("target", target, get_args(Target), target),
        ("numerics", numerics, get_args(wasm.Numerics), "wasm"),
        ("place for weights", weights, get_args(wasm.Placement), "wasm"),
        ("type of weights", weights_type, _types_of_weights(weights_type), "litert"),
    ):
        if given is not None and given not in allowed:
            raise InputError(f"there is no {option} {given!r}", allowed=", ".join(allowed))
        if given is not None and of != target:
            raise InputError(f"the target {target!r} has no {option}", given=given)
    if golden is not None and target != "wasm":
        raise InputError(f"the target {target!r} carries no golden vectors", given=golden)
    if progress is not None and target != "wasm":
        raise InputError(f"the target {target!r} tells no progress", given="progress=…")
    for name, value in (("tiles", tiles), ("tune", tune)):
        if value is not None and target != "wasm":
            raise InputError(f"the target {target!r} has no tiles", given=f"{name}={value}")
    if threads is not None and target != "wasm":
        raise InputError(
            "threads are part of a module of wasm alone",
            given=f"threads={threads} for {target!r}",
            hint="the artefact's load takes them",
        )
    if threads is not None and threads not in range(1, MOST_THREADS + 1):
        raise InputError(
            "there is no such number of threads", given=threads, allowed=f"1 to {MOST_THREADS}"
        )
    table = tiles if isinstance(tiles, Tiles) or tiles is None else Tiles.read(tiles)
    loaded = model if isinstance(model, Model) else load(model)
    try:
        graph = specialize(loaded.graph, shapes or {}, constants)
        origin = {"name": loaded.name, "source_sha256": loaded.source_sha256}
        graph = simplify(graph)
        if target == "litert":
            from likewise.targets import litert  # here alone: in the browser every module counts

            return litert.compile_graph(graph, weights_type=weights_type or "float32", **origin)
        return wasm.compile_graph(
            graph,
            numerics=numerics or "fast",
            weights=weights or "inside",
            threads=threads or 1,
            golden=golden is not False,
            progress=progress or (lambda *_: None),
            tiles=table,
            tune=bool(tune),
            **origin,
        )
    except LikewiseError as error:
        raise error.at(loaded.name) from None


def _types_of_weights(given: object) -> tuple[str, ...]:
    """What is allowed, where one is given: the TFLite target is imported when first used."""
    if given is None:
        return ()
    from likewise.targets.litert import WeightsType

    return get_args(WeightsType)
