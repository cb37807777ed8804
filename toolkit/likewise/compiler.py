"""From a model to what a target runs: shapes fixed, graph simplified, lowered and emitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from likewise.errors import InputError, LikewiseError
from likewise.model import Model, load
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.targets.wasm import Artefact, Numerics, Placement, compile_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from likewise.onnx.source import ModelSource

__all__ = ["Target", "compile"]

Target = Literal["wasm"]
MOST_THREADS: Final = 64


def compile(  # noqa: A001 — what it is called in every compiler; the builtin is not used here
    model: Model | ModelSource,
    target: Target = "wasm",
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    constants: Mapping[str, Any] | None = None,
    numerics: Numerics = "fast",
    weights: Placement = "inside",
    threads: int = 1,
) -> Artefact:
    """The model as an artefact of `target`, for inputs of the shapes given.

    `model` is a loaded one or what `load` takes. `shapes` names each input whose shape the model
    leaves open; a symbol that one input fixes is fixed in all. `constants` gives inputs the value
    that they always have, such as a sample rate: they are no inputs of the artefact. `numerics`
    is `fast`, or `strict` for the same bits on every engine. `weights` stand `inside` the module,
    or in a `separate` file beside it, which module and plain-SIMD twin share. With more than one
    of `threads`, so many can share the work of a run; the answer has the same bits.

    Raises `InputError` for a wrong option or shape, `UnsupportedError` that lists everything
    that cannot be compiled.
    """
    for option, given, allowed in (
        ("target", target, get_args(Target)),
        ("numerics", numerics, get_args(Numerics)),
        ("place for weights", weights, get_args(Placement)),
    ):
        if given not in allowed:
            raise InputError(f"there is no {option} {given!r}", allowed=", ".join(allowed))
    if threads not in range(1, MOST_THREADS + 1):
        raise InputError(
            "there is no such number of threads", given=threads, allowed=f"1 to {MOST_THREADS}"
        )
    loaded = model if isinstance(model, Model) else load(model)
    try:
        graph = simplify(specialize(loaded.graph, shapes or {}, constants))
        return compile_graph(
            graph,
            numerics=numerics,
            weights=weights,
            threads=threads,
            name=loaded.name,
            source_sha256=loaded.source_sha256,
        )
    except LikewiseError as error:
        raise error.at(loaded.name) from None
