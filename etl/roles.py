"""The roles that an account can play in a posting, and the ledger it belongs to."""

from __future__ import annotations

from collections.abc import Mapping

ROLES = (
    "expense", "wallet", "out_of_pocket", "payable", "transfer", "reimbursement", "employee",
    "cashback", "tax_in", "tax_out", "exchange_difference",
)  # fmt: skip

#: Which ledger an account of a role belongs to.
LEDGERS: Mapping[str, str] = {
    "wallet": "bank", "payable": "vendor", "out_of_pocket": "employee", "employee": "employee",
    "reimbursement": "bank", "transfer": "bank",
}  # fmt: skip
