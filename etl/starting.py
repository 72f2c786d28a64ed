"""The first files of a workspace, a mapping and a template: each can be read as a lesson."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from etl.documents import near_match
from etl.errors import Problem, UserMustFix
from etl.files import cannot_write, write_atomic
from etl.shipped import shipped_templates
from etl.workspace import COMPANY_NAME, WORKSPACE_FILE

_WORKSPACE = """\
# Settings of this workspace. Secrets never stand here.
pleo: {{environment: production}}
companies:
  {company}:
    id: {id}      # to fill in: your company's id in Pleo
    template: {template}
    mapping: mappings/{company}.yaml
{parameters}
outbox: outbox
ledger: sqlite:///.pleo-etl/ledger.db
"""

_MAPPING = """\
# How Pleo's accounts, tax codes and tags become yours. Of several rules the first match wins;
# an item that no rule matches is rejected, never guessed.
company:
  name: Example Company
  id: {id}        # to fill in, as in pleo-etl.yaml
  time_zone: Europe/Copenhagen
  currency: EUR
  fiscal_year: "01-01"

# Bookings that Pleo's pages do not state are used only when you accept them by id.
# posting_rules: {{accept: [refund/journal]}}

# Tag groups of Pleo and the dimensions that they become.
# tags: {{PROJECT: project}}

map:
  account.expense: [{{use: "{{{{ line.account.code }}}}"}}]
  account.wallet: [{{use: "{{{{ item.contra_account.code }}}}"}}]
  # account.payable: [{{use: "{{{{ voucher.vendor.code }}}}"}}]
  # account.out_of_pocket: [{{use: "1755"}}]
  tax_code: [{{use: "{{{{ line.tax.code }}}}"}}, {{use: none}}]
  text: [{{use: "{{{{ [item.supplier.name, item.user.name, item.note] | join(' ') }}}}"}}]

# periods: {{closed_until: 2026-09-30, on_closed: reject}}
"""

#: Stands for the company's id until its owner puts in the real one.
PLACEHOLDER_ID = "00000000-0000-0000-0000-000000000000"


def plan_workspace(
    folder: Path, *, company: str, template: str, required: Mapping[str, str] | None = None
) -> Mapping[str, bytes]:
    """Give the files of a new workspace by name.

    Needs: the parameters that the template requires, each with what it takes.
    Raises: UserMustFix WS-4 for files that are there already, WS-5 for names that cannot be.
    """
    problems = []
    if not COMPANY_NAME.fullmatch(company):
        what = f'"{company}" cannot be the short name of a company'
        fix = "use small letters, digits, - and _, such as acme"
        problems.append(Problem("WS-5", what, "--company", fix))
    known = shipped_templates()
    if template not in known:
        near = near_match(template, known)
        fix = f'did you mean "{near}"?' if near else f"known templates: {', '.join(known)}"
        problems.append(Problem("WS-5", f'there is no template "{template}"', "--template", fix))
    if problems:
        raise UserMustFix(problems)
    words = {"company": company, "template": template, "id": PLACEHOLDER_ID}
    words["parameters"] = _parameters(template, required or {})
    files = {
        WORKSPACE_FILE: _WORKSPACE.format(**words).encode(),
        f"mappings/{company}.yaml": _MAPPING.format(**words).encode(),
    }
    there = [name for name in files if (folder / name).exists() or (folder / name).is_symlink()]
    if there:
        fix = "go on with the workspace that is there, or name another folder"
        raise UserMustFix(
            [Problem("WS-4", f"{name} is there already", str(folder / name), fix) for name in there]
        )
    return files


def _parameters(template: str, required: Mapping[str, str]) -> str:
    """Write the parameters that a company must give, to be filled in, or where they are listed."""
    more = f"`pleo-etl templates show {template}` lists all"
    if not required:
        return f"    # parameters: {{name: value}}      # {more}"
    lines = [f"    # parameters:      # required: take the # away and fill in; {more}"]
    lines += [f"    #   {name}:      # {says}" for name, says in required.items()]
    return "\n".join(lines)


_STARTER = Path(__file__).with_name("starters") / "template"
_TEMPLATE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_ID = 60


def plan_template(workspace: Path, name: str) -> Mapping[str, bytes]:
    """Give the files of a new template, by their path below the workspace.

    Raises: UserMustFix WS-5 for a name that cannot be, WS-4 for one that is taken.
    """
    place = f"templates/{name}"
    if not _TEMPLATE_ID.fullmatch(name) or len(name) > _MAX_ID:
        fix = f"use small letters, digits and -, at most {_MAX_ID} of them, such as acme-erp"
        raise UserMustFix(Problem("WS-5", f'"{name}" cannot be the id of a template', name, fix))
    if name in shipped_templates() or (workspace / place).exists():
        fix = "take another id; a template that changes a shipped one says extends"
        raise UserMustFix(Problem("WS-4", f'there is a template "{name}" already', place, fix))
    return {
        f"{place}/{path.relative_to(_STARTER).as_posix()}": path.read_bytes().replace(
            b"ID", name.encode()
        )
        if path.suffix in (".yaml", ".md")
        else path.read_bytes()
        for path in sorted(_STARTER.rglob("*"))
        if path.is_file()
    }


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files; pleo-etl.yaml last, so that a workspace is whole or none."""
    for name, content in sorted(files.items(), key=lambda file: file[0] == WORKSPACE_FILE):
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from None
        write_atomic(path, content)
