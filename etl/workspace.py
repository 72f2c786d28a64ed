"""The workspace: pleo-etl.yaml names the companies, and for each its template and mapping.

Credentials never stand in it: they come from the environment, the keyring or a 0600 file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import Field, field_validator, model_validator

from etl.codes import CODES
from etl.documents import Document, Model, read_document, resolve_inside
from etl.errors import EtlError, Problem, UserMustFix
from etl.files import shown_path

WORKSPACE_FILE = "pleo-etl.yaml"
#: What is stored for pleo-etl itself lies here.
PRIVATE_FOLDER = ".pleo-etl"

COMPANY_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
CompanyName = Annotated[str, Field(pattern=f"^{COMPANY_NAME.pattern}$")]
#: Stands for a company's id until its owner puts in the real one.
PLACEHOLDER_ID = "00000000-0000-0000-0000-000000000000"
_AN_ID = "12abc3d4-e567-890e-1234-abc56e78fabc"
UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


class PleoSettings(Model):
    """Which Pleo: an environment, or the address of a sandbox."""

    environment: Literal["production", "staging"] = "production"
    base_url: Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$")] | None = None
    client_id: str | None = None
    redirect_port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    #: How the OAuth client shows its secret: in a header, in the form, or not at all.
    client_auth: Literal["basic", "post", "none"] = "basic"


class CompanySettings(Model):
    """One company: its id in Pleo, its template with parameters, its mapping."""

    id: str
    template: str
    mapping: str
    parameters: dict[str, str] = Field(default_factory=dict)
    #: How many persons must approve a batch before it is released.
    approvals: Annotated[int, Field(ge=1, le=2)] = 1
    #: Codes of notes that a person must answer before a batch can be approved.
    must_answer: list[str] = Field(default_factory=list)
    #: Minutes of Pleo's hour that must be left to begin what ends in released files.
    margin_minutes: Annotated[int, Field(ge=1, le=45)] = 5

    @field_validator("id")
    @classmethod
    def _id(cls, value: str) -> str:
        if not UUID.fullmatch(value):
            raise ValueError(
                f'must be the id of a company in Pleo, such as {_AN_ID}, not "{value}" (not known?'
                f" Write {PLACEHOLDER_ID}, and `pleo-etl login` tells it)"
            )
        return value


class Retention(Model):
    """How long what is stored of an ended batch is kept; manifests and the ledger always are."""

    days: Annotated[int, Field(ge=1, le=36_500)]


class WorkspaceDocument(Model):
    """Every key of pleo-etl.yaml."""

    pleo: PleoSettings = PleoSettings()
    companies: Annotated[dict[CompanyName, CompanySettings], Field(min_length=1)]
    outbox: str = "outbox"
    retention: Retention | None = None
    ledger: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+]*://")] = "sqlite:///.pleo-etl/ledger.db"

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, data: object) -> object:
        """Take a key without a value as not given."""
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return data


#: A call of a command that is about one company, in a text.
_CALL = re.compile(
    r"`(pleo-etl (?:run|review|release|discard|status|jobs|history|settle|withdraw|imported"
    r"|reverse|adopt|login|logout)(?: (?!--company)[^` ]+)*)`"
)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace that was read: its folder, its settings, and where each value stands."""

    root: Path
    settings: WorkspaceDocument
    document: Document

    @property
    def companies(self) -> Mapping[str, CompanySettings]:
        return self.settings.companies

    def mapping_path(self, company: str) -> Path:
        """Give the mapping file of a company; it may not leave the workspace."""
        place = self.document.place("companies", company, "mapping")
        return resolve_inside(self.root, self.companies[company].mapping, place)

    def option(self, company: str) -> str:
        """Give the option that names a company in calls, where there are several."""
        return f" --company {company}" if len(self.companies) > 1 else ""

    def named_in(self, text: str, company: str) -> str:
        """Put that option into the calls of a text, so that they can be copied as they stand."""
        option = self.option(company)
        return _CALL.sub(rf"`\1{option}`", text) if option else text

    def named(self, problem: Problem, company: str) -> Problem:
        """Put it into the calls that a problem proposes."""
        what, fix = (self.named_in(text, company) for text in (problem.what, problem.fix))
        return replace(problem, what=what, fix=fix)

    @contextmanager
    def naming(self, company: str) -> Iterator[None]:
        """Put it into the calls that whatever stops a `with` block proposes."""
        try:
            yield
        except EtlError as error:
            error.problems = tuple(self.named(problem, company) for problem in error.problems)
            raise


def find_workspace(start: Path) -> Path:
    """Give the nearest pleo-etl.yaml in a folder or above it.

    Raises: UserMustFix WS-1.
    """
    for folder in (start, *start.parents):
        if (folder / WORKSPACE_FILE).is_file():
            return folder / WORKSPACE_FILE
    raise UserMustFix(
        Problem(
            "WS-1",
            f"there is no {WORKSPACE_FILE} here or in a folder above",
            shown_path(start),
            "change to the folder of your workspace, or make one with `pleo-etl init`",
        )
    )


def load_workspace(path: Path) -> Workspace:
    """Read and check a workspace file.

    Raises: UserMustFix with every problem of the file itself (YAML-*, DOC-*, WS-2, WS-6, WS-9).
    """
    document = read_document(path, name=path.name)
    settings = document.load(WorkspaceDocument)
    workspace = Workspace(path.parent, settings, document)
    problems = [*_shared_ids(workspace), *_unknown_notes(workspace)]
    for company in settings.companies:
        try:
            workspace.mapping_path(company)
        except EtlError as error:
            problems.extend(error.problems)
    try:
        outbox = resolve_inside(workspace.root, settings.outbox, document.place("outbox"))
        problems.extend(_misplaced_outbox(workspace, outbox))
    except EtlError as error:
        problems.extend(error.problems)
    if problems:
        raise UserMustFix(problems)
    return workspace


def in_force(workspace: Workspace, company: str) -> Workspace:
    """Read a workspace once more: what was opened long ago may have other settings by now.

    Raises: UserMustFix as `load_workspace`.
    """
    now = load_workspace(workspace.root / WORKSPACE_FILE)
    before, after = workspace.companies[company], now.companies.get(company)
    return now if after is not None and after.id == before.id else workspace


def _shared_ids(workspace: Workspace) -> list[Problem]:
    """Refuse two names for one company: each has one ledger, and an item is booked once."""
    first: dict[str, str] = {}
    problems = []
    for name, company in workspace.companies.items():
        other = first.setdefault(company.id.casefold(), name)
        if other != name:
            place = workspace.document.place("companies", name, "id")
            what = f'companies "{other}" and "{name}" have the same id'
            fix = "keep one entry per company; every company of Pleo has an id of its own"
            problems.append(Problem("WS-2", what, str(place), fix))
    return problems


def _unknown_notes(workspace: Workspace) -> list[Problem]:
    """Refuse codes under `must_answer` that are no notes: nothing would ever be asked."""
    problems = []
    for name, company in workspace.companies.items():
        for at, code in enumerate(company.must_answer):
            known = CODES.get(code)
            if known is None or not known.kind.endswith("note"):
                is_what = f"is not a note ({known.meaning})" if known else "is not a code"
                place = workspace.document.place("companies", name, "must_answer", at)
                what = f'"{code}" under must_answer {is_what}'
                notes = ", ".join(code for code, one in CODES.items() if one.kind == "note")
                fix = f"name one of the notes: {notes}"
                problems.append(Problem("WS-6", what, str(place), fix))
    return problems


def _misplaced_outbox(workspace: Workspace, outbox: Path) -> list[Problem]:
    """Refuse an outbox that is not a folder of its own: what lies in it is imported by people."""
    reason = _why_misplaced(workspace, outbox)
    if reason is None:
        return []
    what = f'the outbox cannot be "{workspace.settings.outbox}": {reason}'
    fix = "give it a folder of its own, as in `outbox: outbox`; people import what they find in it"
    return [Problem("WS-9", what, str(workspace.document.place("outbox")), fix)]


def _why_misplaced(workspace: Workspace, outbox: Path) -> str | None:
    root, inside = workspace.root, _parts_of(outbox)
    if inside == _parts_of(root):
        return "that is the folder of the workspace itself"
    taken = {
        PRIVATE_FOLDER: "the ledger and what is staged lie in that folder",
        "templates": "your own templates lie in that folder",
    }
    for name, reason in taken.items():
        own = _parts_of(root / name)
        if inside[: len(own)] == own:
            return reason
    ledger = unquote(workspace.settings.ledger.partition(":///")[2])
    named = {f"the mapping {one.mapping}": one.mapping for one in workspace.companies.values()}
    for what, name in {**named, f"the ledger {ledger}": ledger}.items():
        if _parts_of(root / name)[: len(inside)] == inside:
            return f"{what} lies in that folder"
    for part in (outbox, *outbox.parents):
        if part.is_file():
            return f"{shown_path(part)} is a file"
    return None


def _parts_of(path: Path) -> tuple[str, ...]:
    """Give where a path ends, also where links lead there, and the disk ignores case."""
    with suppress(OSError, RuntimeError, ValueError):  # links in circles, no name at all
        path = path.resolve()
    return tuple(part.casefold() for part in path.parts)
