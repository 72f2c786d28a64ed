"""What each construct gives, row by row, on values, empty texts, nulls and extremes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from etl.documents import Place
from etl.expressions import Scope, compile_condition, compile_expression, compile_value
from etl.frames import DTYPES, Type
from tests.unit.expressions.frame import (
    LARGEST,
    PLACE,
    SCOPE,
    SMALLEST,
    condition,
    expression,
    one,
    value,
)


def test_null_prints_as_nothing_between_texts() -> None:
    assert expression("item.type ~ '/' ~ item.supplier.name") == [
        "fee/Hotel", "refund/", "/", "/ß",
    ]  # fmt: skip
    assert expression("item.type ~ none") == ["fee", "refund", "", ""]


def test_null_equals_only_null() -> None:
    assert condition("item.type == 'fee'") == [True, False, False, False]
    assert condition("item.type != 'fee'") == [False, True, True, True]
    assert condition("item.type == none") == [False, False, True, False]
    assert condition("item.type != none") == [True, True, False, True]
    assert condition("item.type == item.note") == [False, False, True, False]
    assert one("none == none") is True
    assert one("none != none") is False


def test_null_is_neither_less_nor_greater() -> None:
    assert condition("item.amount < 12") == [False, True, False, False]
    assert condition("item.amount >= 12") == [True, False, False, True]
    assert condition("not item.amount < 12") == [True, False, True, True]
    assert condition("line.number <= line.count") == [True, False, False, True]
    assert condition("line.number > line.count") == [False, True, False, False]


def test_a_written_whole_number_stands_beside_an_amount_and_a_decimal() -> None:
    assert condition("item.amount > -1") == [True, False, False, True]
    assert condition("line.tax.rate == 0") == [False, True, False, False]
    assert expression("item.amount if posting.is_contra else 0") == [
        Decimal("12.30"), Decimal("0.00"), Decimal("0.00"), LARGEST,
    ]  # fmt: skip


def test_null_is_in_no_list() -> None:
    assert condition("item.type in ['fee', '']") == [True, False, False, True]
    assert condition("item.type not in ['fee', '']") == [False, True, True, False]
    assert condition("item.type in []") == [False] * 4
    assert condition("item.type in ['fee', none]") == [True, False, False, False]
    assert condition("item.type in [item.note, 'fee']") == [True, False, False, False]
    assert condition("item.type in parameters.types") == [True, True, False, False]
    assert condition("line.count in [2, -1]") == [False, True, False, True]
    assert condition("item.amount in [0, item.amount]") == [True, True, False, True]
    assert condition("item.date in ['2026-02-27' | as_date]") == [True, False, False, False]


def test_a_text_is_found_in_a_list_name() -> None:
    assert condition("'cd' in item.attendees") == [True, False, False, False]
    assert condition("'cd' not in item.attendees") == [False, True, True, True]
    assert condition("parameters.unset in item.attendees") == [False] * 4
    assert condition("'' in item.attendees") == [True, False, False, True]


def test_a_bare_text_or_list_as_condition_means_not_empty() -> None:
    assert condition("item.type") == [True, True, False, False]
    assert condition("not item.type") == [False, False, True, True]
    assert condition("item.attendees") == [True, False, False, True]
    assert condition("item.type and item.note") == [True, False, False, False]
    assert condition("item.type or posting.is_contra") == [True, True, False, True]
    assert expression("'a' if item.note else 'b'") == ["a", "b", "b", "a"]


def test_an_unknown_boolean_counts_as_false() -> None:
    assert condition("posting.is_contra") == [True, False, False, True]
    assert condition("not posting.is_contra") == [False, True, True, False]
    assert condition("posting.is_contra or true") == [True] * 4
    assert condition("posting.is_contra and true") == [True, False, False, True]
    assert condition("none") == [False] * 4


def test_or_between_texts_is_the_first_that_is_not_empty() -> None:
    assert expression("item.note or item.supplier.name") == [
        "Taxi  to Berlin", None, "", "Café №5",
    ]  # fmt: skip
    assert expression("item.note or item.supplier.name or 'x'") == [
        "Taxi  to Berlin", "x", "x", "Café №5",
    ]  # fmt: skip
    assert expression("none or item.type") == ["fee", "refund", None, ""]


def test_missing_else_is_null() -> None:
    assert expression("item.date if item.type == 'fee'") == [dt.date(2026, 2, 27)] + [None] * 3
    assert expression("'a' if none else item.type") == ["fee", "refund", None, ""]


def test_a_condition_known_while_compiling_reads_one_branch_only() -> None:
    source = "item.date if parameters.journal == 'VT' else item.type | as_date"
    compiled = compile_expression(source, SCOPE, place=PLACE)
    assert compiled.reads == {"item.date"}


def test_integers_are_exact_and_null_where_they_do_not_fit() -> None:
    assert expression("line.number + line.count") == [6, None, None, None]
    assert expression("line.number - line.count") == [0, 2**63 - 3, None, -(2**63) + 1]
    assert expression("line.number * line.count") == [9, None, None, None]
    assert expression("-line.number") == [-3, -(2**63) + 1, None, None]
    assert expression("line.number + none") == [None] * 4
    assert one("-9223372036854775808") == -(2**63)


def test_amounts_are_exact_and_null_where_they_do_not_fit() -> None:
    assert expression("item.amount + item.amount") == [Decimal("24.60"), None, None, None]
    assert expression("item.amount - item.amount") == [
        Decimal("0.00"), Decimal("0.00"), None, Decimal("0.00"),
    ]  # fmt: skip
    assert expression("-item.amount") == [Decimal("-12.30"), LARGEST, None, SMALLEST]


@pytest.mark.parametrize(
    ("left", "right", "total"),
    [
        (LARGEST, "0.00", LARGEST),
        (LARGEST, "0.01", None),
        ("9" * 36 + ".98", "0.01", LARGEST),
        (SMALLEST, "-0.01", None),
        (SMALLEST, "0.01", "-" + "9" * 36 + ".98"),
        ("-5.00", LARGEST, "9" * 35 + "4.99"),
        ("0.00", SMALLEST, SMALLEST),
    ],
)
def test_a_sum_is_null_only_past_the_last_amount(
    left: Decimal | str, right: Decimal | str, total: Decimal | str | None
) -> None:
    scope = Scope({"a": Type.AMOUNT, "b": Type.AMOUNT})
    rows = pl.DataFrame(
        {"a": [Decimal(left)], "b": [Decimal(right)]},
        schema=dict.fromkeys("ab", DTYPES[Type.AMOUNT]),
    )
    wanted = None if total is None else Decimal(total)
    for source in ("a + b", "b + a", "a - (-b)"):
        compiled = compile_expression(source, scope, place=PLACE)
        assert rows.select(compiled.expr.alias("sum"))["sum"].to_list() == [wanted]


def test_tests_are_never_null() -> None:
    assert condition("item.type is none") == [False, False, True, False]
    assert condition("item.type is empty") == [False, False, True, True]
    assert condition("item.attendees is empty") == [False, True, True, False]
    assert condition("item.date is not empty") == [True, True, False, True]
    assert condition("item.note is containing('é')") == [False, False, False, True]
    assert condition("item.note is not starting('Taxi')") == [False, True, True, True]
    assert condition("item.note is matching('.*[0-9]')") == [False, False, False, True]
    assert condition("item.note is containing('.')") == [False] * 4
    assert condition("none is empty") == [True] * 4


def test_text_filters() -> None:
    assert expression("item.supplier.name | upper") == ["HOTEL", None, "", "SS"]
    assert expression("item.note | lower") == ["taxi  to berlin", "", None, "café №5"]
    assert expression("item.note | ascii") == ["Taxi  to Berlin", "", None, "Cafe No5"]
    assert expression("item.note | initials") == ["TtB", "", None, "C№"]
    assert expression("item.note | digits") == ["", "", None, "5"]
    assert expression("item.note | cut(4)") == ["Taxi", "", None, "Café"]
    assert expression("item.note | first") == ["T", "", None, "C"]
    assert expression("item.note | last(2)") == ["in", "", None, "№5"]
    assert expression("item.note | replace(' ', '$1')") == [
        "Taxi$1$1to$1Berlin", "", None, "Café$1№5",
    ]  # fmt: skip
    assert one("' a b ' | trim") == "a b"
    assert one("'ÆØß – “x”' | ascii") == 'AEOss - "x"'
    assert expression("item.note | cut(parameters.width)") == ["Taxi", "", None, "Café"]


def test_pad_fills_from_the_left_and_never_shortens() -> None:
    assert expression("item.type | pad(4)") == ["0fee", "refund", None, "0000"]
    assert expression("item.type | pad(5, '*')") == ["**fee", "refund", None, "*****"]
    assert expression("line.count | pad(3)") == ["003", "002", None, "-01"]
    assert expression("line.count | pad(3, ' ')") == ["  3", "  2", None, " -1"]


def test_join_skips_empty_members_and_gives_nothing_where_none_is_left() -> None:
    assert expression("item.attendees | join(', ')") == ["ab, cd", None, None, None]
    assert expression("[item.type, item.note, 'x'] | join('-')") == [
        "fee-Taxi  to Berlin-x", "refund-x", "x", "Café №5-x",
    ]  # fmt: skip
    assert expression("[item.type, item.supplier.name] | join(' ')") == [
        "fee Hotel", "refund", None, "ß",
    ]  # fmt: skip
    assert one("[] | join") is None
    assert expression("item.attendees | first") == ["ab", None, None, ""]


def test_dates_stay_in_the_calendar() -> None:
    assert expression("item.date | add_days(2)") == [
        dt.date(2026, 3, 1), None, None, dt.date(1, 1, 3),
    ]  # fmt: skip
    assert expression("item.date | add_days(-1)") == [
        dt.date(2026, 2, 26), dt.date(9999, 12, 30), None, None,
    ]  # fmt: skip
    assert expression("item.date | month_end") == [
        dt.date(2026, 2, 28), dt.date(9999, 12, 31), None, dt.date(1, 1, 31),
    ]  # fmt: skip
    assert one("'2024-02-10' | as_date | month_end") == dt.date(2024, 2, 29)
    assert condition("item.date >= '2026-02-27' | as_date") == [True, True, False, False]


def test_amounts_as_text_are_exact() -> None:
    assert expression("item.amount | amount_text") == [
        "12.30", f"-{'9' * 36}.99", None, f"{'9' * 36}.99",
    ]  # fmt: skip
    scope = Scope({"a": Type.AMOUNT})
    rows = pl.DataFrame({"a": [Decimal("-1.5")]}, schema={"a": pl.Decimal(20, 1)})
    compiled = compile_expression("'EUR ' ~ (a | amount_text)", scope, place=PLACE)
    assert rows.select(compiled.expr.alias("a"))["a"].to_list() == ["EUR -1.50"]


def test_dates_as_text() -> None:
    assert expression("item.date | date_text('D.M.YY')") == ["27.2.26", "31.12.99", None, "1.1.01"]
    assert expression("item.date | date_text('YYYYMMDD')") == [
        "20260227", "99991231", None, "00010101",
    ]  # fmt: skip
    assert expression("batch.created | date_text('YYYY-MM-DDTHH:mm:ss.SSSZ')") == [
        "2026-03-01T09:08:07.006Z", None, None, "1999-12-31T23:59:59.000Z",
    ]  # fmt: skip
    assert expression("voucher.period | date_text('YYYYPP')") == [
        "202603",
        "202612",
        None,
        "202613",
    ]


def test_a_text_column_is_read_as_a_date_where_it_is_one() -> None:
    scope = Scope({"a": Type.TEXT})
    texts = ["2026-03-01", "2026-02-30", "2026-3-1", " 2026-03-01", "0000-01-01", "", None, "٢٠٢٦"]
    compiled = compile_expression("a | as_date", scope, place=PLACE)
    rows = pl.DataFrame({"a": texts}, schema={"a": pl.String()})
    found = rows.select(compiled.expr.alias("day"))["day"].to_list()
    assert found == [dt.date(2026, 3, 1)] + [None] * 7


def test_lookup_gives_nothing_where_the_table_has_nothing() -> None:
    assert one("'project' | lookup('dimensions')") == "6"
    assert one("'Project' | lookup('dimensions')") is None
    assert expression("item.type | lookup('types')") == ["F", "R", None, None]
    assert expression("line.number | lookup('numbers')") == ["three", None, None, None]
    assert expression("posting.is_contra | lookup('numbers')") == ["yes", None, None, "yes"]
    assert expression("item.date | lookup('numbers')") == ["day", None, None, None]
    assert expression("voucher.period | lookup('numbers')") == ["march", None, None, None]


def test_a_tag_group_is_compared_casefolded() -> None:
    assert expression("line.tags['COST Center']") == ["100", "", None, "200"]


def test_literals_are_normalised_as_the_input_is() -> None:
    assert condition("item.note is containing('e\N{COMBINING ACUTE ACCENT}')")[3] is True
    assert one("'e\N{COMBINING ACUTE ACCENT}'") == "é"


def test_values_are_plain_text_one_expression_or_both() -> None:
    assert value("EXTF") == ["EXTF"] * 4
    assert value("") == [""] * 4
    assert value("{{ line.count }}") == [3, 2, None, -1]
    assert value("Pleo {{ line.count }}/{{ item.type }}") == [
        "Pleo 3/fee", "Pleo 2/refund", "Pleo /", "Pleo -1/",
    ]  # fmt: skip
    assert value("x{{ none }}") == ["x"] * 4


def test_an_optional_value_is_null_where_an_expression_is() -> None:
    text = 'BEDI "{{ item.attendees | first }}"'
    assert value(text, optional=True) == ['BEDI "ab"', None, None, 'BEDI ""']
    assert value(text) == ['BEDI "ab"', 'BEDI ""', 'BEDI ""', 'BEDI ""']
    assert value("{{ parameters.journal }}-{{ item.type }}", optional=True) == [
        "VT-fee", "VT-refund", None, "VT-",
    ]  # fmt: skip


def test_what_differs_from_no_row_to_row_is_known() -> None:
    compiled = compile_value("{{ parameters.journal }}-{{ 7 }}", SCOPE, place=PLACE)
    assert (compiled.constant, compiled.value, compiled.type) == (True, "VT-7", Type.TEXT)
    assert compiled.reads == frozenset()
    unset = compile_expression("parameters.unset | upper", SCOPE, place=PLACE)
    assert (unset.constant, unset.value) == (True, None)
    reading = compile_value("{{ item.type }} {{ item.note }}", SCOPE, place=PLACE)
    assert (reading.constant, reading.reads) == (False, {"item.type", "item.note"})


def test_a_wanted_type_gives_none_and_whole_numbers_their_type() -> None:
    none = compile_expression("none", SCOPE, place=PLACE, want=Type.DATE)
    nought = compile_expression("0", SCOPE, place=PLACE, want=Type.AMOUNT)
    frame = pl.select(none=none.expr, nought=nought.expr)
    assert frame.schema == {"none": pl.Date(), "nought": DTYPES[Type.AMOUNT]}
    assert nought.value == Decimal(0)


def test_conditions_may_stand_between_blanks() -> None:
    compiled = compile_condition("  {{ true }}\n", SCOPE, place=Place("t.yaml", 1, 1))
    assert compiled.value is True


def test_no_result_type_depends_on_the_rows() -> None:
    empty = pl.DataFrame(schema={name: DTYPES[kind] for name, kind in SCOPE.columns.items()})
    for source in ("line.number * 2", "item.amount - item.amount", "item.note ~ item.type",
                   "item.date | add_days(1)", "item.attendees | join", "item.type in ['fee']",
                   "voucher.period | date_text('PP')", "item.type | lookup('types')"):  # fmt: skip
        compiled = compile_expression(source, SCOPE, place=PLACE)
        assert empty.select(compiled.expr.alias("r")).schema["r"] == DTYPES[compiled.type], source


def test_amounts_of_another_scale_are_not_misread() -> None:
    scope = Scope({"a": Type.AMOUNT, "b": Type.AMOUNT})
    rows = pl.DataFrame(
        {"a": [Decimal("1.5")], "b": [Decimal("2.250")]},
        schema={"a": pl.Decimal(20, 1), "b": pl.Decimal(20, 3)},
    )
    compiled = compile_expression("a + b", scope, place=PLACE)
    assert rows.select(compiled.expr.alias("sum"))["sum"].to_list() == [Decimal("3.75")]
