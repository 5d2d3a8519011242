"""What the processes of crisis have in common that run without nameko: metrics, and their end."""

import errno
import signal
import threading

from prometheus_client import start_http_server


class PortInUse(Exception):
    """Another process has the port of the metrics already."""


def show_metrics(host: str, port: int) -> None:
    """Answer /metrics from a thread. Raises PortInUse."""
    try:
        start_http_server(port, host)
    except OSError as failure:
        if failure.errno != errno.EADDRINUSE:
            raise
        raise PortInUse(f"{host}:{port} is in use by another process") from None


def stop_at_sigterm() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
