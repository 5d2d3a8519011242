"""Callbacks: routes that a provider of ours posts signed forms to, such as receipts and replies.

    @callback("POST", "/crisis/receipts", query=KeyQuery, signed_in="X-Twilio-Signature")
    def take_receipt(self, call):
        '''Take a receipt.'''
        posted = call.body
        receipts.take(call.db, origin + posted.target, posted.fields, posted.signature)

Nobody is signed in, and every clinic can be seen: the method believes the signature or refuses.
"""

from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request

from web.forms import Form
from web.problems import Problem
from web.routes import Route, registering


@dataclass(frozen=True)
class Posted:
    """The path as it was asked for, query included; the fields, each once; what signs them."""

    target: str
    fields: dict[str, str] = field(repr=False)
    signature: str = field(repr=False)


class Callback(Route):
    """A route for a provider. `signed_in` is the header with its signature; the method is handed
    what was `Posted` as `call.body`, and answers nothing unless it returns something."""

    def __init__(self, method: str, path: str, *, signed_in: str, **options: Any) -> None:
        super().__init__(method, path, open=True, across_clinics=True, answers=204, **options)
        self.signed_in = signed_in
        if method != "POST" or self.body:
            raise TypeError(f"{method} {path}: a callback is a POST of a signed form")

    def _sent(self, request: Request) -> tuple[Any, bytes]:
        form = Form.of(request)
        fields = dict(form.sent.items())
        if len(fields) < len(list(form.sent.items(multi=True))):
            raise Problem(400, "field_given_twice")
        return Posted(_target(request), fields, request.headers.get(self.signed_in, "")), form.data


callback = registering(Callback)
"""Make a method answer a callback; the options are those of `Callback` and `Route`."""


def _target(request: Request) -> str:
    """As the provider wrote it: what is decoded and encoded again may be signed no more."""
    query = request.query_string.decode("latin-1")
    return request.environ["RAW_PATH_INFO"] + (f"?{query}" if query else "")
