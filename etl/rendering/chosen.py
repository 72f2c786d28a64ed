"""What a parameter may choose in a file: kind, line end, delimiter, decimal mark, date format, …

    kind: "{{ parameters.format }}"
    csv: {delimiter: "{{ parameters.delimiter }}"}

Only a parameter with a closed list of values can choose, so everything that may be chosen is known
when the template is loaded. (The encoding is chosen in the same way, see templates.py.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from etl.expressions import refuse_format
from etl.frames import Type
from etl.rendering.document import FileSpec, Kind, Newline, Parameter, TemplateDocument

_REFERENCE = re.compile(r"\{\{ *parameters\.([a-z][a-z0-9_]*) *\}\}\Z")
#: Words for characters that are hard to give on a command line.
MARKS: Mapping[str, str] = {
    "comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "dot": ".",
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """Something in a file that a parameter may choose.

    path   where it stands in the file
    reads  makes the value from the parameter's text; None where it cannot be one
    wants  says what it takes, for messages
    """

    path: tuple[str, ...]
    reads: Callable[[str], object]
    wants: str


def _one_of(*allowed: str) -> Callable[[str], object]:
    return lambda text: text if text in allowed else None


def _mark(*allowed: str) -> Callable[[str], object]:
    def read(text: str) -> object:
        mark = MARKS.get(text, text)
        return mark if len(mark) == 1 and (not allowed or mark in allowed) else None

    return read


def _date(text: str) -> object:
    return text if refuse_format(text, Type.DATE) is None else None


def _flag(text: str) -> object:
    return {"yes": True, "true": True, "no": False, "false": False}.get(text)


CHOICES = (
    Choice(("kind",), _one_of(*get_args(Kind)), "kinds of files"),
    Choice(("newline",), _one_of(*get_args(Newline)), "lf or crlf"),
    Choice(("bom",), _flag, "a flag"),
    Choice(
        ("csv", "delimiter"), _mark(), "single characters, or comma, semicolon, tab and bar"
    ),
    Choice(("formats", "decimal"), _mark(".", ","), "dot and comma"),
    Choice(("formats", "date"), _date, "date formats"),
)  # fmt: skip
_OPTIONS = ("csv", "fixed", "xlsx", "xml")


def settled(document: TemplateDocument, values: Mapping[str, object]) -> TemplateDocument:
    """Put in what parameters choose.

    Needs: values by parameter; one without value takes its default, or the first that it may have.
    Gives: the same document where nothing is chosen.
    """
    files = {
        name: _settled_file(spec, document.parameters, values)
        for name, spec in document.files.items()
    }
    if all(files[name] is spec for name, spec in document.files.items()):
        return document
    return document.model_copy(update={"files": files})


def chosen_by(spec: FileSpec) -> Iterator[tuple[Choice, str]]:
    """Give everything in a file that a parameter chooses, with the name of the parameter."""
    for choice in CHOICES:
        found = _REFERENCE.match(str(_at(spec, choice.path)))
        if found is not None:
            yield choice, found[1]


def choice_faults(
    spec: FileSpec, parameters: Mapping[str, Parameter]
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Give place, fault and fix of everything that cannot be chosen as a file says."""
    is_quoted = spec.csv is None or spec.csv.quoting in ("minimal", "all")
    for choice, name in chosen_by(spec):
        texts = _texts(parameters.get(name))
        if not texts or any(choice.reads(text) is None for text in texts):
            yield (
                choice.path,
                f'"{name}" cannot choose this: its values must be {choice.wants}',
                "declare a parameter of type enum (or flag) with such values",
            )
        if choice.path[0] != "formats" and choice.path[-1] != "delimiter":
            continue
        if not is_quoted:
            yield (
                choice.path,
                f'"{name}" may choose a mark that separates columns, and nothing is in quotes',
                "say quoting: minimal or all",
            )


def _settled_file(
    spec: FileSpec, parameters: Mapping[str, Parameter], values: Mapping[str, object]
) -> FileSpec:
    chosen = list(chosen_by(spec))
    for choice, name in chosen:
        texts = _texts(parameters.get(name))
        text = values.get(name, texts[0] if texts else "")
        if isinstance(text, bool):
            text = "yes" if text else "no"
        value = choice.reads(str(text))
        if value is not None:  # what cannot be chosen is refused when the template is loaded
            spec = _with(spec, choice.path, value=value)
    if any(choice.path == ("kind",) for choice, _name in chosen):
        others = {name: None for name in _OPTIONS if name != spec.kind}
        spec = spec.model_copy(update=others)
    return spec


def _texts(parameter: Parameter | None) -> tuple[str, ...]:
    """Give all values of a parameter with a closed list, its default first."""
    if parameter is None:
        return ()
    texts = ("no", "yes") if parameter.type == "flag" else parameter.values or ()
    first = () if parameter.default is None else (parameter.default,)
    return (*first, *texts) if texts else ()


def _at(spec: FileSpec, path: tuple[str, ...]) -> object:
    found: object = spec
    for name in path:
        found = getattr(found, name, None)
    return found


def _with(spec: FileSpec, path: tuple[str, ...], *, value: object) -> FileSpec:
    name, *rest = path
    if rest:
        value = getattr(spec, name).model_copy(update={rest[0]: value})
    return spec.model_copy(update={name: value})
