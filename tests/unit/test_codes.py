"""The table of codes and the source agree, and Pleo knows every failure type."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import etl
from etl.codes import CODES

SOURCE = Path(etl.__file__).parent
CODE = re.compile(r"[A-Z]+(?:-[A-Z0-9]+)+")
#: Written like codes: encodings, a date, an example.
NO_CODES = {"UTF-8", "UTF-16", "YYYY-MM-DD", "A-B-C"}

#: Table 12a of Pleo's rules: `failureReasonType` of an item, version 3.
FAILURE_TYPES = {
    "receipt_upload_failure", "receipt_download_failure", "receipt_file_size_limit_exceeded",
    "receipt_conversion_failure", "unexpected_failure", "invalid_configuration",
    "missing_configuration", "accounting_system_authentication_failure",
    "accounting_system_rate_limit", "accounting_system_unreachable", "validation_failure",
    "accounting_system_validation_failure", "authorization_failure", "accounting_system_timeout",
    "vendor_unknown", "account_unknown", "tax_code_unknown", "tag_unknown",
}  # fmt: skip


def codes_in_source() -> Counter[str]:
    """Count the texts of the source that are codes, outside of the table."""
    found: Counter[str] = Counter()
    for path in SOURCE.rglob("*.py"):
        if path.name == "codes.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update((CODE.fullmatch(node.value) and [node.value]) or [])
    return found


def test_every_code_of_the_source_is_in_the_table() -> None:
    assert set(codes_in_source()) - NO_CODES <= set(CODES)


def test_every_code_of_the_table_is_used() -> None:
    assert set(CODES) <= set(codes_in_source())


def test_failure_types_are_pleos_and_only_rejections_have_one() -> None:
    assert len(FAILURE_TYPES) == 18
    for name, code in CODES.items():
        assert (code.failure_type is not None) == (code.kind == "rejection"), name
        assert code.failure_type is None or code.failure_type in FAILURE_TYPES, name


def test_meanings_are_short_sentences_of_their_own() -> None:
    meanings = [code.meaning for code in CODES.values()]
    assert len(set(meanings)) == len(meanings)
    assert not [meaning for meaning in meanings if meaning.endswith(".") or len(meaning) > 80]
