"""Every answer that Pleo's description lists, the sandbox gives, and in that form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from etl.pleo.sandbox import OPERATIONS, Pleo
from etl.pleo.sandbox.authorization import OPERATIONS as OAUTH
from etl.pleo.sandbox.operations import OPERATIONS as SERVED
from tests.fakes import export_api
from tests.fakes.items import item
from tests.fakes.pleo_client import Scene, report, scene_of


@pytest.fixture
def scene() -> Iterator[Scene]:
    with scene_of(Pleo()) as found:
        yield found


def end_by(scene: Scene, event: str) -> None:
    scene.client.event(scene.job, "started")
    scene.client.report(
        scene.job,
        report(scene.entries[0], exportedAt="2026-04-01T08:00:00+02:00", externalId="V-1",
               externalUrl="https://erp.example.com/V-1"),
        report(scene.entries[1], "failed", failureReason="No account.",
               failureReasonType="missing_configuration"),
        report("00000000-0000-4000-8000-000000000000"),
    )  # fmt: skip
    more = {"failureReason": "x", "failureReasonType": "validation_failure"}
    scene.client.event(scene.job, event, **(more if event == "failed" else {}))


def test_every_answer_of_the_description_is_given_in_its_form(scene: Scene) -> None:
    client, job = scene.client, scene.job
    client.jobs(company_id=scene.company.id, statuses=["pending", "failed"], limit=5)
    client.jobs(sorting_keys=["createdAt", "status"], sorting_order=["DESC", "ASC"], offset=0)
    client.get(f"/v3/export-jobs/{job.id}")
    client.entries(job, limit=7)
    client.items(job, status="pending")
    assert client.create(scene.company, scene.entries[0]).status_code == 409
    client.report(job, *[report(entry) for entry in [*scene.entries] * 4])
    end_by(scene, "completed")
    assert client.event(job, "started").status_code == 422
    assert client.report(job, report(scene.entries[2])).status_code == 422
    assert client.entries(job).status_code == 422
    assert client.create(scene.company, scene.entries[0], employeeId=None).status_code == 201
    created = max(scene.pleo.jobs.values(), key=lambda one: one.is_running)
    scene.company.has_contra_accounts = False
    assert client.entries(created).status_code == 400
    scene.pleo.cancel_job(created)
    assert client.create(scene.company, scene.entries[0]).status_code == 400
    created.id = "11111111-1111-4111-8111-111111111111"
    client.get(f"/v3/export-jobs/{created.id}")
    client.items(created)
    client.report(created, report(scene.entries[0]))
    assert set(client.answers) >= export_api.documented()


@pytest.mark.parametrize("event", ["completed", "completed_with_errors", "failed"])
def test_ended_jobs_and_their_items_keep_the_form(scene: Scene, event: str) -> None:
    end_by(scene, event)
    assert scene.client.job(scene.job)["status"] == event
    assert scene.client.items(scene.job).status_code == 200
    assert scene.client.jobs().status_code == 200


@pytest.mark.parametrize("name", ["example", "example-uk", "example-se"])
def test_every_item_of_the_sample_data_keeps_the_form(scene: Scene, name: str) -> None:
    company = scene.pleo.add_sample(name)
    job = scene.pleo.add_job(company, is_interactive=False)
    client = scene.open("Bearer " + scene.pleo.add_token([company]))
    assert len(client.entries(job).json()["data"]) == len(company.entries)
    assert client.job(job)["createdBy"] is None


def test_without_vendor_bookkeeping_the_form_is_kept_too(scene: Scene) -> None:
    job = scene.pleo.add_job(scene.company, is_vendor_based=False)
    entries = scene.client.entries(job).json()["data"]
    assert {(entry["vendor"], entry["bookkeeping"]) for entry in entries} == {(None, None)}


def test_amounts_and_rates_are_the_numbers_of_the_entry(scene: Scene) -> None:
    line = {"account": "6640 Bewirtung", "tax": "VSt19 0.19 inclusive 1.60"}
    company = scene.pleo.add_company("own", [item(n=1, lines=[line])])
    client = scene.open("Bearer " + scene.pleo.add_token([company]))
    text = client.entries(scene.pleo.add_job(company)).text
    assert '"rate":0.19,' in text
    assert '"value":1000}' in text


def test_refusals_that_are_not_documented_have_the_form_of_errors(scene: Scene) -> None:
    statuses = [
        scene.open("").jobs().status_code,
        scene.client.jobs(limit=-1).status_code,
        scene.client.jobs(company_id="00000000-0000-4000-8000-000000000000").status_code,
        scene.client.get("/v3/export-items").status_code,
    ]
    assert statuses == [401, 400, 403, 400]


def test_the_sandbox_serves_what_the_description_has_and_no_more() -> None:
    served = {
        (operation.method, operation.path.replace("{job}", "{jobId}"), operation.scope)
        for operation in SERVED.values()
    }
    described = {
        (method.upper(), path, operation["x-required-scopes"][0])
        for path, methods in export_api.DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }
    assert served == described
    assert set(OPERATIONS) == {*SERVED, *OAUTH, "download"}


def test_a_wrong_answer_is_noticed() -> None:
    job: dict[str, Any] = json.loads(
        '{"id": "1", "companyId": "x", "createdAt": "yesterday", "extra": 1}'
    )
    found = " ".join(export_api.problems(job, {"$ref": "#/components/schemas/ExportJobV3"}))
    for part in ("'1' is not a 'uuid'", "'yesterday' is not a 'date-time'", "'extra'", "'status'"):
        assert part in found
