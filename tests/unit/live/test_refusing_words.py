"""What a person reads where no command can cause it in an example."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from etl.errors import EtlError
from etl.live.approving import approve
from etl.live.publishing import check_stored
from etl.live.starting import start
from etl.pleo.client import PleoClient
from etl.pleo.sandbox import Manners
from tests.fakes.items import item
from tests.fakes.transport import SandboxTransport
from tests.unit.live.scene import Scene


def test_layers_that_do_not_agree(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real = PleoClient.export_items
    monkeypatch.setattr(PleoClient, "export_items", lambda self, job: real(self, job)[:-1])
    scene.export()
    with pytest.raises(EtlError) as caught:
        scene.run()
    (problem,) = caught.value.problems
    assert (problem.code, caught.value.exit_code) == ("JOB-4", 3)
    assert "has 3 items, but Pleo lists 3 of them and gives the content of 2" in problem.what
    assert "run it again" in problem.fix


def test_an_item_without_an_id_is_not_passed_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = PleoClient.export_items

    def broken(client: PleoClient, job: str) -> list[bytes]:
        _, *others = real(client, job)
        return [b'{"accountingEntryId": ', *others]

    monkeypatch.setattr(PleoClient, "export_items", broken)
    scene.export()
    with pytest.raises(EtlError, match="JOB-4"):
        scene.run()


def test_an_item_twice_in_a_job(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real = PleoClient.export_items

    def twice(client: PleoClient, job: str) -> list[bytes]:
        first, *others = real(client, job)
        return [first, first, *others]

    monkeypatch.setattr(PleoClient, "export_items", twice)
    job = scene.export()
    staged = scene.run()
    (problem,) = staged.problems
    assert (problem.code, staged.exit_code) == ("JOB-8", 2)
    assert "stands twice" in problem.what
    scene.release()
    assert (job.status, job.failure_type) == ("failed", "validation_failure")
    assert scene.released() == []


@pytest.mark.parametrize("layer", ["items", "export-items"])
def test_an_item_that_pleo_lists_on_two_pages(
    scene: Scene, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once more on the last page, and counted so: to try again would never help."""
    scene.pleo.manners = Manners(largest_page=2)
    real, first = SandboxTransport.handle_request, []

    def twice(transport: SandboxTransport, request: httpx.Request) -> httpx.Response:
        response = real(transport, request)
        if not request.url.path.endswith(f"/{layer}"):
            return response
        document = json.loads(response.read())
        document["pagination"]["total"] += 1
        first.extend(document["data"][:1])
        if not document["pagination"]["hasNextPage"]:
            document["data"].append(first[0])
        del response.headers["content-length"]
        stream = httpx.ByteStream(json.dumps(document).encode())
        return httpx.Response(200, headers=response.headers, stream=stream)

    monkeypatch.setattr(SandboxTransport, "handle_request", twice)
    job = scene.export()
    staged = scene.run()
    (problem,) = staged.problems
    assert (problem.code, staged.exit_code) == ("JOB-8", 2)
    assert problem.what == f"an item stands twice in the job: {min(scene.entries)}"
    assert problem.fix.startswith("export the items again in Pleo")
    monkeypatch.setattr(SandboxTransport, "handle_request", real)
    again = scene.run()  # it was the way: nothing is lost
    assert (again.word, again.problems, job.status) == ("staged", (), "pending")


def test_an_item_that_a_person_must_look_at_unattended(scene: Scene) -> None:
    job = scene.export([scene.company.add(item(n=9, note="ask: is this private?"))])
    scene.run_release()
    from etl.codes import CODES

    (shown,) = job.items.values()
    assert shown.failure_type == CODES["JOB-11"].failure_type == "validation_failure"
    assert shown.failure_reason == (
        "a person must look at this item first (ASKED) – export it again and review the batch"
        " before it is released"
    )


def test_an_approval_of_what_is_no_longer_there(scene: Scene) -> None:
    scene.export()
    seen = scene.run().batch
    assert seen is not None
    scene.settings["text"] = "other"
    now = scene.run().batch
    assert now is not None
    with scene.desk() as desk, pytest.raises(EtlError) as caught:
        approve(desk, now, by="Ann", content=seen.content)
    (problem,) = caught.value.problems
    assert (problem.code, caught.value.exit_code) == ("REL-2", 2)
    assert "it is revision 2 now" in problem.what


def test_a_job_in_a_state_that_nobody_knows(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.export()
    scene.run()
    scene.approve()
    real = PleoClient.get_job
    monkeypatch.setattr(
        PleoClient, "get_job", lambda self, job: replace(real(self, job), status="paused")
    )
    with scene.desk() as desk:
        batch = desk.unsettled()
        assert batch is not None
        with pytest.raises(EtlError) as caught:
            start(desk, batch)
    (problem,) = caught.value.problems
    assert (problem.code, caught.value.exit_code) == ("REL-6", 3)
    assert 'as "paused"' in problem.what
    assert scene.batch().seq == batch.seq


def test_a_folder_that_stands_where_the_batch_would_go(scene: Scene) -> None:
    scene.export()
    batch = scene.run().batch
    assert batch is not None
    scene.stopped(scene.release, "after", "tx publish_intended")
    other = scene.root / "outbox" / "acme" / f"0001-{batch.id}"
    other.mkdir(parents=True)
    (other / "mine.txt").write_text("mine")
    with pytest.raises(EtlError) as caught:
        scene.release()
    (problem,) = caught.value.problems
    assert (problem.code, caught.value.exit_code) == ("REL-9", 2)
    assert problem.where == f"outbox/acme/0001-{batch.id}"
    assert [path.name for path in other.iterdir()] == ["mine.txt"]


def test_stored_files_of_a_batch_without_job_that_were_changed(scene: Scene) -> None:
    scene.export()
    batch = scene.run().batch
    assert batch is not None
    with scene.desk() as desk:
        check_stored(desk, batch)
        path = next(desk.stored(batch).revision_folder(1).glob("*.csv"))
        path.write_text(path.read_text() + "x")
        with pytest.raises(EtlError) as caught:
            check_stored(desk, batch)
    (problem,) = caught.value.problems
    assert (problem.code, caught.value.exit_code) == ("REL-10", 2)
    assert "were changed" in problem.what
