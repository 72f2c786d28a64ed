"""A Pleo for the cases whose commands talk to one: no socket, no waiting, the same ids every time.

A line of `command` that begins with @ is no command: it moves this Pleo. Its company is the one of
base/, with the items of `items.json` as they are in the case's folder when the first @ line comes.

@job [ENTRY…]        somebody clicks on Export; without entries, for all items
@vendor-job          the same, with vendor-based bookkeeping
@start, @cancel      the newest job is started by another program, or cancelled by a user
@end EVENT           the newest job ends by an event of another program, such as completed
@advance SECONDS     time goes by
@fault FAULT         a fault of the sandbox, such as error=503@list-jobs:1-
@unreachable COUNT   so many of the next connections are not made
@impostor             another server answers, with a certificate that is not Pleo's
@well                no more faults
@other ENTRY ID      another program reports an item of the newest job under an id of its own
@recode ENTRY CODE    Pleo gives another account for the lines of an item
@refuse ENTRY TYPE…  Pleo refuses the next reports of an item
@no-contra           contra accounts are not mapped in Pleo's settings
@login [SCOPE…]      the company is opened by OAuth instead of a key, with these scopes or with all
@clock SECONDS       the clock of this computer is so many seconds ahead of Pleo's
@strange-key         the key in the environment is not one of this Pleo
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from etl.cli.surroundings import Surroundings
from etl.documents import read_json
from etl.pleo.addresses import address_of
from etl.pleo.keeping import FilePlace
from etl.pleo.login import tokens_for
from etl.pleo.loopback import DEFAULT_PORT, SCOPES, begin_consent, code_of, redirect_uri
from etl.pleo.sandbox import Pleo
from etl.pleo.sandbox.jobs import Job
from etl.pleo.tokens import OAuthClient
from etl.secret import Secret
from etl.workspace import load_workspace
from tests.fakes.transport import SandboxClockOf, SandboxTransport

MARK = "@"


class LiveCase:
    """A Pleo, and what a command needs to reach it."""

    def __init__(self, folder: Path) -> None:
        self.pleo, self._folder = Pleo(), folder
        read = read_json((folder / "items.json").read_text(encoding="utf-8"))
        self.company = self.pleo.add_company("acme", read if isinstance(read, list) else [read])
        self.environment = {
            "PLEO_API_KEY": self.pleo.add_key([self.company]),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "XDG_CONFIG_HOME": str(folder / ".config"),
        }
        self.transport = SandboxTransport(self.pleo)
        self.surroundings = Surroundings(clock=SandboxClockOf(self.pleo), transport=self.transport)

    def move(self, line: str) -> None:
        """Do what an @ line says."""
        name, *words = shlex.split(line.removeprefix(MARK))
        moves: dict[str, Callable[..., object]] = {
            "job": lambda *entries: self.pleo.add_job(
                self.company, entries or None, is_vendor_based=False
            ),
            "vendor-job": lambda: self.pleo.add_job(self.company),
            "start": lambda: self._end("started"),
            "cancel": lambda: self.pleo.cancel_job(self._job()),
            "end": self._end,
            "advance": lambda seconds: self.pleo.advance(float(seconds)),
            "fault": self.pleo.faults.add,
            "unreachable": self._refuse_connections,
            "impostor": self._meet_impostor,
            "well": self.pleo.faults.clear,
            "other": self._report_otherwise,
            "recode": self._recode,
            "refuse": self.pleo.refuse_item,
            "no-contra": self._forget_contra_accounts,
            "login": self._log_in,
            "clock": self._set_clock,
            "strange-key": lambda: self.environment.update(PLEO_API_KEY="of-another-pleo"),
        }
        moves[name](*words)

    def _job(self) -> Job:
        return list(self.pleo.jobs.values())[-1]

    def _report_otherwise(self, entry: str, external_id: str) -> None:
        self._job().items[entry].external_id = external_id

    def _end(self, event: str) -> None:
        assert self.pleo.move_job(self._job(), event), event

    def _recode(self, entry: str, code: str) -> None:
        for line in self.company.entries[entry]["accountingEntryLines"]:
            line["account"]["code"] = code

    def _forget_contra_accounts(self) -> None:
        self.company.has_contra_accounts = False

    def _refuse_connections(self, count: str) -> None:
        self.transport.refuse_connections = int(count)

    def _meet_impostor(self) -> None:
        self.transport.refusal = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"
        self._refuse_connections("99")

    def _log_in(self, *scopes: str) -> None:
        """Keep tokens as `login --oauth` does, for the client that pleo-etl.yaml names then."""
        path = self._folder / "pleo-etl.yaml"
        client = self.pleo.add_client([self.company], [redirect_uri(DEFAULT_PORT)])
        text = path.read_text("utf-8").replace("pleo: {", f"pleo: {{client_id: {client.id}, ")
        path.write_text(text, encoding="utf-8")
        self.environment |= {"PLEO_API_KEY": "", "PLEO_CLIENT_SECRET": client.secret or ""}
        settings = load_workspace(path).settings.pleo
        address = address_of(settings)
        consent = begin_consent(
            address.authorize_url, client.id, port=DEFAULT_PORT, scopes=scopes or SCOPES
        )
        back = self.transport.handle_request(httpx.Request("GET", consent.address))
        pair = tokens_for(
            code_of(consent, back.headers["location"]), consent, address=address,
            client=OAuthClient(client.id, Secret(client.secret or ""), "basic"),
            clock=self.surroundings.clock, transport=self.transport,
        )  # fmt: skip
        folder = self._folder / ".config" / "pleo-etl"
        FilePlace(address.base_url, self.company.id, folder=folder).write(pair)

    def _set_clock(self, seconds: str) -> None:
        class Ahead(SandboxClockOf):
            def now(self) -> datetime:
                return super().now() + timedelta(seconds=float(seconds))

        self.surroundings = replace(self.surroundings, clock=Ahead(self.pleo))
