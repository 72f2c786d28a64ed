"""Reading rules: from the document to compiled rules, every problem with its place."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from etl.documents import Document, Place, near_match
from etl.errors import Problem, UserMustFix
from etl.expressions import Compiled, Scope, compile_condition, compile_value
from etl.frames import ROLES, Type, tag_column
from etl.mapping.document import MappingDocument, RuleText
from etl.mapping.rules import FALLBACK, Rule, known_targets, rule_words, target_of
from etl.mapping.tables import Table

MAX_RULES = 1_000
NONE = "none"
_Path = tuple[str | int, ...]


class RuleReader:
    """Reads the rules of a document and collects every problem."""

    def __init__(
        self, document: Document, definition: MappingDocument, tables: Mapping[str, Table]
    ) -> None:
        self.document = document
        self.definition = definition
        self.tables = tables
        self.problems: list[Problem] = []
        self.rules: list[Rule] = []

    def read(self, scope: Scope) -> list[Rule]:
        """Compile every rule.

        Raises: UserMustFix MAP-9 to MAP-12 and EXP-*, all at once.
        """
        seen: set[str] = set()
        for name, texts in self.definition.map.items():
            target = target_of(name)
            if target is None or target in seen:
                self._unknown_target(name, seen=target is not None)
                continue
            seen.add(target)
            if len(texts) > MAX_RULES:
                self._refuse(
                    "MAP-9", f"{target} has {len(texts)} rules, more than {MAX_RULES}",
                    self.document.place("map", name), "put the cases into a table",
                )  # fmt: skip
                continue
            for index, text in enumerate(texts):
                self._rule(target, text, scope, ("map", name, index))
        self._rules_of_tags()
        self._fallback()
        if self.problems:
            raise UserMustFix(self.problems)
        return self.rules

    def _refuse(self, code: str, what: str, place: Place, fix: str) -> None:
        self.problems.append(Problem(code, what, str(place), fix))

    def _unknown_target(self, name: str, *, seen: bool) -> None:
        place = self.document.keys.get(("map", name)) or self.document.place("map", name)
        if seen:
            what = f'target "{name}" stands twice, with and without "target."'
            self._refuse("MAP-10", what, place, "put the rules together")
            return
        near = near_match(name, known_targets())
        role = name.removeprefix("account.")
        if role != name and not near_match(role, list(ROLES)):
            fix = f"roles are {', '.join(ROLES)}"
        elif near:
            fix = f'did you mean "{near}"?'
        else:
            fix = (
                "targets are account.<role>, account_name.<role>, tax_code, text, "
                "dimension.<name> and target.<name>"
            )
        self._refuse("MAP-10", f'there is no target "{name}"', place, fix)

    def _rule(self, target: str, text: RuleText, scope: Scope, path: _Path) -> None:
        place = self.document.place(*path)
        when = self._condition(text.when, scope, (*path, "when"))
        rule = Rule(len(self.rules), target, rule_words(text, target), place, when)
        if text.use is not None:
            is_none = text.use == NONE
            use = None if is_none else self._value(text.use, scope, (*path, "use"))
            rule = replace(rule, use=use, is_none=is_none)
        else:
            rule = self._table_rule(rule, text, scope, path)
        self.rules.append(rule)

    def _table_rule(self, rule: Rule, text: RuleText, scope: Scope, path: _Path) -> Rule:
        assert text.table is not None
        assert text.key is not None
        table = self.tables.get(text.table)
        if table is None:
            near = near_match(text.table, list(self.tables))
            self._refuse(
                "MAP-11", f'there is no table "{text.table}"',
                self.document.place(*path, "table"),
                f'did you mean "{near}"?' if near else "declare it under tables",
            )  # fmt: skip
            return rule
        take = {rule.target: text.take} if isinstance(text.take, str) else dict(text.take or {})
        self._check_take(rule, take, table, path)
        take = {target_of(name) or name: column for name, column in take.items()}
        if len(text.key) != len(table.key):
            self._refuse(
                "MAP-12",
                f"the rule has {len(text.key)} keys, table {table.name} is found by "
                f"{len(table.key)} ({', '.join(table.key)})",
                self.document.place(*path, "key"), "give one {{ expression }} per key column",
            )  # fmt: skip
        is_list = self._is_list(*path, "key")
        values = [
            self._value(key, scope, (*path, "key", index) if is_list else (*path, "key"))
            for index, key in enumerate(text.key)
        ]
        keys = tuple(value for value in values if value is not None)
        return replace(rule, table=table.name, key=keys, take=tuple(take.items()))

    def _is_list(self, *path: str | int) -> bool:
        return (*path, 0) in self.document.values

    def _check_take(self, rule: Rule, take: Mapping[str, str], table: Table, path: _Path) -> None:
        if rule.target not in map(target_of, take):
            self._refuse(
                "MAP-12", f"take does not give {rule.target}, the target of the rule",
                self.document.place(*path, "take"), f"add {rule.target}: column to take",
            )  # fmt: skip
        for target, column in take.items():
            place = self.document.place(*path, "take", target)
            if target_of(target) is None:
                near = near_match(target, known_targets())
                fix = f'did you mean "{near}"?' if near else "see the list of targets"
                self._refuse("MAP-10", f'there is no target "{target}"', place, fix)
            if column not in table.columns:
                near = near_match(column, list(table.columns))
                known = f"columns are {', '.join(table.columns)}"
                self._refuse(
                    "MAP-11", f'{table.file} has no column "{column}"', place,
                    f'did you mean "{near}"?' if near else known,
                )  # fmt: skip

    def _condition(self, text: str | None, scope: Scope, path: _Path) -> Compiled | None:
        if text is None:
            return None
        try:
            return compile_condition(text, scope, place=self.document.place(*path))
        except UserMustFix as error:
            self.problems.extend(error.problems)
            return None

    def _value(self, text: str, scope: Scope, path: _Path) -> Compiled | None:
        place = self.document.place(*path)
        try:
            return compile_value(text, scope, place=place, want=Type.TEXT)
        except UserMustFix as error:
            self.problems.extend(error.problems)
            return None

    def _rules_of_tags(self) -> None:
        """Give a dimension that has no rules the tag of its group, or none."""
        groups: dict[str, list[str]] = {}
        for group, dimension in self.definition.tags.items():
            groups.setdefault(dimension, []).append(group)
        for dimension, names in groups.items():
            target = f"dimension.{dimension}"
            if target in self.definition.map or self._is_taken(target):
                continue
            for group in names:
                column = tag_column(unicodedata.normalize("NFC", group)).name
                use = Compiled(pl.col(column), Type.TEXT, frozenset({column}))
                self._of_tag(target, group, f"use: {{{{ line.tags['{group}'] }}}}", use)
            self._of_tag(target, names[0], "use: none, where the line has no such tag", None)

    def _of_tag(self, target: str, group: str, words: str, use: Compiled | None) -> None:
        place = self.document.place("tags", group)
        number = len(self.rules)
        self.rules.append(Rule(number, target, words, place, use=use, is_none=use is None))

    def _is_taken(self, target: str) -> bool:
        return any(
            isinstance(text.take, dict) and target in text.take
            for texts in self.definition.map.values()
            for text in texts
        )

    def _fallback(self) -> None:
        if self.definition.fallback_payable is not None:
            place = self.document.place("fallback_payable")
            words = f"fallback_payable: {self.definition.fallback_payable}"
            self.rules.append(Rule(len(self.rules), FALLBACK, words, place))
