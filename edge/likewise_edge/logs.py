"""Logs as JSON, an object a line, on standard error: journald and every collector read that."""

from __future__ import annotations

import json
import logging
import time

__all__ = ["facts", "log", "set_up"]

log = logging.getLogger("likewise_edge")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{moment}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def set_up(level: int = logging.INFO) -> None:
    """From now on all that is logged goes out as JSON; what is in `facts` as entries."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


def facts(**entries: object) -> dict[str, object]:
    """What a log call takes as `extra` to put these entries into the line."""
    return {"facts": entries}
