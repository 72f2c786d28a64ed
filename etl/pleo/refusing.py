"""Says what went wrong with a call, in words for a bookkeeper and by what can be done about it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta

from etl.errors import EtlError, Problem
from etl.pleo.exchange import MAX_BODY, Lost, Question, Reply
from etl.pleo.failures import (
    AnswerTooLarge,
    BadAnswer,
    CredentialRefused,
    JobNotFound,
    JobOver,
    ListsDisagree,
    MissingContraAccounts,
    OutcomeUnknown,
    PleoRefused,
    PleoUnavailable,
    RateLimited,
    StatusChangeRefused,
)
from etl.pleo.reading import read_error
from etl.secret import Secret

#: Of a text by Pleo so much is shown.
MAX_SAID = 300
#: So many characters of a key give it away.
TELLING = 8
AGAIN = "run the same command again in a few minutes; nothing is lost"
REPORT = "run the same command again later; if it stays so, ask Pleo's support with this text"

#: Status and type of a refusal by Pleo -> what is raised, its code, what it means, and the fix.
_KNOWN: Mapping[tuple[int, str], tuple[type[EtlError], str, str, str]] = {
    (404, "export_not_found"): (
        JobNotFound, "PLEO-3", "Pleo does not know the export job",
        "look with `pleo-etl jobs` which jobs there are; the company may have lost access",
    ),
    (422, "export_job_status_unprocessable"): (
        JobOver, "PLEO-4", "the export job has ended in Pleo",
        "export the expenses again in Pleo, then `pleo-etl run`",
    ),
    (422, "invalid_export_job_status_change"): (
        StatusChangeRefused, "PLEO-5", "the export job is in a state that does not allow this",
        "look with `pleo-etl jobs` how the job stands",
    ),
    (400, "missing_contra_accounts"): (
        MissingContraAccounts, "PLEO-6", "contra accounts are missing in Pleo",
        "map every contra account in Pleo, Settings > Accounting, then export again",
    ),
}  # fmt: skip


def _problem(code: str, what: str, question: Question, *, fix: str) -> Problem:
    return Problem(code, what, f"Pleo, {question.about}", fix)


def lost(given: Lost, question: Question) -> PleoUnavailable | BadAnswer:
    """Say that no answer came, or none that can be read to its end."""
    if given.why == "large":
        what = f"Pleo's answer is larger than {MAX_BODY // 2**20} MiB"
        return AnswerTooLarge(_problem("NET-7", what, question, fix=REPORT))
    if given.why == "packed":
        return unreadable("it is packed in a way that was not asked for, or broken", question)
    if given.why == "certificate":
        what = "the server that answers for Pleo cannot prove that it is Pleo"
        fix = "ask who runs your network: a proxy may need its certificate in SSL_CERT_FILE"
        return PleoUnavailable(_problem("NET-2", what, question, fix=fix))
    if given.is_without_effect:
        fix = "look at the network, the proxy and pleo.base_url, then run the same command again"
        return PleoUnavailable(_problem("NET-1", "Pleo cannot be reached", question, fix=fix))
    return PleoUnavailable(
        _problem("NET-3", "Pleo does not answer, or breaks off", question, fix=AGAIN)
    )


def unreadable(why: str, question: Question) -> BadAnswer:
    """Say that an answer is not what it must be."""
    what = f"Pleo's answer cannot be read: {cleaned(why)}"
    return BadAnswer(_problem("NET-6", what, question, fix=REPORT))


def disagreeing(why: str, question: Question) -> ListsDisagree:
    """Say that the pages of a list do not fit together."""
    what = f"the pages of a list of Pleo do not fit together: {why}"
    return ListsDisagree(_problem("NET-8", what, question, fix=REPORT))


def foreign(question: Question) -> BadAnswer:
    """Say that a list of one company has a job of another."""
    what = "Pleo listed an export job of another company than was asked for"
    return BadAnswer(_problem("PLEO-8", what, question, fix=REPORT))


def no_job_id(given: str) -> JobNotFound:
    """Say that a text is no id of a job."""
    what = f'"{cleaned(given)}" is not the id of an export job'
    return JobNotFound(Problem("PLEO-3", what, "", "`pleo-etl jobs` lists the jobs with their ids"))


def unknown(question: Question) -> OutcomeUnknown:
    """Say that nobody knows whether a write took effect."""
    what = "Pleo may or may not have taken what was sent"
    fix = "run the same command again: it looks in Pleo first and sends nothing twice"
    return OutcomeUnknown(_problem("NET-5", what, question, fix=fix))


def limited(question: Question, *, until: datetime | None) -> RateLimited:
    """Say that Pleo asks for a pause longer than a command waits."""
    when = f" until {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
    what = f"Pleo accepts no more requests{when}"
    fix = "run the same command again then" if until else AGAIN
    return RateLimited(_problem("NET-4", what, question, fix=fix))


def end_of(at: datetime, seconds: float | None) -> datetime | None:
    """Give the moment to which Pleo asks to wait; None where it names none that is near."""
    try:
        return at + timedelta(seconds=seconds) if seconds else None
    except OverflowError:
        return None


def refusal(reply: Reply, question: Question, *, sent: Secret) -> EtlError:
    """Give what an answer that is no success means.

    Needs: the authorization that was sent, so that no text echoing it is shown.
    """
    kind, said = read_error(reply.body)
    words = _said(reply.status, kind, said, sent=sent)
    if reply.status in (401, 403):
        return _credential(reply.status, words, question, is_login=_is_login(sent))
    known = _known(reply.status, kind.casefold(), words, question)
    if known is not None:
        return known
    if reply.status >= 500:
        what = f"Pleo cannot answer now{words}"
        return PleoUnavailable(_problem("NET-9", what, question, fix=AGAIN))
    if reply.status < 400:
        return unreadable(f"status {reply.status} was not expected", question)
    fix = "see what Pleo says; look at pleo.base_url and the company id in pleo-etl.yaml"
    what = f"Pleo refuses the request{words}"
    return PleoRefused(_problem("PLEO-7", what, question, fix=fix), status=reply.status)


def _known(status: int, kind: str, words: str, question: Question) -> EtlError | None:
    """Give a refusal whose meaning Pleo documents; None for any other."""
    known = _KNOWN.get((status, kind))
    if known is None:
        return None
    error, code, what, fix = known
    return error(_problem(code, f"{what}{words}", question, fix=fix))


def _credential(
    status: int, words: str, question: Question, *, is_login: bool
) -> CredentialRefused:
    """Say that a key, or a login with a browser, does not open what it should."""
    if status == 401:
        what = f"Pleo does not accept the credential{words}"
        fix = (
            "make a new API key in Pleo, Settings > API Keys, and give it with `pleo-etl login`"
            " or in PLEO_API_KEY"
        )
        fix = "log in again with `pleo-etl login --oauth`" if is_login else fix
        return CredentialRefused(_problem("PLEO-1", what, question, fix=fix))
    what = f"the credential does not open this company, or lacks a permission{words}"
    fix = (
        f"the {'login' if is_login else 'key'} needs export-jobs:read, export-jobs:write and"
        " export-items:read for the company whose id is in pleo-etl.yaml"
    )
    fix += "; log in again with `pleo-etl login --oauth`" if is_login else ""
    return CredentialRefused(_problem("PLEO-2", what, question, fix=fix))


def _is_login(sent: Secret) -> bool:
    """Tell a token of a login from an API key, which goes out as Basic."""
    return sent.reveal().startswith("Bearer ")


def _said(status: int, kind: str, said: str, *, sent: Secret) -> str:
    """Give what Pleo says of an error as the end of a sentence, without anything secret."""
    kind, said = cleaned(kind), cleaned(said)
    if any(part in f"{kind} {said}" for part in _parts(sent)):
        kind = said = ""
    words = f'; it says "{said}"' if said else ""
    return f"{words} ({status} {kind})" if kind else f"{words} ({status})"


def _parts(sent: Secret) -> set[str]:
    """Give what would give a credential away: the header's value and the key in it, in parts."""
    token = sent.reveal().partition(" ")[2]
    try:
        key = base64.b64decode(token, validate=True).decode().rstrip(":")
    except (binascii.Error, UnicodeDecodeError):
        key = token
    parts = {part for one in (token, key) for part in (one, one[:TELLING], one[-TELLING:])}
    return {part for part in parts if len(part) >= TELLING}


def cleaned(text: str) -> str:
    """Give a stranger's text on one line, without control characters, and not too long."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * MAX_SAID])
    line = " ".join(printable.split()).rstrip(".!")
    return line if len(line) <= MAX_SAID else line[:MAX_SAID] + "…"
