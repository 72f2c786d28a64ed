"""Words for people: how items, types, counts and Pleo's failures are named in a review."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

#: An amount of a thousand and more in a sentence of ours.
_AMOUNT = re.compile(r"(?<![\w.,/-])-?[0-9]{4,}\.[0-9]{2}(?![\w/]|[.,][0-9])")
#: What a failure type of Pleo means to the person who reads it there.
FAILURE_WORDS: Mapping[str, str] = {
    "missing_configuration": "something is not set up yet",
    "invalid_configuration": "something is set up wrongly",
    "account_unknown": "the account is not known in the accounting system",
    "tax_code_unknown": "the tax code is not known in the accounting system",
    "tag_unknown": "the tag is not known in the accounting system",
    "vendor_unknown": "the vendor is missing or blocked",
    "validation_failure": "the expense contradicts itself",
    "accounting_system_validation_failure": "the accounting system would refuse it",
    "receipt_download_failure": "a receipt could not be fetched from Pleo",
    "receipt_upload_failure": "a receipt could not be delivered",
    "receipt_file_size_limit_exceeded": "a receipt is larger than the accounting system takes",
    "receipt_conversion_failure": "a receipt could not be converted",
    "unexpected_failure": "something unforeseen happened",
}

#: Over sums by account, where the files give tax by its code alone.
WITH_TAX = "costs stand here with their tax; the program posts tax to accounts of its own"

#: Items that are stopped by a person or by the ledger: the type is only what Pleo is sent, as it
#: has none for it.
_NOT_OF_THE_EXPENSE = frozenset({"REVIEW-1", "JOB-9", "JOB-10", "JOB-11"})

#: Who can cure a rejection, and where; in the order in which a review tells them.
CURED_BY: Mapping[str, str] = {
    "employee": "In Pleo, by the employee or whoever codes the expense",
    "bookkeeper": "In your lists and tables, by the bookkeeper",
    "integrator": "In the mapping or the template, by whoever set them up",
    "pleo": "By Pleo: what was sent is broken",
}


def failure_words(code: str, failure_type: str) -> str:
    """Say what the failure type of a rejection means, or that Pleo is sent it for want of one."""
    plain = failure_type.replace("_", " ")
    if code in _NOT_OF_THE_EXPENSE:
        return f"sent to Pleo as {plain}"
    return FAILURE_WORDS.get(failure_type, plain)


def title_of(row: Mapping[str, Any]) -> str:
    """Name an item the way a person would: the merchant, else the employee, else its type."""
    return (
        row.get("voucher.vendor.name")
        or row.get("item.vendor.name")
        or row.get("item.supplier.name")
        or row.get("item.user.name")
        or type_words(row.get("item.type"))
    )


def grouped(amount: Decimal) -> str:
    """Write an amount with blanks between its thousands."""
    return f"{amount:,f}".replace(",", " ")


def with_gaps(text: str, write: Callable[[Decimal], str]) -> str:
    """Write the amounts in a sentence as a face writes amounts; a program reads it without."""
    return _AMOUNT.sub(lambda found: write(Decimal(found[0])), text)


def type_words(item_type: str | None) -> str:
    """Write a type as words."""
    return (item_type or "").replace("_", " ")


def pleo_link(url: str | None) -> str | None:
    """Give a link only where it leads to Pleo over https; other addresses are not offered."""
    try:
        parts = urlsplit(url or "")
        host = parts.hostname or ""
        is_plain = not parts.username and not parts.password
    except ValueError:
        return None
    is_pleo = host == "pleo.io" or host.endswith(".pleo.io")
    return url if parts.scheme == "https" and is_pleo and is_plain else None
