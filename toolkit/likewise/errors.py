"""The one tree of errors that likewise raises.

Every message says where the fault is, what was wrong, what was given, what is allowed and what
to do next, as far as each is known. Code deep inside raises with what it knows; the layers above
add the place with `at` while the error passes through them.
"""

from __future__ import annotations

from typing import Final, Self

__all__ = [
    "InferenceError",
    "InputError",
    "LikewiseError",
    "MissingDependencyError",
    "ModelError",
    "UnsupportedError",
]


class LikewiseError(Exception):
    """Base of every error that likewise raises on purpose.

    `what` is the fault in one clause; `given` what was found; `allowed` what would have been
    right; `hint` what the reader can do. `where` lists the places from the outermost (the file)
    to the innermost (the operator).
    """

    def __init__(
        self,
        what: str,
        *,
        given: object = None,
        allowed: object = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.given = given
        self.allowed = allowed
        self.hint = hint
        self.where: tuple[str, ...] = ()

    def at(self, *places: str) -> Self:
        """Put `places` (outermost first) before those already known; returns the error itself."""
        self.where = (*places, *self.where)
        return self

    def __str__(self) -> str:
        text = _shortened(self.what)
        if self.given is not None:
            text += f"; given: {_shortened(self.given)}"
        if self.allowed is not None:
            text += f"; allowed: {_shortened(self.allowed)}"
        if self.hint is not None:
            text += f"; {self.hint}"
        where = self.where
        if len(where) > 2 * _PLACES:
            where = (*where[:_PLACES], "…", *where[-_PLACES:])
        return ": ".join((*(_shortened(place, _PLACE_LETTERS) for place in where), text))


_PLACES: Final = 6
_PLACE_LETTERS: Final = 400
_ENTRIES: Final = 32
_LETTERS: Final = 4000


def _shortened(content: object, letters: int = _LETTERS) -> str:
    """`content` as text, cut where a hostile or huge model would make a message of megabytes."""
    if isinstance(content, list | tuple) and len(content) > _ENTRIES:
        shown = ", ".join(map(repr, content[:_ENTRIES]))
        text = f"[{shown}, … {len(content)} entries]"
    else:
        text = str(content)
    return text if len(text) <= letters else f"{text[:letters]}… ({len(text)} letters)"


class ModelError(LikewiseError):
    """The model itself is broken: a malformed file, a graph that breaks ONNX's rules."""


class InferenceError(ModelError):
    """Types or shapes inside the model contradict each other."""


class UnsupportedError(LikewiseError):
    """The model is valid, but an operator, form or type of it is not supported here."""


class InputError(LikewiseError):
    """What the caller passed (a name, dtype, shape, option or path) is wrong."""


class MissingDependencyError(LikewiseError, ImportError):
    """An optional package is needed; the message names the extra that brings it."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed",
            hint=f"install it with: pip install 'likewise[{extra}]'",
        )
