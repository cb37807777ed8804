"""What each operator means. One operator a file, found by its name when a model needs it.

The folders are the domains of ONNX (`ai_onnx` is the default one). An operator `Softmax` stands
in `softmax.py`; families that differ by one expression share a file in the folder `families`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from likewise.ops.operator import _CLASSES, Operator

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Operator", "every_operator", "find_operator"]


@cache
def find_operator(name: str, domain: str = "") -> type[Operator] | None:
    """The class of an operator, importing the module that defines it; None if there is none."""
    if domain == "ai.onnx":
        domain = ""
    package = f"{__name__}.{(domain or 'ai.onnx').replace('.', '_')}"
    if not package.replace(".", "_").isidentifier() or not name.isidentifier():
        return None
    if importlib.util.find_spec(package) is None:
        return None
    if importlib.util.find_spec(f"{package}.{name.lower()}"):
        importlib.import_module(f"{package}.{name.lower()}")
    # Families that name it come first: in the browser every module that is run counts.
    for family in sorted(_families(package), key=lambda one: name not in _names(one)):
        if (domain, name) in _CLASSES:
            break
        importlib.import_module(family)
    return _CLASSES.get((domain, name))


@cache
def _families(package: str) -> tuple[str, ...]:
    if importlib.util.find_spec(f"{package}.families") is None:
        return ()
    return tuple(_modules(importlib.import_module(f"{package}.families")))


@cache
def _names(module: str) -> frozenset[str]:
    """What a module defines and uses, by its code, which is not run for that."""
    loader = importlib.util.find_spec(module).loader  # type: ignore[union-attr]  # it is there
    return frozenset(loader.get_code(module).co_names)  # type: ignore[union-attr]  # the same


def _modules(package: ModuleType) -> list[str]:
    return [f"{package.__name__}.{found.name}" for found in pkgutil.iter_modules(package.__path__)]


def every_operator() -> list[type[Operator]]:
    """All operators there are, sorted by domain and name; imports every module."""
    prefix = f"{__name__}."
    for found in pkgutil.walk_packages(__path__, prefix):
        importlib.import_module(found.name)
    return [_CLASSES[key] for key in sorted(_CLASSES)]
