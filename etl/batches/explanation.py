"""Why each value of an item's rows is what it is, told from the evidence of a folder.

cell ─reads─> name ─┬─ of Pleo (item, line)
                    ├─ of the posting rule (side, role, amount)
                    ├─ of the run (parameters, company)
                    └─ of the mapping: the rule that won, its table row, and what lost
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from etl.batches.evidence import READ, TEXT, CellFact, Evidence, Facts, RecordFact, RuleFact
from etl.batches.printed import PrintedFile, Row
from etl.frames import ROLES

#: Names of postings and vouchers that are a mapping target under another name.
_TARGETS = {
    "posting.tax_code": "tax_code", "posting.text": "text", "voucher.text": "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lost:
    """A rule that did not give the value, and why."""

    rule: str
    place: str
    why: str


@dataclass(frozen=True, slots=True)
class Source:
    """A value behind a cell: its name, and what decided it."""

    name: str
    value: str | None
    origin: str
    target: str | None = None
    rule: str | None = None
    place: str | None = None
    table: str | None = None
    table_row: int | None = None
    lost: tuple[Lost, ...] = ()


@dataclass(frozen=True, slots=True)
class CellReason:
    """A column of a row in a file, and the values behind it.

    value  the finished text as the file has it, "" where nothing stands; None where it is not
           known: in text and XML a cell that is not read back, or the file is not at hand
    number counts the columns of the record from 0
    """

    column: str
    value: str | None
    expression: str
    place: str
    sources: tuple[Source, ...]
    number: int = -1


@dataclass(frozen=True, slots=True)
class RowReason:
    """A posting: where it stands, which posting rule made it, and its cells.

    printed       the line of the file, None in a workbook or where the file is not at hand
    never_filled  columns of the record for which the template has no value
    """

    file: str
    row: int
    voucher: str
    line: int | None
    role: str
    posting_rule: str
    posting_rule_place: str
    printed: str | None
    never_filled: int
    cells: tuple[CellReason, ...]


def explain_item(
    evidence: Evidence, item_id: str, *, files: Mapping[str, bytes]
) -> list[RowReason]:
    """Explain every cell of an item's rows, in the order of the files.

    Needs: files, by name the bytes of those that are as they were written, out of their zip.
    """
    facts = evidence.facts
    printed = {
        name: PrintedFile(content, facts.written[key], _cells_of(key, facts))
        for name, content in files.items()
        if (key := facts.files.get(name)) is not None
    }
    rows = evidence.of_item(item_id).sort("file", "row").iter_rows(named=True)
    return [_explain_row(row, facts, file=printed.get(row["file"])) for row in rows]


def explain_lines(
    evidence: Evidence, file: str, *, until: int, content: bytes
) -> list[tuple[str, RowReason]]:
    """Explain the first lines of a file: the item of each posting that stands there, and why.

    Needs: content, the file at least as far as the last of these lines.
    """
    key = evidence.facts.files.get(file)
    if key is None:  # it repeats what stands in another file
        return []
    facts = evidence.facts
    printed = PrintedFile(content, facts.written[key], _cells_of(key, facts))
    rows = evidence.beginning(file, until=until).iter_rows(named=True)
    return [(row["item.id"], _explain_row(row, facts, file=printed)) for row in rows]


def explain_between(
    evidence: Evidence, file: str, *, row: int, content: bytes
) -> tuple[str, RowReason] | None:
    """Explain a line that a layout wrote beside postings, such as the head of a voucher.

    It belongs to the posting before or after it, with no empty line between, of which it says
    more; None where it says nothing of either. Its cells are those whose text stands in it.
    """
    facts = evidence.facts
    key = facts.files.get(file)
    if key is None or facts.written[key].kind not in ("text", "xml"):
        return None
    printed = PrintedFile(content, facts.written[key], _cells_of(key, facts))
    line = printed.row(row).line or ""
    is_xml = facts.written[key].kind == "xml"
    said = re.sub("<[^>]*>", " ", line) if is_xml else line
    found: list[tuple[str, RowReason]] = []
    for posting in evidence.around(file, row=row).iter_rows(named=True):
        between = range(*sorted((row, posting["row"])))
        if all((printed.row(number).line or "").strip() for number in between):
            reason = _beside(posting, facts, said=said, row=row, printed=printed)
            found.append((posting["item.id"], replace(reason, printed=line)))
    texts = [{cell.value or "" for cell in reason.cells} for _item, reason in found]
    if len(found) > 1 and found[0][1].voucher != found[1][1].voucher:
        texts = [texts[0] - texts[1], texts[1] - texts[0]]  # what both say tells them not apart
    sizes = [sum(map(len, own)) for own in texts]
    most = max(sizes, default=0)
    if most == 0 or (is_xml and 2 * most < len("".join(said.split()))):
        return None
    return found[sizes.index(most)]


def _beside(
    posting: Mapping[str, Any], facts: Facts, *, said: str, row: int, printed: PrintedFile
) -> RowReason:
    """Give of a posting, or of the voucher that begins with it, the cells that stand in a line."""
    whole = _explain_row(posting, facts, file=printed)
    is_head = posting["row"] > row
    key = facts.files[posting["file"]]
    mine = "vouchers" if is_head else "postings"
    cells = tuple(
        reason
        for reason, cell in zip(whole.cells, _cells_of(key, facts), strict=True)
        if reason.value
        and facts.written[key].records[cell.record].context == mine
        and re.search(rf"(?<!\w)(?<!\w[.,-]){re.escape(reason.value)}(?![.,-]?\w)", said)
    )
    role, line = ("head of the voucher", None) if is_head else (whole.role, whole.line)
    return replace(whole, row=row, role=role, line=line, cells=cells)


def _cells_of(file_key: str, facts: Facts) -> list[CellFact]:
    return [cell for cell in facts.cells if cell.file == file_key]


def _explain_row(row: Mapping[str, Any], facts: Facts, *, file: PrintedFile | None) -> RowReason:
    rule = row.get("rule.id") or ""
    file_key = facts.files.get(row["file"], "")
    records = facts.written[file_key].records if file_key else {}
    stands = Row(None, None, {}) if file is None else file.row(row["row"])
    cells = [
        cell for cell in _cells_of(file_key, facts) if _may_stand(cell, stands.record, records)
    ]
    mine = [record for name, record in records.items() if stands.record in (None, name)]
    unfilled = sum(len(record.columns) for record in mine) - len(cells)
    return RowReason(
        file=row["file"],
        row=row["row"],
        voucher=row["voucher.id"],
        line=row["line.number"],
        role=row["posting.role"],
        posting_rule=rule,
        posting_rule_place=facts.postings.get(rule, ""),
        printed=stands.line,
        never_filled=unfilled if stands.record is not None and len(mine) == 1 else 0,
        cells=tuple(
            CellReason(
                cell.name,
                _value(cell, stands, row=row),
                cell.expression,
                cell.place,
                tuple(_sources(cell, row, facts=facts)),
                cell.number,
            )
            for cell in cells
        ),
    )


def _may_stand(cell: CellFact, record: str | None, records: Mapping[str, RecordFact]) -> bool:
    """Leave out the columns of records that stand in the line's stead for other postings."""
    if record is None or cell.record == record:
        return True
    return records[cell.record].context != records[record].context


def _value(cell: CellFact, stands: Row, *, row: Mapping[str, Any]) -> str | None:
    """Give the text of a cell: from the line, else what was read back when it was written."""
    if stands.record is not None:
        return stands.texts.get(cell.number) if cell.record == stands.record else None
    text = f"{TEXT}{cell.file}.{cell.record}.{cell.number}"
    if stands.line is not None and text in row:
        return row[text] or ""
    name = f"{READ}{cell.means}"
    return (show(row[name]) or "") if stands.line is not None and name in row else None


def _sources(cell: CellFact, row: Mapping[str, Any], *, facts: Facts) -> Iterator[Source]:
    for name in cell.reads:
        if name in facts.constants:
            yield Source(name, facts.constants[name], "the run")
        elif (target := _target_of(name, row)) and target in facts.candidates:
            yield _mapped(name, target, row=row, facts=facts)
        else:
            yield Source(name, show(row.get(name)), _origin(name))


def _target_of(name: str, row: Mapping[str, Any]) -> str | None:
    """Give the mapping target behind a name, if there is one."""
    if name in _TARGETS:
        return _TARGETS[name]
    if name.startswith("posting.dimension."):
        return name.removeprefix("posting.")
    if name.startswith("target."):
        return name
    role = _role_of(name, row)
    return f"account.{role}" if role else None


def _role_of(name: str, row: Mapping[str, Any]) -> str | None:
    role, contra = row["posting.role"], row.get("voucher.contra_role")
    if name in ("posting.account", "posting.account_name"):
        return str(role)
    if name == "voucher.contra_account":
        return contra
    if name not in ("posting.contra_account", "posting.contra_account_name"):
        return None
    if contra != role:
        return contra
    account = row.get("posting.contra_account")
    others = (r for r in ROLES if r != role and row.get(f"account.{r}") == account)
    return next(others, None)


#: Where names come from that no mapping target gives; the longest beginning that fits decides.
_ORIGINS = {
    "item.": "Pleo",
    "line.": "Pleo",
    "attachment.": "Pleo's receipts",
    "file.": "the file",
    "voucher.": "the posting rule",
    "voucher.number": "the numbering of vouchers",
    "voucher.index": "the order of vouchers in the file",
    "voucher.reference": "Pleo's reconciliation id",
    "voucher.short_reference": "Pleo's reconciliation id",
    "voucher.currency": "Pleo",
    "voucher.document_date": "Pleo",
    "voucher.due_date": "Pleo",
    "voucher.original_date": "Pleo's date",
    "voucher.date": "Pleo's date and the mapping's periods",
    "voucher.period": "the posting date and the mapping's periods",
    "voucher.fiscal_year": "the posting date and the company's fiscal year",
    "voucher.vendor": "the mapping's vendors",
    "posting.": "Pleo's amounts, laid out by the posting rule",
    "posting.role": "the posting rule",
    "posting.side": "the posting rule",
    "posting.ledger": "the posting rule",
    "posting.is_contra": "the posting rule",
    "posting.vendor": "the mapping's vendors",
    "posting.currency": "Pleo",
    "posting.index": "the order of postings",
}


def _origin(name: str) -> str:
    fitting = [beginning for beginning in _ORIGINS if name.startswith(beginning)]
    return _ORIGINS[max(fitting, key=len)] if fitting else "the run"


def _mapped(name: str, target: str, *, row: Mapping[str, Any], facts: Facts) -> Source:
    number = row.get(f"rule.{target}")
    tried = facts.candidates[target]
    value = show(row.get(name))
    if number is None:
        lost = tuple(_lost(facts, other) for other in tried)
        return Source(name, value, "no rule of the mapping", target, lost=lost)
    winner = facts.rules[number]
    at = tried.index(number) if number in tried else len(tried)
    lost = tuple(
        _lost(facts, other, comes_after=place > at)
        for place, other in enumerate(tried)
        if other != number
    )
    return Source(
        name, value, "mapping", target, winner.text, winner.place, winner.table,
        row.get(f"row.{target}"), lost,
    )  # fmt: skip


def _lost(facts: Facts, number: int, *, comes_after: bool = False) -> Lost:
    rule = facts.rules[number]
    return Lost(rule.text, rule.place, "comes after" if comes_after else _why_not(rule))


def _why_not(rule: RuleFact) -> str:
    """Say why a rule that was tried did not give the value."""
    if rule.table is not None:
        nothing = f"table {rule.table} has no row with a value for this line"
    else:
        nothing = "it gives nothing on this line"
    if rule.text.endswith(", use: none"):
        return "its condition is false"
    if rule.text.startswith("when: "):
        return f"its condition is false, or {nothing}"
    return nothing


def show(value: object) -> str | None:
    """Write a value as text; amounts and dates as they are, lists with commas."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(str(element) for element in value)
    return str(value)
