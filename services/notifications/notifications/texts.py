"""The routes by which telephone companies tell what became of texts, and what is written back."""

from collections.abc import Callable
from typing import Any, TypeVar

from channels.callbacks import Callbacks, Forged, account_of
from channels.twilio import said_back
from chassis.entrypoints import repeats
from chassis.refusals import Forbidden
from notifications import metrics, numbers, receipts, replies
from notifications.schemas import ReceiptQuery
from notifications.settings import RECEIPTS, REPLIES
from web.answers import xml
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

    @callback("POST", REPLIES, signed_in=SIGNED_IN)
    def take_reply(self, call: Call) -> Any:
        """Take what somebody wrote back, and answer it."""
        heard = self._believed(call.body, Callbacks.reply)
        people = numbers.whose(call.db, heard.from_, self.runtime.settings.details_key)
        said = replies.take(call.db, heard, people)
        metrics.REPLIES.labels("known" if people else "unknown", said.kind).inc()
        return xml(said_back(said.texts))

    @repeats(seconds=1)
    def learn_numbers(self) -> bool:
        runtime = self.runtime
        return numbers.learn(runtime.database, runtime.vault, runtime.settings.details_key)

    def _believed(self, posted: Any, read: Callable[..., Said]) -> Said:
        """What was posted, by the account of ours that signed it. Raises Forbidden."""
        settings = self.runtime.settings
        url = f"{settings.origin}{posted.target}"
        try:
            ours = account_of(settings.sms_url, posted.fields)
            return read(ours, url, posted.fields, posted.signature)
        except Forged:
            metrics.FORGED.inc()
            raise Forbidden("not_signed") from None
