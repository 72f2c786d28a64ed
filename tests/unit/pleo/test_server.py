"""The server: on this machine only, whole under several callers, and gone when it is closed."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from etl.pleo.sandbox import Pleo, RunningSandbox
from tests.fakes.pleo_client import Scene, basic, report


def test_only_this_machine_reaches_it(scene: Scene) -> None:
    assert scene.base_url.startswith("http://127.0.0.1:")


def test_a_taken_port_is_told(scene: Scene) -> None:
    port = int(scene.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        RunningSandbox(Pleo(), port=port)


def test_after_the_block_nothing_listens() -> None:
    with RunningSandbox(Pleo()) as running:
        port = running.port
    with socket.socket() as caller:
        assert caller.connect_ex(("127.0.0.1", port)) != 0


def test_a_caller_that_waits_does_not_keep_it_open() -> None:
    with RunningSandbox(Pleo()) as running:
        running.pleo.faults.add("slow=60")
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{running.base_url}/v3/export-jobs", timeout=0.1, trust_env=False)


def test_several_callers_at_once_get_whole_answers(scene: Scene) -> None:
    def call(entry: str) -> int:
        client = scene.open(basic(scene.key))
        return client.report(scene.job, report(entry)).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(call, scene.entries)) == {200}
    assert {item.status for item in scene.job.items.values()} == {"successful"}


def test_unknown_paths_and_methods_are_refused_in_form(scene: Scene) -> None:
    missing = scene.client.get("/v2/export-jobs")
    assert (missing.status_code, missing.json()["type"]) == (404, "not_found")
    client = scene.open(basic(scene.key), is_checked=False)
    wrong = client.http.delete("/v3/export-jobs")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "method_not_allowed")


def test_a_body_beyond_the_limit_is_refused(scene: Scene) -> None:
    client = scene.open(basic(scene.key), is_checked=False)
    answer = client.http.post("/v3/export-job-events", content=b" " * (4 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert scene.pleo.seen == []
