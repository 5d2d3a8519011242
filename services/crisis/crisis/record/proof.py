"""Whether a chain is as it was written: the first entry that is not, and what is wrong with it.

Digests find what was changed, taken out, put in or moved. Checkpoints find what digests cannot:
a chain that was cut off, or written anew from some entry on, by somebody who makes new digests.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crisis.record.chain import BEGINNING, Link, digest_of
from crisis.record.checkpoint import Checkpoint
from crisis.record.signing import PublicKeys

MISSING, ALTERED, OUT_OF_ORDER = "missing", "altered", "out_of_order"
CUT, REWRITTEN, UNSIGNED, BEYOND_END = "cut", "rewritten", "not_signed", "beyond_end"

MEANS = {
    MISSING: "an entry was taken out here",
    ALTERED: "this entry was changed, put in or moved",
    OUT_OF_ORDER: "this entry is not the next one of its case",
    CUT: "entries from here on were cut off",
    REWRITTEN: "an entry since the last good checkpoint was changed, and digests made anew",
    UNSIGNED: "the checkpoint here is not signed with a key that counts",
    BEYOND_END: "this entry was added past the end of the chain",
}


@dataclass(frozen=True)
class Fault:
    """What is wrong, and at which place of the chain; `since` is the first that may be altered."""

    what: str
    place: int
    since: int
    case_id: str | None = None


@dataclass
class Chain:
    """A clinic's chain while it is read from its beginning, entry by entry.

    `checkpoints` are by place; `confirmed` is the last place at which one agreed.
    """

    checkpoints: Mapping[int, Checkpoint]
    keys: PublicKeys
    place: int = 0
    digest: str = BEGINNING
    confirmed: int = 0
    fault: Fault | None = None
    _positions: Counter[str] = field(default_factory=Counter)

    def follow(self, entries: Iterable[tuple[Link, str]]) -> bool:
        """Read on. Returns whether all is well so far; after the first fault nothing is read."""
        for link, digest in entries:
            if self.fault is not None:
                return False
            self._read(link, digest)
        return self.fault is None

    def end(self, place: int, digest: str) -> None:
        """There are no more entries; the head says where the chain ends, and with what digest."""
        if self.fault is not None:
            return
        signed_to = max(self.checkpoints, default=0)
        if self.place < max(place, signed_to):
            self._is_wrong(CUT, self.place + 1)
        elif self.place > place:
            self._is_wrong(BEYOND_END, place + 1)
        elif self.digest != digest:
            self._is_wrong(REWRITTEN, place)

    def _read(self, link: Link, digest: str) -> None:
        place, case_id = self.place + 1, link.case_id
        self._positions[case_id] += 1
        if link.place != place:
            self._is_wrong(MISSING, place)
        elif digest != digest_of(self.digest, link):
            self._is_wrong(ALTERED, place, case_id)
        elif link.position != self._positions[case_id]:
            self._is_wrong(OUT_OF_ORDER, place, case_id)
        else:
            self.place, self.digest = place, digest
            if place in self.checkpoints:
                self._compare(self.checkpoints[place], case_id)

    def _compare(self, checkpoint: Checkpoint, case_id: str) -> None:
        if not self.keys.signed(checkpoint.said, checkpoint.key_id, checkpoint.signature):
            self._is_wrong(UNSIGNED, self.place, case_id)
        elif checkpoint.digest != self.digest:
            self._is_wrong(REWRITTEN, self.place, case_id)
        else:
            self.confirmed = self.place

    def _is_wrong(self, what: str, place: int, case_id: str | None = None) -> None:
        since = self.confirmed + 1 if what == REWRITTEN else place
        self.fault = Fault(what, place, since, case_id)
