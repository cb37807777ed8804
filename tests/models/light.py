"""The networks that the `onnx` package tests backends with, which it carries without weights.

There a ConstantOfShape stands for each weight, so that all channels are the same: no mistake among
them could be seen, and what the last Softmax makes of them is always the same number.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

import likewise
from likewise.conform.cut import with_outputs
from likewise.conform.subject import Subject

__all__ = ["NETWORKS", "drawn", "file_of"]

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NETWORKS = tuple(sorted(file.stem.removeprefix("light_") for file in FOLDER.glob("light_*.onnx")))


def file_of(name: str) -> Path:
    """The network as it is."""
    return FOLDER / f"light_{name}.onnx"


def drawn(name: str) -> Subject:
    """The network with weights of its own, up to its last Softmax.

    Those of convolutions and layers are normally distributed and keep the scale of what goes
    through, all others lie around 1; each comes from a generator seeded with its name.
    """
    model = onnx.load(file_of(name))
    graph = model.graph
    weights = {node.input[1] for node in graph.node if node.op_type in {"Conv", "Gemm"}}
    shapes = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type != "ConstantOfShape":
            kept.append(node)
            continue
        made, shape = node.output[0], shapes[node.input[0]]
        rng = np.random.default_rng(zlib.crc32(made.encode()))
        if made in weights:
            content = rng.standard_normal(shape, np.float32) * np.sqrt(2 / shape[1:].prod())
        else:
            content = rng.uniform(0.5, 1.5, shape)
        graph.initializer.append(numpy_helper.from_array(content.astype(np.float32), made))
    del graph.node[:]
    graph.node.extend(kept)
    whole = likewise.load(model.SerializeToString()).graph
    ends = {
        one.outputs[0]: next(one.reads) for one in whole.nodes if one.operator.name == "Softmax"
    }
    return Subject.of_graph(with_outputs(whole, [ends.get(one, one) for one in whole.outputs]))
