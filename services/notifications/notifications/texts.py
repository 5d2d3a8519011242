"""The routes by which telephone companies tell what became of texts."""

from collections.abc import Callable
from typing import Any, TypeVar

from channels.callbacks import Callbacks, Forged, account_of
from chassis.refusals import Forbidden
from notifications import receipts
from notifications.metrics import FORGED
from notifications.schemas import ReceiptQuery
from notifications.settings import RECEIPTS
from web.call import Call
from web.callbacks import callback

SIGNED_IN = "X-Twilio-Signature"

Said = TypeVar("Said")


class Texts:
    """What is posted by telephone companies, each under its signature."""

    runtime: Any

    @callback("POST", RECEIPTS, query=ReceiptQuery, signed_in=SIGNED_IN)
    def take_receipt(self, call: Call) -> None:
        """Take what a telephone company says of a text that it accepted."""
        said = self._believed(call.body, Callbacks.receipt)
        receipts.take(call.db, call.query["key"], said)

    def _believed(self, posted: Any, read: Callable[..., Said]) -> Said:
        """What was posted, by the account of ours that signed it. Raises Forbidden."""
        settings = self.runtime.settings
        url = f"{settings.origin}{posted.target}"
        try:
            ours = account_of(settings.sms_url, posted.fields)
            return read(ours, url, posted.fields, posted.signature)
        except Forged:
            FORGED.inc()
            raise Forbidden("not_signed") from None
