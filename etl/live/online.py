"""What can be known only with the network: does the credential open the company, and how far.

Everything here only reads, in Pleo as well as on the disk.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from etl import files
from etl.batches.ledger import open_ledger
from etl.batches.ledger.opening import ledger_path
from etl.clock import Clock
from etl.documents import resolve_inside
from etl.errors import EXIT_GOOD, EtlError, Problem, TryLater, UserMustFix
from etl.pleo.addresses import address_of
from etl.pleo.client import PleoClient
from etl.pleo.credentials import Credential, find_credential
from etl.pleo.failures import CredentialRefused, JobNotFound, PleoRefused
from etl.pleo.oauth import OAuthTokens
from etl.pleo.shapes import Job
from etl.pleo.travel import Transport
from etl.sentences import counted
from etl.workspace import UUID, Workspace

READ_ITEMS, WRITE_JOBS = "export-items:read", "export-jobs:write"
#: Seconds by which this machine's clock may differ from Pleo's before it is worth a remark.
LARGEST_DIFFERENCE = 60
#: Items of the job that is read to see whether items can be read: one page, anywhere.
FEW_ITEMS = 10
WAITING = ("pending", "in_progress")


@dataclass(slots=True)
class LookedOnline:
    """What was found for one company."""

    company: str
    #: Where the credential was found; empty when there is none.
    where: str = ""
    #: Exports that wait or run in Pleo; None when they could not be read.
    jobs: int | None = None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    #: What cannot be seen without changing something, in words.
    unseen: list[str] = field(default_factory=list)
    exit_code: int = EXIT_GOOD

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Take what goes wrong as one more finding, and go on behind it."""
        try:
            yield
        except EtlError as error:
            self.problems.extend(error.problems)
            self.exit_code = max(self.exit_code, error.exit_code)


def count_jobs(pleo: PleoClient, company_id: str) -> int:
    """Ask for the exports that wait or run: one GET, which shows that the company is open.

    Raises: EtlError of etl.pleo.failures, PLEO-2 where it is good for another company.
    """
    return len(_waiting_jobs(pleo, company_id))


def _waiting_jobs(pleo: PleoClient, company_id: str) -> list[Job]:
    """Ask for the exports that wait or run; where that is refused, name the credential's company.

    Nobody can look a company's id up in Pleo's app; the credential knows it.
    """
    try:
        return pleo.list_jobs(company_id, statuses=WAITING)
    except (CredentialRefused, PleoRefused) as error:
        own = _company_of(pleo)
        if own is None or own == company_id.casefold():
            raise
        what = f"the credential is for company {own}, and not for {company_id}"
        fix = (
            f"if it is the right one, write {own} as the company's id into pleo-etl.yaml and into"
            " its mapping; else give the credential of that company"
        )
        raise UserMustFix(Problem("PLEO-2", what, error.problems[0].where, fix)) from error


def _company_of(pleo: PleoClient) -> str | None:
    """Give the company that a credential was made for, where Pleo says so."""
    with suppress(EtlError):
        kind, _colon, own = pleo.subject().rpartition(":")
        if kind == "urn:pleo:company" and UUID.fullmatch(own):
            return own.casefold()
    return None


def check_online(
    workspace: Workspace,
    company: str,
    *,
    clock: Clock,
    transport: Transport | None = None,
) -> LookedOnline:
    """Find everything that would stop the live flow of a company, all at once."""
    looked = LookedOnline(company)
    with looked.gathering():
        _look_at_pleo(looked, workspace, clock=clock, transport=transport)
    with looked.gathering():
        _look_at_ledger(workspace, clock=clock)
    with looked.gathering():
        place = workspace.document.place("outbox")
        outbox = resolve_inside(workspace.root, workspace.settings.outbox, place)
        try_to_write(outbox / company)
    return looked


def _look_at_pleo(
    looked: LookedOnline,
    workspace: Workspace,
    *,
    clock: Clock,
    transport: Transport | None,
) -> None:
    address = address_of(workspace.settings.pleo)
    credential = find_credential(
        workspace, looked.company, address=address, clock=clock, transport=transport
    )
    looked.where = getattr(credential, "where", "")
    company_id = workspace.companies[looked.company].id
    with PleoClient(address, credential=credential, clock=clock, transport=transport) as pleo:
        jobs = _waiting_jobs(pleo, company_id)
        looked.jobs = len(jobs)
        few = [job for job in jobs if job.number_of_items <= FEW_ITEMS]
        with looked.gathering():
            _look_at_items(looked, pleo, few[0].id if few else None)
        with looked.gathering():
            _look_at_scopes(looked, credential)
        _look_at_clock(looked, pleo, clock)


def _look_at_items(looked: LookedOnline, pleo: PleoClient, job_id: str | None) -> None:
    """Read the items of a small job; without one, of a job that does not exist.

    Pleo does not say what it answers to the latter; only "there is no such job" is taken to mean
    that items may be read.
    """
    try:
        pleo.export_items(job_id or str(uuid.uuid4()))
    except JobNotFound:
        return
    except (CredentialRefused, TryLater):
        raise
    except EtlError:
        if job_id is not None:
            raise
        looked.unseen.append(f"whether the credential may read items ({READ_ITEMS})")


def _look_at_scopes(looked: LookedOnline, credential: Credential) -> None:
    """Look at what Pleo said it granted; a key does not say, and trying would change a job."""
    granted = credential.scopes if isinstance(credential, OAuthTokens) else ()
    if not granted:
        looked.unseen.append(f"whether the credential may report ({WRITE_JOBS})")
    elif WRITE_JOBS not in granted:
        what = f"the login was not granted {WRITE_JOBS}, without which nothing can be released"
        fix = "let Pleo grant it to the OAuth client, then `pleo-etl login --oauth`"
        raise UserMustFix(Problem("AUTH-9", what, looked.where, fix))


def _look_at_clock(looked: LookedOnline, pleo: PleoClient, clock: Clock) -> None:
    seconds = round((clock.now() - pleo.time()).total_seconds())
    if abs(seconds) > LARGEST_DIFFERENCE:
        way = "ahead of" if seconds > 0 else "behind"
        what = f"the clock of this computer is {_span(abs(seconds))} {way} Pleo's"
        fix = "let the computer set its clock by the network; logins are renewed by it"
        looked.warnings.append(Problem("AUTH-10", what, looked.company, fix))


def _span(seconds: int) -> str:
    """Write a span of time as a person says it."""
    if seconds < 2 * 60:
        return counted(seconds, "second")
    minutes = round(seconds / 60)
    return counted(minutes, "minute") if minutes < 2 * 60 else counted(round(minutes / 60), "hour")


def _look_at_ledger(workspace: Workspace, *, clock: Clock) -> None:
    """Open the ledger if there is one, and see that it could be written."""
    url = workspace.settings.ledger
    path = ledger_path(url, root=workspace.root)
    if path.exists():
        with open_ledger(url, root=workspace.root, clock=clock, create=False) as ledger:
            problems = ledger.verify()
        if problems:
            raise EtlError(problems)
    try_to_write(path.parent)


def try_to_write(folder: Path) -> None:
    """See that a folder, or the nearest one above that is there, takes a file; leave nothing.

    Raises: UserMustFix OUT-2.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    files.remove_file(files.write_part(folder / "check", b""))
