"""The desk of one company: everything a command of the live flow works with, opened together.

    lock ─> ledger ─> identity of the outbox        the first question to Pleo:
    (one writer)      (no foreign ledger)           credential ─> client

Every effect goes through one of three: `pleo` (the client), `ledger`, and `etl.files`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from etl.batches.identity import check_identity
from etl.batches.ledger import Batch, Ledger, open_ledger
from etl.batches.lock import company_lock
from etl.clock import Clock, SystemClock
from etl.documents import resolve_inside
from etl.live.folders import Folders
from etl.live.line import Line
from etl.live.rendering import CompanyLine
from etl.live.stored import StoredBatch
from etl.pleo.addresses import Address, address_of
from etl.pleo.client import PleoClient
from etl.pleo.credentials import find_credential
from etl.pleo.travel import Transport
from etl.workspace import CompanySettings, Workspace, in_force

#: Seconds that must be left of a job before a step that leads to published files.
MARGIN = 300.0
#: How many persons must approve a batch.
APPROVALS = 1

Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing."""


class WayToPleo:
    """The way to Pleo, opened when something is first asked there: not every command asks."""

    def __init__(self, open_way: Callable[[], PleoClient]) -> None:
        self._open = open_way
        self._client: PleoClient | None = None

    def client(self) -> PleoClient:
        """Give the client.

        Raises: AUTH-* without a credential.
        """
        if self._client is None:
            self._client = self._open()
        return self._client

    def time(self, clock: Clock) -> datetime:
        """Give Pleo's time now; where nothing was asked yet, that of the clock."""
        return clock.now() if self._client is None else self._client.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every step of the live flow is given."""

    workspace: Workspace
    name: str
    company: CompanySettings
    address: Address
    way: WayToPleo
    ledger: Ledger
    line: Line
    clock: Clock
    folders: Folders
    margin: float = MARGIN
    approvals: int = APPROVALS
    #: Hears what is being done now; what it heard before is of no use then.
    tell: Tell = silent
    #: Hears what a person has to know besides the outcome.
    remark: Tell = silent
    file_transport: Transport | None = None

    @property
    def pleo(self) -> PleoClient:
        return self.way.client()

    @property
    def company_id(self) -> str:
        return self.company.id

    def pleo_time(self) -> datetime:
        """Give the time by Pleo's clock, as far as it is known without asking."""
        return self.way.time(self.clock)

    def stored(self, batch: Batch) -> StoredBatch:
        """Give the private folder of a batch."""
        return StoredBatch(self.folders.stored(batch.id))

    def unsettled(self) -> Batch | None:
        """Give the batch that the company's next one must wait for."""
        return self.ledger.unsettled(self.company_id)


def folders_of(workspace: Workspace, name: str) -> Folders:
    """Give the folders of a company of the workspace."""
    place = workspace.document.place("outbox")
    outbox = resolve_inside(workspace.root, workspace.settings.outbox, place)
    return Folders(workspace.root, outbox, name)


@contextmanager
def open_desk(
    workspace: Workspace,
    name: str,
    *,
    what: str,
    clock: Clock | None = None,
    transport: Transport | None = None,
    tell: Tell = silent,
) -> Iterator[Desk]:
    """Open the desk of a company for writing; nobody else writes for it meanwhile.

    Raises: HeldElsewhere LOCK-1 naming the holder; LED-* for a ledger that cannot be trusted. The
    first question to Pleo raises AUTH-* without a credential.
    """
    clock, workspace = clock or SystemClock(), in_force(workspace, name)
    company, folders = workspace.companies[name], folders_of(workspace, name)
    address = address_of(workspace.settings.pleo)
    with company_lock(workspace.root, name, clock=clock, what=what), ExitStack() as stack:
        ledger = stack.enter_context(
            open_ledger(workspace.settings.ledger, root=workspace.root, clock=clock)
        )
        check_identity(folders.outbox, ledger=ledger, company_id=company.id, is_writing=True)

        def open_way() -> PleoClient:
            credential = find_credential(workspace, name, address=address, clock=clock)
            return stack.enter_context(
                PleoClient(address, credential=credential, clock=clock, transport=transport)
            )

        yield Desk(
            workspace=workspace, name=name, company=company, address=address,
            way=WayToPleo(open_way), ledger=ledger, line=CompanyLine(workspace, name),
            clock=clock, folders=folders, margin=company.margin_minutes * 60.0,
            approvals=company.approvals, tell=tell, file_transport=transport,
        )  # fmt: skip
