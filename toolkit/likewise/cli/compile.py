"""`likewise compile`: a model as what a target runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from likewise.cli.common import parse_constants, parse_shapes, print_json, print_tables, table
from likewise.compiler import compile as compile_to_target

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["compile_model"]


def compile_model(
    path: str,
    *,
    target: Any,
    shapes: Sequence[str],
    constants: Sequence[str],
    numerics: Any,
    weights: Any,
    threads: int,
    output: str,
    as_json: bool,
) -> None:
    """Compile the model at `path`, write it to `output` and print what it takes."""
    start = time.perf_counter()
    made = compile_to_target(
        path,
        target,
        shapes=parse_shapes(shapes),
        constants=parse_constants(constants),
        numerics=numerics,
        weights=weights,
        threads=threads,
    )
    seconds = time.perf_counter() - start
    files = made.save(output)
    sizes = {
        "code": made.code_bytes,
        "weights": made.weight_bytes,
        "memory": made.memory_bytes,
        "of which intermediate values": made.scratch_bytes,
    }
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
                "numerics": made.numerics,
                "threads": made.threads,
                "source_sha256": made.source_sha256,
                "files": {str(file): file.stat().st_size for file in files},
                "inputs": {name: kind for way, name, kind in ports if way == "in"},
                "outputs": {name: kind for way, name, kind in ports if way == "out"},
                "code_bytes": made.code_bytes,
                "weight_bytes": made.weight_bytes,
                "memory_bytes": made.memory_bytes,
                "scratch_bytes": made.scratch_bytes,
                "seconds": seconds,
            }
        )
        return
    facts = [(name, f"{size:,} bytes") for name, size in sizes.items()]
    facts += [("file", f"{file}: {file.stat().st_size:,} bytes") for file in files]
    shared = f", up to {made.threads} threads" if made.threads > 1 else ""
    title = f"{path}: {made.numerics} numerics{shared}, {seconds:.1f} s"
    print_tables(table(title, ("", ""), facts), table("signature", ("", "name", "type"), ports))
