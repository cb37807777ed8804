"""Pages of `docs/` in which each program that measures something keeps its own section."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["PAGE", "SECTIONS", "goals_missed", "table", "with_section", "write_section"]

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "performance.md"
SECTIONS = (
    "The NumPy target",
    "In the browser",
    "From a link to the first answer",
    "likewise in Pyodide",
    "TFLite files",
    "The edge agent at twice its capacity",
)
"""The titles of the sections of that page, in their order."""

HEAD = """# Performance

`./dev bench`, with `browser`, `pyodide`, `litert` and `edge` after it, writes this page. What
stands in one table was measured in one run, in turn, after a warm-up, with one thread each unless
it says otherwise. A time is the median; in parentheses the quartiles. Other work on the machine
stretches the times; ratios suffer less.
"""


CONFORMANCE = """# Conformance

Each section is written by the program that it names, which ran everything that it reports.
"""


@dataclass(frozen=True)
class _Page:
    """A file, what stands above its sections, and their titles in order."""

    path: Path
    head: str
    sections: tuple[str, ...]


_PAGES = (
    _Page(PAGE, HEAD, SECTIONS),
    _Page(
        DOCS / "conformance.md",
        CONFORMANCE,
        ("The official cases, beside other engines", "Random models", "Planted faults"),
    ),
)


def _page_of(title: str) -> _Page:
    for page in _PAGES:
        if title in page.sections:
            return page
    known = ", ".join(name for page in _PAGES for name in page.sections)
    raise ValueError(f"no section {title!r}; there are: {known}")


def with_section(text: str, title: str, body: str) -> str:
    """The page that has a section of that title, with this body under it, and otherwise as it was.

    What stands under a title that no page has is dropped. Raises ValueError for such a title.
    """
    page = _page_of(title)
    parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    found = {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}
    found[title] = body.strip()
    sections = [f"## {name}\n\n{found[name]}\n" for name in page.sections if name in found]
    return "\n".join([page.head, *sections])


def write_section(title: str, body: str) -> None:
    """Put the section into its page, which need not exist yet."""
    path = _page_of(title).path
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(with_section(page, title, body), encoding="utf-8")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows in Markdown, the first column to the left and the others to the right."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def goals_missed(lines: Sequence[str]) -> str:
    """The end of a section: each goal that was not reached, in words."""
    return "### Goals missed\n\n" + "\n".join(f"- {line}" for line in lines or ["none"])
