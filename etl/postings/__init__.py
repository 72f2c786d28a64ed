"""Posting rules, vouchers, entries, postings, balance and numbering."""

from etl.postings.assign import Assigned, assign_rules
from etl.postings.balance import Unbalanced, check_balance
from etl.postings.postings import Postings, make_postings
from etl.postings.rules import PostingRules, load_posting_rules
from etl.postings.vouchers import Vouchers, make_vouchers, number_vouchers

__all__ = [
    "Assigned",
    "PostingRules",
    "Postings",
    "Unbalanced",
    "Vouchers",
    "assign_rules",
    "check_balance",
    "load_posting_rules",
    "make_postings",
    "make_vouchers",
    "number_vouchers",
]
