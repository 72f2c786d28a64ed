"""The live line fed by a Pleo, against `convert` of the same items; and decisions of any kind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.live.line import BatchFacts, Decisions, Refused, Revision
from etl.live.stored import StoredBatch, strip_links
from etl.pleo.addresses import address_of
from etl.pleo.client import PleoClient
from etl.pleo.credentials import ApiKey
from etl.pleo.sandbox import Pleo
from etl.secret import Secret
from etl.verification import verify_folder
from etl.workspace import PleoSettings
from tests.fakes.items import item
from tests.fakes.transport import BASE_URL, SandboxClockOf, SandboxTransport
from tests.fakes.workshop import CREATED, FACTS, StagedBatch, Workshop
from tests.property.test_whole_line import CHOICES, generated
from tests.security.lines import Line, scaled

TEMPLATES_TRIED = ("generic", "datev-extf", "sie4")


def from_pleo(items: Sequence[dict[str, Any]]) -> list[bytes]:
    """Export items through a sandbox, and fetch them as the live flow does."""
    pleo = Pleo()
    company = pleo.add_company("acme", items)
    job = pleo.add_job(company, is_vendor_based=False)
    with PleoClient(
        address_of(PleoSettings(base_url=BASE_URL)),
        credential=ApiKey(Secret(pleo.add_key([company]))),
        clock=SandboxClockOf(pleo),
        transport=SandboxTransport(pleo),
    ) as client:
        return [strip_links(one).item for one in client.export_items(job.id)]


@pytest.fixture(scope="module", params=TEMPLATES_TRIED)
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StagedBatch:
    """Give a batch of one template; its recipe serves for all examples."""
    made = Workshop(tmp_path_factory.mktemp("line"), request.param)
    return made.stage(made.like.items())


@settings(max_examples=scaled(3))
@given(choices=st.lists(CHOICES, min_size=1, max_size=12))
def test_the_live_line_makes_of_a_job_what_convert_makes_of_its_items(
    staged: StagedBatch, choices: list[tuple[Any, ...]]
) -> None:
    line: Line = staged.workshop.like
    items = generated(line, choices)
    for one in items:
        one["files"] = []  # receipts are what `convert` cannot have
        one["companyId"] = items[0]["companyId"]
    stored = StoredBatch(staged.workshop.root / "again")
    stored.write_input({}, items=from_pleo(items))
    offline = line.convert(
        stored.folder / "items.ndjson", as_of=CREATED, batch_number=3, first_voucher=21
    )
    facts = BatchFacts(offline.head["batch"]["id"], 3, None, CREATED, {"": 21})
    live = staged.render(facts=facts, items=stored.read_items(), files=[], contents={})
    assert [(made.name, made.content) for made in live.conversion.files] == [
        (made.name, made.content) for made in offline.files
    ]
    assert live.counts == offline.counts
    assert live.conversion.rejections.drop("where").equals(offline.rejections.drop("where"))
    assert live.content == offline.head["content"]


# ── decisions ──

MANY = [item(n=n, wallet=f"{n}.00 EUR", lines=[{"account": "4650 B"}]) for n in range(1, 13)]
MANY[3] |= {"date": "today"}  # cannot be booked, whatever anybody decides
IDS = [one["accountingEntryId"] for one in MANY]
KINDS = st.lists(
    st.sampled_from(["", "", "rejected", "failed", "booked", "skipped"]),
    min_size=len(MANY), max_size=len(MANY),
)  # fmt: skip
FAILED = Refused("REVIEW-1", "vendor_unknown", "It cannot be.", "Change it.")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> StagedBatch:
    return Workshop(tmp_path_factory.mktemp("many")).stage(MANY)


@settings(max_examples=scaled(6))
@given(kinds=KINDS)
def test_whatever_is_decided_every_item_is_in_one_place(
    many: StagedBatch, kinds: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    of = {kind: [n for n, said in enumerate(kinds) if said == kind] for kind in set(kinds) | {""}}

    def chosen(kind: str) -> list[str]:
        return [IDS[n] for n in of.get(kind, [])]

    said = Decisions(
        dict.fromkeys(chosen("rejected"), "no"),
        dict.fromkeys(chosen("failed"), FAILED),
        dict.fromkeys(chosen("booked"), "V-1"),
        frozenset(chosen("skipped")),
    )
    revision, again = many.render(said), many.render(said)
    assert again.content == revision.content
    verdicts = {one.id: one for one in revision.items}
    assert sorted(str(entry) for entry in verdicts) == sorted(IDS)
    left_out = {*chosen("booked"), *chosen("skipped")}
    broken = {IDS[3]} - left_out
    counts = revision.counts
    assert counts.skipped == len(chosen("skipped"))
    assert counts.already_booked == len(chosen("booked"))
    assert counts.rejected == len({*chosen("rejected"), *chosen("failed"), *broken})
    assert counts.rendered == len(MANY) - counts.skipped - counts.already_booked - counts.rejected
    assert _rows(revision) == counts.rendered
    numbers = sorted(int(n) for one in revision.items for n in one.vouchers)
    assert numbers == list(range(1, counts.rendered + 1))
    folder: Path = tmp_path_factory.mktemp("out") / "r"
    revision.write(folder)
    assert verify_folder(folder).problems == []


def _rows(revision: Revision) -> int:
    return sum(
        len(made.content.decode("utf-8-sig").splitlines()) - 1 for made in revision.conversion.files
    )


def test_the_clock_of_a_batch_is_that_of_its_job(many: StagedBatch) -> None:
    early = many.render()
    late = many.render(facts=BatchFacts(FACTS.id, 1, FACTS.job_id, CREATED.replace(hour=10)))
    assert early.recipe != late.recipe


# ── links ──

LINK = "https://files.example.com/S3CRET?token=S3CRET"
TEXTS = st.text(max_size=8) | st.sampled_from([LINK, f"see {LINK}.", "url", "files"])
KEYS = st.text(max_size=5) | st.sampled_from(["files", "url", "Url", "type", "note", "_links"])
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=scaled(200))
@given(tree=TREES, is_ascii=st.booleans(), indent=st.none() | st.just(1))
def test_the_link_of_a_file_survives_nowhere_and_nothing_else_changes(
    tree: Any, is_ascii: bool, indent: int | None
) -> None:
    one = item(n=1, files=[{"url": LINK, "type": "application/pdf"}], note="as it was")
    one["unknown"] = tree
    sent = json.dumps(one, ensure_ascii=is_ascii, indent=indent).encode("utf-8", "replace")
    stripped = strip_links(sent)
    assert b"S3CRET" not in stripped.item
    assert [link.url.reveal() for link in stripped.links] == [LINK]
    left = json.loads(stripped.item)
    del left["unknown"], one["unknown"]
    one["files"][0]["url"] = ""
    assert left == one


@settings(max_examples=scaled(100))
@given(cut=st.integers(0, 2000), junk=st.binary(max_size=6), at=st.integers(0, 2000))
def test_an_item_that_was_cut_or_damaged_keeps_no_link(cut: int, junk: bytes, at: int) -> None:
    sent = json.dumps(item(n=1, files=[{"url": LINK}])).encode()
    broken = sent[:at] + junk + sent[at:]
    for damaged in (sent[:cut], broken):
        left = strip_links(damaged).item
        assert b"files.example.com/S3CRET" not in left
