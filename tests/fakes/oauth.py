"""A sandbox with an OAuth client, and what a person's browser does there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from etl.pleo.addresses import Address, address_of
from etl.pleo.keeping import FilePlace, Kept, KeptTokens, lock_path
from etl.pleo.loopback import Consent, begin_consent, code_of, redirect_uri
from etl.pleo.oauth import OAuthTokens
from etl.pleo.sandbox import Company, Pleo, RunningSandbox
from etl.pleo.sandbox.authorization import OAuthClient as Registered
from etl.pleo.tokens import OAuthClient, TokenEndpoint
from etl.secret import Secret
from etl.workspace import PleoSettings
from tests.fakes.transport import SandboxClockOf

PORT = 18586  # never listened on, unless a test says so


@dataclass
class Noted:
    """A place that notes every pair it keeps, and can stop before or after."""

    inner: FilePlace
    kept: list[Kept] = field(default_factory=list)
    fail_at: int | None = None
    name: str = "the file"

    def read(self) -> Kept | None:
        return self.inner.read()

    def write(self, kept: Kept) -> None:
        if self.fail_at == len(self.kept):
            raise OSError(28, "no space")
        self.inner.write(kept)
        self.kept.append(kept)

    def remove(self) -> bool:
        return self.inner.remove()


class Door:
    """One company, one client, one login."""

    def __init__(self, base_url: str, pleo: Pleo, folder: Path) -> None:
        self.pleo, self.folder = pleo, folder
        self.company: Company = pleo.add_sample("example")
        self.registered: Registered = pleo.add_client([self.company], [redirect_uri(PORT)])
        self.address: Address = address_of(PleoSettings(base_url=base_url))
        self.clock = SandboxClockOf(pleo)
        self.client = OAuthClient(self.registered.id, Secret(self.registered.secret or ""), "basic")
        self.place = FilePlace(base_url, self.company.id, folder=folder)

    def consent(self) -> Consent:
        return begin_consent(self.address.authorize_url, self.client.id, port=PORT)

    def approve(self, consent: Consent) -> str:
        """Give the address to which Pleo sends the browser back."""
        answer = httpx.get(consent.address, follow_redirects=False, trust_env=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def endpoint(self, *, client: OAuthClient | None = None) -> TokenEndpoint:
        return TokenEndpoint(self.address.token_url, client or self.client)

    def log_in(self) -> KeptTokens:
        """Log in as a person does, and keep the pair."""
        consent = self.consent()
        code = code_of(consent, self.approve(consent))
        at = self.clock.now()
        granted = self.endpoint().exchange(
            code, verifier=consent.verifier, redirect_uri=consent.redirect_uri
        )
        pair = granted.pair(at, turn=1)
        self.place.write(pair)
        return pair

    def tokens(self, *, place: Noted | None = None) -> OAuthTokens:
        """Give what a process makes of the pair that is kept."""
        kept = self.place.read()
        assert isinstance(kept, KeptTokens)
        lock = lock_path(self.address.base_url, self.company.id, folder=self.folder)
        return OAuthTokens(
            kept, place=place or self.place, lock=lock, endpoint=self.endpoint(), clock=self.clock
        )

    def opens(self, authorization: str) -> bool:
        """Ask Pleo for the jobs with this header."""
        answer = httpx.get(
            f"{self.address.base_url}/v3/export-jobs", headers={"authorization": authorization},
            trust_env=False,
        )  # fmt: skip
        assert answer.status_code in (200, 401)
        return answer.status_code == 200

    def asked(self, operation: str = "token") -> int:
        """Count the requests of a kind that reached Pleo."""
        return sum(1 for seen in self.pleo.seen if seen.call.operation == operation)

    def refused(self) -> int:
        """Count the requests with a token that was void."""
        return sum(1 for seen in self.pleo.seen if seen.status in (400, 401))


@contextmanager
def door(folder: Path) -> Iterator[Door]:
    """Serve a Pleo whose door is opened by OAuth."""
    pleo = Pleo()
    with RunningSandbox(pleo) as running:
        yield Door(running.base_url, pleo, folder)
