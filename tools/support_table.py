"""Generate what the documentation says of support, from the operators and the ledgers.

Writes `docs/support.md` and the part of `README.md` between its markers. With `--check` it only
compares. The official cases are built by the onnx package, which takes some seconds.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    # Run as a file, by `./dev docs`: the repository's root is what `tests` is imported from.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import onnx

from likewise.ops import every_operator
from tests.conformance.ledger import TARGETS, expected_failures
from tests.conformance.onnx_cases import KINDS, onnx_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from likewise.ops import Operator
    from tests.conformance.onnx_cases import OnnxCase

__all__ = ["Survey", "generated", "main", "survey"]

ROOT = Path(__file__).resolve().parent.parent
README, PAGE = ROOT / "README.md", ROOT / "docs" / "support.md"
START, END = "<!-- support table: start -->", "<!-- support table: end -->"
Key = tuple[str, str]
"""The domain and the name of an operator."""

HEAD = f"""# Support

`./dev docs` writes this page from the operators' own definitions and from the ledgers in
`tests/expected/`; a test checks that it is current. Each name leads to the file that says what the
operator means. *Forms* are the opsets that changed it: models of all of them load. Under a target
stands how many of the cases that have the operator in them pass there: the official cases of onnx
{onnx.__version__} and the operator's own. The ledgers give a reason for each that does not;
[conformance.md](conformance.md) counts them.
"""


@dataclass(frozen=True)
class Survey:
    """What there is: operators here and in ONNX, the official cases, and those that fail."""

    ours: Mapping[Key, type[Operator]]
    standard: frozenset[Key]
    uses: Mapping[str, frozenset[Key]]
    """The operators in each case: official ones, and the operators' own."""
    kinds: Mapping[str, str]
    """The kind of each official case."""
    failing: Mapping[str, frozenset[str]]
    """The cases that do not pass, by target."""
    apart: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The cases that do not run, by target."""

    def passed(self, cases: Iterable[str], target: str) -> str:
        """How many of the cases pass on a target: `12`, or `11 of 12`; nothing for none."""
        names = [name for name in cases if name not in self.apart.get(target, ())]
        count = sum(name not in self.failing[target] for name in names)
        if not names:
            return ""
        return str(count) if count == len(names) else f"{count} of {len(names)}"

    def domains(self) -> list[str]:
        """All domains, the default one first."""
        return sorted({domain for domain, _ in (*self.ours, *self.standard)})


def survey() -> Survey:
    """Collect it all."""
    cases = onnx_cases()
    own = {
        f"{operator.domain}.{operator.name}-{index}".lstrip("."): (operator.domain, operator.name)
        for operator in every_operator()
        for index, case in enumerate(operator.cases())
        if not case.error
    }
    uses = {name: frozenset(_operators(case)) for name, case in cases.items()}
    failing = {one.label: set(expected_failures(one.cases, cases)) for one in TARGETS}
    for one in TARGETS:
        if one.own:
            failing[one.label] |= set(expected_failures(one.own, own))
    return Survey(
        ours={(operator.domain, operator.name): operator for operator in every_operator()},
        standard=frozenset((s.domain, s.name) for s in onnx.defs.get_all_schemas()),
        uses=uses | {name: frozenset({key}) for name, key in own.items()},
        kinds={name: case.kind for name, case in cases.items()},
        failing={label: frozenset(names) for label, names in failing.items()},
        apart={one.label: frozenset(own) for one in TARGETS if one.own is None},
    )


def _operators(case: OnnxCase) -> Iterator[Key]:
    """The operators in the graph of a case, its subgraphs included."""
    waiting = [onnx.load_from_string(case.model()).graph]
    while waiting:
        for node in waiting.pop().node:
            yield "" if node.domain == "ai.onnx" else node.domain, node.op_type
            waiting += [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]


def generated(found: Survey) -> dict[Path, str]:
    """What each generated file must hold."""
    before, _, rest = README.read_text(encoding="utf-8").partition(START)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError(f"{README.name} lacks the markers {START} and {END}")
    inside = f"{START}\n{_summary(found)}\n{END}"
    return {README: f"{before}{inside}{after}", PAGE: f"{HEAD}\n{_page(found)}"}


def _summary(found: Survey) -> str:
    """The short tables of the README."""
    counts = [
        Counter(kind for name, kind in found.kinds.items() if name not in failing)
        for failing in (frozenset(), *found.failing.values())
    ]
    cases = [(f"`{kind}`", *(str(count[kind]) for count in counts)) for kind in KINDS]
    cases.append(("**all**", *(f"**{count.total()}**" for count in counts)))
    operators = []
    for domain in found.domains():
        standard = {key for key in found.standard if key[0] == domain}
        ours = {key for key in found.ours if key[0] == domain}
        numbers = (len(standard), len(ours & standard)) if standard else ("—", len(ours))
        operators.append((f"`{domain or 'ai.onnx'}`", *map(str, numbers)))
    version = onnx.__version__
    lines = [
        f"How many of the official cases of onnx {version} pass on each target; those that do not",
        "stand with their reason in `tests/expected/`:",
        "",
        *_table(("cases", "in onnx", *found.failing), cases),
        "",
        "Operators, each of which [docs/support.md](docs/support.md) lists:",
        "",
        *_table(("domain", f"in onnx {version}", "in likewise"), operators),
    ]
    return "\n".join(lines)


def _page(found: Survey) -> str:
    cases_of: dict[Key, list[str]] = {}
    for case, used in found.uses.items():
        for key in used:
            cases_of.setdefault(key, []).append(case)
    sections = []
    for domain in found.domains():
        keys = sorted(key for key in {*found.ours, *found.standard} if key[0] == domain)
        rows = [_row(key, found, cases_of.get(key, [])) for key in keys]
        columns = ("operator", *found.failing, "forms", "")
        sections.append("\n".join([f"## {domain or 'ai.onnx'}", "", *_table(columns, rows), ""]))
    return "\n".join(sections)


def _row(key: Key, found: Survey, cases: Sequence[str]) -> tuple[str, ...]:
    operator = found.ours.get(key)
    passed = [found.passed(cases, target) for target in found.failing]
    if operator is None:
        return key[1], *passed, "", "not yet"
    file = operator.__module__.replace(".", "/")
    name = f"[{key[1]}](../toolkit/{file}.py)"
    remark = "deprecated: becomes other operators" if operator.replaced else ""
    if key not in found.standard and any(domain == key[0] for domain, _ in found.standard):
        remark = "not of ONNX: onnxruntime writes it"
    return name, *passed, ", ".join(map(str, operator.versions)), remark


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table, without columns that are empty; numbers are on the right."""
    kept = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    rules = ["---:" if all(_is_number(row[i]) for row in rows) else "---" for i in kept]
    lines = [[columns[i] for i in kept], rules, *([row[i] for i in kept] for row in rows)]
    return [f"| {' | '.join(line)} |".replace("  ", " ") for line in lines]


def _is_number(cell: str) -> bool:
    return cell.strip("*—")[:1].isdigit() == bool(cell.strip("*—"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or compare them; exit status 1 where one is stale."""
    parser = argparse.ArgumentParser(
        prog="tools/support_table.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="only compare; fail where stale")
    options = parser.parse_args(arguments)
    status = 0
    for path, text in generated(survey()).items():
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        if text == current:
            continue
        name = path.relative_to(ROOT)
        if options.check:
            print(f"{name} is stale: run ./dev docs", file=sys.stderr)
            status = 1
        else:
            path.write_text(text, encoding="utf-8")
            print(f"written: {name}")
    return status


if __name__ == "__main__":
    sys.exit(main())
