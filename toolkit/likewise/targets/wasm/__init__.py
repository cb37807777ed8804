"""The WebAssembly target.

lowered = lower_graph(graph)                        # shapes known
module = emit_lowered(lowered, numerics="strict")   # bytes; `emit` for a program of one's own
outputs = load(module).run({"x": array})            # on wasmtime
"""

from likewise.targets.wasm.host import Runner, load
from likewise.targets.wasm.module import Numerics, emit, emit_lowered

__all__ = ["Numerics", "Runner", "emit", "emit_lowered", "load"]
