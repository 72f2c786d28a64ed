"""`pleo-etl verify`: prove a conversion again, from its files alone."""

from __future__ import annotations

from pathlib import Path

import click

from etl.cli import talk
from etl.errors import EXIT_GOOD, EXIT_USER


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
        files, rows = talk.counted(proof.files, "file"), talk.counted(proof.rows, "row")
        talk.say(f"proved: {files}, {rows}, content {proof.content}")
    return code
