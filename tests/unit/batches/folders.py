"""A small conversion as files, for tests of the output folder and of verify."""

from __future__ import annotations

from typing import Any

import polars as pl

from etl.batches.manifest import MANIFEST, Made, Manifest, Total
from etl.batches.output import Owner
from etl.batches.recipe import make_recipe
from etl.batches.verdicts import Counts

OWNER = Owner(company="5a1e0c52-3c77-4a49-8f0b-7e2f5a9c1b10", template="plain", number=7)


def small_manifest(files: list[Made], **given: Any) -> Manifest:
    """Give a manifest of one item in one file."""
    parts: dict[str, Any] = {
        "batch": {
            "id": "0123456789ab", "number": OWNER.number, "company": OWNER.company, "job": None,
            "created": "2026-03-09T00:00:00Z",
        },
        "template": {"id": OWNER.template, "version": 1, "sha256": "0" * 64},
        "mapping": {"name": "acme.yaml", "sha256": "0" * 64},
        "parameters": {},
        "recipe": make_recipe(template={}, mapping={}, settings={}, versions={}),
        "numbers": {"first_voucher": 1, "last_voucher": 1},
        "input": {"sha256": "0" * 64, "items": 1, "lines": 1},
        "content": "0" * 64,
        "counts": Counts(1, 1, 0, 0, 0, 0, 1, 1),
        "totals": [Total("EUR", "10.00", "10.00")],
        "controls": {"accounts": [], "tax_codes": [], "types": [], "wallets": []},
        "notes": [],
        "files": files,
        "items": pl.Series(['{"id": "a", "verdict": "exported"}']),
        "attachments": pl.Series([], dtype=pl.String),
        "read_back": {"ok": True, "rows": 1},
    }  # fmt: skip
    return Manifest(**(parts | given))


def conversion_files(text: str, *, name: str = "journal.csv") -> list[Made]:
    """Give an ERP file and the manifest that lists it, manifest last."""
    erp = Made(name, text.encode(), rows=1, totals=[Total("EUR", "10.00", "10.00")])
    return [erp, Made(MANIFEST, small_manifest([erp]).write(reports=[]))]
