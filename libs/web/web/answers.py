"""What a route's method returned, as an answer; and the memory of answers already given.

An answer to an Idempotency-Key is kept in the transaction that did the work, so both happened or
neither. Its row is inserted first: the unique key makes a simultaneous repetition wait.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
import sqlalchemy as sa
from werkzeug.wrappers import Response

from catalogue.codec import instant
from chassis.database import Session, insert_into
from chassis.tables import answers
from web.problems import Problem

KEY_PATTERN = "[!-~]{1,128}"
UNDECIDED = 0


@dataclass(frozen=True)
class Answer:
    """A status and its JSON; no content is an empty body."""

    status: int
    content: Any = None
    replayed: bool = False

    def response(self) -> Response:
        if self.status == 204:
            return Response(status=204)
        headers = {"Idempotency-Replayed": "true"} if self.replayed else None
        return Response(
            json.dumps(self.content),
            status=self.status,
            content_type="application/json",
            headers=headers,
        )


@dataclass(frozen=True)
class Repeatable:
    """A request with an Idempotency-Key: whose it is, and what was asked under it."""

    caller: str
    key: str
    digest: str
    clinic_id: UUID

    @classmethod
    def of(cls, *, caller: str, key: str, clinic_id: UUID, asked: bytes) -> "Repeatable":
        """Raises 422 for a key that is none."""
        if not re.fullmatch(KEY_PATTERN, key):
            wrong = "1 to 128 visible ASCII characters."
            raise Problem(422, "invalid", fields={"Idempotency-Key": [wrong]})
        return cls(caller, key, hashlib.sha256(asked).hexdigest(), clinic_id)


def answer_of(returned: Any, status: int, schema: ma.Schema | None) -> Answer | Response:
    """The answer a method meant by a dict, a list, `(status, dict)`, None or a Response."""
    if returned is None:
        return Answer(204)
    if isinstance(returned, Response):
        return returned
    if isinstance(returned, tuple):
        status, returned = returned
    dumped = schema.dump(returned) if schema else returned
    return Answer(status, json.loads(json.dumps(dumped, default=_plain, allow_nan=False)))


def recall(db: Session, asked: Repeatable) -> Answer | None:
    """The answer already given, or None, and then the key is taken until this transaction ends.

    Raises 422 when the key was used for another request.
    """
    mine = {"caller": asked.caller, "key": asked.key}
    row = {
        **mine,
        "clinic_id": asked.clinic_id,
        "request_digest": asked.digest,
        "status": UNDECIDED,
        "body": None,
        "answered_at": db.now,
    }
    connection = db.connection()
    insert = insert_into(db, answers).values(row).on_conflict_do_nothing()
    if connection.execute(insert.returning(answers.c.key)).first() is not None:
        return None
    given = connection.execute(sa.select(answers).filter_by(**mine)).one_or_none()
    if given is None or given.request_digest != asked.digest:
        raise Problem(422, "key_used_for_another_request")
    return Answer(given.status, given.body, replayed=True)


def remember(db: Session, asked: Repeatable, answer: Answer | Response) -> None:
    """Keep the answer for repetitions. What is not JSON is not kept: it is made anew."""
    mine = (answers.c.caller == asked.caller) & (answers.c.key == asked.key)
    if isinstance(answer, Response):
        db.connection().execute(sa.delete(answers).where(mine))
        return
    kept = {"status": answer.status, "body": answer.content}
    db.connection().execute(sa.update(answers).where(mine).values(kept))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def xml(document: str) -> Response:
    """A document that a provider wants as an answer."""
    return Response(document, content_type="text/xml; charset=utf-8")
