"""Forms: what was sent as text read by the same schemas as JSON, and what is wrong with it."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import marshmallow as ma
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Request

from web import reading
from web.browsers import PROOF
from web.problems import Problem

FORM = "application/x-www-form-urlencoded"
ONCE = "once"
"""The hidden field that names one showing of a form, so that sending it twice has one effect."""

MOST_FIELDS = 500
TICKED = {"on": True, "true": True, "false": False, "": False}


@dataclass(frozen=True)
class Form:
    """What somebody wrote, to be shown again with what is wrong."""

    sent: MultiDict[str, str] = field(default_factory=MultiDict[str, str])
    wrong: dict[str, list[str]] = field(default_factory=dict)
    data: bytes = b""

    @classmethod
    def of(cls, request: Request) -> "Form":
        """The form that was sent. Raises what `web.reading` refuses, and 415 for no form."""
        if request.mimetype != FORM:
            raise Problem(415, "not_a_form", headers={"Accept": FORM})
        data = reading.body_bytes(request)
        try:
            pairs = parse_qsl(data.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise Problem(400, "malformed_form") from None
        reading.must_be_storable([{name: value} for name, value in pairs])
        return cls(MultiDict(pairs), data=data)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Every answer, for a page that hands them back."""
        return [(n, v) for n, v in self.sent.items(multi=True) if n not in (PROOF, ONCE)]

    def content(self, schema: ma.Schema) -> dict[str, Any]:
        """What the schema is to load: blank is not given, numbers are numbers, ticks are true."""
        names = {known.data_key or name: known for name, known in schema.load_fields.items()}
        given = {name: self.sent.getlist(name) for name, _ in self.kept}
        ticks = {n: [""] for n, known in names.items() if isinstance(known, ma.fields.Boolean)}
        return {
            name: _typed(names.get(name), texts)
            for name, texts in {**ticks, **given}.items()
            if any(texts) or name in ticks
        }


def _typed(known: ma.fields.Field | None, texts: list[str]) -> Any:
    if isinstance(known, ma.fields.List):
        return [_typed(known.inner, [text]) for text in texts if text]
    if len(texts) > 1 and not isinstance(known, ma.fields.Boolean):
        return texts  # a name given twice: the schema says what is wrong with it
    text = texts[-1].replace("\r\n", "\n")
    if isinstance(known, ma.fields.Integer) and text.strip().lstrip("-").isdecimal():
        return int(text)
    if isinstance(known, ma.fields.Boolean):
        return TICKED.get(text, text)
    return text
