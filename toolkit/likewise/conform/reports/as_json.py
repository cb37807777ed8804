"""A report as JSON; `report.schema.json` beside this file is the schema."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from likewise.conform.compare import ULP_LIMITS

if TYPE_CHECKING:
    from likewise.conform.check import Answered, Finding, Report

__all__ = ["SCHEMA", "as_json", "schema"]

SCHEMA: Final = Path(__file__).with_name("report.schema.json")
VERSION: Final = 1


def schema() -> dict[str, Any]:
    """The JSON Schema that every report keeps."""
    found: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found


def as_json(report: Report) -> dict[str, Any]:
    """The report as what JSON can hold; an infinite or missing number is null."""
    return {
        "version": VERSION,
        "model": report.model,
        "source_sha256": report.source_sha256,
        "inputs": dict(report.inputs),
        "origin": report.origin,
        "runs": report.runs,
        "times": report.times,
        "good": report.good,
        "ulp_limits": [_number(one) for one in ULP_LIMITS],
        "reference": [_finding(one) for one in report.reference],
        "targets": [_answered(one) for one in report.answers],
        "bits": [
            {"numerics": one.mode, "targets": list(one.members), "apart": list(one.apart)}
            for one in report.bits
        ],
        "absent": dict(report.absent),
        "layers": [
            {
                "position": one.position,
                "node": one.node,
                "operator": one.operator,
                "errors": {name: _number(error) for name, error in one.errors.items()},
            }
            for one in report.layers
        ],
        "environment": dict(report.environment),
    }


def _answered(one: Answered) -> dict[str, Any]:
    return {
        "target": one.engine,
        "numerics": one.mode,
        "version": one.version,
        "is_peer": one.is_peer,
        "seconds": one.seconds,
        "good": one.good,
        "note": one.note,
        "error": one.error,
        "findings": [_finding(finding) for finding in one.findings],
    }


def _finding(one: Finding) -> dict[str, Any]:
    found: dict[str, Any] = {
        "output": one.output,
        "run": one.run,
        "good": one.verdict.good,
        "reason": one.verdict.reason,
        "times": _number(one.verdict.times),
        "limit": _number(one.verdict.limit),
    }
    if one.difference is not None:
        found["difference"] = {
            "elements": one.difference.size,
            "scale": _number(one.difference.scale),
            "absolute": _number(one.difference.absolute),
            "relative": _number(one.difference.relative),
            "rms": _number(one.difference.rms),
            "ulps": list(one.difference.ulps),
            "nans": one.difference.nans,
            "infinities": one.difference.infinities,
        }
    return found


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
