"""Credentials: keys and tokens, scopes, companies, and how often they may call."""

from __future__ import annotations

import pytest

from etl.pleo.sandbox import Manners, Pleo
from tests.fakes.pleo_client import Scene, basic, scene_of


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !", "Basic eDp5", "Bearer nobody", "Digest x", "Basic /w=="],
)
def test_without_a_known_credential_nothing_is_told(scene: Scene, authorization: str) -> None:
    answer = scene.open(authorization).jobs()
    assert (answer.status_code, answer.json()["type"]) == (401, "unauthorized")


def test_a_key_has_no_password_and_is_no_token(scene: Scene) -> None:
    assert scene.client.jobs().status_code == 200
    assert scene.open("Bearer " + scene.key).jobs().status_code == 401
    token = scene.pleo.add_token([scene.company])
    assert scene.open(basic(token)).jobs().status_code == 401
    assert scene.open(basic(scene.key + ":word")).jobs().status_code == 401


def test_a_token_ends_by_the_clock_of_the_sandbox(scene: Scene) -> None:
    client = scene.open("Bearer " + scene.pleo.add_token([scene.company], seconds=900))
    scene.pleo.advance(899)
    assert client.jobs().status_code == 200
    scene.pleo.advance(1)
    assert client.jobs().status_code == 401


def test_a_revoked_key_opens_nothing(scene: Scene) -> None:
    scene.pleo.access.revoke(scene.key)
    assert scene.client.jobs().status_code == 401


def test_each_operation_needs_its_scope(scene: Scene) -> None:
    reader = scene.open(basic(scene.pleo.add_key([scene.company], {"export-jobs:read"})))
    writer = scene.open(basic(scene.pleo.add_key([scene.company], {"export-jobs:write"})))
    items = scene.open(basic(scene.pleo.add_key([scene.company], {"export-items:read"})))
    for client, allowed in ((reader, "r"), (writer, "w"), (items, "i")):
        got = {
            "r": client.jobs().status_code,
            "w": client.report(scene.job).status_code,
            "i": client.entries(scene.job).status_code,
        }
        assert got == dict.fromkeys("rwi", 403) | {allowed: 200}


def test_a_key_of_an_organisation_must_name_the_company(scene: Scene) -> None:
    other = scene.pleo.add_sample("example-uk")
    theirs = scene.pleo.add_job(other)
    client = scene.open(basic(scene.pleo.add_key([scene.company, other])))
    refused = client.jobs()
    assert (refused.status_code, refused.json()["type"]) == (400, "required_parameter_missing")
    (found,) = client.jobs(company_id=other.id).json()["data"]
    assert found["id"] == theirs.id
    assert scene.client.jobs(company_id=other.id).status_code == 403
    assert scene.client.create(other).status_code == 403
    assert scene.client.jobs(company_id="x").status_code == 400


def test_the_limit_of_a_minute_is_told_with_the_seconds_to_wait() -> None:
    with scene_of(Pleo(manners=Manners(rate_limit=3))) as scene:
        for _ in range(3):
            assert scene.client.jobs().status_code == 200
        scene.pleo.advance(20)
        refused = scene.client.jobs()
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "40")
        other = scene.open(basic(scene.pleo.add_key([scene.company])))
        assert other.jobs().status_code == 200
        scene.pleo.advance(40)
        assert scene.client.jobs().status_code == 200


def test_every_answer_carries_the_time_of_the_sandbox(scene: Scene) -> None:
    scene.pleo.advance(-8 * 3600 + 61)
    for answer in (scene.client.jobs(), scene.open("").jobs(), scene.client.get("/nothing")):
        assert answer.headers["date"] == "Wed, 01 Apr 2026 00:01:01 GMT"
