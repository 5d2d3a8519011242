import errno
import io

import pytest

from chassis import logs
from chassis.logs import log


class Full(io.StringIO):
    """A stream on a disk without a byte left."""

    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def written_to():
    yield lambda stream: logs.configure(stream=stream)
    logs.configure()


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_a_line_that_cannot_be_written_fails_nobody(written_to, level):
    written_to(Full())
    getattr(log, level)("request", service="intake", status=201)


def test_a_line_that_can_be_written_is_one_json_object(written_to):
    stream = io.StringIO()
    written_to(stream)
    log.info("request", service="intake", status=201)
    assert stream.getvalue().count("\n") == 1
    assert '"status": 201' in stream.getvalue()
