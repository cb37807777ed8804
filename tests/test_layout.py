"""The package's layout: imports point one way, and loading it needs NumPy alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLKIT = Path(__file__).resolve().parent.parent / "toolkit"

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "lazy"}),
    frozenset({"ir"}),
    frozenset({"loop"}),
    frozenset({"ops"}),
    frozenset({"onnx", "passes", "lower"}),
    frozenset({"targets"}),
    frozenset({"model", "cost", "frames"}),
    frozenset({"compiler"}),
    frozenset({"conform"}),
    frozenset({"bundle"}),
    frozenset({"cli"}),
)
"""The design's order of imports, lowest first. Parts of one layer do not import each other.

`model` is what the package itself offers: it joins the layers below for those who call `load`.
"""

RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}
OFFERED_BY = "model"
"""The part that `from likewise import …` counts as: the package offers what this one defines."""

FOR_ANNOTATIONS = {("ops", "lower")}
"""Who may import whom under TYPE_CHECKING: an operator's `lower` is given what lies above it."""

OWN_DEPENDENCIES = {"cli": {"click", "rich"}}
"""What a part may import besides NumPy when it is loaded, since an extra installs it."""


def part_of(module: str) -> str:
    """The part of the package that `likewise.…` belongs to; the package itself is no part: ''."""
    first = [*module.split("."), ""][1]
    return first.removeprefix("_") if not first.startswith("__") else ""


def resolve(node: ast.Import | ast.ImportFrom, module: str, *, is_package: bool) -> list[str]:
    """The absolute names that `node`, a statement in `module`, imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        names = module.split(".")
        keep = len(names) - node.level + is_package
        base = ".".join([*names[:keep], *([base] if base else [])])
    if base == "likewise":  # from likewise import ir, load: parts, or what the package offers
        return [f"likewise.{alias.name}" for alias in node.names]
    return [base]


def imports(tree: ast.AST, *, at_load: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements in `tree`; `at_load` leaves out those that loading does not run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif at_load and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        elif at_load and isinstance(node, ast.If) and is_type_checking(node.test):
            for other in node.orelse:
                yield from imports(ast.Module([other], []), at_load=at_load)
        else:
            yield from imports(node, at_load=at_load)


def is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def wrong_direction(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """Imports in `source`, the text of `module`, that point up or sideways in LAYERS."""
    importer = part_of(module)
    found = []
    tree = ast.parse(source)
    typing_only = {
        node
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and is_type_checking(test.test)
        for statement in test.body
        for node in ast.walk(statement)
    }
    for node in imports(tree, at_load=False):
        for name in resolve(node, module, is_package=is_package):
            if name.split(".")[0] != "likewise" or not importer:
                continue
            part = part_of(name)
            if part not in RANK:
                part = OFFERED_BY
            if node in typing_only and (importer, part) in FOR_ANNOTATIONS:
                continue
            if part != importer and RANK[part] >= RANK[importer]:
                found.append(f"{module}:{node.lineno} imports {name}")
    return found


def foreign_imports(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What `source` imports at load that is of neither likewise, NumPy nor the standard library."""
    allowed = {"likewise", "numpy", *sys.stdlib_module_names}
    allowed |= OWN_DEPENDENCIES.get(part_of(module), set())
    return [
        f"{module}:{node.lineno} imports {name}"
        for node in imports(ast.parse(source), at_load=True)
        for name in resolve(node, module, is_package=is_package)
        if name.split(".")[0] not in allowed
    ]


def package_files() -> Iterator[tuple[Path, str, bool]]:
    """Each file of the package with its module's name and whether it is a package."""
    for path in sorted((TOOLKIT / "likewise").rglob("*.py")):
        names = path.relative_to(TOOLKIT).with_suffix("").parts
        is_package = names[-1] == "__init__"
        yield path, ".".join(names[:-1] if is_package else names), is_package


def test_every_part_has_its_place_in_the_order() -> None:
    parts = {part_of(module) for _, module, _ in package_files()} - {""}
    assert parts <= RANK.keys(), "say in LAYERS, and in the design, where the new part stands"


def test_imports_point_one_way() -> None:
    found = [
        line
        for path, module, is_package in package_files()
        if part_of(module) in RANK
        for line in wrong_direction(path.read_text(), module, is_package=is_package)
    ]
    assert not found, "\n".join(found)


def test_loading_imports_only_numpy_and_the_standard_library() -> None:
    found = [
        line
        for path, module, is_package in package_files()
        for line in foreign_imports(path.read_text(), module, is_package=is_package)
    ]
    assert not found, "\n".join(found)


def test_import_likewise_loads_nothing_foreign() -> None:
    code = """
import sys
import numpy
before = {name.split(".")[0] for name in sys.modules}
import likewise
print(*{name.split(".")[0] for name in sys.modules} - before - sys.stdlib_module_names)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["likewise"]


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("likewise.ir.graph", "from likewise.errors import ModelError", []),
        ("likewise.ir.graph", "from likewise.ir.types import TensorType", []),
        ("likewise.ir.graph", "from .types import TensorType", []),
        ("likewise.ir.graph", "from ..errors import ModelError", []),
        ("likewise.ir.graph", "from ..ops import operator", ["likewise.ops"]),
        ("likewise.ir.graph", "from .. import ops", ["likewise.ops"]),
        ("likewise.ir.graph", "import likewise.cli", ["likewise.cli"]),
        ("likewise.ir.graph", "from likewise import load", ["likewise.load"]),
        ("likewise.ir.graph", "def f():\n    from likewise import ops", ["likewise.ops"]),
        ("likewise.errors", "from likewise.ir import Graph", ["likewise.ir"]),
        ("likewise.onnx.decode", "import likewise.passes.fold", ["likewise.passes.fold"]),
        ("likewise.onnx.decode", "import onnx", []),
        (
            "likewise.errors",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from likewise import ir",
            ["likewise.ir"],
        ),
        ("likewise.ops.f", "if TYPE_CHECKING:\n    from likewise.lower import Lowering", []),
        ("likewise.ops.f", "from likewise.lower import Lowering", ["likewise.lower"]),
        ("likewise.conform.compare", "from likewise import load", []),
        ("likewise.cli", "from likewise import conform, load, targets", []),
        ("likewise._model", "from likewise.targets import numpy", []),
    ],
)
def test_wrong_direction(module: str, source: str, wrong: list[str]) -> None:
    found = wrong_direction(source, module)
    assert [line.rpartition(" ")[2] for line in found] == wrong


@pytest.mark.parametrize(
    ("module", "source", "foreign"),
    [
        ("likewise.ir.types", "import math, numpy as np", []),
        ("likewise.ir.types", "from numpy.typing import NDArray", []),
        ("likewise.ir.types", "import ml_dtypes", ["ml_dtypes"]),
        ("likewise.ir.types", "def f():\n    import ml_dtypes", []),
        ("likewise.ir.types", "class C:\n    import ml_dtypes", ["ml_dtypes"]),
        ("likewise.ir.types", "try:\n    import onnx\nexcept ImportError: pass", ["onnx"]),
        ("likewise.ir.types", "if TYPE_CHECKING:\n    import ml_dtypes", []),
        ("likewise.ir.types", "if TYPE_CHECKING: ...\nelse:\n    import onnx", ["onnx"]),
        ("likewise.ir.types", "import click", ["click"]),
        ("likewise.cli", "import click, rich.table", []),
    ],
)
def test_foreign_imports(module: str, source: str, foreign: list[str]) -> None:
    found = foreign_imports(source, module)
    assert [line.rpartition(" ")[2] for line in found] == foreign
