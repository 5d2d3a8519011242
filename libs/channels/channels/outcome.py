"""What came of handing something to a provider: codes and consequences, no text of anybody's."""

from dataclasses import dataclass

ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"


@dataclass(frozen=True)
class Outcome:
    """`accepted` under the provider's own `reference`; `refused`, for good when `permanent`; or
    `unknown`: the reply was lost.

    `may_repeat` says that somebody may have accepted it without our knowing: sending it once more
    may make it arrive twice. It also stands on what another provider accepted or refused after
    such a loss.
    """

    result: str
    code: str
    reference: str | None = None
    permanent: bool = False
    retry_after_seconds: float | None = None
    may_repeat: bool = False
    provider: str = ""

    @property
    def carrier(self) -> str:
        """Who said so; outside this library nobody else is a provider than a clinician."""
        return self.provider

    @property
    def is_accepted(self) -> bool:
        return self.result == ACCEPTED


def accepted(reference: str | None) -> Outcome:
    """The provider has it. It has not arrived yet, and nobody has read it."""
    return Outcome(ACCEPTED, "accepted", reference=reference)


def refused(
    code: str, *, permanent: bool = False, retry_after_seconds: float | None = None
) -> Outcome:
    """The provider does not have it: permanently so, such as for a number that is none."""
    return Outcome(REFUSED, code, permanent=permanent, retry_after_seconds=retry_after_seconds)


def unknown(code: str) -> Outcome:
    """It had gone when the line broke or the time was up."""
    return Outcome(UNKNOWN, code, may_repeat=True)
