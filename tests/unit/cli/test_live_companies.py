"""Several companies in one call: each has its turn, whatever becomes of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.live import OTHER, Live, make_live, three_items


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.chdir(tmp_path)
    made = make_live(tmp_path)
    made.add("nordic", three_items(OTHER)[:2])
    return made


def words(document: dict[str, object]) -> dict[str, tuple[str, int]]:
    """Give outcome and exit code of each company."""
    return {
        one["company"]: (one["outcome"], one["exit_code"])
        for one in document["companies"]  # type: ignore[attr-defined]
    }


def test_a_company_must_be_named_where_there_are_several(live: Live) -> None:
    for call in (["run"], ["release", "--yes"], ["status"], ["history"], ["imported", "--yes"]):
        document = live.json(*call)
        assert (document["exit_code"], document["errors"][0]["code"]) == (2, "CLI-3"), call
    assert "--company NAME (the workspace has acme, nordic)" in live.run("run").stderr
    assert live.json("run", "--company", "nord")["errors"][0]["fix"].startswith(
        'did you mean "nordic"?'
    )
    assert live.json("run", "--company", "acme", "--all")["errors"][0]["code"] == "CLI-1"
    assert live.pleo.seen == []


def test_one_company_is_named_and_the_other_left_alone(live: Live) -> None:
    live.job("acme")
    job = live.job("nordic")
    assert words(live.json("run", "--company", "nordic", "--release")) == {"nordic": ("closed", 0)}
    assert (job.status, next(iter(live.pleo.jobs.values())).status) == ("completed", "pending")


def test_every_company_has_its_turn_and_the_highest_code_counts(live: Live) -> None:
    live.job("acme")
    live.job("nordic")
    document = live.json("run", "--all")
    assert words(document) == {"acme": ("staged", 1), "nordic": ("staged", 0)}
    assert document["exit_code"] == 1
    released = live.json("release", "--all", "--yes")
    assert words(released) == {"acme": ("closed", 1), "nordic": ("closed", 0)}


def test_a_company_that_fails_does_not_stop_the_next_one(live: Live) -> None:
    live.job("acme")
    live.job("nordic")
    live.environment["PLEO_API_KEY_ACME"] = "of-another-pleo"
    document = live.json("run", "--all")
    assert words(document) == {"acme": ("stopped", 2), "nordic": ("staged", 0)}
    assert document["exit_code"] == 2
    (error,) = document["errors"]
    assert error["company"] == "acme"
    result = live.run("run", "--all")
    assert result.stderr.index("acme:") < result.stderr.index("error[")
    assert result.stderr.index("error[") < result.stderr.index("nordic:")


def test_a_bug_in_one_company_does_not_stop_the_next_one(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.live import staging

    real = staging.fetch_job

    def broken(desk: staging.Desk, job: staging.Job) -> staging.Fetched:
        if desk.name == "acme":
            raise ZeroDivisionError("no such thing")
        return real(desk, job)

    monkeypatch.setattr(staging, "fetch_job", broken)
    live.job("acme")
    live.job("nordic")
    document = live.json("run", "--all")
    assert words(document) == {"acme": ("failed", 5), "nordic": ("staged", 0)}
    assert (document["exit_code"], document["errors"][0]["code"]) == (5, "CLI-2")
    assert "Traceback" in live.run("run", "--all").stderr


def test_what_to_do_next_names_the_company(live: Live) -> None:
    live.job("nordic")
    result = live.run("run", "--company", "nordic")
    said = " ".join(result.stderr.split())
    assert "`pleo-etl review --company nordic`, then `pleo-etl release --company nordic`" in said
    assert "pleo-etl release --company nordic" in live.run("status", "--all").stdout


def test_status_of_all_shows_each_and_the_quarantined_by_that_word(live: Live) -> None:
    job = live.job("nordic")
    live.run("run", "--all")
    live.pleo.faults.add("error=503@report-items:1-")
    live.run("release", "--all", "--yes")
    live.pleo.faults.clear()
    live.pleo.cancel_job(job)
    assert live.run("release", "--all", "--yes").exit_code == 4
    document = live.json("status", "--all")
    assert {name: word for name, (word, _code) in words(document).items()} == {
        "acme": "nothing", "nordic": "quarantined",
    }  # fmt: skip
    shown = live.run("status", "--all").stdout
    assert "quarantined: do not import it" in shown
    assert "pleo-etl settle --not-imported --company nordic" in shown


def test_a_batch_of_one_company_is_not_asked_of_all(live: Live) -> None:
    for call in (["history", "1"], ["imported", "1"], ["settle", "1", "--imported"]):
        document = live.json(*call, "--all")
        assert (document["exit_code"], document["errors"][0]["code"]) == (2, "CLI-1"), call
