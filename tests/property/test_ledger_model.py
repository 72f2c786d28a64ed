"""The ledger against a model of it: whatever is done to it in whatever order, both say the same.

The model knows batches by their states alone, and who owns an item by going through what happened
to it: it shares no code with the ledger.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from etl.batches.ledger import Batch, NewBatch
from etl.batches.ledger.failures import BodyWrong
from etl.batches.states import Kind
from etl.errors import EtlError
from tests.fakes.ledgers import COMPANY, FOLDER, body_of, open_in, verdict
from tests.security.lines import scaled

ITEMS = ("a", "b", "c", "d")


@dataclass
class Told:
    """What the model knows of a batch."""

    number: int
    job: str | None
    items: tuple[str, ...]
    first: int
    state: str = "staged"
    revision: int = 0
    last: int = 0
    rendered: bool = True
    is_approved: bool = False
    is_started: bool = False
    intents: set[str] = field(default_factory=set)
    verdicts: dict[str, str] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    was_reported: bool = False
    #: What was the answer for an item that an earlier batch has booked.
    answers: dict[str, str] = field(default_factory=dict)
    #: Items that are, or may still come, into the books by this batch.
    owns: set[str] = field(default_factory=set)
    ends: set[str] = field(default_factory=set)
    gone: bool = False


class LedgerModel(RuleBasedStateMachine):
    """Appends of any kind to any batch; the model says which must succeed."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="pleo-etl-model-"))
        self.ledger = open_in(self.root)
        self.told: list[Told] = []
        self.real: list[Batch] = []

    def teardown(self) -> None:
        self.ledger.close()
        shutil.rmtree(self.root)

    # ── what the model says ──

    def owner(self, item: str) -> Told | None:
        """Say whose an item is: the newest batch that took it and has not given it back."""
        return next((one for one in reversed(self.told) if item in one.owns), None)

    def current(self) -> Told | None:
        over = ("closed", "voided")
        return next((one for one in self.told if one.state not in over), None)

    def next_numbers(self) -> tuple[int, int]:
        held = [one for one in self.told if not one.gone]
        number = max((one.number for one in held), default=0) + 1
        return number, max((max(one.last, one.first - 1) for one in held), default=0) + 1

    def append(self, place: int, kind: Kind, body: dict[str, Any], *, allowed: bool) -> bool:
        try:
            self.real[place] = self.ledger.append(self.real[place], kind, body)
        except (EtlError, BodyWrong):
            assert not allowed, (kind, self.told[place])
            return False
        assert allowed, (kind, self.told[place])
        return True

    def give_back(self, told: Told, items: set[str] | None = None) -> None:
        told.owns -= told.owns if items is None else items

    # ── what is done ──

    @rule(
        items=st.lists(st.sampled_from(ITEMS), min_size=1, max_size=3, unique=True),
        has_job=st.booleans(),
    )
    def reserve(self, items: list[str], has_job: bool) -> None:
        number, first = self.next_numbers()
        numbers = self.ledger.next_numbers(COMPANY, per_fiscal_year=False)
        assert (numbers.batch, numbers.voucher()) == (number, first)
        job = f"job-{number}" if has_job else None
        body = body_of(
            Kind.RESERVED, job=job, number=number, first_vouchers={"": first}, entries=items
        )
        try:
            batch = self.ledger.append(NewBatch(COMPANY), Kind.RESERVED, body)
        except EtlError:
            assert self.current() is not None
            return
        assert self.current() is None
        told = Told(number, job, tuple(items), first)
        told.owns = {item for item in items if self.owner(item) is None}
        self.told.append(told)
        self.real.append(batch)

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30), used=st.integers(0, 3), rendered=st.booleans())
    def stage(self, place: int, used: int, rendered: bool) -> None:
        place %= len(self.told)
        told = self.told[place]
        allowed = told.state in ("staged", "approved", "started") and not told.was_reported
        last = told.first + used - 1
        counts = {"rendered": int(rendered)}
        body = body_of(Kind.STAGED, revision=told.revision + 1, last_vouchers={"": last},
                       counts=counts)  # fmt: skip
        if self.append(place, Kind.STAGED, body, allowed=allowed):
            told.state, told.revision, told.last = "staged", told.revision + 1, last
            told.rendered, told.is_approved, told.verdicts = rendered, False, {}
            told.intents.discard("publish")

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30), item=st.sampled_from(ITEMS), again=st.booleans())
    def answer(self, place: int, item: str, again: bool) -> None:
        place %= len(self.told)
        told = self.told[place]
        do = "again" if again else "already_booked"
        body = body_of(Kind.ANSWERED, decisions={item: {"do": do}})
        if self.append(place, Kind.ANSWERED, body, allowed=told.state == "staged"):
            if again:
                if item not in told.owns:
                    told.answers[item] = "taken" if self.owner(item) else "held"
                told.owns.add(item)
            elif told.answers.get(item) == "taken" and item in told.owns:
                told.owns.discard(item)

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30), failed=st.sets(st.sampled_from(ITEMS)))
    def approve(self, place: int, failed: set[str]) -> None:
        place %= len(self.told)
        told = self.told[place]
        said = {item: "failed" if item in failed else "exported" for item in told.items}
        verdicts = [verdict(item, what) for item, what in said.items()]
        exported = {item for item, what in said.items() if what == "exported"}
        mine = told.job is None or exported <= told.owns
        allowed = told.state == "staged" and told.revision > 0 and mine
        body = body_of(Kind.APPROVED, revision=told.revision or 1, verdicts=verdicts)
        if self.append(place, Kind.APPROVED, body, allowed=allowed):
            told.state, told.is_approved, told.verdicts = "approved", True, said
            told.acknowledged = set()

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30), is_result=st.booleans())
    def start(self, place: int, is_result: bool) -> None:
        place %= len(self.told)
        told = self.told[place]
        if is_result:
            allowed = told.state in ("staged", "approved") and "start" in told.intents
            if self.append(place, Kind.STARTED, {}, allowed=allowed):
                told.state, told.is_started = "started", True
                told.intents.discard("start")
            return
        allowed = told.state == "approved" and told.job is not None and not told.is_started
        if self.append(place, Kind.START_INTENDED, body_of(Kind.START_INTENDED), allowed=allowed):
            told.intents.add("start")

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30), is_result=st.booleans())
    def publish(self, place: int, is_result: bool) -> None:
        place %= len(self.told)
        told = self.told[place]
        ready = told.state == "started" or (
            told.state == "approved" and (told.job is None or told.is_started)
        )
        if is_result:
            allowed = told.state in ("approved", "started") and "publish" in told.intents
            if self.append(place, Kind.PUBLISHED, {"folder": FOLDER}, allowed=allowed):
                told.state = "published"
                told.intents.discard("publish")
            return
        allowed = ready and told.is_approved and told.rendered and "refuse" not in told.intents
        if self.append(place, Kind.PUBLISH_INTENDED, {"folder": FOLDER}, allowed=allowed):
            told.intents.add("publish")

    @precondition(lambda self: self.told)
    @rule(
        place=st.integers(0, 30),
        items=st.sets(st.sampled_from(ITEMS), min_size=1),
        kind=st.sampled_from([Kind.REPORT_INTENDED, Kind.ACKNOWLEDGED]),
    )
    def report(self, place: int, items: set[str], kind: Kind) -> None:
        place %= len(self.told)
        told = self.told[place]
        allowed = self._may_report(told) and items <= set(told.verdicts)
        if self.append(place, kind, {"entries": sorted(items)}, allowed=allowed):
            told.was_reported = True
            if kind is Kind.ACKNOWLEDGED:
                told.acknowledged |= items

    def _may_report(self, told: Told) -> bool:
        if told.job is None:
            return False
        is_empty = told.state == "started" and not told.rendered and told.is_approved
        return told.state == "published" or is_empty

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30))
    def be_through(self, place: int) -> None:
        place %= len(self.told)
        told = self.told[place]
        allowed = self._may_report(told) and told.acknowledged == set(told.verdicts)
        if self.append(place, Kind.REPORTED, {}, allowed=allowed):
            told.state = "reported"

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30))
    def close(self, place: int) -> None:
        place %= len(self.told)
        told = self.told[place]
        allowed = told.state == "reported" or (told.state == "published" and told.job is None)
        if self.append(place, Kind.CLOSED, body_of(Kind.CLOSED), allowed=allowed):
            self._book(told)

    def _book(self, told: Told) -> None:
        told.state = "closed"
        self.give_back(told, {item for item in told.owns if told.verdicts.get(item) != "exported"})

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30))
    def refuse(self, place: int) -> None:
        place %= len(self.told)
        told = self.told[place]
        states = ("staged", "approved", "started")
        body = body_of(Kind.REFUSE_INTENDED)
        allowed = told.state in states and told.is_started
        if self.append(place, Kind.REFUSE_INTENDED, body, allowed=allowed):
            told.intents.add("refuse")

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30))
    def void(self, place: int) -> None:
        place %= len(self.told)
        told = self.told[place]
        allowed = told.state in ("staged", "approved", "started")
        if self.append(place, Kind.VOIDED, body_of(Kind.VOIDED), allowed=allowed):
            told.state, told.gone = "voided", True
            told.intents.clear()
            self.give_back(told)

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30), imported=st.none() | st.booleans())
    def quarantine(self, place: int, imported: bool | None) -> None:
        place %= len(self.told)
        told = self.told[place]
        if imported is None:
            allowed = told.state in ("published", "reported")
            if self.append(place, Kind.QUARANTINED, {"why": "x"}, allowed=allowed):
                told.state = "quarantined"
            return
        body = {"imported": imported, "by": "Ann"}
        if self.append(place, Kind.SETTLED, body, allowed=told.state == "quarantined"):
            if imported:
                self._book(told)
                told.ends.add("imported")
            else:
                told.state, told.gone = "voided", True
                self.give_back(told)

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30), refused=st.sets(st.sampled_from(ITEMS), max_size=2))
    def take_in(self, place: int, refused: set[str]) -> None:
        place %= len(self.told)
        told = self.told[place]
        allowed = told.state == "closed" and not told.ends
        body = body_of(Kind.IMPORTED, refused=sorted(refused))
        if self.append(place, Kind.IMPORTED, body, allowed=allowed):
            told.ends.add("imported")
            self.give_back(told, refused)

    @precondition(lambda self: self.told)
    @rule(place=st.integers(0, 30))
    def withdraw(self, place: int) -> None:
        place %= len(self.told)
        told = self.told[place]
        allowed = told.state == "closed" and not told.ends
        if self.append(place, Kind.WITHDRAWN, body_of(Kind.WITHDRAWN), allowed=allowed):
            told.ends.add("withdrawn")
            self.give_back(told)

    @rule()
    def open_again(self) -> None:
        self.ledger.close()
        self.ledger = open_in(self.root, create=False)

    # ── what always holds ──

    @invariant()
    def both_say_the_same(self) -> None:
        batches = self.ledger.batches(COMPANY)
        assert batches == self.real
        assert [str(batch.state) for batch in batches] == [one.state for one in self.told]
        assert [batch.holds_numbers for batch in batches] == [not one.gone for one in self.told]
        for batch, told in zip(batches, self.told, strict=True):
            verdicts = self.ledger.verdicts(batch.id)
            assert {one.entry_id: one.verdict for one in verdicts} == told.verdicts

    @invariant()
    def every_item_has_one_owner(self) -> None:
        claims = self.ledger.claims(COMPANY, ITEMS)
        found = {item: claim.batch.id for item, claim in claims.items()}
        wanted = {}
        for item in ITEMS:
            owner = self.owner(item)
            if owner is not None:
                wanted[item] = self.real[self.told.index(owner)].id
        assert found == wanted

    @invariant()
    def the_events_say_the_same(self) -> None:
        assert self.ledger.verify() == []


LedgerModel.TestCase.settings = settings(
    max_examples=scaled(25), stateful_step_count=40, deadline=None
)
TestLedgerAgainstItsModel = LedgerModel.TestCase
