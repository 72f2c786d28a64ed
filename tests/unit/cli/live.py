"""A workspace whose Pleo answers without a socket, and `pleo-etl` run in it; nothing waits."""

from __future__ import annotations

import atexit
import copy
import functools
import json
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from etl.cli import main
from etl.cli.surroundings import Surroundings
from etl.pleo.sandbox import Company, Pleo
from etl.pleo.sandbox.jobs import Job
from tests.fakes.items import COMPANY, item
from tests.fakes.transport import SandboxClockOf, SandboxTransport
from tests.unit.cli.workspaces import ACCOUNTS, MAPPING, TEMPLATE

OTHER = "b4d6f8a0-2c1e-4d3f-8a5b-7c9d1e3f5a12"
BASE_URL = "http://127.0.0.1:8585"


def three_items(company: str = COMPANY) -> list[dict[str, Any]]:
    """Give three items: 119.00, 30.00, and one that is rejected for its missing account."""
    return [
        item(n=1, company=company, wallet="119.00 EUR"),
        item(n=2, company=company, wallet="30.00 EUR", date="2026-03-11T10:00:00Z"),
        item(n=3, company=company, lines=[{"account": None}]),
    ]


@dataclass
class Live:
    """A workspace of one or two companies, and their Pleo."""

    root: Path
    pleo: Pleo = field(default_factory=Pleo)
    companies: dict[str, Company] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, items: Sequence[Mapping[str, Any]], *, has_key: bool = True) -> None:
        """Add a company to Pleo and to the workspace."""
        company = self.pleo.add_company(name, items)
        self.companies[name] = company
        if has_key:
            self.environment[f"PLEO_API_KEY_{name.upper()}"] = self.pleo.add_key([company])
        (self.root / f"{name}.yaml").write_text(
            MAPPING.replace(COMPANY, company.id), encoding="utf-8"
        )
        lines = [f'pleo: {{base_url: "{BASE_URL}"}}', "companies:"]
        lines += [
            f"  {one}: {{id: {each.id}, template: plain, mapping: {one}.yaml}}"
            for one, each in self.companies.items()
        ]
        (self.root / "pleo-etl.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def job(self, name: str = "acme", entries: Sequence[str] | None = None) -> Job:
        """Click on Export."""
        return self.pleo.add_job(self.companies[name], entries, is_vendor_based=False)

    def run(
        self, *words: str, given: str | None = None, attended: bool = False, clock: Any = None
    ) -> Result:
        """Run `pleo-etl` in the workspace; `given` is what a person types."""
        around = Surroundings(
            clock=clock or SandboxClockOf(self.pleo),
            transport=SandboxTransport(self.pleo),
            folder=self.root,
            attended=attended,
        )
        environment = {"PLEO_API_KEY": None, **self.environment}
        return CliRunner().invoke(main, list(words), obj=around, env=environment, input=given)

    def json(self, *words: str) -> dict[str, Any]:
        """Run it with --json, and give the document."""
        result = self.run(*words, "--json")
        document: dict[str, Any] = json.loads(result.stdout)
        assert document["exit_code"] == result.exit_code, result.stderr
        return document

    def requests(self) -> list[tuple[str, str]]:
        """Give the method and path of each request so far."""
        return [(seen.call.method, seen.call.path) for seen in self.pleo.seen]


def make_live(root: Path) -> Live:
    """Lay out a workspace with one company, acme, that has three items."""
    (root / "templates" / "plain").mkdir(parents=True)
    (root / "templates" / "plain" / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    (root / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    live = Live(root)
    live.environment = {
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "XDG_CONFIG_HOME": str(root / ".config"),
    }
    live.add("acme", three_items())
    return live


def copied(live: Live, root: Path) -> Live:
    """Copy a workspace with its Pleo into another folder: what was staged need not be again."""
    shutil.copytree(live.root, root, dirs_exist_ok=True)
    own_lock = {id(live.pleo.lock): threading.RLock()}  # the one thing that cannot be copied
    found = copy.deepcopy(live, own_lock)
    found.root = root
    found.environment["XDG_CONFIG_HOME"] = str(root / ".config")
    return found


def make_staged(root: Path) -> Live:
    """Lay out a workspace whose export of three items waits for a review."""
    return copied(_staged(), root)


@functools.cache
def _staged() -> Live:
    """Stage a batch once for all tests of this process."""
    live = make_live(temporary_folder())
    live.job()
    assert live.run("run").exit_code == 1
    return live


def make_released(root: Path) -> Live:
    """Lay out a workspace whose export of three items was released."""
    return copied(_released(), root)


@functools.cache
def _released() -> Live:
    """Release a batch once for all tests of this process."""
    live = make_staged(temporary_folder())
    assert live.run("release", "--yes").exit_code == 1
    return live


def temporary_folder() -> Path:
    """Give a folder that stays until this process ends."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


def only(document: dict[str, Any]) -> dict[str, Any]:
    """Give what a document says of its one company."""
    (company,) = document["companies"]
    return company  # type: ignore[no-any-return]
