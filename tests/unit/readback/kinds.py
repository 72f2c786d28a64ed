"""One small template per kind of file, and books that make each of its cells count."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import polars as pl

from etl.rendering import Rendered
from etl.rendering.proof import Proof, prove
from tests.unit.rendering.books import Books, rendered

PAIR = "rows: [{shape: pair, tax: by_code}]\n"
LEGS = "rows: [{shape: legs, tax: by_code}]\n"

CSV = (
    PAIR
    + """\
files:
  bookings:
    name: "b_{{ file.number }}.csv"
    kind: csv
    csv: {delimiter: ",", quoting: minimal, header: names}
    formats: {decimal: ".", date: YYYY-MM-DD}
    columns:
      - {name: Amount, value: "{{ posting.amount }}", type: amount, means: amount}
      - {name: Side, value: "{{ 'D' if posting.side == 'debit' else 'C' }}", means: side}
      - {name: Account, value: "{{ posting.account }}", means: account}
      - {name: Contra, value: "{{ posting.contra_account }}", type: digits, means: contra_account}
      - {name: Tax, value: "{{ posting.tax_code }}", means: tax_code}
      - {name: Date, value: "{{ voucher.date }}", type: date, means: date}
      - {name: Due, value: "{{ voucher.document_date }}", type: date, format: DD.MM.YY}
      - {name: Net, value: "{{ posting.net }}", type: amount, zero: blank}
      - {name: Text, value: "{{ posting.text }}"}
"""
)

#: Like an EXTF file: a head of its own, a line of names, texts in quotes, dates without a year.
EXTF = (
    PAIR
    + """\
parameters: {client: {type: integer, default: "42"}}
files:
  bookings:
    name: "EXTF_{{ file.number }}.csv"
    kind: csv
    encoding: cp1252
    newline: crlf
    csv: {delimiter: ";", quoting: text}
    formats: {decimal: ",", date: DDMM}
    records:
      head:
        - {value: EXTF}
        - {value: "700", type: integer}
        - {value: "{{ parameters.client }}", type: integer}
        - {value: "{{ file.first_date }}", type: date, format: YYYYMMDD}
        - {value: "{{ file.debit }}", type: amount}
      row:
        - {name: Umsatz, value: "{{ posting.amount }}", type: amount, means: amount}
        - {name: SH, value: "{{ 'S' if posting.side == 'debit' else 'H' }}", means: side}
        - {name: Konto, value: "{{ posting.account }}", type: digits, means: account}
        - {name: Gegenkonto, value: "{{ posting.contra_account }}", type: digits,
           means: contra_account}
        - {name: BU, value: "{{ posting.tax_code }}", means: tax_code}
        - {name: Belegdatum, value: "{{ voucher.date }}", type: date, means: date}
        - {name: Belegfeld 1, value: "{{ voucher.reference }}", max: 5, overflow: cut,
           means: reference}
        - {name: Buchungstext, value: "{{ posting.text }}"}
    layout: |
      {{ head }}
      {{ row.names }}
      {% for posting in postings %}
      {{ row }}
      {% endfor %}
"""
)

#: Like an IIF file: two records of one size, told apart by their first cell.
IIF = (
    LEGS
    + """\
files:
  iif:
    name: "p.iif"
    kind: csv
    escape: iif
    csv: {delimiter: "\\t", quoting: none}
    formats: {decimal: ".", date: MM/DD/YYYY}
    records:
      trns:
        - {name: "!TRNS", value: TRNS}
        - {name: DATE, value: "{{ voucher.date }}", type: date, means: date}
        - {name: ACCNT, value: "{{ posting.account }}", means: account}
        - {name: AMOUNT, value: "{{ posting.signed }}", type: amount, means: signed}
      spl:
        - {name: "!SPL", value: SPL}
        - {name: DATE, value: "{{ voucher.date }}", type: date, means: date}
        - {name: ACCNT, value: "{{ posting.account }}", means: account}
        - {name: AMOUNT, value: "{{ posting.signed }}", type: amount, means: signed}
    layout: |
      {{ trns.names }}
      {{ spl.names }}
      !ENDTRNS
      {% for voucher in vouchers %}
      {% for posting in voucher.postings if posting.is_contra %}
      {{ trns }}
      {% endfor %}
      {% for posting in voucher.postings if not posting.is_contra %}
      {{ spl }}
      {% endfor %}
      ENDTRNS
      {% endfor %}
"""
)

FIXED = (
    LEGS
    + """\
files:
  entries:
    name: "P.txt"
    kind: fixed
    fixed: {length: 60, bytes: true}
    encoding: utf-8
    newline: crlf
    formats: {date: DDMMYY}
    columns:
      - {at: 1, width: 1, value: M}
      - {at: 2, width: 8, value: "{{ posting.account }}", means: account}
      - {at: 10, width: 6, value: "{{ voucher.date }}", type: date, means: date}
      - {at: 16, width: 1, value: "{{ 'D' if posting.side == 'debit' else 'C' }}", means: side}
      - {at: 17, width: 12, value: "{{ posting.amount }}", type: amount, unit: hundredths,
         align: right, fill: "0", means: amount}
      - {at: 30, width: 10, value: "{{ posting.text }}", overflow: cut}
      - {at: 40, width: 4, value: "{{ posting.tax_code }}", align: right, means: tax_code}
"""
)

SIE = (
    LEGS
    + """\
files:
  vouchers:
    name: "p.si"
    kind: text
    escape: sie
    encoding: cp437
    newline: crlf
    formats: {decimal: ".", date: YYYYMMDD}
    records:
      ver: [{name: date, value: "{{ voucher.date }}", type: date, means: date},
            {name: text, value: "{{ voucher.text }}"},
            {name: ref, value: "{{ voucher.reference }}", means: reference}]
      trans: [{name: account, value: "{{ posting.account }}", type: digits, means: account},
              {name: amount, value: "{{ posting.signed }}", type: amount, means: signed},
              {name: tax, value: "{{ posting.tax_code }}", means: tax_code}]
    layout: |
      #FLAGGA 0
      {% for voucher in vouchers %}
      #VER "P" {{ ver.ref }} {{ ver.date }} {{ ver.text }}
      {
      {% for posting in voucher.postings %}
      #TRANS {{ trans.account }} {} {{ trans.amount }} {{ trans.tax }}
      {% endfor %}
      }
      {% endfor %}
    read_back:
      voucher: '^#VER "P" "(?<reference>(?:[^"\\\\]|\\\\")*)" (?<date>[0-9]{8}) '
      row: '^#TRANS (?<account>[0-9]+) \\{\\} (?<signed>-?[0-9]+\\.[0-9]{2}) "(?<tax_code>[^"]*)"$'
"""
)

XML = (
    LEGS
    + """\
files:
  gl07:
    name: "p.xml"
    kind: xml
    formats: {decimal: ".", date: YYYY-MM-DD}
    records:
      ver: [{name: date, value: "{{ voucher.date }}", type: date, means: date}]
      tr: [{name: account, value: "{{ posting.account }}", means: account},
           {name: amount, value: "{{ posting.signed }}", type: amount, means: signed},
           {name: tax, value: "{{ posting.tax_code }}", means: tax_code},
           {name: text, value: "{{ posting.text }}", means: reference}]
    layout: |
      <a:Batch xmlns:a="urn:a" xmlns:b="urn:b">
      {% for voucher in vouchers %}
      <a:Voucher><b:Date>{{ ver.date }}</b:Date>
      {% for posting in voucher.postings %}
       <a:Row><b:Account>{{ tr.account }}</b:Account><a:Sums><b:Amount>{{ tr.amount }}</b:Amount>
       </a:Sums><b:Tax>{{ tr.tax }}</b:Tax><b:Text>{{ tr.text }}</b:Text></a:Row>
      {% endfor %}
      </a:Voucher>
      {% endfor %}
      </a:Batch>
    read_back:
      namespaces: {a: "urn:a", b: "urn:b"}
      voucher: a:Voucher
      row: a:Row
      date: ../b:Date
      account: b:Account
      signed: a:Sums/b:Amount
      tax_code: b:Tax
      reference: b:Text
"""
)

XLSX = (
    PAIR
    + """\
files:
  book:
    name: "b.xlsx"
    kind: xlsx
    xlsx: {sheet: Postings, header: names}
    formats: {date: DD.MM.YYYY}
    columns:
      - {name: Nothing}
      - {name: Amount, value: "{{ posting.amount }}", type: amount, means: amount}
      - {name: Side, value: "{{ posting.side }}", means: side}
      - {name: Account, value: "{{ posting.account }}", means: account}
      - {name: Contra, value: "{{ posting.contra_account }}", means: contra_account}
      - {name: Tax, value: "{{ posting.tax_code }}", means: tax_code}
      - {name: Date, value: "{{ voucher.date }}", type: date, means: date}
      - {name: Text, value: "{{ posting.text }}"}
"""
)

KINDS = {
    "csv": CSV, "extf": EXTF, "iif": IIF, "fixed": FIXED, "sie": SIE, "xml": XML, "xlsx": XLSX,
}  # fmt: skip


def books(template: str) -> Books:
    """Give three items: an awkward text, a refund, and one like the first."""
    shape = "pair" if "shape: pair" in template else "legs"
    made = Books()
    made.add(
        "a-1", text='Café; "Süd", <1>', accounts=("4930", "1280"), shape=shape,
        **{"posting.tax_code": "V19", "posting.net": Decimal("100.00")},
    )  # fmt: skip
    made.add(
        "b-2", amount="-45.50", text="Taxi", date=dt.date(2026, 12, 31),
        accounts=("4670", "1280"), shape=shape, **{"posting.tax_code": "V7"},
    )  # fmt: skip
    made.add("c-3", amount="1007.00", text="", accounts=("4930", "1281"), shape=shape)
    return made


@dataclass
class Case:
    """A rendering of one kind, and the books that it was made from."""

    kind: str
    rendered: Rendered
    postings: pl.DataFrame

    @property
    def content(self) -> bytes:
        return self.rendered.files[0].content

    def prove(self) -> Proof:
        return prove(self.rendered, self.postings)

    def prove_changed(self, content: bytes) -> Proof:
        """Prove the rendering with other bytes in its file."""
        file = replace(self.rendered.files[0], content=content)
        changed = replace(self.rendered, files=(file, *self.rendered.files[1:]))
        return prove(changed, self.postings)


def case(kind: str, folder: Path, template: str | None = None, given: Books | None = None) -> Case:
    """Render the small books with the template of a kind."""
    body = template or KINDS[kind]
    made = given or books(body)
    return Case(kind, rendered(folder, body, made), made.frames()["postings"])


def flipped(digit: str) -> str:
    """Give another digit."""
    return str((int(digit) + 1) % 10)


def flips(text: str, start: int, end: int) -> Iterator[str]:
    """Give a text with each digit of a part of it flipped, one at a time."""
    for at in range(start, end):
        if text[at].isdigit():
            yield text[:at] + flipped(text[at]) + text[at + 1 :]
