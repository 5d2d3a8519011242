"""One simulated provider: what it accepted under which key, what it delivers and says of it."""

import threading
from collections.abc import Callable
from uuid import uuid4

from evenkeel_ops.providers.faults import DELIVERIES, Faults
from evenkeel_ops.providers.ledger import Ledger

Tell = Callable[[str, Faults], None]


class Carrier:
    """A provider's mind, without its port."""

    def __init__(self, name: str, ledger: Ledger, *, forgetful: bool) -> None:
        self.name = name
        self.faults = Faults()
        self._ledger = ledger
        self._forgetful = forgetful
        self._turn = threading.Lock()

    def accept(
        self, channel: str, key: str, *, to: str, sender: str, text: str, subject: str = "",
        tell: Tell | None = None,
    ) -> str:  # fmt: skip
        """Take it and deliver it, unless it came under this key before. Returns its reference;
        `tell` is called with it when it is new."""
        faults = self.faults
        with self._turn:
            known = None if self._forgets(faults) else self._ledger.reference_of(self.name, key)
            if known:
                return known
            reference = f"{'CA' if channel == 'voice' else 'SM'}{uuid4().hex}"
            self._ledger.accept({
                "provider": self.name, "channel": channel, "key": key, "reference": reference,
                "to": to, "sender": sender, "subject": subject, "text": text,
            })  # fmt: skip
        for _ in range(DELIVERIES[faults.delivers]):
            self._ledger.deliver(reference)
        if tell:
            threading.Thread(target=tell, args=(reference, faults), daemon=True).start()
        return reference

    def _forgets(self, faults: Faults) -> bool:
        return self._forgetful if faults.forgetful is None else faults.forgetful
