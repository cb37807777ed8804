"""likewise for the page: runs in Pyodide, called from a worker with values of JavaScript."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from js import Object
from pyodide.ffi import to_js

from likewise.compiler import compile as compile_model
from likewise.conform.inputs import draw_feeds
from likewise.cost import estimate
from likewise.errors import LikewiseError
from likewise.ir import DType
from likewise.lower.graph import lower_graph
from likewise.lower.plan import plan_memory
from likewise.lower.threads import share_out
from likewise.model import Model
from likewise.onnx.importer import import_model
from likewise.onnx.source import Source, parse_model
from likewise.onnx.survey import survey
from likewise.passes import simplify
from likewise.passes.specialize import specialize
from likewise.targets.wasm.prepare import prepare
from likewise.targets.wasm.steps import emit_steps, step_name, steps_of, title_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from likewise.ir import Node
    from likewise.model import Port
    from likewise.onnx.messages import ModelProto

    Report = Callable[..., None]


class Opened(NamedTuple):
    """A model, the message that it was read from, and the size of its file."""

    model: Model
    message: ModelProto
    size: int


_OPENED: dict[str, Opened] = {}


def call(method: str, given: Any, report: Report) -> Any:
    """What the page asks for, as an object of JavaScript: `made`, or `error` in words."""
    try:
        made = {"made": _METHODS[method](report, **given.to_py())}
    except LikewiseError as error:
        made = {"error": str(error)}
    except MemoryError:
        made = {"error": "this browser has not enough memory for the model"}
    return to_js(made, dict_converter=Object.fromEntries)


def _load(_: Report, key: str, name: str, onnx: memoryview) -> None:
    content = memoryview(bytes(onnx))
    source = Source(content, name, None)
    message = parse_model(source)
    _refuse_more_files(message, name)
    metadata = {entry.key: entry.value for entry in message.metadata_props}
    with np.errstate(all="ignore"):
        graph = simplify(import_model(message, source))
    _OPENED[key] = Opened(Model(graph, name, metadata, content), message, len(content))


def _refuse_more_files(message: ModelProto, name: str) -> None:
    tensors = () if message.graph is None else message.graph.initializer
    if any(tensor.external_data for tensor in tensors):
        raise LikewiseError(
            f"{name}: its weights lie in files of their own, and the page opens one file",
            hint=f"onnx.save(onnx.load({name!r}), 'whole.onnx') writes them into one",
        )


def _inspect(_: Report, key: str) -> dict[str, Any]:
    model, message, size = _OPENED[key]
    cost = estimate(model.graph)
    return {
        "bytes": size,
        "producer": f"{message.producer_name} {message.producer_version}".strip(),
        "opsets": {i.domain or "ai.onnx": i.version for i in message.opset_import},
        "operators": [
            {"name": use.name, "count": use.count}
            for use in sorted(survey(message), key=lambda use: -use.count)
        ],
        "inputs": [_port(port) for port in model.inputs],
        "outputs": [_port(port) for port in model.outputs],
        "parameters": cost.parameters,
        "flops": cost.flops if isinstance(cost.flops, int) else None,
        "metadata": dict(model.metadata),
    }


def _draw(_: Report, key: str, shapes: Mapping[str, list[int]], seed: int) -> dict[str, Any]:
    feeds = draw_feeds(_OPENED[key].model.inputs, {}, shapes, seed)
    return {name: _tensor(array) for name, array in feeds.items()}


def _compile(report: Report, key: str, shapes: Mapping[str, list[int]]) -> dict[str, Any]:
    model = _OPENED[key].model
    report("Compiling to WebAssembly", 0, 100)

    def tell(step: str, part: float) -> None:
        report(f"Compiling to WebAssembly: {step}", round(100 * part), 100)

    # The page holds engines against each other itself: no run in float64, which has no BLAS here.
    shapes = _open_ones(model, shapes)
    artefact = compile_model(model, shapes=shapes, golden=False, progress=tell)
    return {"module": artefact.data, "plain": artefact.plain}


def _steps(
    report: Report, key: str, shapes: Mapping[str, list[int]], *, relaxed: bool
) -> dict[str, Any]:
    """The model compiled so that every kernel can be called alone, in the order of a run."""
    model = _OPENED[key].model

    def tell(part: float) -> None:
        report("Compiling it kernel by kernel", round(100 * part), 100)

    graph = simplify(specialize(model.graph, _open_ones(model, shapes)))
    lowered = lower_graph(prepare(graph), tell)
    program = share_out(lowered.program, 1)
    plan = plan_memory(program)
    return {
        "module": emit_steps(program, plan, fused=relaxed),
        "steps": [
            {"name": step_name(at), "kernel": re.sub(r"(_\d+)?(\.\d+)?$", "", title_of(step))}
            for at, step in enumerate(steps_of(program.functions[-1].body))
        ],
        "places": {one.name: plan.addresses[program.buffer(one.buffer)] for one in lowered.inputs},
    }


def _open_ones(model: Model, shapes: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """The shapes of those inputs of which the model leaves some size open."""
    return {
        port.name: shapes[port.name]
        for port in model.inputs
        if port.shape is None or not all(isinstance(dim, int) for dim in port.shape)
    }


def _run(_: Report, key: str, feeds: Mapping[str, Any], *, profile: bool) -> dict[str, Any]:
    arrays = {name: _array(tensor) for name, tensor in feeds.items()}
    spent: dict[str, list[float]] = {}
    start = last = time.perf_counter()

    def tap(node: Node, _: tuple[Any, ...]) -> None:
        nonlocal last
        now = time.perf_counter()
        spent.setdefault(node.operator.name, []).append((now - last) * 1e3)
        last = now

    outputs = _OPENED[key].model.run(arrays, tap=tap if profile else None)
    milliseconds = (time.perf_counter() - start) * 1e3
    return {
        "outputs": {name: _tensor(np.asarray(array)) for name, array in outputs.items()},
        "milliseconds": milliseconds,
        "profile": [
            {"operator": name, "calls": len(times), "milliseconds": sum(times)}
            for name, times in sorted(spent.items(), key=lambda item: -sum(item[1]))
        ],
    }


def _port(port: Port) -> dict[str, Any]:
    dims = [dim if isinstance(dim, int) else str(dim) for dim in port.shape or ()]
    return {"name": port.name, "dtype": str(port.dtype or port.type), "dims": dims}


def _tensor(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """An array as the page holds it: booleans as bytes, 16-bit floats as their bits."""
    dtype = DType.of(array.dtype)
    if dtype is DType.STRING:
        raise LikewiseError("the page takes and shows numbers only", given="strings")
    bits = {DType.BOOL: np.uint8, DType.FLOAT16: np.uint16, DType.BFLOAT16: np.uint16}.get(dtype)
    if dtype.is_narrow and not bits:
        raise LikewiseError("the page shows no elements of this type", given=dtype)
    flat = np.ascontiguousarray(array).reshape(-1)
    data = flat.view(bits) if bits else flat
    return {"dtype": str(dtype), "shape": list(array.shape), "data": data}


def _array(tensor: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    dtype = DType[tensor["dtype"].upper()].numpy
    return np.asarray(tensor["data"]).view(dtype).reshape(tensor["shape"])


_METHODS: dict[str, Callable[..., Any]] = {
    "load": _load,
    "inspect": _inspect,
    "draw": _draw,
    "compile": _compile,
    "steps": _steps,
    "run": _run,
}
