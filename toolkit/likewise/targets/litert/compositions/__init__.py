"""Operators as small graphs of those that have builtins, where ONNX's own expansion is another.

    @composed("LSTM")
    def lstm(b: GraphBuilder, operator: Any, X: Value, ...) -> tuple[Value, ...] | None: ...

None: the node stays as it is.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.ir import OperatorLike

__all__ = ["composed", "find_composition"]

_COMPOSED: Final[dict[tuple[str, str], Any]] = {}


def composed(*names: str, domain: str = "") -> Callable[[Any], Any]:
    """Register a function as the composition of operators."""

    def registered(function: Any) -> Any:
        _COMPOSED.update({(domain, name): function for name in names})
        return function

    return registered


def find_composition(operator: OperatorLike) -> Callable[..., Any] | None:
    """The composition of an operator; None where there is none."""
    _import_all()
    return _COMPOSED.get((operator.domain, operator.name))


@cache
def _import_all() -> None:
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
