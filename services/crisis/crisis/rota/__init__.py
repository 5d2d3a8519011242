"""Who is on call in a clinic, after how long the next one is called, and how people prove it."""

from crisis.rota.published import OnCall, on_call, publish
from crisis.rota.shifts import Rota
from crisis.rota.staff import Clinician, keep_reachable, must_be_licensed, register

__all__ = (
    "Clinician", "OnCall", "Rota", "keep_reachable", "must_be_licensed", "on_call", "publish",
    "register",
)  # fmt: skip
