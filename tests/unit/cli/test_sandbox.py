"""`pleo-etl sandbox`: what it prints works, and a wrong call is told."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from click.testing import CliRunner

from etl.cli import main
from etl.pleo.loopback import DEFAULT_PORT, begin_consent, code_of
from etl.pleo.sandbox import KINDS, OPERATIONS, SAMPLES

COMMAND = [sys.executable, "-m", "etl.cli", "sandbox", "--port", "0"]


@contextmanager
def running(*words: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def told(process: subprocess.Popen[str], last: str) -> str:
    """Read what it says up to its last line."""
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith(last):
            break
    return "".join(lines)


def test_what_it_says_to_try_works_until_ctrl_c() -> None:
    with running("--company", "example-uk") as process:
        says = told(process, "A job ends")
        calls = [shlex.split(line) for line in says.splitlines() if line.startswith("  curl ")]
        statuses = []
        for call in calls:
            auth = httpx.BasicAuth(call[2].removesuffix(":"), "")
            body = call[5] if "-d" in call else None
            with httpx.Client(auth=auth, trust_env=False) as client:
                got = client.request("POST" if body else "GET", call[3], content=body)
            statuses.append(got.status_code)
        assert statuses == [200, 200, 202, 200]
        process.send_signal(signal.SIGINT)
        out, end = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in end
    assert re.search(r"base URL: http://127\.0\.0\.1:[0-9]+\n", out)
    assert SAMPLES["example-uk"][0] in out
    assert SAMPLES["example"][0] not in out


def test_as_json_a_program_learns_what_it_needs_and_faults_are_made() -> None:
    with running("--json", "--fault", "error=503@list-jobs:1", "--seed", "5") as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "}\n":
                break
        document = json.loads("".join(lines))
        assert [company["name"] for company in document["companies"]] == list(SAMPLES)
        first = document["companies"][0]
        with httpx.Client(auth=(first["api_key"], ""), trust_env=False) as client:
            url = document["base_url"] + "/v3/export-jobs"
            assert client.get(url).status_code == 503
            (job,) = client.get(url).json()["data"]
            consent = begin_consent(
                document["base_url"] + "/oauth/authorize", first["client_id"], port=DEFAULT_PORT
            )
            back = client.get(consent.address).headers["location"]
        assert job["id"] == first["job"]
        assert code_of(consent, back)
        assert len(first["client_secret"]) == 64


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--company", "acme"], 'there is no company "acme"; there are example'),
        (["--fault", "lost"], 'there is no fault "lost"'),
        (["--port", "70000"], "70000 is not in the range"),
    ],
)
def test_a_wrong_call_is_told(words: list[str], what: str) -> None:
    result = CliRunner().invoke(main, ["sandbox", *words])
    assert (result.exit_code, result.stdout) == (2, "")
    assert what in result.stderr


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(main, ["sandbox", "--port", str(taken.getsockname()[1])])
    assert result.exit_code == 2
    assert "is not free" in result.stderr


def test_the_help_names_every_fault_operation_and_company() -> None:
    words = set(re.findall("[a-z-]+", CliRunner().invoke(main, ["sandbox", "--help"]).stdout))
    assert {*KINDS, *OPERATIONS, *SAMPLES} <= words
