"""The NumPy core in Pyodide, as a page has it, in Node."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import numpy as np

from likewise.conform.engines import Answer, Engine
from likewise.conform.engines.outside import WEB, answer_of_node, find_node
from likewise.errors import LikewiseError
from likewise.ir import DType
from likewise.ops.narrow import is_narrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from likewise.conform.subject import Feeds, Outputs, Subject
    from likewise.ir import Array

__all__ = ["ENGINE"]

_ABSENT: Final = (
    "Node, and a distribution that `./dev build-pyodide` wrote: LIKEWISE_PYODIDE names its folder"
)


class _Pyodide(Engine):
    name = "pyodide"
    order: ClassVar[int] = 5

    def missing(self) -> str:
        return "" if _distribution() is not None and find_node() else _ABSENT

    def version(self) -> str:
        lock = json.loads((_found()[0] / "pyodide-lock.json").read_text(encoding="utf-8"))
        numpy = lock["packages"]["numpy"]["version"]
        return f"Pyodide {lock['info']['version']}, NumPy {numpy}"

    def answer(self, subject: Subject, feeds: Sequence[Feeds], mode: str = "") -> Answer:
        del mode
        distribution, node = _found()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "model.onnx").write_bytes(subject.onnx_bytes)
            for at, one in enumerate(feeds):
                named = {**subject.given, **one}
                given = {name: _with_dtype(array, "record") for name, array in named.items()}
                if any(array.dtype.kind not in "biufcV" for array in given.values()):
                    raise LikewiseError("inputs that are no plain numbers do not go to Pyodide")
                np.savez(folder / f"{at}.in.npz", allow_pickle=False, **given)
            answer_of_node([node, WEB / "pyodide.mjs", distribution, folder, str(len(feeds))])
            return Answer([_outputs(folder / f"{at}.out.npz") for at in range(len(feeds))])


def _outputs(file: Path) -> Outputs:
    with np.load(file, allow_pickle=False) as made:
        return {name: _with_dtype(array, "numpy") for name, array in made.items()}


def _with_dtype(array: Any, form: Literal["numpy", "record"]) -> Array:
    """An array of a type that NumPy lacks under its dtype here, or the one it has in Pyodide."""
    array = np.asarray(array)
    return array.view(getattr(DType.of(array.dtype), form)) if is_narrow(array) else array


def _distribution() -> Path | None:
    """The folder that LIKEWISE_PYODIDE names."""
    named = os.environ.get("LIKEWISE_PYODIDE")
    folder = Path(named).resolve() if named else None
    return folder if folder and (folder / "pyodide-lock.json").is_file() else None


def _found() -> tuple[Path, Path]:
    folder, node = _distribution(), find_node()
    if folder is None or node is None:
        raise LikewiseError("Pyodide is not here", hint=_ABSENT)
    return folder, node


ENGINE = _Pyodide()
