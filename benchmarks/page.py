"""`docs/performance.md`: one page, in which each benchmark keeps its own section."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["PAGE", "SECTIONS", "table", "with_section", "write_section"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
SECTIONS = ("The NumPy target", "In the browser", "From a link to the first answer")
"""The titles of the sections, in their order."""

HEAD = """# Performance

`./dev bench` and `./dev bench browser` write this page. What stands in one table was measured in
one run, in turn, after a warm-up, with one thread each unless it says otherwise. A time is the
median; in parentheses the quartiles. Other work on the machine stretches the times; ratios suffer
less.
"""


def with_section(page: str, title: str, body: str) -> str:
    """The page with this body under that title, and otherwise as it was.

    What stands under a title that SECTIONS does not have is dropped. Raises ValueError for such
    a title.
    """
    if title not in SECTIONS:
        raise ValueError(f"no section {title!r}; there are: {', '.join(SECTIONS)}")
    parts = re.split(r"^## (.*)\n", page, flags=re.MULTILINE)[1:]
    found = {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}
    found[title] = body.strip()
    sections = [f"## {name}\n\n{found[name]}\n" for name in SECTIONS if name in found]
    return "\n".join([HEAD, *sections])


def write_section(title: str, body: str) -> None:
    """Put the section into the page, which need not exist yet."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    PAGE.write_text(with_section(page, title, body), encoding="utf-8")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows in Markdown, the first column to the left and the others to the right."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
