"""The TFLite target.

artefact = compile_graph(graph)                                  # shapes known
outputs = artefact.load(threads=4).run({"x": array})             # on ai-edge-litert
print(emit_program(graph))                                       # the operations as text
"""

from likewise.targets.litert.artefact import Artefact, WeightsType, compile_graph
from likewise.targets.litert.emit import emit_program
from likewise.targets.litert.host import Runner, load

__all__ = ["Artefact", "Runner", "WeightsType", "compile_graph", "emit_program", "load"]
