"""`likewise inspect`: what a model takes, gives, is made of and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from likewise.cli.common import parse_shapes, print_json, print_tables, table
from likewise.cost import estimate
from likewise.model import Model
from likewise.onnx.importer import import_model
from likewise.onnx.source import read_model
from likewise.onnx.survey import survey
from likewise.passes import simplify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.onnx.messages import ModelProto
    from likewise.onnx.survey import Use

__all__ = ["inspect_model"]

_OPEN: Final = "open until every --shape, or a run, fixes it"


def inspect_model(path: str, *, shapes: Sequence[str], as_json: bool) -> int:
    """Print what is known of the model at `path`; 1 where an operator is not supported."""
    message, source = read_model(path)
    uses = survey(message)
    content: dict[str, Any] = {
        "model": path,
        "bytes": len(source.data),
        "producer": f"{message.producer_name} {message.producer_version}".strip(),
        "ir_version": message.ir_version,
        "opsets": {i.domain or "ai.onnx": i.version for i in message.opset_import},
        "operators": {f"{u.domain or 'ai.onnx'}.{u.name}": u.count for u in uses},
        "unsupported": [str(use) for use in uses if not use.supported],
    }
    if not content["unsupported"]:
        model = Model(simplify(import_model(message, source)), source.name)
        content |= _costs(model, parse_shapes(shapes))
    if as_json:
        print_json(content)
    else:
        _print(content, message, uses)
    return 1 if content["unsupported"] else 0


def _costs(model: Model, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    found = estimate(model.graph, shapes)
    return {
        "inputs": {port.name: str(port.type) for port in model.inputs},
        "outputs": {port.name: str(port.type) for port in model.outputs},
        "parameters": found.parameters,
        "weight_bytes": found.weight_bytes,
        "flops": found.flops if isinstance(found.flops, int) else str(found.flops),
        "peak_activation_bytes": found.peak_bytes,
        "nodes_after_simplification": len(model.graph.nodes),
    }


def _print(content: dict[str, Any], message: ModelProto, uses: Sequence[Use]) -> None:
    opsets = ", ".join(f"{domain} {version}" for domain, version in content["opsets"].items())
    facts = [("producer", content["producer"] or "unknown"), ("opsets", opsets)]
    facts.append(("file", _bytes(content["bytes"])))
    shown = []
    if "parameters" in content:
        nodes = len(message.graph.node) if message.graph else 0
        facts += [
            ("parameters", _count(content["parameters"])),
            ("weights", _bytes(content["weight_bytes"])),
            ("floating-point operations", _operations(content["flops"])),
            ("peak of activations", _bytes(content["peak_activation_bytes"])),
            ("nodes", f"{nodes}, {content['nodes_after_simplification']} once simplified"),
        ]
        ports = [("in", n, t) for n, t in content["inputs"].items()]
        ports += [("out", n, t) for n, t in content["outputs"].items()]
        shown.append(table("signature", ("", "name", "type"), ports))
    shown.insert(0, table(content["model"], ("", ""), facts))
    rows = [
        (f"{use.domain or 'ai.onnx'}.{use.name}", use.count, "" if use.supported else "no")
        for use in sorted(uses, key=lambda use: (use.supported, -use.count))
    ]
    shown.append(table("operators", ("operator", ">nodes", "supported"), rows))
    print_tables(*shown)


def _operations(number: int | str) -> str:
    return _OPEN if isinstance(number, str) else _count(number)


def _count(number: int) -> str:
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.2f} {unit}"
    return str(number)


def _bytes(number: int | None) -> str:
    return _OPEN if number is None else f"{_count(number)}B"
