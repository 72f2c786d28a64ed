"""Tokens that rotate: one refresh at a time, kept before it is used, whatever stops it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from etl.errors import EtlError, TryLater, UserMustFix
from etl.pleo import oauth
from etl.pleo.client import PleoClient
from etl.pleo.keeping import KeptTokens, lock_path
from etl.pleo.oauth import OAuthTokens
from etl.pleo.tokens import NeverAsked, OAuthClient
from etl.secret import Secret
from tests.fakes.oauth import Door, Noted, door

QUARTER = 15 * 60  # seconds an access token of the sandbox lasts
LEAD = 120  # of which these are not used


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Door]:
    with door(tmp_path / "kept") as found:
        found.log_in()
        yield found


def code_of_problem(error: EtlError) -> str:
    return error.problems[0].code


def test_a_login_opens_the_company(opened: Door) -> None:
    tokens = opened.tokens()
    assert opened.opens(tokens.authorize())
    assert tokens.scopes == ("export-items:read", "export-jobs:read", "export-jobs:write")
    assert opened.asked() == 1  # the code; nothing was renewed


def test_a_token_is_renewed_two_minutes_before_its_end(opened: Door) -> None:
    tokens = opened.tokens()
    first = tokens.authorize()
    opened.pleo.advance(QUARTER - LEAD - 1)
    assert tokens.authorize() == first
    opened.pleo.advance(1)
    second = tokens.authorize()
    assert second != first
    assert (opened.opens(first), opened.opens(second)) == (False, True)  # the old one is void
    kept = opened.place.read()
    assert isinstance(kept, KeptTokens)
    assert (kept.turn, kept.is_turning) == (2, False)
    assert kept.ends_at == opened.clock.now() + timedelta(seconds=QUARTER)


def test_a_refused_token_is_renewed_once_for_all_who_sent_it(opened: Door) -> None:
    tokens = opened.tokens()
    sent = threading.Barrier(8)

    def ask(_number: int) -> bool:
        first = tokens.authorize()
        sent.wait(10)  # all eight have sent the same token, and all are refused
        assert tokens.renew()
        return tokens.authorize() != first

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))
    assert opened.asked() == 2  # the code and one refresh
    assert opened.refused() == 0


def test_eight_threads_make_one_refresh(opened: Door) -> None:
    opened.pleo.advance(QUARTER)
    shared = opened.tokens()
    own = [opened.tokens() for _ in range(4)]
    begin = threading.Barrier(8)

    def ask(tokens: OAuthTokens) -> bool:
        begin.wait(10)
        return opened.opens(tokens.authorize())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, [shared] * 4 + own))
    assert (opened.asked(), opened.refused()) == (2, 0)


def test_without_the_lock_there_would_be_more_than_one(
    opened: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant: what the two tests around this one are for."""
    monkeypatch.setattr(oauth, "locked", lambda _path: nullcontext())
    opened.pleo.faults.add("slow=0.2@token:1-")
    opened.pleo.advance(QUARTER)
    own = [opened.tokens() for _ in range(4)]
    begin = threading.Barrier(4)

    def ask(tokens: OAuthTokens) -> bool:
        begin.wait(10)
        try:
            return opened.opens(tokens.authorize())
        except EtlError:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert not all(pool.map(ask, own))
    assert opened.asked() > 2


PROCESS = """
import sys, datetime
from pathlib import Path
import httpx
from etl.pleo.keeping import FilePlace, lock_path
from etl.pleo.oauth import OAuthTokens
from etl.pleo.tokens import OAuthClient, TokenEndpoint
from etl.secret import Secret

base_url, company, folder, moment, stop = sys.argv[1:]
client, secret = sys.stdin.readline().split()

class Clock:
    def now(self):
        return datetime.datetime.fromisoformat(moment)

class Stopping(FilePlace):
    def write(self, kept):
        self.wait("before " + ("note" if kept.is_turning else "pair"))
        super().write(kept)
        self.wait("after " + ("note" if kept.is_turning else "pair"))

    def wait(self, step):
        if step == stop:
            print("stopped", flush=True)
            sys.stdin.readline()

place = Stopping(base_url, company, folder=Path(folder))
endpoint = TokenEndpoint(base_url + "/oauth/token", OAuthClient(client, Secret(secret), "basic"))
lock = lock_path(base_url, company, folder=Path(folder))
tokens = OAuthTokens(place.read(), place=place, lock=lock, endpoint=endpoint, clock=Clock())
print("ready", flush=True)
sys.stdin.readline()
for _ in range(5):
    headers = {"authorization": tokens.authorize()}
    answer = httpx.get(base_url + "/v3/export-jobs", headers=headers, trust_env=False)
    print(answer.status_code, flush=True)
"""


def begin_process(opened: Door, *, stop: str = "nowhere") -> subprocess.Popen[str]:
    """Begin a process that uses the tokens; the secret goes in by its standard input."""
    words = [opened.address.base_url, opened.company.id, str(opened.folder)]
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, *words, opened.clock.now().isoformat(), stop],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    tell(process, f"{opened.client.id} {opened.registered.secret}")
    return process


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout
    assert process.stdout.readline() == f"{word}\n"


@pytest.mark.parametrize(
    ("stop", "asked", "is_lost"),
    [("before note", 1, False), ("after note", 1, False), ("before pair", 2, True),
     ("after pair", 2, False)],
)  # fmt: skip
def test_a_killed_process_holds_nobody_up_and_loses_no_more_than_its_answer(
    opened: Door, stop: str, asked: int, is_lost: bool
) -> None:
    opened.pleo.advance(QUARTER)
    process = begin_process(opened, stop=stop)
    hear(process, "ready")
    tell(process, "go")
    hear(process, "stopped")  # it holds the lock, here and now
    assert opened.asked() == asked
    process.kill()
    process.communicate(timeout=30)
    if is_lost:
        with pytest.raises(UserMustFix, match="answer was lost"):
            opened.tokens().authorize()
        assert opened.place.read() is None
    else:
        assert opened.opens(opened.tokens().authorize())
        assert (opened.asked(), opened.refused()) == (2, 0)
    assert {path.suffix for path in opened.folder.iterdir()} <= {".json", ".lock"}


def test_four_processes_make_one_refresh(opened: Door) -> None:
    opened.pleo.advance(QUARTER)
    begun = [begin_process(opened) for _ in range(4)]
    for process in begun:
        hear(process, "ready")
    for process in begun:
        tell(process, "go")
    told = [process.communicate(timeout=30)[0].split() for process in begun]
    assert told == [["200"] * 5] * 4
    assert (opened.asked(), opened.refused()) == (2, 0)


def test_another_process_has_renewed_meanwhile(opened: Door) -> None:
    slow, quick = opened.tokens(), opened.tokens()
    slow.authorize()
    opened.pleo.advance(QUARTER)
    quick.authorize()
    assert opened.opens(slow.authorize())
    assert opened.asked() == 2
    # and one that learns it only by a refusal
    third = opened.tokens()
    third.authorize()
    opened.pleo.advance(60)
    quick.authorize()
    quick.renew()
    assert not opened.opens(third.authorize())
    assert third.renew()
    assert opened.opens(third.authorize())
    assert opened.asked() == 3


# ── stops at every step of a refresh ──


def stop_at(opened: Door, step: int) -> Noted:
    """Give a place that stops the process at its step: 0 before "begun", 1 before the pair."""
    return Noted(opened.place, fail_at=step)


def test_stopped_before_it_was_begun(opened: Door) -> None:
    opened.pleo.advance(QUARTER)
    with pytest.raises(OSError, match="no space"):
        opened.tokens(place=stop_at(opened, 0)).authorize()
    assert opened.asked() == 1  # Pleo was not asked: the old pair is as good as it was
    assert opened.opens(opened.tokens().authorize())


def test_stopped_after_it_was_begun_and_before_pleo_was_asked(opened: Door) -> None:
    opened.pleo.advance(QUARTER)
    kept = opened.place.read()
    assert isinstance(kept, KeptTokens)
    opened.place.write(replace(kept, is_turning=True))
    assert opened.opens(opened.tokens().authorize())
    assert (opened.asked(), opened.refused()) == (2, 0)


def test_stopped_after_pleo_answered_and_before_the_pair_was_kept(opened: Door) -> None:
    opened.pleo.advance(QUARTER)
    with pytest.raises(OSError, match="no space"):
        opened.tokens(place=stop_at(opened, 1)).authorize()
    with pytest.raises(UserMustFix) as caught:
        opened.tokens().authorize()
    problem = caught.value.problems[0]
    assert problem.code == "AUTH-7"
    assert "answer was lost" in problem.what
    assert "log in again" in problem.fix
    assert opened.place.read() is None  # nothing is kept half


def test_stopped_after_the_pair_was_kept_and_before_it_was_used(opened: Door) -> None:
    opened.pleo.advance(QUARTER)
    opened.tokens().authorize()  # and never sent
    again = opened.tokens()
    assert opened.opens(again.authorize())
    assert (opened.asked(), opened.refused()) == (2, 0)


def test_the_next_pair_is_kept_before_it_is_used(opened: Door) -> None:
    opened.pleo.advance(QUARTER)
    place = Noted(opened.place)
    used = opened.tokens(place=place).authorize()
    begun, pair = place.kept
    assert isinstance(begun, KeptTokens)
    assert isinstance(pair, KeptTokens)
    assert begun.is_turning
    assert not pair.is_turning
    assert used == f"Bearer {pair.access.reveal()}"


def test_a_pair_that_cannot_be_kept_is_not_used(
    opened: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl import files

    opened.pleo.advance(QUARTER)
    tokens, write, written = opened.tokens(), files.write_private, []

    def second_fails(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 2:
            raise files.cannot_write(path, OSError(28, "No space left on device"))
        write(path, content)

    monkeypatch.setattr(files, "write_private", second_fails)
    with pytest.raises(UserMustFix) as caught:
        tokens.authorize()
    assert [problem.code for problem in caught.value.problems] == ["OUT-2", "AUTH-7"]


# ── what Pleo answers ──


def test_a_refused_refresh_says_log_in_again_and_keeps_nothing(opened: Door) -> None:
    tokens = opened.tokens()
    opened.pleo.advance(61 * 86400)  # refresh tokens last 60 days
    with pytest.raises(UserMustFix) as caught:
        tokens.authorize()
    assert code_of_problem(caught.value) == "AUTH-7"
    assert opened.place.read() is None
    assert [path.suffix for path in opened.folder.iterdir()] == [".lock"]
    with pytest.raises(UserMustFix, match="no longer kept"):  # a thread that asks again
        tokens.authorize()
    assert opened.asked() == 2


def test_an_old_refresh_token_voids_everything(opened: Door) -> None:
    """The guard against which a broken client would run."""
    first = opened.place.read()
    assert isinstance(first, KeptTokens)
    opened.pleo.advance(QUARTER)
    second = opened.tokens().authorize()
    assert opened.opens(second)
    opened.place.write(first)  # as a client that does not keep the next pair
    with pytest.raises(UserMustFix):
        opened.tokens().authorize()
    assert not opened.opens(second)


@pytest.mark.parametrize("fault", ["error=503@token", "error-after=500@token",
                                   "lost-answer@token", "lost-request@token", "html@token",
                                   "truncated@token"])  # fmt: skip
def test_an_unknown_outcome_is_not_asked_again_at_once(opened: Door, fault: str) -> None:
    opened.pleo.advance(QUARTER)
    opened.pleo.faults.add(fault)
    tokens = opened.tokens()
    with pytest.raises(TryLater) as caught:
        tokens.authorize()
    assert code_of_problem(caught.value) == "AUTH-6"
    kept = opened.place.read()
    assert isinstance(kept, KeptTokens)
    assert kept.is_turning
    has_effect = fault.split("@")[0] not in ("error=503", "lost-request")
    if has_effect:
        with pytest.raises(UserMustFix, match="answer was lost"):
            tokens.authorize()
    else:
        assert opened.opens(tokens.authorize())


def test_asked_to_come_later_the_old_token_serves_as_long_as_it_lasts(opened: Door) -> None:
    opened.pleo.faults.add("limited@token:1-2")
    tokens = opened.tokens()
    first = tokens.authorize()
    opened.pleo.advance(QUARTER - 1)
    assert tokens.authorize() == first
    opened.pleo.advance(1)
    with pytest.raises(TryLater):
        tokens.authorize()
    assert opened.opens(tokens.authorize())  # nothing was lost


def test_a_server_that_is_not_there_costs_nothing(tmp_path: Path) -> None:
    with door(tmp_path) as gone:
        before = gone.log_in()
        tokens = gone.tokens()
    gone.pleo.advance(QUARTER)
    with pytest.raises(TryLater, match="cannot be reached"):
        tokens.authorize()
    assert gone.place.read() == before


def test_a_client_that_pleo_does_not_know_loses_no_tokens(opened: Door) -> None:
    before = opened.place.read()
    wrong = OAuthClient(opened.client.id, Secret("wrong"), "basic")
    opened.pleo.advance(QUARTER)
    assert isinstance(before, KeptTokens)
    tokens = OAuthTokens(
        before, place=opened.place, lock=opened.folder / "lock",
        endpoint=opened.endpoint(client=wrong), clock=opened.clock,
    )  # fmt: skip
    with pytest.raises(UserMustFix) as caught:
        tokens.authorize()
    assert code_of_problem(caught.value) == "AUTH-5"
    assert opened.place.read() == before
    assert opened.opens(opened.tokens().authorize())


@pytest.mark.parametrize("method", ["basic", "post"])
def test_the_client_shows_its_secret_in_either_way(opened: Door, method: str) -> None:
    opened.pleo.authorizations.clients[opened.client.id] = replace(
        opened.registered, methods=frozenset({method})
    )
    first = opened.place.read()
    assert isinstance(first, KeptTokens)
    login = opened.pleo.authorizations.logins[0]
    login.client = opened.pleo.authorizations.clients[opened.client.id]
    other = {"basic": "post", "post": "basic"}[method]
    with pytest.raises(NeverAsked, match="does not accept the OAuth client"):
        opened.endpoint(client=replace(opened.client, method=other)).refresh(first.refresh)
    granted = opened.endpoint(client=replace(opened.client, method=method)).refresh(first.refresh)
    assert opened.opens(f"Bearer {granted.access.reveal()}")


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (lambda form: form | {"code_verifier": "x" * 43}, 400),
        (lambda form: form | {"redirect_uri": "http://127.0.0.1:1/callback"}, 400),
        (lambda form: {k: v for k, v in form.items() if k != "code_verifier"}, 400),
        (lambda form: form, 200),
    ],
)
def test_the_sandbox_takes_a_code_only_with_its_verifier(
    opened: Door, spoil: Callable[[dict[str, str]], dict[str, str]], wanted: int
) -> None:
    import httpx

    from etl.pleo.loopback import code_of

    consent = opened.consent()
    code = code_of(consent, opened.approve(consent)).reveal()
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": consent.redirect_uri,
        "code_verifier": consent.verifier.reveal(),
    }  # fmt: skip
    auth = (opened.client.id, opened.registered.secret or "")
    url = opened.address.token_url
    answer = httpx.post(url, data=spoil(form), auth=auth, trust_env=False)
    assert answer.status_code == wanted
    again = httpx.post(url, data=form, auth=auth, trust_env=False)
    assert again.json() == {"error": "invalid_grant"}  # a code is good once
    if wanted == 200:  # and a code that comes twice voids what it gave
        bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
        jobs = httpx.get(f"{opened.address.base_url}/v3/export-jobs", headers=bearer,
                         trust_env=False)  # fmt: skip
        assert jobs.status_code == 401


def test_the_client_of_pleo_goes_on_with_the_next_token(opened: Door) -> None:
    """In the middle of a run the token turns out to be void: one refresh, and the run goes on."""
    tokens = opened.tokens()
    with PleoClient(opened.address, credential=tokens, clock=opened.clock) as pleo:
        assert pleo.list_jobs(opened.company.id) == []
        opened.pleo.access.revoke(opened.pleo.authorizations.logins[0].access)
        opened.pleo.add_job(opened.company)
        assert len(pleo.list_jobs(opened.company.id)) == 1
        opened.pleo.advance(QUARTER - LEAD)
        assert len(pleo.list_jobs(opened.company.id)) == 1
    assert opened.asked() == 3  # the code, one refresh after the refusal, one in time
    assert opened.refused() == 1


def test_a_run_whose_login_is_over_stops_with_log_in_again(opened: Door) -> None:
    with PleoClient(opened.address, credential=opened.tokens(), clock=opened.clock) as pleo:
        opened.pleo.advance(61 * 86400)
        with pytest.raises(UserMustFix) as caught:
            pleo.list_jobs(opened.company.id)
    assert code_of_problem(caught.value) == "AUTH-7"
    assert caught.value.exit_code == 2


def test_a_login_that_pleo_has_ended_is_told_by_the_next_request(opened: Door) -> None:
    with PleoClient(opened.address, credential=opened.tokens(), clock=opened.clock) as pleo:
        pleo.list_jobs(opened.company.id)
        login = opened.pleo.authorizations.logins[0]
        login.is_void = True
        opened.pleo.access.revoke(login.access)
        with pytest.raises(UserMustFix) as caught:
            pleo.list_jobs(opened.company.id)
    assert code_of_problem(caught.value) == "AUTH-7"
    assert opened.place.read() is None


def test_a_login_that_another_one_holds_for_too_long(
    opened: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth, "MAX_WAIT", 0.01)
    lock = lock_path(opened.address.base_url, opened.company.id, folder=opened.folder)
    opened.pleo.advance(QUARTER)
    with oauth.locked(lock), pytest.raises(TryLater) as caught:
        opened.tokens().authorize()
    assert code_of_problem(caught.value) == "AUTH-6"
    assert "another pleo-etl is renewing this login" in caught.value.problems[0].what
    assert opened.asked() == 1
    assert lock.stat().st_mode & 0o777 == 0o600


def test_a_new_login_serves_whoever_used_the_old_one(opened: Door) -> None:
    tokens = opened.tokens()
    first = tokens.authorize()
    opened.log_in()
    opened.pleo.advance(QUARTER - LEAD - 1)
    assert tokens.authorize() == first  # as long as it lasts
    opened.pleo.advance(1)
    kept = opened.place.read()
    assert isinstance(kept, KeptTokens)
    assert opened.opens(tokens.authorize())
    assert opened.asked() == 3
