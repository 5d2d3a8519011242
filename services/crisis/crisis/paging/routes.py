"""What providers post, and the page that a link in a page opens: for whoever shows a signature or
a link. No sign-in service is asked, so that they work when it is down."""

from collections.abc import Callable
from typing import Any, TypeVar

from channels.callbacks import Callbacks, Forged
from chassis.logs import log
from chassis.refusals import Forbidden, NotFound
from crisis import metrics
from crisis import schemas as shape
from crisis.paging import answers, receipts
from crisis.paging.wording import PATH
from crisis.settings import RECEIPTS, Settings
from web.callbacks import Posted, callback
from web.pages import page

SIGNED_IN = "X-Twilio-Signature"

Said = TypeVar("Said")


class Paging:
    """Receipts, replies and links."""

    runtime: Any

    @callback(
        "POST", f"{RECEIPTS}/<string:channel>/<string:company>",
        query=shape.KeyQuery, signed_in=SIGNED_IN,
    )  # fmt: skip
    def take_receipt(self, call, channel, company):
        """Take what a provider says became of a page. It acknowledges nothing."""
        said = _believed(self.runtime.settings, channel, company, call.body, Callbacks.receipt)
        receipts.take(call.db, said, key=call.query["key"], at=call.now)

    @callback("POST", "/crisis/replies/<string:company>", signed_in=SIGNED_IN)
    def take_reply(self, call, company):
        """Take what somebody wrote back: the code of a case acknowledges it."""
        runtime = self.runtime
        said = _believed(runtime.settings, "sms", company, call.body, Callbacks.reply)
        for case in answers.take_by_reply(call.db, runtime.vault, said, at=call.now):
            metrics.count_acknowledged(case, call.now)

    @page("GET", f"{PATH}<string:token>", "paged.html", open=True, across_clinics=True)
    def show_paged(self, call, token):
        """What a page was about, and who has it; looking acknowledges nothing."""
        return {"cases": answers.shown(call.db, self.runtime.vault, token), "now": call.now}

    @page("POST", f"{PATH}<string:token>", body=shape.TakeBody, open=True, across_clinics=True)
    def take_paged(self, call, token):
        """Say "I have it", once."""
        code = call.body["code"]
        if case := answers.take_by_link(call.db, token, code, at=call.now):
            metrics.count_acknowledged(case, call.now)
        return f"{PATH}{token}"


def _believed(
    settings: Settings,
    channel: str,
    company: str,
    posted: Posted,
    read: Callable[[Callbacks, str, dict[str, str], str], Said],
) -> Said:
    """What a telephone company of ours said. Raises NotFound, or Forbidden where it did not."""
    at = settings.telephone_company(channel, company)
    if at is None:
        raise NotFound("telephone_company")
    url = f"{settings.origin}{posted.target}"
    try:
        return read(Callbacks(at), url, posted.fields, posted.signature)
    except Forged as forged:
        log.warning("callback_forged", channel=channel, reason=str(forged))
        metrics.PAGES.labels(channel, "forged").inc()
        raise Forbidden("not_signed") from None
