"""`pleo-etl demo`: a complete export against a Pleo of its own, without an account or a network."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.cli import talk
from etl.cli.live import Told, Turn, ledger_of
from etl.cli.outcomes import REVIEW, say_wrapped
from etl.cli.surroundings import Surroundings
from etl.errors import EXIT_GOOD, Problem, UserMustFix
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.pleo.sandbox import Pleo, RunningSandbox
    from etl.pleo.sandbox.jobs import Job
    from etl.workspace import Workspace

FOLDER = "pleo-etl-demo"
COMPANY = "example"
KEY_VARIABLE = "PLEO_API_KEY_EXAMPLE"
WHO = "you, in the demo"
MARK = "# The workspace of `pleo-etl demo`: its Pleo is gone when the demo ends."
WORKSPACE = """\
{mark}
pleo: {{base_url: "{base_url}"}}
companies:
  {company}:
    id: {id}
    template: datev-extf
    parameters: {{consultant_number: 1001, client_number: 42}}
    mapping: mappings/example.yaml
"""


@dataclass
class _Demo:
    """What one demo works with, and what it has done so far."""

    pleo: Pleo
    job: Job
    turn: Turn
    steps: list[dict[str, Any]] = field(default_factory=list)

    def step(self, does: str, command: str, act: Callable[[Turn], Told]) -> Told:
        """Say what a command is for, run it as it is run by a person, and keep what it says."""
        talk.say("")
        say_wrapped(f"{len(self.steps) + 1}. {does}")
        talk.say(f"$ {command}")
        told = act(self.turn)
        self.steps.append({"command": command, "outcome": told.word, "exit_code": told.exit_code})
        return told


@click.command("demo")
@talk.json_option
def command(as_json: bool) -> int:
    """Run a complete export in ./pleo-etl-demo.

    With a Pleo of its own: fetches the sample items, makes the import file with its receipts,
    releases it, and reports every item; says step by step what happened, and what to open next. One
    of the items is rejected, to show what that looks like. Said again, it exports once more.

    \b
    pleo-etl demo
    """
    with _running() as running:
        workspace = _workspace(running)
        turn = Turn(workspace, COMPANY, Surroundings(folder=Path(FOLDER), attended=False))
        times = _times(turn)
        company = _add_company(running.pleo, time=times + 1)
        demo = _Demo(running.pleo, running.pleo.add_job(company), turn)
        with _key_in_environment(running.pleo.add_key([company])):
            released = _go(demo, time=times + 1)
    folder = Path(FOLDER) / "outbox" / COMPANY / _name_of(released)
    _say_next(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if as_json:
        talk.give_json(_document(demo, released, folder))
    else:
        for path in files:
            talk.give(str(path))
    return EXIT_GOOD


@contextmanager
def _running() -> Iterator[RunningSandbox]:
    """Run a Pleo of the demo's own on this machine."""
    from etl.clock import now
    from etl.pleo.sandbox import Pleo, RunningSandbox, SandboxClock

    with RunningSandbox(Pleo(clock=SandboxClock(now(), is_running=True))) as running:
        yield running


def _workspace(running: RunningSandbox) -> Workspace:
    """Write the workspace, or the new address into the one that is there; mappings stay."""
    from etl.files import write_atomic
    from etl.pleo.sandbox import SAMPLES
    from etl.shipped import shipped_folder
    from etl.workspace import WORKSPACE_FILE, load_workspace

    path = Path(FOLDER) / WORKSPACE_FILE
    if path.exists() and not path.read_text(encoding="utf-8").startswith(MARK):
        what = f"{path} was not written by the demo"
        fix = "run the demo in another folder, or move that one away"
        raise UserMustFix(Problem("WS-4", what, FOLDER, fix))
    mappings = shipped_folder("mappings")
    for source in [mappings / "example.yaml", *sorted((mappings / "example").rglob("*"))]:
        target = Path(FOLDER) / "mappings" / source.relative_to(mappings)
        if source.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(target, source.read_bytes())
    words = {"mark": MARK, "base_url": running.base_url, "company": COMPANY}
    text = WORKSPACE.format(id=SAMPLES[COMPANY][0], **words)
    write_atomic(path, text.encode())
    return load_workspace(path.absolute())


def _times(turn: Turn) -> int:
    """Count the demos that ran in this folder before, which may have left nothing unfinished."""
    company_id = turn.workspace.companies[COMPANY].id
    with ledger_of(turn) as ledger:
        batches = ledger.batches(company_id) if ledger else []
    if any(batch.is_unsettled for batch in batches):
        what = "an earlier demo was stopped in the middle, and its Pleo is gone"
        raise UserMustFix(
            Problem("CLI-6", what, FOLDER, f"remove the folder {FOLDER} and begin anew")
        )
    return len(batches)


def _add_company(pleo: Pleo, *, time: int) -> Any:
    """Add the sample company; from the second time on with new items like the first ones."""
    company = pleo.add_sample(COMPANY)
    if time > 1:
        entries, files = company.entries, company.files
        company.entries, company.files = {}, {}
        for entry_id, entry in entries.items():
            new = str(uuid.uuid5(uuid.UUID(entry_id), f"demo {time}"))
            company.entries[new] = entry | {"accountingEntryId": new}
            company.files[new] = files[entry_id]
    return company


@contextmanager
def _key_in_environment(key: str) -> Iterator[None]:
    """Give the demo's key to the commands in the environment; it is never in a file."""
    before = os.environ.get(KEY_VARIABLE)
    os.environ[KEY_VARIABLE] = key
    try:
        yield
    finally:
        if before is None:
            del os.environ[KEY_VARIABLE]
        else:
            os.environ[KEY_VARIABLE] = before


def _go(demo: _Demo, *, time: int) -> Told:
    """Take the steps of a bookkeeper, one after the other."""
    from etl.cli.answering import give_answer
    from etl.cli.imported import import_noted
    from etl.cli.release import release_staged
    from etl.cli.review import show_staged
    from etl.cli.run import fetch_and_stage

    say_wrapped(
        f"A complete export in ./{FOLDER}, with a Pleo of its own on this machine. Nothing is sent"
        " anywhere else, and no account is needed."
    )
    if time > 1:
        say_wrapped(
            f"This is export {time} in this folder: new items like those of the first one, and"
            " numbers that go on where the last batch ended."
        )
    count = counted(len(demo.job.items), "item")
    talk.say("")
    say_wrapped(f"In Pleo, somebody clicks on Export: {count} wait for one hour.")
    demo.step(
        "Fetch them with their receipts, and make the import file. Nothing is changed in Pleo.",
        "pleo-etl run", fetch_and_stage,
    )  # fmt: skip
    demo.step(
        "Look at what was made. A bookkeeper reads the page before going on.",
        "pleo-etl review", lambda turn: show_staged(turn, aside=True),
    )  # fmt: skip
    released = demo.step(
        "Release it: the export is started in Pleo, the files are made again and compared, put"
        " into the outbox, and every item is reported.",
        "pleo-etl release --yes", lambda turn: release_staged(turn, yes=True, by=WHO),
    )  # fmt: skip
    _say_what_pleo_has(demo)
    demo.step(
        "You import the file into your program; then you say so.",
        "pleo-etl imported",
        lambda turn: give_answer(turn, import_noted(WHO), batch=None, yes=True),
    )  # fmt: skip
    return released


def _say_what_pleo_has(demo: _Demo) -> None:
    statuses = [item.status for item in demo.job.items.values()]
    say_wrapped(
        f"Pleo has it now: {statuses.count('successful')} exported,"
        f" {statuses.count('failed')} failed; the export is {demo.job.status.replace('_', ' ')}."
    )
    for item in demo.job.items.values():
        if item.failure_reason:
            say_wrapped(f"  {item.failure_type}: {item.failure_reason}")


def _name_of(released: Told) -> str:
    batch = released.document["batch"]
    return f"{batch['number']:04d}-{batch['id']}"


def _say_next(folder: Path) -> None:
    """Say what to open, and what to try."""
    talk.say("")
    talk.say("open next, what a bookkeeper reads:")
    talk.say(f"  {folder / REVIEW}")
    talk.say("what was rejected, and what to do about it:")
    talk.say(f"  {folder / 'rejections.csv'}")
    talk.say("why each value is what it is, and the proof again, from the files alone:")
    talk.say(f"  pleo-etl explain 4114001 {folder}")
    talk.say(f"  pleo-etl verify {folder}")
    talk.say("who released what and when:")
    talk.say(f"  cd {FOLDER} && pleo-etl history")
    talk.say("")


def _document(demo: _Demo, released: Told, folder: Path) -> dict[str, Any]:
    items = [item.status for item in demo.job.items.values()]
    return {
        "exit_code": EXIT_GOOD,
        "errors": [],
        "folder": FOLDER,
        "released": str(folder),
        "batch": released.document["batch"],
        "pleo": {
            "job": demo.job.status,
            "items": {status: items.count(status) for status in sorted(set(items))},
        },
        "steps": demo.steps,
    }
