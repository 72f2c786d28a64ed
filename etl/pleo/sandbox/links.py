"""Links to attachments: with a token in them, good for 24 hours from the fetch of the entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from etl.pleo.sandbox.answers import Answer, Call, Refused, bad_request
from etl.pleo.sandbox.ids import Ids
from etl.pleo.sandbox.samples import StoredFile

LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Link:
    """A link that was given out."""

    token: str
    file: StoredFile
    given_at: datetime


class Links:
    """The links that were given out, by the id in their path."""

    def __init__(self) -> None:
        self._given: dict[str, Link] = {}

    def make(self, file: StoredFile, *, ids: Ids, at: datetime, base_url: str) -> str:
        """Give a new link to a file; each fetch of an entry gives new ones."""
        name, token = ids.uuid("file"), ids.secret("link")
        self._given[name] = Link(token, file, at)
        return f"{base_url}/files/{name}?token={token}"

    def serve(self, call: Call, *, at: datetime) -> Answer:
        """Answer a download.

        Raises: Refused: 400 if a credential of Pleo is sent along, which a store of files must
        never get; 403 for a wrong or expired link; 404 for none.
        """
        if "authorization" in call.headers:
            raise bad_request("Only one way of authentication is allowed.")
        link = self._given.get(call.names["name"])
        if link is None:
            raise Refused(404, "not_found", "There is no such file.")
        is_fresh = at - link.given_at < LIFE
        if list(call.query.get("token", ())) != [link.token] or not is_fresh:
            raise Refused(403, "forbidden", "The link is not valid, or no longer.")
        return Answer(200, link.file.content, link.file.media_type)
