"""The official ONNX cases inside Pyodide, in Node: how each ends, as one line of text.

A case goes in as the model's bytes and its data sets; results are held there as
`tests.conformance.onnx_cases.assert_similar` holds them here.
"""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from likewise.conform.engines.outside import answer_of_node
from likewise.ir import DType
from likewise.ops.narrow import is_narrow
from tests.conformance.onnx_cases import assert_similar
from tools.node import find_node
from tools.pyodide import build_distribution

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.conformance.onnx_cases import OnnxCase

__all__ = ["run_in_pyodide"]

SCRIPT: Final = Path(__file__).resolve().parents[1] / "wasm" / "pyodide" / "run.mjs"

PROGRAM: Final = """
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import likewise
from likewise.ops.narrow import widened

warnings.simplefilter("ignore")

{assert_similar}

def run(case):
    model = likewise.load(case["model"])
    for inputs, outputs in case["data_sets"]:
        feeds = {{port.name: value for port, value in zip(model.inputs, inputs)}}
        made = list(model.run(feeds).values())
        assert len(made) == len(outputs)
        for one, other in zip(made, outputs, strict=True):
            if case["random"]:
                assert (one.dtype, one.shape) == (other.dtype, other.shape)
            else:
                assert_similar(one, other, case["rtol"], case["atol"])

answer = {{}}
with Path("/work/cases.bin").open("rb") as file:
    for _ in range({count}):
        name, content = pickle.load(file)
        try:
            run(pickle.loads(content))
        except Exception as error:
            answer[name] = f"{{type(error).__name__}}: {{error}}".strip().splitlines()[0][:200]
        else:
            answer[name] = ""
"""


def run_in_pyodide(
    cases: Iterable[OnnxCase], random: Iterable[str], folder: Path
) -> dict[str, str]:
    """By name why a case does not pass; "" where it does. `random` ones have their types held."""
    drawn, count = set(random), 0
    with (folder / "cases.bin").open("wb") as file:
        for case in cases:
            content = {
                "model": case.model(),
                "data_sets": list(case.data_sets()),
                "rtol": case.rtol,
                "atol": case.atol,
                "random": case.name in drawn,
            }
            # NumPy 1 wrote `numpy.core` into pickles, and NumPy 2 reads both.
            pickle.dump((case.name, pickle.dumps(_portable(content))), file)
            count += 1
    program = PROGRAM.format(assert_similar=inspect.getsource(assert_similar), count=count)
    (folder / "program.py").write_text(program)
    command = [find_node().program, SCRIPT, build_distribution(), folder]
    found: dict[str, str] = answer_of_node(command)
    return found


def _portable(value: Any) -> Any:
    """With plain arrays for what onnx makes subclasses or scalars of, and those of ml_dtypes."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.array(value)
        return array.view(DType.of(array.dtype).record) if is_narrow(array) else array
    if isinstance(value, list):
        return [_portable(one) for one in value]
    if isinstance(value, tuple):
        return tuple(_portable(one) for one in value)
    if isinstance(value, dict):
        return {key: _portable(one) for key, one in value.items()}
    return value
