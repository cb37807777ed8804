"""The WebAssembly target: `emit` makes a module from a loop-IR program, `load` runs one."""

from likewise.targets.wasm.host import Runner, load
from likewise.targets.wasm.module import Numerics, Port, emit

__all__ = ["Numerics", "Port", "Runner", "emit", "load"]
