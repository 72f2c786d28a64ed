"""Every column of every frame: name, type, meaning, unit. Nothing else spells a column.

A column's name is the name that expressions use (`item.date`, `line.tax.code`,
`posting.amount`), so a name is spelled once for the frames, for templates and for the manual.

    items ──< lines ──< mapped lines ──> entries ──> postings ──> records
      └──< files (attachments)
    rejections, notes: beside every stage
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from etl.roles import LEDGERS as LEDGERS
from etl.roles import ROLES as ROLES
from etl.values import DTYPES as DTYPES
from etl.values import Column as Column
from etl.values import Type as Type
from etl.values import columns

# ── keys: numbers that join frames; never shown in expressions ──────────────────────────────

KEY = pl.UInt32()
ITEM_KEY = "item.key"
LINE_KEY = "line.key"
VOUCHER_KEY = "voucher.key"
ENTRY_KEY = "entry.key"
POSTING_KEY = "posting.key"
FILE_KEY = "file.key"
ITEM_WHERE = "item.where"


def _key(name: str, meaning: str) -> Column:
    return Column(name, Type.INTEGER, meaning, KEY)


# ── items and lines ─────────────────────────────────────────────────────────────────────────

#: What expressions see of an export item.
ITEM = columns("""
item.id                         text      accounting entry id, the key of every report to Pleo
item.type                       text      one of Pleo's 17 item types
item.sub_type                   text      one of Pleo's 6 sub types
item.date                       date      Pleo booking date in the company's time zone
item.amount                     amount    total in voucher currency (supplier currency for invoice, else wallet)
item.currency                   text      voucher currency
item.original_amount            amount    total in the other one of Pleo's two currencies
item.original_currency          text      the other currency
item.note                       text      free text of the employee
item.reconciliation_id          text      the id that Pleo and the ledger share
item.reconciled_entries         texts     reconciliation ids that a reimbursement settles
item.attendees                  texts     people present
item.method                     text      bookkeeping method: journal or accounts_payable (none and missing are journal)
item.url                        text      link to the item in Pleo's web app
item.contra_account.code        text      account code of the Pleo wallet in the ledger
item.contra_account.name        text      its name
item.contra_account.identifier  text      its id in the accounting system
item.supplier.name              text      merchant
item.supplier.code              text      vendor number of the merchant
item.supplier.account           text      vendor account of the merchant
item.supplier.country           text      two letters
item.supplier.tax_id            text      tax identifier of the merchant
item.supplier.category_code     text      merchant category code
item.vendor.name                text      vendor that Pleo has on the item
item.vendor.code                text      its number in the accounting system
item.vendor.external_id         text      its id in the accounting system
item.vendor.tax_id              text      its tax registration number
item.vendor.registration_number text      its company registration number
item.vendor.country             text      two letters
item.vendor.currency            text      its default currency
item.user.name                  text      employee
item.user.code                  text      employee code
item.team.name                  text      team
item.team.code                  text      team code
item.invoice.number             text      invoice number
item.invoice.date               date      invoice date
item.invoice.due_date           date      due date
item.invoice.paid_date          date      payment date
item.invoice.status             text      invoice status
item.invoice.iban               text      bank account of the supplier
item.service_from               date      first day of the service period
item.service_to                 date      last day of the service period
item.attachments                texts     names of the attachments, in upload order
item.attachment.name            text      name of the first attachment
item.attachment.extension       text      its extension
item.attachment.guid            text      its guid
""")

#: What the ingest knows and expressions do not: both of Pleo's amounts, and where it came from.
ITEM_WIRE = (
    _key(ITEM_KEY, "number of the item in the order of item ids, from 0"),
    *columns("""
item.where             text    file and line, or file and position, of the item
item.company_id        text    company of the item
item.date_text         text    the timestamp as sent
item.wallet_amount     amount  total in wallet currency
item.wallet_currency   text    wallet currency
item.supplier_amount   amount  total in supplier currency
item.supplier_currency text    supplier currency
"""),
)

#: What expressions see of a line.
LINE = columns("""
line.id                 text    accounting entry line id
line.number             integer place of the line in its item, from 1
line.count              integer number of lines of the item
line.gross              amount  what leaves the wallet, tax included, in voucher currency
line.base               amount  gross without the tax that is part of it
line.tax                amount  tax in voucher currency (notional for reverse)
line.account.code       text    category: account code
line.account.name       text    category: name
line.account.identifier text    category: id in the accounting system
line.tax.code           text    tax code
line.tax.rate           decimal rate as a fraction (0.19 is 19 %), information only
line.tax.type           text    inclusive, exclusive or reverse
line.tax.in_account     text    account of ingoing tax
line.tax.out_account    text    account of outgoing tax
""")

LINE_WIRE = (
    _key(ITEM_KEY, "the item"),
    _key(LINE_KEY, "number of the line, from 0"),
    *columns("""
line.wallet_gross   amount line amount in wallet currency
line.wallet_net     amount net amount in wallet currency (with or without tax: see line.tax.type)
line.wallet_tax     amount tax amount in wallet currency
line.supplier_gross amount line amount in supplier currency
line.supplier_net   amount net amount in supplier currency
line.supplier_tax   amount tax amount in supplier currency
"""),
    Column("line.tag_groups", Type.TEXTS, "tag group codes of the line, as sent"),
    Column("line.tag_codes", Type.TEXTS, "tag codes, same places as tag groups"),
)

#: Company-currency and other-currency amounts of a line, null where Pleo's amounts do not say.
LINE_OTHER = columns("""
line.book_gross     amount gross in the company's currency, null where neither of Pleo's amounts is
line.book_base      amount base in the company's currency
line.book_tax       amount tax in the company's currency
line.original_gross amount gross in the other currency of the item
line.original_base  amount base in the other currency
line.original_tax   amount tax in the other currency
""")

ATTACHMENT = columns("""
attachment.number      integer place in upload order, from 1
attachment.name        text    <reconciliation id>_<nn>.<ext>
attachment.extension   text    extension, from the media type
attachment.type        text    media type
attachment.bytes       integer size as announced, or of the file when it was fetched
attachment.sha256      text    hash of the file when it was fetched
attachment.guid        text    uuid5 of company, entry and number
attachment.problem     text    why the file could not be had
attachment.file_number integer running number of the attachment in the batch, from 1
""")
ATTACHMENT_WIRE = (
    _key(ITEM_KEY, "the item"),
    Column("attachment.url", Type.TEXT, "link; never leaves memory"),
)

# ── vouchers, entries, postings ─────────────────────────────────────────────────────────────

VOUCHER = columns("""
voucher.id                text    item id and kind
voucher.number            integer running voucher number
voucher.index             integer place of the voucher in its file, from 1
voucher.kind              text    entry, invoice, payment or credit_note
voucher.form              text    name of the form of the template that renders it
voucher.date              date    posting date after the period rule
voucher.original_date     date    posting date before the period rule
voucher.document_date     date    invoice date where there is one, else the item date
voucher.due_date          date    due date of the invoice
voucher.text              text    text of the first line
voucher.reference         text    reconciliation id
voucher.short_reference   text    last eight characters of the reference
voucher.currency          text    voucher currency
voucher.total             amount  sum of the contra legs, unsigned
voucher.vendor.code       text    resolved vendor
voucher.vendor.name       text    its name
voucher.vendor.tax_id     text    its tax id
voucher.contra_role       text    role of the side that is not the lines' (wallet, payable, out_of_pocket, …)
voucher.contra_side       text    debit or credit
voucher.contra_account    text    account of that side
voucher.payable_legs      integer number of legs on a payable account
voucher.period            period  accounting period of the posting date
voucher.period.year       integer year of the period
voucher.period.number     integer number of the period in its fiscal year
voucher.period.start      date    first day
voucher.period.end        date    last day
voucher.fiscal_year.start date    first day of the fiscal year
voucher.fiscal_year.end   date    last day
voucher.fiscal_year.label text    2026, or 2026/27
""")

#: One line under one voucher: a pair of accounts and an amount, before any form.
ENTRY = (
    _key(ENTRY_KEY, "number of the entry, from 0, in the order of vouchers and lines"),
    _key(VOUCHER_KEY, "the voucher"),
    _key(ITEM_KEY, "the item"),
    _key(LINE_KEY, "the line"),
    *columns("""
entry.role           text    role of the lines' side (expense, cashback, payable, employee, …)
entry.contra_role    text    role of the other side
entry.side           text    debit or credit: where the lines' side stands
entry.debit_account  text    account debited
entry.credit_account text    account credited
entry.amount         amount  unsigned, in voucher currency
"""),
    Column(
        "entry.sign",
        Type.INTEGER,
        "1 where a positive line debits the lines' side, else -1",
        pl.Int8(),
    ),
)

_MONEY_OF_POSTING = ("amount", "signed", "debit", "credit", "net", "tax", "notional_tax")

POSTING = (
    *columns("""
posting.index               integer place in the voucher, from 1
posting.role                text    role of the account (expense, wallet, payable, tax_in, …)
posting.shape               text    pair or legs
posting.is_contra           boolean whether this is the contra leg
posting.account             text    account
posting.account_name        text    its name
posting.contra_account      text    contra account of a pair; null on a leg
posting.contra_account_name text    its name
posting.ledger              text    general, vendor, employee or bank
posting.side                text    debit or credit, seen from the account
posting.currency            text    voucher currency (company currency under currency: single)
posting.amount              amount  unsigned
posting.signed              amount  debit positive
posting.debit               amount  amount if debit, else 0
posting.credit              amount  amount if credit, else 0
posting.net                 amount  without tax, unsigned
posting.tax                 amount  tax that is part of the amount, unsigned
posting.notional_tax        amount  reverse-charge tax, not part of the amount
posting.tax_code            text    tax code
posting.text                text    posting text
posting.vendor.code         text    vendor of a payable leg, or of the voucher
posting.vendor.name         text    its name
posting.rate                decimal units of posting currency per unit of company currency, information only
posting.rate_to_book        decimal units of company currency per unit of posting currency, information only
"""),
    *(
        Column(f"posting.{prefix}_{money}", Type.AMOUNT, f"{money} in {words}")
        for prefix, words in (
            ("book", "the company's currency"),
            ("original", "the other currency of the item"),
        )
        for money in _MONEY_OF_POSTING
    ),
    Column("posting.original_currency", Type.TEXT, "the other currency of the item"),
    Column("posting.dimensions", Type.TEXTS, "names of the dimensions that have a value"),
)

# ── single values and lists of a file ───────────────────────────────────────────────────────

BATCH = columns("""
batch.id      text     id of the batch
batch.number  integer  running batch number
batch.created datetime creation time of the job; offline the newest item date or --as-of
""")
JOB = columns("""
job.id      text     id of Pleo's export job; null offline
job.created datetime its creation time
""")
COMPANY = columns("""
company.id          text company id in Pleo
company.name        text name
company.currency    text company currency
company.time_zone   text time zone
company.fiscal_year text first day of the fiscal year, MM-DD
company.country     text two letters, where the mapping says
company.tax_id      text tax id, where the mapping says
""")
ENGINE = columns("""
engine.version text version of pleo-etl
""")
FILE = columns("""
file.number            integer number of the split part, from 1
file.count             integer number of parts
file.rows              integer postings in the file
file.vouchers          integer vouchers in the file
file.debit             amount  sum of debits, in posting currency (null when mixed)
file.credit            amount  sum of credits
file.first_date        date    earliest posting date
file.last_date         date    latest posting date
file.currency          text    the one currency of the file, null when mixed
file.fiscal_year.start date    the one fiscal year of the file, null when mixed
file.fiscal_year.end   date    its last day
file.fiscal_year.label text    its label
file.period            period  the one period of the file, null when mixed
file.period.year       integer its year
file.period.number     integer its number
file.period.start      date    its first day
file.period.end        date    its last day
""")

#: Elements of the lists that layouts loop over, besides vouchers, postings and attachments.
LISTS: Mapping[str, tuple[Column, ...]] = {
    "accounts": columns("""
account.number text   account
account.name   text   its name
account.ledger text   general, vendor, employee or bank
account.debit  amount sum of debits in the file
account.credit amount sum of credits in the file
"""),
    "vendors": columns("""
vendor.code    text vendor number
vendor.name    text name
vendor.tax_id  text tax id
vendor.country text two letters
"""),
    "currencies": columns("""
currency.code   text   currency
currency.debit  amount sum of debits
currency.credit amount sum of credits
"""),
    "dimensions": columns("""
dimension.name  text name of the dimension in the mapping
dimension.label text its label
"""),
    "objects": columns("""
object.dimension text name of the dimension
object.code      text code of the value
object.label     text its label
"""),
}


def dimension_column(name: str) -> Column:
    """Give the column of a dimension that the mapping declares."""
    return Column(f"posting.dimension.{name}", Type.TEXT, f"value of dimension {name}")


def tag_column(group: str) -> Column:
    """Give the column of a tag group that the mapping declares."""
    return Column(f"line.tags.{group.casefold()}", Type.TEXT, f"tag code of group {group}")


# ── remarks ─────────────────────────────────────────────────────────────────────────────────

REJECTIONS = (
    _key(ITEM_KEY, "the item; null where none could be read"),
    *columns("""
item_id      text    accounting entry id, where known
line         integer number of the line, where one is to blame
code         text    error code
message      text    what is wrong
fix          text    what to do
where        text    place in the input, the mapping or the template
failure_type text    Pleo's failure type for the item
"""),
)

NOTES = (
    _key(ITEM_KEY, "the item"),
    *columns("""
item_id text the item
code    text note code
detail  text what happened, in words
about   text what it is about, where remarks of one code are about several things
"""),
)


def schema(*groups: Iterable[Column]) -> dict[str, pl.DataType]:
    """Give the explicit Polars schema of some groups of columns."""
    return {column.name: column.dtype for group in groups for column in group}


def empty(*groups: Iterable[Column]) -> pl.DataFrame:
    """Give a frame of these columns without rows."""
    return pl.DataFrame(schema=schema(*groups))


#: Item names that are filled in the attach stage, and those of items and lines that the checks add.
_FIRST = ("attachment.name", "attachment.extension", "attachment.guid")
ITEM_ATTACHED = tuple(f"item.{name}" for name in ("attachments", *_FIRST))
_ORIGINAL = ("original_amount", "original_currency")
_CHECKED = {f"item.{name}" for name in ("date", "amount", "currency", *_ORIGINAL)}
_CHECKED_LINE = {"line.gross", "line.base", "line.tax"}


def _only(group: Iterable[Column], names: Iterable[str], *, without: bool = False) -> list[Column]:
    return [column for column in group if (column.name in names) is not without]


INGESTED_ITEMS = (*ITEM_WIRE, *_only(ITEM, {*_CHECKED, *ITEM_ATTACHED}, without=True))
INGESTED_LINES = (*LINE_WIRE, *_only(LINE, _CHECKED_LINE, without=True))
CHECKED_ITEMS = (*INGESTED_ITEMS, *_only(ITEM, _CHECKED))
CHECKED_LINES = (*INGESTED_LINES, *_only(LINE, _CHECKED_LINE), *LINE_OTHER)
