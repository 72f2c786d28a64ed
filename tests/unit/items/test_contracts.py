"""The guard of the guard: each way in which validation could pass without validating is closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandera.config
import pandera.polars as pa
import polars as pl
import pytest

from etl.errors import BatchInvalid
from etl.items import checks, contracts
from tests.unit.items.elements import SAMPLE, checked, read

ROOT = Path(__file__).parents[3]


def contract(**settings: Any) -> pa.DataFrameSchema:
    column = pa.Column(pl.Int64, nullable=False, unique=True)
    return pa.DataFrameSchema({"a": column}, strict=True, **settings)


GOOD = pl.DataFrame({"a": [1, 2]}, schema={"a": pl.Int64})


def test_a_good_frame_comes_back_unchanged() -> None:
    assert contracts.validate(GOOD, contract()) is GOOD


def test_rows_that_break_the_contract_are_named() -> None:
    frame = pl.DataFrame({"a": [1, None, 3, 3]}, schema={"a": pl.Int64})
    faulty = contracts.faulty_rows(frame, contract())
    assert set(faulty) == {1, 2, 3}
    assert "nullable" in faulty[1]
    with pytest.raises(BatchInvalid, match="in 3 rows"):
        contracts.validate(frame, contract())


def test_a_lazy_frame_is_refused() -> None:  # T5
    with pytest.raises(BatchInvalid, match="lazy"):
        contracts.validate(GOOD.lazy(), contract())  # type: ignore[arg-type]


def test_validation_switched_off_is_refused() -> None:  # T6
    with (
        pandera.config.config_context(validation_enabled=False),
        pytest.raises(BatchInvalid, match="switched off"),
    ):
        contracts.validate(GOOD, contract())


@pytest.mark.parametrize("depth", ["SCHEMA_ONLY", "DATA_ONLY"])
def test_validation_narrowed_is_refused(depth: str) -> None:  # T6
    with (
        pandera.config.config_context(validation_depth=pandera.config.ValidationDepth(depth)),
        pytest.raises(BatchInvalid, match="PANDERA_VALIDATION_DEPTH"),
    ):
        contracts.validate(GOOD, contract())


def test_the_environment_cannot_switch_validation_off() -> None:  # T6
    program = (
        "from tests.unit.items.elements import SAMPLE, checked\n"
        "from etl.errors import BatchInvalid\n"
        "try:\n    checked(SAMPLE[0])\n"
        "except BatchInvalid as stop:\n    print(stop.problems[0].code)\n"
    )
    environment = os.environ | {"PANDERA_VALIDATION_ENABLED": "False", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=ROOT
    )
    assert done.stdout == "IN-10\n", done.stderr


def test_a_contract_that_drops_rows_is_refused() -> None:  # T7
    with pytest.raises(BatchInvalid, match="drop rows"):
        contracts.validate(GOOD, contract(drop_invalid_rows=True))


def test_a_contract_that_coerces_is_refused() -> None:  # T9
    with pytest.raises(BatchInvalid, match="coerce"):
        contracts.validate(GOOD, contract(coerce=True))
    lenient = pa.DataFrameSchema({"a": pa.Column(pl.Int64, coerce=True)})
    with pytest.raises(BatchInvalid, match="coerce"):
        contracts.validate(GOOD, lenient)


def test_a_check_across_columns_that_ignores_nulls_is_refused() -> None:  # T8
    check = pa.Check(lambda data: data.lazyframe.select(pl.col("a") > 0))
    with pytest.raises(BatchInvalid, match="ignore nulls"):
        contracts.validate(GOOD, contract(checks=check))


@pytest.mark.parametrize(
    "frame",
    [
        GOOD.rename({"a": "b"}),
        GOOD.with_columns(b=1),
        GOOD.cast(pl.Int32),
        GOOD.cast(pl.String),
    ],
    ids=["missing", "surplus", "other type", "text"],
)
def test_a_frame_that_is_wrong_itself_stops_the_batch(frame: pl.DataFrame) -> None:  # T10
    with pytest.raises(BatchInvalid, match="IN-10"):
        contracts.faulty_rows(frame, contract())


def test_a_check_that_raises_stops_the_batch() -> None:  # T10
    def broken(_: Any) -> Any:
        raise ZeroDivisionError

    check = pa.Check(broken, ignore_na=False)
    with pytest.raises(BatchInvalid, match="IN-10"):
        contracts.faulty_rows(GOOD, contract(checks=check))


def test_a_null_in_a_cross_field_check_is_a_failure() -> None:  # T8
    lines = checked(SAMPLE[0]).lines
    schema = contracts.checked_lines()
    assert contracts.faulty_rows(lines, schema) == {}
    broken = lines.with_columns(pl.lit(None, lines.schema["line.base"]).alias("line.base"))
    assert set(contracts.faulty_rows(broken, schema)) == {0}


@pytest.mark.parametrize("name", ["line.gross", "line.base", "line.tax"])
def test_the_contract_of_lines_notices_one_hundredth(name: str) -> None:
    lines = checked(SAMPLE[0]).lines
    one = pl.lit("0.01").str.to_decimal(scale=2)
    off = lines.with_columns((pl.col(name) + one).cast(lines.schema[name]))
    assert set(contracts.faulty_rows(off, contracts.checked_lines())) == {0}


def test_a_row_that_breaks_the_contract_takes_its_item_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a row rule missing, the contract would still keep half an item from the books."""
    monkeypatch.setattr(checks, "_check_company", lambda items, company: items_none())
    ingested = read(SAMPLE[0], SAMPLE[1])
    company_less = ingested.items.with_columns(
        pl.when(pl.col("item.key") == 0)
        .then(None)
        .otherwise("item.company_id")
        .alias("item.company_id")
    )
    result = checks.check(
        type(ingested)(**{**vars(ingested), "items": company_less}),
        checks.CompanyFacts(str(company_less["item.company_id"][1]), "Europe/Berlin", "EUR"),
    )
    assert result.rejections.select("item.key", "code", "failure_type").rows() == [
        (0, "ITEM-19", "unexpected_failure")
    ]
    assert result.rejections.select("message", "fix").row(0) == (
        "the item breaks the contract of the frame: item.company_id: not_nullable (None)",
        "this is a defect of pleo-etl: please report it with the message",
    )
    assert result.items["item.key"].to_list() == [1]
    assert set(result.lines["item.key"]) == {1}


def items_none() -> pl.DataFrame:
    from etl.findings import no_rejections

    return no_rejections()
