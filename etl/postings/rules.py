"""Posting rules: which role is debited and which credited, per kind of export item.

    mappings/posting-rules.yaml  ─┐
    mapping: accept ids, own rows ┴─> PostingRules, one PostingRule per id

A row makes one or two vouchers. Of the two sides of a voucher one is the lines' side (one
posting per line), the other the contra side (summed per voucher); see CONTRA_ORDER.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator

from etl.documents import Document, Model, near_match, parse_document
from etl.errors import Problem, UserMustFix
from etl.shipped import shipped_folder

RULES_FILE = "posting-rules.yaml"

Role = Literal[
    "wallet", "reimbursement", "payable", "out_of_pocket", "transfer", "employee", "cashback",
    "exchange_difference", "expense",
]  # fmt: skip
Value = Literal["positive", "negative", "any"]

#: The contra side of a voucher is the side whose role comes first here.
CONTRA_ORDER: Sequence[str] = (
    "wallet", "reimbursement", "payable", "out_of_pocket", "transfer", "employee", "cashback",
    "exchange_difference", "expense",
)  # fmt: skip

#: Roles whose lines carry tax; elsewhere the tax was posted with the expense, or there is none.
TAXED_ROLES: Sequence[str] = ("expense", "cashback")

#: Kinds of vouchers in the order in which an item's vouchers stand.
KINDS: Sequence[str] = ("entry", "invoice", "credit_note", "payment")


class Sides(Model):
    """The two sides of a voucher, by role."""

    debit: Role
    credit: Role


class OwnRow(Model):
    """A row as a mapping writes it: sides, value, or both."""

    debit: Role | None = None
    credit: Role | None = None
    entry: Sides | None = None
    invoice: Sides | None = None
    credit_note: Sides | None = None
    payment: Sides | None = None
    value: Value | None = None

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        if (self.debit is None) != (self.credit is None):
            raise ValueError("debit and credit must be given together")
        kinds = {pair.kind for pair in self.pairs()}
        if self.entry and self.debit:
            raise ValueError("debit and credit are short for entry: give one of the two")
        if ("entry" in kinds and len(kinds) > 1) or {"invoice", "credit_note"} <= kinds:
            raise ValueError(
                "a row makes an entry, or an invoice or credit note with or without payment"
            )
        for pair in self.pairs():
            if pair.debit == pair.credit:
                raise ValueError(f"debit and credit are the same role, {pair.debit}")
        return self

    def pairs(self) -> tuple[Pair, ...]:
        """Give the sides that are written here, one pair per kind of voucher."""
        entry = self.entry
        if self.debit and self.credit:
            entry = Sides(debit=self.debit, credit=self.credit)
        sides = (entry, self.invoice, self.credit_note, self.payment)
        return tuple(
            Pair(kind, side.debit, side.credit)
            for kind, side in zip(KINDS, sides, strict=True)
            if side is not None
        )


class Row(OwnRow):
    """A row of the shipped file: complete, with what supports it."""

    value: Value
    confirmed: Literal["yes", "no"]
    source: str

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.pairs():
            raise ValueError("debit and credit are missing")
        return self


class RulesDocument(Model):
    """The shipped file."""

    rules: dict[str, Row]


@dataclass(frozen=True, slots=True)
class Pair:
    """The two sides of one voucher of a rule."""

    kind: str
    debit: str
    credit: str

    def mirrored(self) -> Pair:
        """Give what takes this voucher back: of an invoice a credit note, and the other way."""
        kind = {"invoice": "credit_note", "credit_note": "invoice"}.get(self.kind, self.kind)
        return Pair(kind, self.credit, self.debit)

    @property
    def contra_role(self) -> str:
        return min(self.debit, self.credit, key=CONTRA_ORDER.index)

    @property
    def line_role(self) -> str:
        return self.debit if self.contra_role == self.credit else self.credit


@dataclass(frozen=True, slots=True)
class PostingRule:
    """One row, after what the mapping says about it."""

    id: str
    pairs: tuple[Pair, ...]
    value: Value
    confirmed: bool
    accepted: bool
    source: str
    place: str

    @property
    def type(self) -> str:
        return self.id.split("/")[0]

    @property
    def sub_type(self) -> str | None:
        parts = self.id.split("/")
        return parts[1] if len(parts) == 3 else None

    @property
    def method(self) -> str:
        return self.id.split("/")[-1]

    @property
    def roles(self) -> tuple[str, ...]:
        """Give the roles of all its vouchers, each once."""
        return tuple(dict.fromkeys(r for pair in self.pairs for r in (pair.debit, pair.credit)))


@dataclass(frozen=True, slots=True)
class PostingRules:
    """All posting rules of a run, by id, and the hash of the shipped file."""

    rules: Mapping[str, PostingRule]
    sha256: str

    def __iter__(self) -> Iterator[PostingRule]:
        return iter(self.rules.values())

    def mirrored(self) -> PostingRules:
        """Give rules that take back what these make: debit and credit change places."""
        return replace(
            self,
            rules={
                name: replace(rule, pairs=tuple(pair.mirrored() for pair in rule.pairs))
                for name, rule in self.rules.items()
            },
        )


def load_posting_rules(
    own: Mapping[str, Mapping[str, Any]] | None = None,
    accept: Sequence[str] = (),
    *,
    place: Callable[[str], object] | None = None,
    path: Path | None = None,
) -> PostingRules:
    """Read the shipped rules and what a mapping says about them.

    Needs: own rows by id as plain data, ids accepted, and `place`, which gives the place in the
    mapping where an id stands. `path` is another file than the shipped one.
    Raises: UserMustFix with POST-1 for each unknown id and POST-2 for each row that cannot be.
    """
    file = path or shipped_folder("mappings") / RULES_FILE
    raw = file.read_bytes()
    document = parse_document(raw, path=file, name=file.name)
    rules = _shipped(document)
    problems: list[Problem] = []
    where = place or (lambda _id: "")
    for rule_id in accept:
        if rule_id in rules:
            rules[rule_id] = replace(rules[rule_id], accepted=True)
        else:
            problems.append(_unknown(rule_id, rules, str(where(rule_id))))
    for rule_id, row in (own or {}).items():
        if rule_id not in rules:
            problems.append(_unknown(rule_id, rules, str(where(rule_id))))
            continue
        try:
            rules[rule_id] = _own_rule(rules[rule_id], row, str(where(rule_id)))
        except ValidationError as error:
            problems.extend(_row_problems(rule_id, error, str(where(rule_id))))
    if problems:
        raise UserMustFix(problems)
    return PostingRules(rules, hashlib.sha256(raw).hexdigest())


def _shipped(document: Document) -> dict[str, PostingRule]:
    rows = document.load(RulesDocument).rules
    return {
        rule_id: PostingRule(
            id=rule_id,
            pairs=row.pairs(),
            value=row.value,
            confirmed=row.confirmed == "yes",
            accepted=row.confirmed == "yes",
            source=row.source,
            place=str(document.place("rules", rule_id)),
        )
        for rule_id, row in rows.items()
    }


def _own_rule(shipped: PostingRule, row: Mapping[str, Any], where: str) -> PostingRule:
    """Lay a mapping's row over the shipped one; whoever writes a row has confirmed it."""
    own = OwnRow.model_validate(dict(row))
    return replace(
        shipped,
        pairs=own.pairs() or shipped.pairs,
        value=own.value or shipped.value,
        confirmed=True,
        accepted=True,
        source="own row of the mapping",
        place=where,
    )


def _unknown(rule_id: str, rules: Mapping[str, PostingRule], where: str) -> Problem:
    near = near_match(rule_id, list(rules))
    fix = f'did you mean "{near}"?' if near else f"ids are listed in {RULES_FILE}"
    return Problem("POST-1", f'there is no posting rule "{rule_id}"', where, fix)


def _row_problems(rule_id: str, error: ValidationError, where: str) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        key = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            near = near_match(str(detail["loc"][-1]), list(OwnRow.model_fields))
            what = f'unknown key "{key}"'
            fix = f'did you mean "{near}"?' if near else f"see the keys in {RULES_FILE}"
        else:
            message = str(detail["msg"]).removeprefix("Value error, ")
            what = f"{key}: {message}" if key else message
            fix = f"see the keys and roles at the top of {RULES_FILE}"
        yield Problem("POST-2", f'posting rule "{rule_id}": {what}', where, fix)
