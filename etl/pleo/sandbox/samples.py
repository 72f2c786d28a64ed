"""The companies of the sandbox and their entries, from the sample data that is shipped."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from etl.documents import read_json
from etl.pleo.sandbox.receipts import MAKERS, make_receipt
from etl.shipped import shipped_folder

#: A company is named like the shipped mapping that fits it.
SAMPLES: Mapping[str, tuple[str, str]] = {
    "example": ("5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10", "items.json"),
    "example-uk": ("b4d6f8a0-2c1e-4d3f-8a5b-7c9d1e3f5a12", "items-uk.ndjson"),
    "example-se": ("d8f0a2c4-4e3f-4b51-9c6d-9e1f3a5b7c13", "items-se.ndjson"),
}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An attachment as the sandbox keeps it; it gets a link when its entry is fetched."""

    media_type: str
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Company:
    """A company, its accounting entries by id, and the attachments of each entry."""

    name: str
    id: str
    entries: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    files: dict[str, list[StoredFile]] = field(default_factory=dict, repr=False)
    #: False: the customer has not mapped contra accounts in Pleo's settings.
    has_contra_accounts: bool = True

    def add(self, item: Mapping[str, Any]) -> str:
        """Take an export item as an entry; its attachments are made here. Gives its id."""
        entry = copy.deepcopy(dict(item))
        entry_id = str(entry["accountingEntryId"])
        self.files[entry_id] = [
            _file(str(file["type"]), f"{entry_id} {number}")
            for number, file in enumerate(entry.pop("files", None) or [], 1)
        ]
        self.entries[entry_id] = entry
        return entry_id


def _file(media_type: str, text: str) -> StoredFile:
    known = media_type if media_type in MAKERS else "text/plain"
    return StoredFile(known, make_receipt(known, text))


def make_company(name: str, company_id: str, items: Sequence[Mapping[str, Any]]) -> Company:
    """Make a company from export items."""
    company = Company(name, company_id)
    for item in items:
        company.add(item)
    return company


def sample_company(name: str) -> Company:
    """Make one of the companies of the sample data."""
    company_id, file = SAMPLES[name]
    text = (shipped_folder("sample_data") / file).read_text(encoding="utf-8")
    if file.endswith(".ndjson"):
        return make_company(name, company_id, [read_json(line) for line in text.splitlines()])
    return make_company(name, company_id, read_json(text)["data"])
