"""The files every page needs: style sheet, scripts, and what others made (THIRD_PARTY.md).

A file's address carries the hash of its content, so a browser asks for it once. The same file
without the hash is asked for again each time, and answered with 304.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from werkzeug.wrappers import Request, Response

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_GOOD = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
SCOPES = {"plan-worker.js": "/crisis/plan"}
"""Of which paths a service worker may answer, other than of those beside its own file."""

POLICY = "default-src 'none'; connect-src 'self'"
"""A worker obeys the policy of its own file, not that of the page."""


@dataclass(frozen=True)
class File:
    """A file's content and its hash."""

    name: str
    content: bytes
    digest: str

    def answer(self, request: Request) -> Response:
        """The file, or that it has not changed."""
        answer = Response(self.content, content_type=TYPES[Path(self.name).suffix])
        is_named = request.args.get("v") == self.digest
        answer.headers["Cache-Control"] = FOR_GOOD if is_named else ASK_AGAIN
        answer.headers["Content-Security-Policy"] = POLICY
        if self.name in SCOPES:
            answer.headers["Service-Worker-Allowed"] = SCOPES[self.name]
        answer.set_etag(self.digest)
        return answer.make_conditional(request)


@cache
def files() -> dict[str, File]:
    """The files there are by their name, read once."""
    found = {p.name: p.read_bytes() for p in sorted(FOLDER.iterdir()) if p.suffix in TYPES}
    return {
        n: File(n, content, hashlib.sha256(content).hexdigest()) for n, content in found.items()
    }


def address_of(name: str) -> str:
    """Where a page finds a file."""
    return f"/static/{name}?v={files()[name].digest}"
