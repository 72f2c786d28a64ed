"""Rules: the first match wins, and every value says which rule and row gave it."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import UserMustFix
from etl.mapping.rules import target_of
from tests.unit.mapping.written import codes, load, mapped, value

WALLET = 'account.wallet: [{use: "{{ item.contra_account.code }}"}]'


def rules(*lines: str) -> str:
    return "map:\n  " + "\n  ".join((WALLET, *lines)) + "\n"


def refused(folder: Path, text: str, **files: str) -> list[tuple[str, str]]:
    with pytest.raises(UserMustFix) as caught:
        load(folder, text, **files)
    return [(problem.code, problem.where) for problem in caught.value.problems]


def test_the_first_match_wins(tmp_path: Path) -> None:
    text = rules(
        "account.expense:",
        "  - {when: \"{{ item.type == 'mileage' }}\", use: '4668'}",
        '  - {use: "{{ line.account.code }}"}',
        '  - {use: "9999"}',
    )
    result = mapped(
        load(tmp_path, text),
        {"item.type": "mileage"},
        {},
        {"lines": [{"line.account.code": None}]},
    )
    assert value(result, "account.expense") == ["4668", "6640", "9999"]
    all_rules = load(tmp_path, text).rules
    places = [str(all_rules[n].place) for n in result.lines["rule.account.expense"]]
    assert places == ["acme.yaml:5:7", "acme.yaml:6:7", "acme.yaml:7:7"]


def test_none_is_a_match_and_null_is_not(tmp_path: Path) -> None:
    text = rules(
        'account.expense: [{use: "4650"}]',
        'tax_code: [{use: "{{ line.tax.code }}"}, {use: none}, {use: "9"}]',
    )
    result = mapped(load(tmp_path, text), {"lines": [{"line.tax.code": "VSt19"}, {}]})
    assert value(result, "tax_code") == ["VSt19", None]
    assert result.lines["rule.tax_code"].to_list() == [2, 3]


def test_a_text_of_blanks_is_no_result(tmp_path: Path) -> None:
    text = rules('account.expense: [{use: "{{ item.note ~ \' \' }}"}, {use: "4650"}]')
    result = mapped(load(tmp_path, text), {"item.note": None}, {"item.note": "A"})
    assert value(result, "account.expense") == ["4650", "A "]


def test_codes_of_yaml_stay_text(tmp_path: Path) -> None:
    text = rules("account.expense: [{use: 0123}]", "tax_code: [{use: NO}]")
    result = mapped(load(tmp_path, text), {})
    assert (value(result, "account.expense"), value(result, "tax_code")) == (["0123"], ["NO"])


TAKE = rules(
    "account.expense:",
    "  - table: accounts",
    '    key: ["{{ line.account.code }}"]',
    "    take: {account.expense: account, tax_code: tax, dimension.kind: kind}",
    '  - {use: "{{ line.account.code }}"}',
    'tax_code: [{use: "{{ line.tax.code }}"}, {use: none}]',
)
TAKEN = "tables: {accounts: {file: accounts.csv, key: [code]}}\n" + TAKE
ACCOUNTS = "code,account,tax,kind\n1,4650,9,meal\n2,4660,,trip\n3,,8,x\n"


def test_one_row_gives_several_targets(tmp_path: Path) -> None:
    mapping = load(tmp_path, TAKEN, accounts_csv=ACCOUNTS)
    lines = [{"line.account.code": code, "line.tax.code": "V"} for code in "1234"]
    result = mapped(mapping, *({"lines": [line]} for line in lines))
    # Row 1 gives all three; row 2 has no tax, so tax_code's own rules decide; row 3 has no account,
    # so it gives nothing at all; 4 has no row. The dimension has no rule but the row.
    assert value(result, "account.expense") == ["4650", "4660"]
    assert value(result, "tax_code") == ["9", "V"]
    assert value(result, "dimension.kind") == ["meal", "trip"]
    assert result.lines["row.tax_code"].to_list() == [2, None]
    assert result.lines["row.dimension.kind"].to_list() == [2, 3]
    assert [code for code, _, _ in codes(result)] == ["MAP-24", "MAP-24"]


def test_what_is_taken_waits_for_the_row(tmp_path: Path) -> None:
    text = "tables: {a: {file: a.csv, key: c}}\n" + rules(
        'tax_code: [{use: "0"}]',
        'account.expense: [{table: a, key: "{{ text }}", take: {account.expense: v, tax_code: t}}]',
        'text: [{use: "{{ line.account.code }}"}]',
    )
    result = mapped(load(tmp_path, text, a_csv="c,v,t\n6640,1,9\n"), {})
    assert value(result, "tax_code") == ["9"]


def test_what_is_taken_for_another_target_is_empty_where_no_item_needs_the_account(
    tmp_path: Path,
) -> None:
    text = "tables: {a: {file: a.csv, key: [k]}}\n" + rules(
        'account.expense: [{table: a, key: "{{ line.account.code }}", '
        "take: {account.expense: v, tax_code: t}}]",
        'tax_code: [{use: "T9"}]',
        'account.transfer: [{use: "1200"}]',
    )
    mapping = load(tmp_path, text, a_csv="k,v,t\n6640,4650,9\n")
    topup = mapped(mapping, {"item.type": "wallet_topup", "needs": ("transfer", "wallet")})
    assert (value(topup, "account.transfer"), value(topup, "tax_code")) == (["1200"], ["T9"])
    assert mapped(mapping).lines.height == 0


def test_a_role_that_is_near_to_none_names_them_all(tmp_path: Path) -> None:
    with pytest.raises(UserMustFix) as caught:
        load(tmp_path, rules('account.creditor: [{use: "1600"}]'))
    (problem,) = caught.value.problems
    assert problem.fix.startswith("roles are expense, wallet, ")


def test_take_may_be_short(tmp_path: Path) -> None:
    text = "tables: {a: {file: a.csv, key: c}}\n" + rules(
        'account.expense: [{table: a, key: "{{ line.account.code }}", take: v}]'
    )
    result = mapped(load(tmp_path, text, a_csv="c,v\n6640,1\n"), {})
    assert value(result, "account.expense") == ["1"]


def test_a_table_rule_has_its_condition_too(tmp_path: Path) -> None:
    text = "tables: {a: {file: a.csv, key: c}}\n" + rules(
        "account.expense:",
        '  - {table: a, key: "{{ line.account.code }}", take: v,',
        "     when: \"{{ item.type == 'fee' }}\"}",
        '  - {use: "0"}',
    )
    result = mapped(load(tmp_path, text, a_csv="c,v\n6640,1\n"), {"item.type": "fee"}, {})
    assert value(result, "account.expense") == ["1", "0"]


CHART = "account_external_id,account_name,active,automatic\n4650,Meals,yes,no\n3400,Goods,yes,yes\n"


def test_targets_read_the_chart_of_the_account_just_mapped(tmp_path: Path) -> None:
    text = "reference: ref\n" + rules(
        "tax_code: [{when: \"{{ chart.expense.automatic == 'yes' }}\", use: none}, {use: '9'}]",
        'account.expense: [{use: "{{ line.account.code }}"}]',
        'text: [{use: "{{ account_name.expense }} {{ account.expense }} {{ tax_code }}"}]',
    )
    listed = CHART + "1360,Pleo,yes,no\n"
    result = mapped(
        load(tmp_path, text, ref__accounts_csv=listed),
        {"lines": [{"line.account.code": "3400"}, {"line.account.code": "4650"}]},
    )
    assert value(result, "tax_code") == [None, "9"]
    assert value(result, "text") == ["Goods 3400 ", "Meals 4650 9"]
    assert value(result, "account_name.expense") == ["Goods", "Meals"]


def test_names_of_unchanged_codes_are_pleos(tmp_path: Path) -> None:
    text = rules(
        "account.expense:",
        "  - {when: \"{{ item.type == 'fee' }}\", use: '4970'}",
        '  - {use: "{{ line.account.code }}"}',
        'account.payable: [{use: "{{ voucher.vendor.code }}"}]',
    )
    vendor = {"item.vendor.code": "70045", "item.vendor.name": "Nordhost"}
    needs = ("expense", "wallet", "payable")
    result = mapped(load(tmp_path, text), {"needs": needs, **vendor}, {"item.type": "fee"})
    assert value(result, "account_name.expense") == ["Bewirtung", None]
    assert value(result, "account_name.wallet") == ["Pleo EUR", "Pleo EUR"]
    assert value(result, "account_name.payable") == ["Nordhost", None]


def test_a_name_may_be_mapped(tmp_path: Path) -> None:
    text = rules(
        'account.expense: [{use: "4650"}]',
        'account_name.expense: [{when: "{{ line.number == 1 }}", use: Meals}]',
    )
    result = mapped(load(tmp_path, text), {"lines": [{}, {"line.account.code": "4650"}]})
    assert value(result, "account_name.expense") == ["Meals", "Bewirtung"]


@pytest.mark.parametrize(
    "lines",
    [
        ['account.expense: [{use: "{{ text }}"}]', 'text: [{use: "{{ account.expense }}"}]'],
        ['account.expense: [{use: "{{ account_name.expense }}"}]'],
        ['account.expense: [{use: "{{ account.expense }}"}]'],
    ],
)
def test_circles_are_refused(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(UserMustFix, match=r"circle: .*account\.expense") as caught:
        load(tmp_path, rules(*lines))
    assert [problem.code for problem in caught.value.problems] == ["MAP-13"]


def test_a_circle_through_the_chart_and_take_is_named(tmp_path: Path) -> None:
    text = "reference: ref\ntables: {a: {file: a.csv, key: c}}\n" + rules(
        "account.expense:",
        '  - {table: a, key: "{{ tax_code }}", take: {account.expense: v, dimension.x: w}}',
        "tax_code: [{when: \"{{ chart.expense.automatic == 'yes' }}\", use: none}]",
    )
    with pytest.raises(UserMustFix) as caught:
        load(tmp_path, text, ref__accounts_csv=CHART, a_csv="c,v,w\n1,1,1\n")
    assert "account.expense reads tax_code reads account.expense" in caught.value.problems[0].what


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('acount.expense: [{use: "1"}]', "MAP-10"),
        ('account.expenses: [{use: "1"}]', "MAP-10"),
        ('dimension.Kost: [{use: "1"}]', "MAP-10"),
        ('account.expense: [{table: b, key: "{{ line.account.code }}", take: v}]', "MAP-11"),
        ('account.expense: [{table: a, key: "{{ line.account.code }}", take: w}]', "MAP-11"),
        ('account.expense: [{table: a, key: ["{{ item.id }}", "1"], take: v}]', "MAP-12"),
        ('account.expense: [{table: a, key: "{{ line.id }}", take: {tax_code: v}}]', "MAP-12"),
        ('account.expense: [{table: a, key: "{{ line.id }}", take: {account.expense: v, a.x: v}}]',
         "MAP-10"),
        ('account.expense: [{use: "{{ line.acount.code }}"}]', "EXP-3"),
        ('account.expense: [{use: "{{ line.tags[\'X\'] }}"}]', "EXP-3"),
        ('account.expense: [{use: "{{ chart.expense.automatic }}"}]', "EXP-3"),
        ('account.expense: [{use: "{{ line.gross }}"}]', "EXP-5"),
        ('account.expense: [{when: "yes", use: "1"}]', "EXP-9"),
        ("account.expense: [{}]", "DOC-3"),
        ('account.expense: [{use: "1", table: a}]', "DOC-3"),
        ('account.expense: [{use: "1", key: "2"}]', "DOC-3"),
        ("account.expense: [{table: a}]", "DOC-3"),
        ('account.expense: [{us: "1"}]', "DOC-1"),
    ],
)  # fmt: skip
def test_mistakes_are_refused_with_their_place(tmp_path: Path, line: str, code: str) -> None:
    text = "tables: {a: {file: a.csv, key: c}}\n" + rules(line)
    found = refused(tmp_path, text, a_csv="c,v\n1,1\n")
    assert code in [each for each, _ in found]
    assert all(where.startswith("acme.yaml:5:") for _, where in found)


def test_a_near_match_is_offered(tmp_path: Path) -> None:
    with pytest.raises(UserMustFix, match=r'did you mean "account\.expense"\?'):
        load(tmp_path, rules('acount.expense: [{use: "1"}]'))


def test_too_many_rules_are_refused(tmp_path: Path) -> None:
    many = ", ".join('{use: "1"}' for _ in range(1001))
    assert refused(tmp_path, rules(f"account.expense: [{many}]")) == [("MAP-9", "acme.yaml:4:20")]


def test_a_thousand_rules_run(tmp_path: Path) -> None:
    many = ", ".join(f"{{when: \"{{{{ item.note == '{n}' }}}}\", use: '{n}'}}" for n in range(1000))
    result = mapped(
        load(tmp_path, rules(f"account.expense: [{many}]")),
        *({"item.note": str(n)} for n in (0, 500, 999)),
    )
    assert value(result, "account.expense") == ["0", "500", "999"]


def test_texts_that_grow_through_targets_are_refused(tmp_path: Path) -> None:
    def ten(name: str) -> str:
        return " ~ ".join([name] * 10)

    text = rules(
        'account.expense: [{use: "1"}]',
        f'target.a: [{{use: "{{{{ {ten("item.note")} }}}}"}}]',
        f'target.b: [{{use: "{{{{ {ten("target.a")} }}}}"}}]',
        f'target.c: [{{use: "{{{{ {ten("target.b")} }}}}"}}]',
        f'target.d: [{{use: "{{{{ {ten("target.c")} }}}}"}}]',
    )
    assert refused(tmp_path, text) == [("EXP-10", "acme.yaml:8:14")]


def test_lookup_is_by_table_or_table_and_column(tmp_path: Path) -> None:
    text = (
        "tables: {a: {file: a.csv, key: c}, b: {file: b.csv, key: c, match: casefold}}\n"
        + rules(
            "account.expense: [{use: \"{{ line.account.code | lookup('a') }}\"}]",
            "target.x: [{use: \"{{ line.account.name | lookup('b.w') }}\"}]",
        )
    )
    files = {"a_csv": "c,v\n6640,4650\n", "b_csv": "c,v,w\nBEWIRTUNG,1,2\n"}
    result = mapped(load(tmp_path, text, **files), {})
    assert (value(result, "account.expense"), value(result, "target.x")) == (["4650"], ["2"])


def test_names_of_company_voucher_and_job(tmp_path: Path) -> None:
    text = rules(
        'account.expense: [{use: "1"}]',
        'target.a: [{use: "{{ company.name }}/{{ voucher.reference }}/'
        "{{ voucher.date | date_text('DD.MM.YYYY') }}/{{ voucher.fiscal_year.label }}/"
        '{{ voucher.period.number }}/{{ voucher.currency }}/{{ job.id }}"}]',
    )
    result = mapped(load(tmp_path, text), {"item.reconciliation_id": "R1"})
    assert value(result, "target.a") == ["Acme GmbH/R1/09.03.2026/2026/3/EUR/"]


def test_what_a_template_needs_must_have_rules(tmp_path: Path) -> None:
    mapping = load(tmp_path, rules('account.expense: [{use: "1"}]'))
    with pytest.raises(UserMustFix) as caught:
        mapped(mapping, {}, targets={"tax_code": True, "dimension.kost1": True, "text": False})
    assert [problem.code for problem in caught.value.problems] == ["MAP-16", "MAP-16"]
    result = mapped(mapping, {}, targets={"tax_code": False, "dimension.kost1": False})
    assert (value(result, "tax_code"), value(result, "dimension.kost1")) == ([None], [None])


def test_every_role_and_target_has_its_columns(tmp_path: Path) -> None:
    result = mapped(load(tmp_path, rules('account.expense: [{use: "1"}]')), {})
    for name in ("account.payable", "account.tax_in", "tax_code", "text"):
        assert value(result, name) == [None]
        assert result.lines[f"rule.{name}"].to_list() == [None]
        assert result.lines[f"row.{name}"].to_list() == [None]
    assert result.lines["account_name.payable"].to_list() == [None]


@pytest.mark.parametrize(
    ("name", "target"),
    [("account.expense", "account.expense"), ("account_name.wallet", "account_name.wallet"),
     ("account.x", None), ("text", "text"), ("dimension.kost_1", "dimension.kost_1"),
     ("dimension.", None), ("target.a", "target.a"), ("target.A", None), ("voucher.date", None),
     ("dimension.a.b", None), ("tax_text", "target.tax_text"), ("note", "target.note"),
     ("journal", "target.journal"), ("taxcode", None), ("tax_codes", None), ("txt", None),
     ("Journal", None)],
)  # fmt: skip
def test_names_of_targets(name: str, target: str | None) -> None:
    assert target_of(name) == target


def test_a_template_s_own_target_may_be_written_short(tmp_path: Path) -> None:
    text = "tables: {a: {file: a.csv, key: c}}\n" + rules(
        'account.expense: [{table: a, key: "{{ line.account.code }}", '
        "take: {account.expense: v, kind: w}}]",
        'tax_text: [{use: "{{ item.note }}"}]',
        'target.other: [{use: "{{ target.tax_text }}/{{ target.kind }}"}]',
    )
    mapping = load(tmp_path, text, a_csv="c,v,w\n6640,1,K\n")
    result = mapped(mapping, {"item.note": "N"}, targets={"target.tax_text": True})
    assert value(result, "target.other") == ["N/K"]
    missing = mapped(mapping, {})
    assert codes(missing) == [("MAP-25", 1, "missing_configuration")]
    assert missing.rejections["where"][0] == "acme.yaml:6:3"


def test_a_target_written_short_and_long_stands_twice(tmp_path: Path) -> None:
    text = rules('kind: [{use: "1"}]', 'target.kind: [{use: "2"}]')
    assert refused(tmp_path, text) == [("MAP-10", "acme.yaml:5:3")]
