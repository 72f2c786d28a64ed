"""Check `read_back` of a template: patterns and paths that can be used, for what columns mean."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from etl.documents import near_match
from etl.errors import Problem
from etl.rendering.document import MEANINGS
from etl.rendering.document import ReadBack as Patterns
from etl.rendering.templates import Template

MAX_PATTERN = 1000
_GROUP = re.compile(r"\(\?<([A-Za-z_][A-Za-z0-9_]*)>")
_XML_ONLY = tuple(name for name in MEANINGS if name != "voucher")


def read_back_problems(template: Template) -> Iterator[Problem]:
    """Give every problem of the `read_back` of a template's files (PROOF-5)."""
    for key, spec in template.document.files.items():
        if spec.read_back is None:
            continue
        checker = _Checker(template, key, read_back=spec.read_back)
        if spec.kind == "text":
            yield from checker.patterns()
        elif spec.kind == "xml":
            yield from checker.paths()
        else:
            yield checker.problem(
                "",
                what=f"a file of kind {spec.kind} is read back by its columns",
                fix="leave read_back out",
            )


class _Checker:
    def __init__(self, template: Template, key: str, *, read_back: Patterns) -> None:
        spec = template.document.files[key]
        self.template = template
        self.key = key
        self.read_back = read_back
        self.meant = {
            str(column.means)
            for _record, _place, column in spec.columns_that_mean()
            if column.means is not None
        }

    def problem(self, name: str, *, what: str, fix: str) -> Problem:
        path = ("files", self.key, "read_back", *([name] if name else []))
        return Problem("PROOF-5", what, str(self.template.source.place(*path)), fix)

    def patterns(self) -> Iterator[Problem]:
        """Check the patterns of a text file: they compile, and their groups are meanings."""
        found: set[str] = set()
        for name in ("row", "voucher"):
            pattern = getattr(self.read_back, name)
            if pattern is None:
                continue
            refused = _refused(pattern)
            if refused is not None:
                yield self.problem(name, what=refused, fix="correct the pattern")
                continue
            for group in _GROUP.findall(pattern):
                found.add(group)
                yield from self.group_problems(name, group)
        for name in _XML_ONLY:
            if getattr(self.read_back, name) is not None:
                fix = f"write (?<{name}>…) in the pattern of row or voucher"
                what = f"a text file has no path for {name}"
                yield self.problem(name, what=what, fix=fix)
        yield from self.unread(found, "(?<{}>…) in the pattern of row or voucher")

    def group_problems(self, name: str, group: str) -> Iterator[Problem]:
        if group not in MEANINGS:
            near = near_match(group, list(MEANINGS))
            fix = f'did you mean "{near}"?' if near else f"meanings are {', '.join(MEANINGS)}"
            yield self.problem(name, what=f'"{group}" is no meaning', fix=fix)
        elif group not in self.meant:
            fix = f"say means: {group} on the column that holds it"
            yield self.problem(name, what=f"no column means {group}", fix=fix)

    def paths(self) -> Iterator[Problem]:
        """Check the paths of an XML file: they can be followed, and columns mean what they find."""
        from lxml import etree  # slow to load, and most files are no XML

        names = self.read_back.namespaces
        found: set[str] = set()
        for name in ("row", "voucher", *_XML_ONLY):
            path = getattr(self.read_back, name)
            if path is None:
                continue
            try:
                etree.Element("root").find(
                    f".//{path}" if name in ("row", "voucher") else path, names
                )
            except (SyntaxError, KeyError, ValueError) as error:
                what = f'the path "{path}" cannot be followed: {error}'
                yield self.problem(name, what=what, fix="write a:Name/b:Name, with namespaces")
            if name not in ("row", "voucher"):
                found.add(name)
                yield from self.group_problems(name, name)
        yield from self.unread(found, "a path for {}")

    def unread(self, found: set[str], how: str) -> Iterator[Problem]:
        """Refuse a meaning that is never looked for: nothing would see a change there."""
        for meaning in sorted(self.meant - found):
            if meaning == "voucher" and self.read_back.voucher is not None:
                continue
            what = f"a column means {meaning}, but read_back does not find it"
            yield self.problem("row", what=what, fix=f"add {how.format(meaning)}")


def _refused(pattern: str) -> str | None:
    """Say why the engine that reads files back does not take a pattern."""
    if len(pattern) > MAX_PATTERN:
        return f"the pattern has more than {MAX_PATTERN} characters"
    if re.search(r"\\[dDwWsS]", pattern):
        return "\\d, \\w and \\s match foreign digits and letters: write [0-9], [A-Za-z], a blank"
    try:
        pl.Series([""]).str.extract_groups(pattern)
    except pl.exceptions.ComputeError as error:
        return f"the pattern cannot be read: {str(error).splitlines()[-1].strip()}"
    return None
