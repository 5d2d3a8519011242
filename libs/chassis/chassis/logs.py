"""Structured logs of allow-listed fields: ids, codes and numbers, never what people wrote."""

import sys
import sysconfig
import traceback
from contextlib import suppress
from typing import Any

import structlog
from structlog.typing import EventDict

ALLOWED = frozenset({
    "service", "lane", "event", "level", "timestamp", "reason", "error", "type", "subject",
    "version", "event_id", "correlation_id", "source", "attempts", "count", "route", "method",
    "status", "seconds", "state", "kind", "owner_id", "clinic_id", "port", "signal", "epoch",
    "position", "stream", "case_id", "rung", "message_id", "template", "channel", "trace",
    "digest", "at", "key_id", "signature", "alarm",
})  # fmt: skip
"""Fields that may be logged. Anything else is replaced by its name, so that the loss is seen."""

NOT_OURS = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
"""Where the code of others lies; an error is told by the last line before it went there."""


def configure(*, stream: Any = None, level: int = 20) -> None:
    """Write one JSON object a line to a stream, standard error by default.

    A line that cannot be written is lost: what it tells of is done, and whoever tells goes on.
    """
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper("iso"),
                    only_allowed, structlog.processors.JSONRenderer(sort_keys=True)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: Lines(stream or sys.stderr), cache_logger_on_first_use=False,
    )  # fmt: skip


class Lines(structlog.WriteLogger):
    """Writes, and fails nobody over a full disk or a reader that is gone."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    debug = info = warning = error = critical = msg


def only_allowed(_logger: Any, _method: str, fields: EventDict) -> EventDict:
    """Drop the values of fields that are not on the list, and say which."""
    refused = sorted(set(fields) - ALLOWED)
    kept = {name: value for name, value in fields.items() if name in ALLOWED}
    return {**kept, "refused_fields": refused} if refused else kept


def where(failure: BaseException) -> str:
    """Where something failed, without what it said: type and the last line of our own code."""
    name = ""
    for frame, line in traceback.walk_tb(failure.__traceback__):
        if not name or not frame.f_code.co_filename.startswith(NOT_OURS):
            name = f"{frame.f_code.co_qualname}:{line}"
    return f"{type(failure).__name__} in {name}"


log = structlog.get_logger()
