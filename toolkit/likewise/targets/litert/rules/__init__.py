"""ONNX operators as builtins of TFLite: a rule an operator, found by its name.

    @rule("Sigmoid", builtin="LOGISTIC")
    def sigmoid(e: Emitter, node: Node, x: Laid) -> Laid: ...

`builtin` is the one whose element types decide whether the node is computed in a wider type.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from likewise.ir import OperatorLike

__all__ = ["Rule", "find_rule", "rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How an operator is emitted, and the builtin that has the say on types."""

    emit: Callable[..., Any]
    builtin: str


_RULES: Final[dict[tuple[str, str], Rule]] = {}


def rule(*names: str, builtin: str, domain: str = "") -> Callable[[Any], Any]:
    """Register a function as the rule for operators."""

    def registered(function: Any) -> Any:
        _RULES.update({(domain, name): Rule(function, builtin) for name in names})
        return function

    return registered


def find_rule(operator: OperatorLike) -> Rule | None:
    """The rule for an operator; None where there is none."""
    _import_all()
    return _RULES.get((operator.domain, operator.name))


@cache
def _import_all() -> None:
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
