"""Transition 3: a person approves a content hash, and the verdicts are stored once and for all.

    proof ok (else nothing was staged) · nothing blocks ─> tx approved (who, hash, verdicts)

What Pleo will be told of each item is stored here as the exact bytes that are sent later, also
when they are sent a second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from etl.batches.ledger import Batch
from etl.batches.states import Kind, State
from etl.codes import CODES
from etl.errors import HeldElsewhere, Problem, UserMustFix
from etl.live.deciding import REPEAT, another_reverses
from etl.live.desk import Desk
from etl.live.outcomes import name_of
from etl.live.reviewing import ask_as_now

#: Pleo does not state how long a reason may be; what is longer is cut here.
MAX_REASON = 1000
UNATTENDED = "unattended"


def approve(desk: Desk, batch: Batch, *, by: str, content: str | None = None) -> Batch:
    """Approve the staged content of a batch; with enough approvals it may be released.

    Needs: `content`, the hash that the person has looked at; None: whatever is staged now.
    Raises: UserMustFix REL-1 (nothing to approve), REL-2 (the content is another), REL-3.
    """
    if batch.state is State.APPROVED and content in (None, batch.content):
        return batch  # said twice
    batch = ask_as_now(desk, batch)
    _check(batch, content)
    known = {one.by.strip().casefold() for one in batch.approvals}
    approvers = known | {by.strip().casefold()}
    if approvers == known and len(known) < desk.approvals:
        return batch  # the same name counts once
    body: dict[str, Any] = {
        "by": by,
        "content": batch.content,
        "revision": batch.revision,
        "needed": desk.approvals,
    }
    if len(approvers) >= desk.approvals:
        staged_at = str(batch.facts["staged_at"])
        body["verdicts"] = [
            _verdict(item, at=staged_at)
            for item in desk.ledger.items(batch)
            if item["verdict"] != "skipped"
        ]
    return desk.ledger.append(batch, Kind.APPROVED, body)


def second_name_missing(batch: Batch, *, needed: int | None = None) -> HeldElsewhere:
    """Say that a batch is approved, but not by enough persons."""
    names = " and ".join(dict.fromkeys(one.by for one in batch.approvals)) or "nobody"
    needed = needed or batch.facts.get("needed")
    what = f"{name_of(batch)} is approved by {names}, and {needed} persons must approve it"
    who = "another person looks" if batch.approvals else "each of them looks"
    fix = f"{who} at it and approves it with `pleo-etl review --approve --by NAME`; then release it"
    if batch.facts.get("reverses"):
        fix = another_reverses(batch)
    return HeldElsewhere(Problem("REVIEW-4", what, f"revision {batch.revision}", fix))


def _check(batch: Batch, content: str | None) -> None:
    if batch.facts.get("reverses"):
        what = f"{name_of(batch)} takes another batch back, and is approved otherwise"
        fix = f"{another_reverses(batch)}, or `pleo-etl discard` gives it up"
        raise UserMustFix(Problem("REL-1", what, f"revision {batch.revision}", fix))
    if batch.facts.get("refusal"):
        what = f"{name_of(batch)} has nothing to approve: its job can only be refused"
        fix = "`pleo-etl release` tells Pleo why"
        raise UserMustFix(Problem("REL-1", what, f"job {batch.job_id}", fix))
    if batch.state is not State.STAGED or not batch.revision:
        stands = batch.state if batch.revision else "reserved, and not rendered yet"
        what = f"{name_of(batch)} has nothing to approve: it is {stands}"
        fix = "`pleo-etl status` says where the batch stands, and what comes next"
        raise UserMustFix(Problem("REL-1", what, f"revision {batch.revision}", fix))
    if content is not None and content != batch.content:
        raise UserMustFix(
            Problem(
                "REL-2",
                f"{name_of(batch)} has changed since it was reviewed: it is revision"
                f" {batch.revision} now",
                f"content {str(batch.content)[:12]}",
                "look at it again with `pleo-etl review`, then approve it",
            )
        )
    check_answered(batch)


def check_answered(batch: Batch) -> None:
    """Refuse while notes wait for an answer: say what is missing, and the call that gives it.

    Raises: UserMustFix REL-3.
    """
    blocking: Sequence[str] = batch.facts.get("blocking") or ()
    if not blocking:
        return
    asked, calls = [], []
    for code in blocking:
        if code == REPEAT:
            asked.append("whether items that came before are booked already")
            calls.append("`pleo-etl review --already-booked all` or `--again all`")
        else:
            meaning = CODES[code].meaning if code in CODES else code
            asked.append(f"{meaning} ({code})")
            calls.append(f'`pleo-etl review --answer {code}="what you found"`')
    what = f"{name_of(batch)} waits for an answer: {'; '.join(asked)}"
    fix = f"{', '.join(calls)}; key n of `pleo-etl review` asks for it. Or reject the items"
    raise UserMustFix(Problem("REL-3", what, f"revision {batch.revision}", fix))


def _verdict(item: Mapping[str, Any], *, at: str) -> dict[str, Any]:
    """Give a verdict as the ledger stores it, with the text that is sent."""
    kept = {name: item[name] for name in ("external_id", "failure_type", "failure_reason")}
    return {
        "entry": item["id"],
        "verdict": item["verdict"],
        "body": report_of(item, at=at),
        "fingerprint": item["fingerprint"],
        "vouchers": [str(number) for number in item["vouchers"]],
        **kept,
    }


def report_of(item: Mapping[str, Any], *, at: str) -> str:
    """Write an UpdateExportJobItemV3; what is absent is left out, never null.

    `exportedAt` is when the approved revision was made (export-rules C15).
    """
    said: dict[str, str | None] = {"accountingEntryId": item["id"]}
    if item["verdict"] == "exported":
        said |= {
            "status": "successful", "exportedAt": at, "externalId": item["external_id"] or None,
        }  # fmt: skip
    else:
        said |= {
            "status": "failed",
            "failureReason": _cut(item["failure_reason"] or "the item could not be exported"),
            "failureReasonType": item["failure_type"] or "unexpected_failure",
        }
    return json.dumps({name: text for name, text in said.items() if text is not None})


def _cut(reason: str) -> str:
    return reason if len(reason) <= MAX_REASON else reason[: MAX_REASON - 1] + "…"
