"""The template document: every key that a template.yaml may have (design: templates).

    template ─┬─ parameters, supports, needs, carries, order, numbering
              ├─ rows: forms, how a voucher becomes postings
              ├─ files ─┬─ name, where, split, encoding, formats
              │         └─ records ── columns: value, type, limits, means
              ├─ attachments
              └─ let, checks, external_id

Models only state shapes. What must fit together (an expression and its type, a column and the
length of its line) is checked by the loader, which knows the place of every value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import Field

from etl.documents import Model
from etl.forms import Form, Shape, TaxMode

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
#: An expression, plain text, or text with `{{ }}` in it.
Text = Annotated[str, Field(max_length=4000)]
Positive = Annotated[int, Field(ge=1)]

CellType = Literal[
    "text", "digits", "amount", "integer", "decimal", "date", "datetime", "period", "flag"
]
Kind = Literal["csv", "fixed", "text", "xml", "xlsx"]
Newline = Literal["lf", "crlf"]
#: A parameter that chooses; its values are put in before a file is looked at (see chosen.py).
Chosen = Annotated[str, Field(pattern=r"^\{\{ *parameters\.[a-z][a-z0-9_]* *\}\}$")]
Escape = Literal["csv", "sie", "iif", "xml", "hledger", "none"]
Encoding = Literal["utf-8", "ascii", "cp1252", "cp437", "iso8859-1", "iso8859-15"]
ENCODINGS: tuple[str, ...] = get_args(Encoding)

#: What a column can mean to the proof (design: templates, `means`).
Meaning = Literal[
    "account", "contra_account", "debit_account", "credit_account", "amount", "debit", "credit",
    "signed", "side", "currency", "book_amount", "voucher", "date", "tax_code", "reference",
]  # fmt: skip
MEANINGS: tuple[str, ...] = get_args(Meaning)

#: What a template may say of Pleo's rules R70 to R72, with the least width of the column.
CARRIED: Mapping[str, int] = {"reconciliation_id": 50, "reconciled_entries": 50, "attendees": 100}


class Target(Model):
    """The program that reads the file, and how well we know its format."""

    system: str
    format: str
    source: str | tuple[str, ...]
    checked: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    confidence: str


class Parameter(Model):
    """A value that the company gives once: -p NAME=VALUE, or pleo-etl.yaml."""

    type: Literal["text", "digits", "integer", "amount", "decimal", "date", "flag", "enum"] = "text"
    min: Decimal | None = None
    max: Decimal | None = None
    values: tuple[str, ...] | None = None
    pattern: str | None = None
    default: str | None = None
    optional: bool = False
    help: str = ""


class Supports(Model):
    """What the format can hold: bookkeeping methods, and one or several currencies."""

    methods: tuple[Literal["journal", "accounts_payable"], ...] = ("journal", "accounts_payable")
    currency: Literal["foreign", "single"] = "foreign"


class NotCarried(Model):
    """The reason why the format has no place for something that Pleo asks for."""

    reason: str = Field(alias="not", min_length=10)


class Row(Model):
    """A form: the named way in which a voucher becomes postings."""

    name: str | None = None
    when: Text | None = None
    shape: Shape
    tax: TaxMode
    account_is: str | None = None
    mixed_signs: Literal["swap", "refuse"] = "swap"
    contra: Literal["one", "per_line"] = "one"

    @property
    def form(self) -> Form:
        return Form(
            name=self.name or self.shape,
            shape=self.shape,
            tax=self.tax,
            account_is=self.account_is,
            mixed_signs=self.mixed_signs,
            contra=self.contra,
        )


class Attachments(Model):
    """How receipts are delivered: named, filtered, and placed."""

    name: Text = "{{ attachment.name }}"
    types: tuple[str, ...] | None = None
    max_bytes: Positive | None = None
    place: Literal["beside", "folder", "pack"] = "folder"
    per_item: Positive | None = None
    more: Literal["refuse", "leave_out"] = "refuse"
    required: bool = False


class SplitMax(Model):
    """The most that one file may hold; a voucher is never torn apart."""

    rows: Positive | None = None
    vouchers: Positive | None = None
    bytes: Positive | None = None


class Split(Model):
    """When a further file begins."""

    by: tuple[Literal["fiscal_year", "month", "currency", "voucher"], ...] = ()
    max: SplitMax = SplitMax()


class Formats(Model):
    """How values become text, by type. Dates are spelled in tokens such as DD.MM.YYYY."""

    decimal: Literal[".", ","] | Chosen = "."
    date: str = "YYYY-MM-DD"
    datetime: str = "YYYY-MM-DDTHH:mm:ssZ"
    period: str = "YYYYPP"
    flag: str = "1|0"
    zero: Literal["print", "blank"] = "print"
    empty: str = ""


class CsvOptions(Model):
    """Delimited text: `quoting: text` quotes text columns and leaves numbers and dates bare."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | Chosen = ","
    quoting: Literal["text", "minimal", "all", "none"] = "minimal"
    header: Literal["names", "none"] = "none"
    last_newline: bool = True


class FixedOptions(Model):
    """Lines of one length, counted in characters or, with `bytes: true`, in bytes."""

    length: Positive
    bytes: bool = False


class XlsxOptions(Model):
    """A workbook with one sheet."""

    sheet: str = Field(default="Sheet1", min_length=1, max_length=31)
    header: Literal["names", "none"] = "names"


class XmlOptions(Model):
    """Whether the file begins with <?xml version="1.0" encoding="…"?>."""

    declaration: bool = True


class Off(Model):
    """The formula guard switched off, and why that is safe for this reader."""

    off: str = Field(min_length=10)


FormulaGuard = Literal["refuse", "quote"] | Off


class ReadBack(Model):
    """How postings are found again in text (patterns with named groups) or XML (paths)."""

    row: str
    namespaces: dict[str, str] = Field(default_factory=dict)
    voucher: str | None = None
    account: str | None = None
    contra_account: str | None = None
    debit_account: str | None = None
    credit_account: str | None = None
    amount: str | None = None
    debit: str | None = None
    credit: str | None = None
    signed: str | None = None
    side: str | None = None
    currency: str | None = None
    book_amount: str | None = None
    date: str | None = None
    tax_code: str | None = None
    reference: str | None = None


class Pack(Model):
    """Puts the file, and with `with: attachments` the receipts of its vouchers, into a zip."""

    zip: Text
    with_: Literal["attachments"] | None = Field(default=None, alias="with")


class Repeat(Model):
    """Columns that stand once per element of a list, one group after the other."""

    over: Literal["voucher.postings"]
    columns: tuple[Column, ...]
    max: Positive


class Column(Model):
    """A column of a record: where its value comes from and what the format allows there."""

    name: str | None = None
    names: str | tuple[str, ...] | None = None
    n: str | None = Field(default=None, pattern=r"^[0-9]{1,4}-[0-9]{1,4}$")
    value: Text | None = None
    type: CellType = "text"
    format: str | None = None
    places: Annotated[int, Field(ge=0, le=6)] | None = None
    unit: Literal["hundredths"] | None = None
    zero: Literal["print", "blank"] | None = None
    empty: str | None = None
    required: bool = False
    optional: bool = False
    min: Decimal | None = None
    max: Decimal | None = None
    bytes: bool = False
    overflow: Literal["refuse", "cut"] = "refuse"
    allow: str | None = None
    instead: str | None = None
    pattern: str | None = None
    at: Positive | None = None
    width: Positive | None = None
    align: Literal["left", "right"] | None = None
    fill: str | None = Field(default=None, min_length=1, max_length=1)
    quote: bool | None = None
    with_: str | None = Field(default=None, alias="with")
    unique: bool = False
    only_if_used: bool = False
    first_of: Literal["voucher"] | None = None
    means: Meaning | None = None
    formulas: FormulaGuard | None = None
    repeat: Repeat | None = None

    def all_names(self) -> tuple[str | None, ...]:
        """Give the names of the columns that this entry stands for, in order."""
        if self.repeat is not None:
            inner = tuple(name for column in self.repeat.columns for name in column.all_names())
            return tuple(
                None if name is None else f"{name} {number}"
                for number in range(1, self.repeat.max + 1)
                for name in inner
            )
        if self.names is None:
            return (self.name,)
        names = (self.names,) if isinstance(self.names, str) else self.names
        if self.n is None:
            return names
        first, last = (int(end) for end in self.n.split("-"))
        return tuple(
            name.replace("{n}", str(number)) for number in range(first, last + 1) for name in names
        )


class FileSpec(Model):
    """One kind of file that a batch gives (in parts, where it is split)."""

    name: Text
    kind: Kind | Chosen
    companion: bool = False
    where: Text | None = None
    split: Split = Split()
    encoding: str = "utf-8"
    bom: bool | Chosen = False
    newline: Newline | Chosen = "lf"
    escape: Escape | None = None
    formulas: FormulaGuard | None = None
    csv: CsvOptions | None = None
    fixed: FixedOptions | None = None
    xlsx: XlsxOptions | None = None
    xml: XmlOptions | None = None
    formats: Formats = Formats()
    replace: Literal["ascii"] | dict[str, str] = Field(default_factory=dict)
    columns: tuple[Column, ...] | None = None
    records: dict[Word, tuple[Column, ...]] | None = None
    layout: str | None = None
    engine: Literal["polars", "jinja"] = "polars"
    read_back: ReadBack | None = None
    pack: Pack | None = None

    @property
    def all_records(self) -> Mapping[str, tuple[Column, ...]]:
        """Give the records by name; `columns` is short for a record called row."""
        if self.columns is not None:
            return {"row": self.columns, **(self.records or {})}
        return self.records or {}

    def columns_that_mean(self) -> Iterator[tuple[str, int, Column]]:
        """Give record, place (from 0, names spread out) and column of everything with `means`."""
        for record, columns in self.all_records.items():
            place = 0
            for column in columns:
                if column.means is not None:
                    yield record, place, column
                place += len(column.all_names())


class Check(Model):
    """A rule of the target that the columns cannot say; a failing check rejects the item."""

    for_: Literal["voucher", "posting", "item", "file"] = Field(alias="for")
    code: str = Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*-[0-9]+$", max_length=40)
    that: Text
    message: Text
    fix: str
    failure_type: str = "accounting_system_validation_failure"
    cured_by: Literal["employee", "bookkeeper", "integrator"] = "integrator"


class TemplateDocument(Model):
    """A whole template.yaml."""

    id: Id
    title: str
    version: Positive
    target: Target
    parameters: dict[Word, Parameter] = Field(default_factory=dict)
    supports: Supports = Supports()
    needs: dict[str, Literal["required", "optional"]] = Field(default_factory=dict)
    carries: dict[
        Literal["reconciliation_id", "reconciled_entries", "attendees"], str | NotCarried
    ] = Field(default_factory=dict)
    order: tuple[str, ...] = ()
    numbering: Literal["continuous", "fiscal_year"] = "continuous"
    rows: tuple[Row, ...] = Field(min_length=1)
    attachments: Attachments | None = None
    files: dict[Word, FileSpec] = Field(min_length=1)
    let: dict[Word, Text] = Field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    external_id: Text = "{{ voucher.reference }}"


class Variant(Model):
    """A template that changes another one: parameters, columns by name, checks.

    A column is named as in the template; where two have the name, `record.name` or
    `file.record.name` says which.
    """

    id: Id
    extends: Id
    title: str | None = None
    version: Positive
    target: Target | None = None
    parameters: dict[Word, dict[str, object]] = Field(default_factory=dict)
    needs: dict[str, Literal["required", "optional"]] = Field(default_factory=dict)
    carries: dict[
        Literal["reconciliation_id", "reconciled_entries", "attendees"], str | NotCarried
    ] = Field(default_factory=dict)
    let: dict[Word, Text] = Field(default_factory=dict)
    columns: dict[str, dict[str, object]] = Field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    external_id: Text | None = None


Repeat.model_rebuild()
Column.model_rebuild()
