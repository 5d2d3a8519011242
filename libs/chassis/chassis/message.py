"""An event on its way: CloudEvents 1.0 attributes around a JSON body, and its bytes on the wire.

AMQP binary mode: attributes are `cloudEvents_` headers, the body is the data. The log keeps the
bytes ready to be written to a broker's socket; `epoch` and `position` have a fixed width and come
first, so that the relay stamps them in place when it gives an event its position.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from struct import pack, unpack_from
from typing import Any
from uuid import UUID

from amqp.serialization import loads

from catalogue.codec import instant

PREFIX = "cloudEvents_"
CHANNEL = 1
"""Ready bytes name their channel; a publishing connection opens this one and no other."""

BODY_LIMIT_BYTES = 64 * 1024
_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_BASIC_PUBLISH = pack(">HHH", 60, 40, 0)
_JSON = b"\x10application/json\x05utf-8"
_PERSISTENT = b"\x02"
_PROPERTY_FLAGS = 0b1111 << 12  # content type, content encoding, headers, delivery mode
_EPOCH_MARK = b"\x11cloudEvents_epochS\x00\x00\x00\x06"
_POSITION_MARK = b"\x14cloudEvents_positionS\x00\x00\x00\x0c"


class Malformed(ValueError):
    """A message whose attributes are missing or broken. `attribute` names the first one."""

    def __init__(self, attribute: str) -> None:
        super().__init__(attribute)
        self.attribute = attribute


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event with everything the outside of the envelope says."""

    id: UUID
    source: str
    type: str
    subject: str
    version: int
    time: datetime
    clinic_id: UUID
    privacy: int
    correlation_id: UUID
    causation_id: UUID | None = None
    traceparent: str | None = None
    synthetic: bool = False
    epoch: int = 0
    position: int = 0
    body: bytes

    @property
    def stream(self) -> str:
        return self.subject.partition("/")[0]

    @property
    def exchange(self) -> str:
        return f"{self.source}.events"

    @property
    def routing_key(self) -> str:
        return f"{self.stream}.{self.type.split('.', 2)[2]}"


def headers_of(message: Message) -> dict[str, str]:
    """The `cloudEvents_` headers, epoch and position first."""
    attributes = {
        "epoch": f"{message.epoch:06d}",
        "position": f"{message.position:012d}",
        "specversion": "1.0",
        "id": str(message.id),
        "source": f"/evenkeel/{message.source}",
        "type": message.type,
        "subject": message.subject,
        "sequence": f"{message.version:012d}",
        "time": instant(message.time),
        "clinicid": str(message.clinic_id),
        "dataclassification": str(message.privacy),
        "correlationid": str(message.correlation_id),
        "causationid": message.causation_id and str(message.causation_id),
        "traceparent": message.traceparent,
        "synthetic": "true" if message.synthetic else None,
    }
    return {PREFIX + name: value for name, value in attributes.items() if value}


def from_headers(headers: dict[str, Any], body: bytes) -> Message:
    """The message of its headers and body. Raises Malformed with the attribute at fault."""
    values = {}
    for header, field, read in _ATTRIBUTES:
        try:
            values[field] = read(headers.get(header))
        except (ValueError, TypeError, AttributeError):
            raise Malformed(header.removeprefix(PREFIX)) from None
    return Message(**values, body=body)


def to_frames(message: Message, *, mandatory: bool) -> bytes:
    """The AMQP 0-9-1 frames that publish this message: method, header, body."""
    if len(message.body) > BODY_LIMIT_BYTES:
        raise ValueError(f"the body of {message.type} is longer than {BODY_LIMIT_BYTES} bytes")
    to = _short(message.exchange) + _short(message.routing_key)
    method = _BASIC_PUBLISH + to + pack(">B", mandatory)
    size = pack(">HHQH", 60, 0, len(message.body), _PROPERTY_FLAGS)
    header = size + _JSON + _table(headers_of(message)) + _PERSISTENT
    return _frame(_METHOD, method) + _frame(_HEADER, header) + _frame(_BODY, message.body)


def stamp(frames: bytes, *, epoch: int, position: int) -> bytes:
    """The same frames with the epoch and position that the relay gave."""
    at_epoch = frames.index(_EPOCH_MARK) + len(_EPOCH_MARK)
    at_position = frames.index(_POSITION_MARK, at_epoch) + len(_POSITION_MARK)
    return b"".join((
        frames[:at_epoch], b"%06d" % epoch,
        frames[at_epoch + 6 : at_position], b"%012d" % position,
        frames[at_position + 12 :],
    ))  # fmt: skip


def from_frames(frames: bytes) -> Message:
    """The message that `to_frames` wrote."""
    at = 0
    payloads = []
    while at < len(frames):
        _, _, size = unpack_from(">BHI", frames, at)
        payloads.append(frames[at + 7 : at + 7 + size])
        at += size + 8
    _, header, body = payloads
    (_, _, headers, _), _ = loads("ssFo", header, 14)
    return from_headers(headers, bytes(body))


def _short(text: str) -> bytes:
    written = text.encode()
    return pack(">B", len(written)) + written


def _table(headers: Mapping[str, str]) -> bytes:
    """As the client writes it, in a quarter of the time: every value is a long string."""
    fields = []
    for name, value in headers.items():
        written = value.encode()
        fields += (_short(name), b"S", pack(">I", len(written)), written)
    content = b"".join(fields)
    return pack(">I", len(content)) + content


def _frame(kind: int, payload: bytes) -> bytes:
    return pack(">BHI", kind, CHANNEL, len(payload)) + payload + _END


def _text(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _service(source: str) -> str:
    scheme, _, service = source.rpartition("/evenkeel/")
    if scheme or not service:
        raise ValueError(source)
    return service


def _type(value: str) -> str:
    if len(value.split(".")) != 4:
        raise ValueError(value)
    return value


def _counting(sequence: str) -> int:
    version = int(sequence)
    if version < 1:
        raise ValueError(sequence)
    return version


def _perhaps(value: str | None) -> UUID | None:
    return UUID(value) if value else None


_ATTRIBUTES: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    (f"{PREFIX}subject", "subject", _text),
    (f"{PREFIX}id", "id", UUID),
    (f"{PREFIX}source", "source", _service),
    (f"{PREFIX}type", "type", _type),
    (f"{PREFIX}sequence", "version", _counting),
    (f"{PREFIX}time", "time", datetime.fromisoformat),
    (f"{PREFIX}clinicid", "clinic_id", UUID),
    (f"{PREFIX}dataclassification", "privacy", int),
    (f"{PREFIX}correlationid", "correlation_id", UUID),
    (f"{PREFIX}causationid", "causation_id", _perhaps),
    (f"{PREFIX}traceparent", "traceparent", lambda value: value),
    (f"{PREFIX}synthetic", "synthetic", lambda value: value == "true"),
    (f"{PREFIX}epoch", "epoch", int),
    (f"{PREFIX}position", "position", int),
)
"""Header, field of a message, and how the one is read as the other."""
