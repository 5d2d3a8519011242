"""The answer of the record: what is signed is answered letter by letter, instants as texts too."""

import marshmallow as ma

from web.fields import Id


class EntrySigned(ma.Schema):
    """An entry as it is chained, and the digest it follows."""

    place = ma.fields.Integer(required=True)
    position = ma.fields.Integer(required=True)
    at = ma.fields.String(required=True)
    what = ma.fields.String(required=True)
    by = ma.fields.String(required=True)
    facts = ma.fields.Dict(required=True)
    before = ma.fields.String(required=True)
    digest = ma.fields.String(required=True)


class TimelineSigned(ma.Schema):
    """A case's timeline with a signature over all of it."""

    format = ma.fields.String(required=True)
    clinic_id = Id(required=True)
    case_id = Id(required=True)
    exported_at = ma.fields.String(required=True)
    exported_by = ma.fields.String(required=True)
    key_id = ma.fields.String(required=True)
    entries = ma.fields.List(ma.fields.Nested(EntrySigned), required=True)
    signature = ma.fields.String(required=True)
