"""The first files of a workspace, a mapping and a template: each can be read as a lesson."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from etl.documents import near_match
from etl.errors import Problem, UserMustFix
from etl.files import cannot_write, write_atomic
from etl.shipped import shipped_templates
from etl.workspace import COMPANY_NAME, PLACEHOLDER_ID, UUID, WORKSPACE_FILE

_WORKSPACE = """\
# Settings of this workspace. Secrets never stand here.
pleo: {{{pleo}}}
companies:
  {company}:
    id: {id}{id_of_workspace}
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
  id: {id}{id_of_mapping}
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

#: What is documented: no page of Pleo's app is said to show the id.
WHERE_IDS_ARE = (
    "`pleo-etl login` tells of which company an API key is, and every export item holds the id as"
    " companyId"
)
_BASE_URL = re.compile(r'https?://[^\s@?#"\\]+')


@dataclass(frozen=True, slots=True)
class Start:
    """What a workspace begins with; what is not given is filled in later."""

    company: str
    template: str
    company_id: str = PLACEHOLDER_ID
    environment: str = "production"
    base_url: str | None = None


def plan_workspace(
    folder: Path, start: Start, *, required: Mapping[str, str] | None = None
) -> Mapping[str, bytes]:
    """Give the files of a new workspace by name.

    Needs: the parameters that the template requires, each with what it takes.
    Raises: UserMustFix WS-4 for files that are there already, WS-5 for names that cannot be.
    """
    company, template = start.company, start.template
    problems = [
        *company_problems(company), *id_problems(start.company_id), *template_problems(template),
        *base_url_problems(start.base_url),
    ]  # fmt: skip
    if problems:
        raise UserMustFix(problems)
    is_open = start.company_id == PLACEHOLDER_ID
    words = {
        "company": company, "template": template, "id": start.company_id.lower(),
        "pleo": f'base_url: "{start.base_url}"' if start.base_url
        else f"environment: {start.environment}",
        "id_of_workspace": "      # to fill in: your company's id in Pleo" if is_open else "",
        "id_of_mapping": "        # to fill in, as in pleo-etl.yaml" if is_open else "",
    }  # fmt: skip
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


def company_problems(company: str) -> list[Problem]:
    """Say what is wrong with the short name of a company."""
    if COMPANY_NAME.fullmatch(company):
        return []
    fix = "use small letters, digits, - and _, such as acme"
    what = f'"{company}" cannot be the short name of a company'
    return [Problem("WS-5", what, "--company", fix)]


def id_problems(company_id: str) -> list[Problem]:
    """Say what is wrong with a company's id in Pleo."""
    if UUID.fullmatch(company_id):
        return []
    fix = f"it has the form 12abc3d4-e567-890e-1234-abc56e78fabc; {WHERE_IDS_ARE}"
    return [Problem("WS-5", f'"{company_id}" cannot be the id of a company in Pleo', "--id", fix)]


def template_problems(template: str) -> list[Problem]:
    """Say what is wrong with the id of a template."""
    known = shipped_templates()
    if template in known:
        return []
    near = near_match(template, known)
    fix = f'did you mean "{near}"?' if near else f"known templates: {', '.join(known)}"
    return [Problem("WS-5", f'there is no template "{template}"', "--template", fix)]


def base_url_problems(base_url: str | None) -> list[Problem]:
    """Say what is wrong with the address of a sandbox."""
    if base_url is None or _BASE_URL.fullmatch(base_url):
        return []
    fix = "take the one that `pleo-etl sandbox` shows, such as http://127.0.0.1:8585"
    what = "--base-url is not the address of a server"
    return [Problem("WS-5", what, "--base-url", fix)]


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
