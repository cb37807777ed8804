"""Regular expressions in the syntax of RE2, matched with Python's `re`.

The two languages overlap; `compile_re2` rewrites what they spell differently and refuses, by
name, what only one of them has. Python's matcher backtracks: unlike RE2 it may take exponential
time on a pattern such as `(a*)*b`.

Source: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
import string
import warnings
from functools import lru_cache
from typing import Final

from likewise.errors import ModelError, UnsupportedError

__all__ = ["compile_re2"]

_POSIX: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\x0b\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_SPACE: Final = r"\t\n\f\r "  # RE2's \s lacks the vertical tab that Python's has
_WORD: Final = "0-9A-Za-z_"
_CLASSES: Final = {"d": "0-9", "s": _SPACE, "w": _WORD}
_SAME_ESCAPES: Final = frozenset("afnrtvA" + string.punctuation)
_REFUSED: Final = {
    "p": "cannot be matched: a Unicode class",
    "P": "cannot be matched: a Unicode class",
    "C": "cannot be matched: a single byte",
}


@lru_cache(maxsize=64)
def compile_re2(pattern: str) -> re.Pattern[str]:
    """The pattern for Python. Digits, words and spaces are those of ASCII, as in RE2.

    Raises `UnsupportedError` for what Python cannot match the same way, and `ModelError` for
    what RE2's syntax does not have.
    """
    translated = _Translation(pattern).run()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(translated)
    except (re.error, OverflowError, RecursionError) as error:
        raise ModelError(
            f"{pattern!r} is not a regular expression that Python reads: {error}"
        ) from None


class _Translation:
    """One pass over a pattern; `out` is what Python shall read."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.out: list[str] = []
        self.multiline = False
        self.quantified = False

    def run(self) -> str:
        while self.at < len(self.pattern):
            quantifier = self._quantifier()
            if quantifier:
                if self.quantified:
                    raise self._not_in_re2(quantifier)
                self.out.append(quantifier)
                self.at += len(quantifier)
                self.quantified = True
                continue
            self.quantified = False
            self._atom()
        return "".join(self.out)

    def _quantifier(self) -> str:
        """The quantifier that stands here, with the `?` that makes it lazy."""
        found = re.compile(r"(?:[*+?]|\{(\d+)(?:,(\d*))?\})\??").match(self.pattern, self.at)
        if found is None:
            return ""
        if any(int(bound) > 1000 for bound in found.groups() if bound):
            raise self._not_in_re2(found[0])
        return found[0]

    def _atom(self) -> None:
        char = self.pattern[self.at]
        if char == "\\":
            self._escape()
        elif char == "[":
            self._class()
        elif self.pattern.startswith("(?", self.at):
            self._group()
        else:
            # Without (?m) Python's `$` also matches before a last line feed.
            plain = {"$": "$" if self.multiline else r"\Z", "{": r"\{", "}": r"\}"}
            self.out.append(plain.get(char, char))
            self.at += 1

    def _group(self) -> None:
        found = re.compile(r"\(\?(?:P?<(\w+)>|([imsU]*)(-[imsU]*)?([:)]))").match(
            self.pattern, self.at
        )
        if found is None:
            raise self._not_in_re2(self.pattern[self.at : self.at + 3])
        name, flags, cleared, end = found.groups()
        if name:
            self.out.append(f"(?P<{name}>")
        else:
            self._flags(flags, cleared or "", end, found[0])
        self.at = found.end()

    def _flags(self, flags: str, cleared: str, end: str, text: str) -> None:
        inside = end == ":"
        if "U" in flags + cleared or "m" in (flags if inside else "") + cleared:
            raise self._unsupported(text, "cannot be matched the same way")
        if not inside and (self.out or cleared):
            raise self._unsupported(text, "cannot be matched except at the start of the pattern")
        self.multiline |= "m" in flags
        if flags or cleared or inside:
            self.out.append(f"(?{flags}{cleared}{end}")

    def _escape(self) -> None:
        char = self.pattern[self.at + 1 : self.at + 2]
        if char == "Q":
            end = self.pattern.find(r"\E", self.at)
            end = len(self.pattern) if end < 0 else end
            self.out.append(re.escape(self.pattern[self.at + 2 : end]))
            self.at = end + 2
        elif char and char in "dDsSwW":
            # Not to be widened by (?i): there is a long s whose capital is S.
            self.out.append(f"(?-i:[{'^' * char.isupper()}{_CLASSES[char.lower()]}])")
            self.at += 2
        elif char in ("b", "B"):
            inside, outside = f"(?<![{_WORD}])(?=[{_WORD}])", f"(?<=[{_WORD}])(?![{_WORD}])"
            boundary = f"(?:{inside}|{outside})"
            self.out.append(boundary if char == "b" else f"(?!{boundary})")
            self.at += 2
        elif char == "z":
            self.out.append(r"\Z")
            self.at += 2
        else:
            self.out.append(self._character())

    def _character(self) -> str:
        """An escape that means the same inside and outside a class; moves past it."""
        number = re.compile(
            r"\\(?:x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|0([0-7]{0,2})|"
            r"([1-7][0-7]{1,2}))"
        ).match(self.pattern, self.at)
        if number is not None:
            two, braced, zero, octal = number.groups()
            code = int(two or braced, 16) if two or braced else int(zero or octal or "0", 8)
            if code > 0x10FFFF:
                raise self._not_in_re2(number[0])
            self.at = number.end()
            return re.escape(chr(code))
        text = self.pattern[self.at : self.at + 2]
        if text[1:] in _REFUSED:
            raise self._unsupported(text, _REFUSED[text[1:]])
        if text[1:] not in _SAME_ESCAPES or len(text) < 2:
            raise self._not_in_re2(text)
        self.at += 2
        return text

    def _class(self) -> None:
        start = self.at
        negated = self.pattern.startswith("[^", start)
        self.at += 2 if negated else 1
        inside = ["[^" if negated else "["]
        first = True
        while first or not self.pattern.startswith("]", self.at):
            if self.at >= len(self.pattern):
                raise ModelError(
                    f"{self.pattern!r} is not a regular expression: a class is not closed"
                )
            inside.append(self._member())
            first = False
        self.at += 1
        self.out.append("".join(inside) + "]")

    def _member(self) -> str:
        posix = re.compile(r"\[:(\^?)(\w+):\]").match(self.pattern, self.at)
        if posix is not None:
            if posix[1] or posix[2] not in _POSIX:
                raise self._unsupported(posix[0], "cannot be matched the same way")
            self.at = posix.end()
            return _POSIX[posix[2]]
        char = self.pattern[self.at]
        if char == "\\":
            escaped = self.pattern[self.at + 1 : self.at + 2]
            if escaped and escaped in "DSW":
                raise self._unsupported(f"\\{escaped}", "cannot be matched inside a class")
            if escaped == "A":
                raise self._not_in_re2(r"\A")
            if escaped in _CLASSES:
                self.at += 2
                return _CLASSES[escaped]
            return self._character()
        self.at += 1
        return "\\" + char if char in "[]&~|" else char

    def _not_in_re2(self, text: str) -> ModelError:
        return ModelError(f"{text!r} is not in RE2's syntax".replace("\\\\", "\\"))

    def _unsupported(self, text: str, why: str) -> UnsupportedError:
        return UnsupportedError(f"{text!r} {why}".replace("\\\\", "\\"))
