"""The state of a Pleo in memory, and what tests and the command line may do to it directly."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etl.pleo.sandbox.access import LIMIT, SCOPES, Access, Credential, token_end
from etl.pleo.sandbox.answers import Call, Refused, Seen
from etl.pleo.sandbox.authorization import Authorizations, OAuthClient
from etl.pleo.sandbox.clocks import SandboxClock
from etl.pleo.sandbox.faults import FaultPlan
from etl.pleo.sandbox.ids import Ids
from etl.pleo.sandbox.jobs import Job, JobItem
from etl.pleo.sandbox.links import Links
from etl.pleo.sandbox.samples import Company, make_company, sample_company


@dataclass(frozen=True, slots=True)
class Manners:
    """How this Pleo behaves where the real one may differ or does not say."""

    #: Requests a credential may make in a minute; None: any number.
    rate_limit: int | None = LIMIT
    #: The largest page that is granted, whatever the caller asks for.
    largest_page: int = 100
    #: Whether a report of items counts as an update of the job.
    reports_prolong: bool = True


class Pleo:
    """A Pleo of its own: companies, jobs, credentials, links, clock and faults.

    Everything here may be called from another thread than the server's.
    """

    def __init__(
        self, *, seed: int = 1, clock: SandboxClock | None = None, manners: Manners | None = None
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock or SandboxClock()
        self.manners = manners or Manners()
        self.ids = Ids(seed)
        self.companies: dict[str, Company] = {}
        self.jobs: dict[str, Job] = {}
        self.access = Access()
        self.authorizations = Authorizations(ids=self.ids, clock=self.clock, access=self.access)
        self.links = Links()
        self.faults = FaultPlan()
        self.seen: list[Seen] = []
        self.postponed: list[tuple[int, Call]] = []
        self.item_errors: dict[str, list[str]] = {}

    def add_sample(self, name: str) -> Company:
        """Add a company of the sample data."""
        return self._add(sample_company(name))

    def add_company(self, name: str, items: Sequence[Mapping[str, Any]]) -> Company:
        """Add a company with entries of one's own; its id is that of the entries."""
        return self._add(make_company(name, str(items[0]["companyId"]), items))

    def _add(self, company: Company) -> Company:
        with self.lock:
            self.companies[company.id] = company
        return company

    def add_key(self, companies: Iterable[Company | str], scopes: Iterable[str] = SCOPES) -> str:
        """Make an API key for one company, or for several as an organisation has it."""
        return self._credential(companies, scopes, is_key=True, seconds=None)

    def add_token(
        self,
        companies: Iterable[Company | str],
        scopes: Iterable[str] = SCOPES,
        *,
        seconds: float | None = 900,
    ) -> str:
        """Make an access token, good for some seconds of the sandbox's clock."""
        return self._credential(companies, scopes, is_key=False, seconds=seconds)

    def add_client(
        self,
        companies: Iterable[Company | str],
        redirect_uris: Iterable[str],
        *,
        scopes: Iterable[str] = SCOPES,
        is_public: bool = False,
        methods: Iterable[str] = ("basic", "post"),
    ) -> OAuthClient:
        """Register an OAuth client; whoever is asked approves it for these companies."""
        with self.lock:
            ids = frozenset(one if isinstance(one, str) else one.id for one in companies)
            client = OAuthClient(
                self.ids.uuid("client"), None if is_public else self.ids.secret("client"),
                frozenset(redirect_uris), ids, frozenset(scopes),
                frozenset({"none"} if is_public else methods),
            )  # fmt: skip
            self.authorizations.clients[client.id] = client
        return client

    def _credential(
        self,
        companies: Iterable[Company | str],
        scopes: Iterable[str],
        *,
        is_key: bool,
        seconds: float | None,
    ) -> str:
        with self.lock:
            secret = self.ids.secret("key" if is_key else "token")
            ids = frozenset(one if isinstance(one, str) else one.id for one in companies)
            end = token_end(self.clock.read(), seconds)
            self.access.add(Credential(secret, ids, frozenset(scopes), is_key, end))
        return secret

    def add_job(
        self,
        company: Company,
        entry_ids: Iterable[str] | None = None,
        *,
        is_vendor_based: bool = True,
        is_interactive: bool = True,
        created_by: str | None = None,
    ) -> Job:
        """Do what a click on Export does; without entries given, all of the company."""
        with self.lock:
            job = Job(
                self.ids.uuid("job"), company.id, self.clock.read(),
                created_by or (self.ids.uuid("user") if is_interactive else None),
                is_interactive, is_vendor_based,
            )  # fmt: skip
            chosen = company.entries if entry_ids is None else entry_ids
            job.items = {entry: JobItem(entry, job.id) for entry in chosen}
            self.jobs[job.id] = job
        return job

    def move_job(self, job: Job, event: str) -> bool:
        """Send an event as another integration would; False when it is not allowed."""
        with self.lock:
            self.expire()
            return job.apply(event, at=self.clock.read())

    def cancel_job(self, job: Job) -> None:
        """Cancel a job as a user does in Pleo."""
        with self.lock:
            job.cancel(at=self.clock.read())

    def refuse_item(self, entry_id: str, *types: str) -> None:
        """Answer the next reports of an item with these errors, one by one."""
        with self.lock:
            self.item_errors.setdefault(entry_id, []).extend(types)

    def advance(self, seconds: float) -> None:
        """Move the clock; jobs whose hour is over expire."""
        with self.lock:
            self.clock.advance(seconds)
            self.expire()

    def expire(self) -> None:
        """End the jobs whose hour is over."""
        at = self.clock.read()
        for job in self.jobs.values():
            job.expire(at=at)

    def job_of(self, job_id: str, credential: Credential) -> Job:
        """Give a job that a credential may see.

        Raises: Refused (404).
        """
        job = self.jobs.get(job_id.casefold())
        if job is None or job.company_id not in credential.companies:
            raise Refused(404, "EXPORT_NOT_FOUND", "Export job not found.")
        return job
