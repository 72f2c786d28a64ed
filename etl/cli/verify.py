"""`pleo-etl verify`: prove a conversion again, from its files alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl.cli import talk
from etl.errors import EXIT_GOOD, EXIT_USER
from etl.sentences import counted

if TYPE_CHECKING:
    from etl.verification import Proof


@click.command("verify")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@talk.json_option
def command(folder: Path, as_json: bool) -> int:
    """Prove a conversion again from its files.

    Reads every file back, rebuilds the postings from the bytes, and compares hashes, rows and
    totals with the manifest. Names the file and the line that differ.

    \b
    pleo-etl verify out
    """
    from etl.verification import verify_folder

    proof = verify_folder(folder)
    code = EXIT_USER if proof.problems else EXIT_GOOD
    talk.show_problems(proof.problems)
    if as_json:
        talk.give_json(
            {
                "exit_code": code,
                "errors": [talk.as_dict(problem) for problem in proof.problems],
                "ok": not proof.problems,
                "content": proof.content,
                "files": proof.files,
                "rows": proof.rows,
                "remarks": proof.remarks,
            }
        )
    for remark in proof.remarks:
        talk.say(remark)
    if not proof.problems:
        talk.say(_verdict(proof))
    return code


#: Characters of a hash that tell it from every other one a reader meets.
SHOWN_OF_HASH = 12


def _verdict(proof: Proof) -> str:
    """Say what was proved, in words."""
    if not proof.files:
        return f"nothing was rendered{_why_nothing(proof)}; the reports are as they were written"
    files, rows = counted(proof.files, "file"), counted(proof.rows, "row")
    return (
        f"proved: {files}, {rows}; nothing has changed since\n"
        f"  content {proof.content[:SHOWN_OF_HASH]}: so begins the hash of files, verdicts and"
        " receipts, the same as in the manifest"
    )


def _why_nothing(proof: Proof) -> str:
    if not proof.items:
        return ", as no item was listed"
    if proof.rejected < proof.items:
        return ", as there was nothing to book"
    return (
        ", as the item was rejected"
        if proof.items == 1
        else (f", as all {proof.items} items were rejected")
    )
