"""`pleo-etl login`: keep what opens a company in Pleo, after trying it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.leading import led_to
from etl.cli.live import Told, Turn, for_companies, one_company_options
from etl.errors import EtlError, UserMustFix
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.pleo.addresses import Address
    from etl.pleo.credentials import Credential
    from etl.pleo.keeping import Place
    from etl.pleo.loopback import Consent
    from etl.pleo.tokens import OAuthClient
    from etl.secret import Secret

#: Characters of one line that are read; no key and no address is longer.
MAX_LINE = 8192


@click.command("login")
@click.option("--oauth", is_flag=True, help="Log in with a browser instead of an API key.")
@click.option(
    "--no-browser", is_flag=True,
    help="With --oauth: open the address yourself, and give back the one it ends at.",
)  # fmt: skip
@click.option(
    "--in-file", is_flag=True, help="Keep it in a private file although there is a keyring."
)
@one_company_options
def command(
    *, company: str | None, oauth: bool, no_browser: bool, in_file: bool, as_json: bool
) -> int:
    """Log in to Pleo for one company.

    Asks for the API key without showing it, or reads it from the standard input. The key is tried
    with one request that changes nothing, and kept in the keyring, or else in a file that only
    you can read. It is kept for this company and this Pleo; it never stands in the workspace.

    \b
    pleo-etl login
    pleo-etl login --company acme < key.txt
    pleo-etl login --oauth                      with the OAuth client of pleo-etl.yaml
    """
    if no_browser and not oauth:
        raise click.UsageError("--no-browser goes with --oauth")

    def act(turn: Turn) -> Told:
        return _Login(turn, in_file=in_file).go(oauth=oauth, has_browser=not no_browser)

    return for_companies(act, company=company, as_json=as_json)


class _Login:
    """One login, from the question to what is kept."""

    def __init__(self, turn: Turn, *, in_file: bool) -> None:
        from etl.pleo.addresses import address_of

        self._turn, self._in_file = turn, in_file
        self._around = turn.surroundings
        self._address: Address = address_of(turn.workspace.settings.pleo)
        self._company_id = turn.workspace.companies[turn.name].id

    def go(self, *, oauth: bool, has_browser: bool) -> Told:
        if oauth:
            place, jobs = self._with_browser(has_browser=has_browser)
        else:
            place, jobs = self._with_key()
        name, base_url = self._turn.name, self._address.base_url
        talk.say(f"opens company {name} ({self._company_id}) at {base_url}")
        talk.say(f"{counted(jobs, 'export')} waiting or running there")
        talk.say(f"kept in {place.name}")
        self._say_what_comes_first()
        talk.say("")
        talk.say(f"next: pleo-etl check --online, then pleo-etl run{self._turn.option}")
        document = {
            "company_id": self._company_id, "base_url": base_url, "kept_in": place.name,
            "credential": "oauth" if oauth else "api_key", "jobs": jobs,
        }  # fmt: skip
        return Told("logged in", document=document)

    def _say_what_comes_first(self) -> None:
        from etl.pleo.login import variable_in_the_way

        variable = variable_in_the_way(self._turn.name)
        if variable is not None:
            talk.say(f"{variable} is set and comes first; unset it to use what is kept")

    def _count_jobs(self, credential: Credential) -> int:
        """Try a credential with one request, which changes nothing."""
        from etl.live.online import count_jobs
        from etl.pleo.client import PleoClient

        around = self._around
        with PleoClient(
            self._address, credential=credential, clock=around.clock, transport=around.transport
        ) as pleo:
            return count_jobs(pleo, self._company_id)

    def _with_key(self) -> tuple[Place, int]:
        """Ask for a key, try it, and keep it only when it opens the company."""
        from etl.pleo.credentials import ApiKey, read_key
        from etl.pleo.keeping import KeptKey
        from etl.pleo.login import keep

        text = self._ask(f"API key of {self._turn.name} (not shown)", is_secret=True)
        key = read_key(text, where="what was given to login")
        jobs = self._count_jobs(ApiKey(key))
        place = keep(
            KeptKey(key), base_url=self._address.base_url, company_id=self._company_id,
            in_file=self._in_file,
        )  # fmt: skip
        return place, jobs

    def _with_browser(self, *, has_browser: bool) -> tuple[Place, int]:
        """Let a person approve in Pleo; the tokens are kept before they are used."""
        from etl.pleo.login import (
            credential_of,
            forget,
            forget_client_secret,
            keep,
            keep_client_secret,
            tokens_for,
        )

        address, around = self._address, self._around
        client, is_new = self._client()
        consent, code = self._consent(client, has_browser=has_browser)
        try:
            pair = tokens_for(
                code, consent, address=address, client=client, clock=around.clock,
                transport=around.transport,
            )  # fmt: skip
        except UserMustFix as error:
            if any(problem.code == "AUTH-5" for problem in error.problems):
                # A mistyped or replaced secret must not come before the question for the true one.
                forget_client_secret(base_url=address.base_url, client_id=client.id)
            raise
        if is_new and client.secret is not None:
            keep_client_secret(client.secret, base_url=address.base_url, client_id=client.id)
        place = keep(
            pair, base_url=address.base_url, company_id=self._company_id, in_file=self._in_file
        )
        credential = credential_of(
            pair, place, address=address, company_id=self._company_id, client=client,
            clock=around.clock, transport=around.transport,
        )  # fmt: skip
        try:
            return place, self._count_jobs(credential)
        except UserMustFix:
            # Approved for another company, or without a permission: it opens nothing here.
            forget(base_url=address.base_url, company_id=self._company_id)
            raise

    def _client(self) -> tuple[OAuthClient, bool]:
        """Give the OAuth client, and whether a person was asked for its secret just now."""
        from etl.pleo.keeping import has_keyring
        from etl.pleo.tokens import OAuthClient, client_of, read_client_secret

        pleo = self._turn.workspace.settings.pleo
        try:
            return client_of(pleo, self._address.base_url), False
        except EtlError:
            if not (pleo.client_id and has_keyring() and self._around.is_attended):
                raise
        secret = read_client_secret(self._ask("client secret (not shown)", is_secret=True))
        return OAuthClient(pleo.client_id, secret, pleo.client_auth), True

    def _consent(self, client: OAuthClient, *, has_browser: bool) -> tuple[Consent, Secret]:
        from etl.pleo.loopback import DEFAULT_PORT, Loopback, begin_consent, code_of

        port = self._turn.workspace.settings.pleo.redirect_port or DEFAULT_PORT
        consent = begin_consent(self._address.authorize_url, client.id, port=port)
        if not has_browser:
            talk.say("open this address in any browser and approve:")
            talk.say(consent.address)
            talk.say("the browser then ends at a page that may not load; its address is needed")
            return consent, code_of(consent, self._ask("address of that page", is_secret=False))
        with Loopback(port) as loopback:
            talk.say("approve in the browser; if none opens, open this address on this computer:")
            talk.say(consent.address)
            with led_to(consent.address, self._turn.workspace.root, what="login"):
                return consent, loopback.wait(consent, self._around.clock)

    def _ask(self, question: str, *, is_secret: bool) -> str:
        """Ask a person, or take a line of the standard input."""
        # Typed at a terminal it is never shown, wherever the talk goes.
        if not (self._around.is_attended or sys.stdin.isatty()):
            return _read_line(MAX_LINE)
        try:
            given: Any = click.prompt(
                question, hide_input=is_secret, err=True, default="", show_default=False
            )
        except click.Abort:
            raise KeyboardInterrupt from None
        return str(given)


def _read_line(limit: int) -> str:
    return sys.stdin.readline(limit)
