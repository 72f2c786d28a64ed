"""Load a mapping: document, tables, reference lists and rules, read and checked together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from etl.documents import Document, Place, read_document, resolve_inside
from etl.errors import Problem, UserMustFix
from etl.expressions import Scope
from etl.files import sha256
from etl.mapping.calendar import Calendar, make_calendar
from etl.mapping.document import Company, MappingDocument, Periods, PostingRows
from etl.mapping.names import scope_of
from etl.mapping.reading import RuleReader
from etl.mapping.reference import Reference, load_reference
from etl.mapping.rules import FALLBACK, Rule, Target, order_targets
from etl.mapping.tables import Table, load_table


@dataclass(frozen=True, slots=True)
class LoadedMapping:
    """A mapping that is ready to run.

    rules        all rules; lines refer to them by their place in this list
    targets      in the order in which they run
    fingerprint  hash of every file that was read, by its path beside the mapping
    warnings     what was ignored
    """

    document: Document = field(repr=False)
    definition: MappingDocument
    tables: Mapping[str, Table] = field(repr=False)
    reference: Reference = field(repr=False)
    rules: tuple[Rule, ...] = field(repr=False)
    targets: tuple[Target, ...] = field(repr=False)
    scope: Scope = field(repr=False)
    calendar: Calendar = field(repr=False)
    fingerprint: Mapping[str, str]
    warnings: tuple[Problem, ...]

    @property
    def name(self) -> str:
        """Give the mapping's file name."""
        return self.document.path.name

    @property
    def company(self) -> Company:
        return self.definition.company

    @property
    def tags(self) -> Mapping[str, str]:
        """Give the dimension of each declared tag group."""
        return self.definition.tags

    @property
    def posting_rules(self) -> PostingRows:
        """Give the accepted ids and the mapping's own rows; see `posting_rule_place`."""
        return self.definition.posting_rules

    @property
    def periods(self) -> Periods:
        return self.definition.periods

    @property
    def fallback_payable(self) -> str | None:
        return self.definition.fallback_payable

    @property
    def amounts_in_hundredths(self) -> tuple[str, ...]:
        return self.definition.amounts_in_hundredths

    @property
    def receipts_required(self) -> bool:
        return self.definition.receipts == "required"

    @property
    def reads(self) -> frozenset[str]:
        """Give every column that some rule reads."""
        return frozenset[str]().union(*(rule.reads() for rule in self.rules))

    @property
    def dimensions(self) -> Mapping[str, str]:
        """Give every dimension with its label: the tag group that feeds it, else its name."""
        labels = {dimension: group for group, dimension in reversed(list(self.tags.items()))}
        names = [t.name.removeprefix("dimension.") for t in self.targets if _is_dimension(t)]
        return {name: labels.get(name, name) for name in names}

    def in_words(self, target: str) -> str:
        """Name a target as who sees it in Pleo understands it: a dimension by its tag group."""
        kind, _, name = target.partition(".")
        if kind == "dimension":
            return self.dimensions.get(name, name)
        name = (name or kind).replace("_", " ")
        words = {"account": f"{name} account", "account_name": f"name of the {name} account"}
        return words.get(kind, name)

    def names_of_dimension(self, target: str) -> list[str]:
        """Give the names under which a list may have the dimension of a target, casefolded."""
        name = target.removeprefix("dimension.")
        groups = [group for group, dimension in self.tags.items() if dimension == name]
        return [each.casefold() for each in (name, *groups)]

    def posting_rule_place(self, rule_id: str) -> Place:
        """Give the place where a posting rule is accepted or has a row of its own."""
        if rule_id in self.posting_rules.rows:
            return self.document.keys[("posting_rules", rule_id)]
        accepted = self.posting_rules.accept
        if rule_id in accepted:
            return self.document.place("posting_rules", "accept", accepted.index(rule_id))
        return self.document.place("posting_rules")

    def rule_of_fallback(self) -> Rule | None:
        """Give the rule that stands for fallback_payable."""
        return next((rule for rule in self.rules if rule.target == FALLBACK), None)


def _is_dimension(target: Target) -> bool:
    return target.name.startswith("dimension.")


def load_mapping(path: Path | str, *, name: str | None = None) -> LoadedMapping:
    """Read a mapping and everything it names. `name` is what messages call it.

    Raises: UserMustFix YAML-*, DOC-*, EXP-*, MAP-1 to MAP-15, with every problem found.
    """
    document = read_document(Path(path), name=name)
    definition = document.load(MappingDocument)
    problems: list[Problem] = []
    tables: dict[str, Table] = {}
    reference = Reference()
    for table in definition.tables:
        try:
            tables[table] = _load_table(document, definition, table)
        except UserMustFix as error:
            problems.extend(error.problems)
    try:
        reference = _load_reference(document, definition)
    except UserMustFix as error:
        problems.extend(error.problems)
    if problems:
        raise UserMustFix(problems)
    scope = scope_of(definition, tables, reference)
    rules = RuleReader(document, definition, tables).read(scope)
    return LoadedMapping(
        document=document,
        definition=definition,
        tables=tables,
        reference=reference,
        rules=tuple(rules),
        targets=tuple(order_targets(rules)),
        scope=scope,
        calendar=make_calendar(definition.company, definition.periods, reference.periods),
        fingerprint=_fingerprint(document, definition, tables, reference),
        warnings=reference.warnings,
    )


def _shown(document: Document, relative: str) -> str:
    """Name a file beside the mapping as the mapping itself is named."""
    folder = Path(document.name).parent.as_posix()
    return relative if folder == "." else f"{folder}/{relative}"


def _load_table(document: Document, definition: MappingDocument, name: str) -> Table:
    spec = definition.tables[name]
    place = document.place("tables", name, "file")
    file = resolve_inside(document.path.parent, spec.file, place)
    return load_table(
        file,
        name=name,
        spec=spec,
        shown=_shown(document, spec.file),
        named_at=str(place),
        key_at=str(document.place("tables", name, "key")),
    )


def _load_reference(document: Document, definition: MappingDocument) -> Reference:
    if definition.reference is None:
        return Reference()
    place = document.place("reference")
    relative = definition.reference.rstrip("/") or "."
    return load_reference(
        resolve_inside(document.path.parent, relative, place),
        shown=_shown(document, relative),
        written=relative,
        company_key=definition.company.key,
        named_at=str(place),
    )


def _fingerprint(
    document: Document,
    definition: MappingDocument,
    tables: Mapping[str, Table],
    reference: Reference,
) -> dict[str, str]:
    found = {document.path.name: sha256(document.path.read_bytes())}
    found |= {definition.tables[name].file: table.sha256 for name, table in tables.items()}
    folder = (definition.reference or "").rstrip("/")
    found |= {f"{folder}/{name}": each.sha256 for name, each in reference.listings().items()}
    return dict(sorted(found.items()))
