"""A company in a workspace, and batches of it whose input and recipe lie in their folders."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from etl.files import sha256
from etl.live.line import BatchFacts, Contents, Decisions, Revision
from etl.live.rendering import CompanyLine
from etl.live.stored import FileLink, StoredBatch, StoredFile, strip_links
from etl.workspace import load_workspace
from tests.fakes.items import COMPANY
from tests.security.lines import Line

CREATED = datetime(2026, 4, 1, 9, 30, 15, tzinfo=UTC)
JOB = "0b9c8e7d-1111-4222-8333-444455556666"
FACTS = BatchFacts("b-one", 1, JOB, CREATED)


class Workshop:
    """A workspace with one company; its mapping is that of the template's golden cases."""

    def __init__(self, root: Path, template: str = "generic", *, named: str | None = None) -> None:
        self.root, self.like = root, Line(template)
        shutil.copytree(
            self.like.folder, root / "mappings", ignore=shutil.ignore_patterns("plain", "expected")
        )
        shutil.copyfile(self.like.mapping, root / "mappings" / "mapping.yaml")
        self.settings(template=named or template, parameters=self.like.parameters)

    def settings(self, *, template: str, parameters: Mapping[str, str]) -> None:
        """Write the settings of the workspace anew."""
        company = {
            "id": COMPANY, "template": template, "mapping": "mappings/mapping.yaml",
            "parameters": dict(parameters),
        }  # fmt: skip
        text = yaml.safe_dump({"companies": {"acme": company}}, allow_unicode=True)
        (self.root / "pleo-etl.yaml").write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file of the workspace."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text, (name, old)
        path.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def line(self) -> CompanyLine:
        return CompanyLine(load_workspace(self.root / "pleo-etl.yaml"), "acme")

    def stage(
        self,
        items: Sequence[dict[str, Any]],
        *,
        name: str = "one",
        lost: Sequence[tuple[int, int]] = (),
        odd: Sequence[tuple[int, int]] = (),
        unknown: Sequence[tuple[int, int]] = (),
    ) -> StagedBatch:
        """Store items, a receipt for each of their files, and the recipe that holds now.

        lost, odd, unknown: receipts, by place of item and file from 1, that could not be had,
        are not what was announced, or of which nothing is known.
        """
        stored = StoredBatch(self.root / ".pleo-etl" / "batches" / "acme" / name)
        stored.make()
        stripped = [strip_links(json.dumps(item).encode()) for item in items]
        told = [
            _fetched(stored, link, is_lost=place in lost, is_odd=place in odd)
            for number, one in enumerate(stripped, start=1)
            for link in one.links
            if (place := (number, link.number)) not in unknown
        ]
        listed = [file for file, _ in told]
        for name_on_disk, (_, content) in enumerate(told, start=1):
            if content is not None:
                (stored.attachments_folder / str(name_on_disk)).write_bytes(content)
        stored.write_input({"id": JOB}, items=[one.item for one in stripped], attachments=listed)
        self.line.store_recipe(stored.recipe_folder(1))
        return StagedBatch(self, stored)


class StagedBatch:
    """A batch that can be rendered again and again from its folder."""

    def __init__(self, workshop: Workshop, stored: StoredBatch) -> None:
        self.workshop, self.stored, self.line = workshop, stored, workshop.line

    @property
    def recipe(self) -> Path:
        return self.stored.recipe_folder(1)

    @property
    def contents(self) -> Contents:
        return self.stored.contents()

    def render(
        self, decisions: Decisions | None = None, *, facts: BatchFacts = FACTS, **more: Any
    ) -> Revision:
        given: dict[str, Any] = {
            "items": self.stored.read_items(),
            "files": self.stored.read_attachments(),
            "contents": self.contents,
            "facts": facts,
            "decisions": decisions or Decisions(),
        }
        return self.line.render(self.recipe, **(given | more))


def _fetched(
    stored: StoredBatch, link: FileLink, *, is_lost: bool, is_odd: bool
) -> tuple[StoredFile, bytes | None]:
    content = f"receipt {link.number} of {link.entry_id}".encode()
    if is_lost:
        said: dict[str, Any] = {"bytes": link.size or 0, "sha256": None, "problem": "gone (404)"}
        return StoredFile(link.entry_id, link.number, "", link.type, **said), None
    said = {"bytes": len(content), "sha256": sha256(content)}
    problem = "it is 31 bytes shorter than announced" if is_odd else None
    return StoredFile(link.entry_id, link.number, "", link.type, problem=problem, **said), content


def receipt(number: int = 1, kind: str = "application/pdf") -> dict[str, Any]:
    """Give a file of an item."""
    return {"url": f"https://files.example.com/{number}?sig=S3CRET", "type": kind, "size": 1000}
