"""Named points at which a drill ends this process; nothing happens there unless one is armed.

`EVENKEEL_CRASH_AT=relay.after_publish:3` kills the process when it gets there the third time. With
`EVENKEEL_CRASH_TELL`, the path of a named pipe, it says so there and stands still instead, until
somebody else kills it or lets it go on. Armed only where `EVENKEEL_ENVIRONMENT` says `test`.
"""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

_armed: str | None = None
_passes_left = 0
_tell: str | None = None


def reached(point: str, at_stake: object = True) -> None:
    """Say that the caller is at a point, where `at_stake` says whether there is work to lose."""
    if point == _armed and at_stake:
        _pass(point)


def arm(environ: Mapping[str, str]) -> None:
    """Read from the environment which point is armed, if any."""
    global _armed, _passes_left, _tell
    asked = environ.get("EVENKEEL_CRASH_AT", "")
    if not asked or environ.get("EVENKEEL_ENVIRONMENT") != "test":
        return
    _armed, _, count = asked.partition(":")
    _passes_left = int(count or 1)
    _tell = environ.get("EVENKEEL_CRASH_TELL")


def _pass(point: str) -> None:
    global _passes_left
    _passes_left -= 1
    if _passes_left:
        return
    if _tell:
        Path(_tell).write_text(point)
    os.kill(os.getpid(), signal.SIGSTOP if _tell else signal.SIGKILL)


arm(os.environ)
