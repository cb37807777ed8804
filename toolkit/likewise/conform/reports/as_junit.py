"""A report as the XML that JUnit made common: what CI shows case by case."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from likewise.conform.check import Report

__all__ = ["as_junit"]


def as_junit(report: Report) -> str:
    """One suite: a case for each output of each target, for bits, and for absent targets.

    A peer's errors are in `system-out` and fail nothing.
    """
    suite = ET.Element("testsuite", name=f"likewise conform {_plain(report.model)}")
    for one in report.answers:
        if one.error:
            case = _case(suite, one.label, "runs", one.seconds)
            if one.is_peer:
                ET.SubElement(case, "system-out").text = _plain(one.error)
            else:
                ET.SubElement(case, "error", message=_plain(one.error))
        for finding in one.findings:
            name = f"{finding.output}, run {finding.run}"
            case = _case(suite, one.label, name, one.seconds / len(one.findings))
            if finding.verdict.good:
                continue
            if one.is_peer:
                ET.SubElement(case, "system-out").text = _plain(finding.verdict.reason)
            else:
                ET.SubElement(case, "failure", message=_plain(finding.verdict.reason))
    for group in report.bits:
        case = _case(suite, f"bits, {group.mode} numerics", ", ".join(group.members))
        if group.apart:
            ET.SubElement(case, "failure", message=_plain("; ".join(group.apart)))
    for name, what in report.absent.items():
        ET.SubElement(_case(suite, name, "is there"), "skipped", message=_plain(what))
    for tag, attribute in (
        ("testcase", "tests"),
        ("failure", "failures"),
        ("error", "errors"),
        ("skipped", "skipped"),
    ):
        suite.set(attribute, str(len(suite.findall(f".//{tag}"))))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, classname: str, name: str, seconds: float = 0.0) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", classname=_plain(classname), name=_plain(name), time=f"{seconds:.3f}"
    )


def _plain(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
