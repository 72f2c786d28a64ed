"""The mapping document: what a bookkeeper or integrator writes in mappings/<name>.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from etl.documents import Model, near_match

FIRST_DAY_DEFAULT = "01-01"
MONTHS = range(1, 13)
#: Days that every month has: a fiscal year never begins on 29 February.
COMMON_DAYS = range(1, 29)
Encoding = Literal[
    "utf-8", "utf-16", "cp1250", "cp1252", "iso-8859-1", "iso-8859-2", "iso-8859-15", "cp437",
    "cp850", "mac-roman",
]  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_DAY = re.compile(r"([0-9]{2})-([0-9]{2})")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NAME = re.compile(r"[a-z][a-z0-9_]*")


def _iso_date(value: object) -> object:
    """Take nothing for a date but YYYY-MM-DD (numbers would count as seconds)."""
    if isinstance(value, str) and not _ISO_DATE.fullmatch(value):
        raise ValueError(f'write a date as 2026-09-30, not "{value}"')
    return value


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


IsoDate = Annotated[date, BeforeValidator(_iso_date)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_one_or_more), Field(min_length=1)]
Text = Annotated[str, Field(min_length=1)]


class Company(Model):
    """The company whose items are mapped. One mapping serves one company."""

    name: Text
    id: str = Field(description="company id in Pleo")
    time_zone: str = Field(description="for example Europe/Berlin")
    currency: str = Field(description="three capital letters")
    fiscal_year: str = Field(
        FIRST_DAY_DEFAULT, description="first day of the fiscal year, MM-DD, days 01 to 28"
    )
    country: str | None = Field(None, description="two capital letters")
    tax_id: str | None = None
    key: str | None = Field(
        None, description="this company in the column company_key of the reference lists"
    )

    @field_validator("id")
    @classmethod
    def _is_uuid(cls, value: str) -> str:
        if not _UUID.fullmatch(value.lower()):
            raise ValueError(
                f'a company id looks like 12abc3d4-e567-890e-1234-abc56e78fabc, not "{value}"'
            )
        return value.lower()

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, value: str) -> str:
        if value not in _time_zones():
            near = near_match(value, set(_time_zones()))
            hint = f'; did you mean "{near}"?' if near else ", write it like Europe/Berlin"
            raise ValueError(f'there is no time zone "{value}"{hint}')
        return value

    @field_validator("currency")
    @classmethod
    def _is_currency(cls, value: str) -> str:
        if not _CURRENCY.fullmatch(value):
            raise ValueError(f'a currency is three capital letters like EUR, not "{value}"')
        return value

    @field_validator("country")
    @classmethod
    def _is_country(cls, value: str | None) -> str | None:
        if value is not None and not _COUNTRY.fullmatch(value):
            raise ValueError(f'a country is two capital letters like DE, not "{value}"')
        return value

    @field_validator("fiscal_year")
    @classmethod
    def _is_first_day(cls, value: str) -> str:
        found = _DAY.fullmatch(value)
        if not found or int(found[1]) not in MONTHS or int(found[2]) not in COMMON_DAYS:
            raise ValueError(
                "write the first day of the fiscal year as MM-DD, month 01 to 12 and day 01 to "
                f'28 (every month has it), not "{value}"'
            )
        return value


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


class TableFile(Model):
    """A table that a bookkeeper edits in a spreadsheet. All cells are text."""

    file: Text = Field(description="CSV or XLSX, relative to the mapping")
    key: Texts = Field(description="columns that find a row")
    match: Literal["exact", "casefold"] = "exact"
    encoding: Encoding = Field("utf-8", description="of a CSV file")
    delimiter: Literal[",", ";", "\t", "tab"] | None = Field(
        None, description="of a CSV file; found in the header if left out"
    )
    sheet: str | None = Field(None, description="name of the sheet of an XLSX file")


class RuleText(Model):
    """A rule: a condition and where the value comes from. The first match wins."""

    when: str | None = Field(None, description="condition: {{ expression }}")
    use: str | None = Field(None, description="text, {{ expression }}, or none")
    table: str | None = Field(None, description="name of a table")
    key: Texts | None = Field(None, description="one {{ expression }} per key column")
    take: str | dict[str, str] | None = Field(
        None, description="column, or {target: column, …} with the rule's own target among them"
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.use is None) == (self.table is None):
            raise ValueError("a rule needs either use, or table with key and take")
        if self.table is not None and (self.key is None or self.take is None):
            raise ValueError("a rule with table needs key and take")
        if self.use is not None and (self.key is not None or self.take is not None):
            raise ValueError("key and take belong to a rule with table")
        return self


class Periods(Model):
    """Which posting dates are closed, and what happens to them."""

    closed_until: IsoDate | None = None
    on_closed: Literal["reject", "next_open"] = "reject"


class PostingRows(Model):
    """Posting rules that the bookkeeper accepts by id, and rows of its own under an id.

    Rows are checked where posting rules are read; see posting-rules.yaml for their keys.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, dict[str, Any]]

    accept: tuple[str, ...] = ()

    @property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """Give the mapping's own rows by id."""
        return self.__pydantic_extra__


class MappingDocument(Model):
    """A mapping: the company, its tables and lists, and the rules."""

    company: Company
    tags: dict[str, str] = Field({}, description="Pleo tag group -> dimension")
    posting_rules: PostingRows = PostingRows()
    reference: str | None = Field(None, description="folder with accounts.csv, vendors.csv, …")
    tables: dict[str, TableFile] = Field({})
    map: dict[str, list[RuleText]] = Field(description="target -> rules, first match wins")
    periods: Periods = Periods()
    fallback_payable: Text | None = Field(
        None, description="account for accounts payable items whose vendor is not known"
    )
    amounts_in_hundredths: tuple[str, ...] = Field(
        (), description="currencies without two decimals that were found to come in hundredths"
    )
    receipts: Literal["optional", "required"] = Field(
        "optional", description="required rejects an item whose receipt cannot be had"
    )

    @field_validator("amounts_in_hundredths")
    @classmethod
    def _are_currencies(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not _CURRENCY.fullmatch(value):
                raise ValueError(f'a currency is three capital letters like JPY, not "{value}"')
        return values

    @field_validator("tags")
    @classmethod
    def _tags_are_clear(cls, tags: dict[str, str]) -> dict[str, str]:
        seen: dict[str, str] = {}
        for group, dimension in tags.items():
            if not NAME.fullmatch(dimension):
                raise ValueError(
                    "a dimension is named with small letters, digits and _, not "
                    f'"{dimension}" (tag group {group})'
                )
            first = seen.setdefault(group.strip().casefold(), group)
            if first != group:
                raise ValueError(f'tag groups "{first}" and "{group}" are the same to Pleo')
        return tags


def mapping_schema() -> dict[str, Any]:
    """Give the JSON Schema of mapping documents, for editors.

    Editors type plain YAML scalars (4673 is a number to them), we read them as text; so the
    schema lets every text be a number or boolean too.
    """
    schema = MappingDocument.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "pleo-etl mapping"
    loosened: dict[str, Any] = _loosened(schema)
    return loosened


def _loosened(node: Any) -> Any:
    """Let texts be any plain scalar, and a list of texts be one text."""
    if isinstance(node, list):
        return [_loosened(part) for part in node]
    if not isinstance(node, dict):
        return node
    loose = {key: _loosened(part) for key, part in node.items()}
    if node.get("type") == "string" and "enum" not in node:
        loose["type"] = ["string", "number", "boolean"]
        loose.pop("format", None)
    elif node.get("type") == "array" and node["items"].get("type") == "string":
        return {"anyOf": [loose, {"type": ["string", "number", "boolean"]}]}
    return loose
