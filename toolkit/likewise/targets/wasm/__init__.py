"""The WebAssembly target.

artefact = compile_graph(graph, numerics="strict")  # shapes known
outputs = artefact.load().run({"x": array})         # on wasmtime
module = emit_lowered(lower_graph(graph))           # the bytes alone; `emit` for any program
"""

from likewise.targets.wasm.artefact import Artefact, Progress, Signature, compile_graph
from likewise.targets.wasm.host import Runner, load
from likewise.targets.wasm.module import Numerics, emit, emit_lowered
from likewise.targets.wasm.weights import Placement

__all__ = [
    "Artefact",
    "Numerics",
    "Placement",
    "Progress",
    "Runner",
    "Signature",
    "compile_graph",
    "emit",
    "emit_lowered",
    "load",
]
