"""Both layout engines give what plain Jinja gives, for generated layouts and lists.

The oracle is Jinja itself, without our line rule, our names and our sandbox: the generator writes
each layout twice, and leaves the lines out of the oracle's copy that the line rule makes vanish.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jinja2
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.rendering.layouts import LayoutNames, load_layout

RECORDS = {
    "head": ("date", "mark"), "ver": ("text", "mark"), "trans": ("text", "mark"),
    "objekt": ("text", "mark"), "konto": ("text", "mark"), "doc": ("text", "mark"),
}  # fmt: skip
CARRIED = {
    "file": frozenset({"head"}),
    "vouchers": frozenset({"head", "ver"}),
    "postings": frozenset({"head", "ver", "trans"}),
    "posting.objects": frozenset({"objekt"}),
    "objects": frozenset({"objekt"}),
    "accounts": frozenset({"konto"}),
    "attachments": frozenset({"doc", "ver"}),
}
NAMES = LayoutNames(RECORDS, CARRIED)
FILE_LISTS = {"vouchers": "voucher", "postings": "posting", "objects": "object",
              "accounts": "account", "attachments": "attachment"}  # fmt: skip
INNER = {"vouchers": {"postings": "postings", "attachments": "attachments"},
         "postings": {"objects": "posting.objects"}}  # fmt: skip

CELLS = st.sampled_from(
    ["", None, "a", "Öl→", "{{ head.date }}", "{% for %}", "{", "}", "{#", "'", "\\", "<&>", "$1",
     "{}", "  ", "\t", "١"]
)  # fmt: skip
PLAIN = st.text(alphabet=" \tab;}%#'\"Ö<\\$", max_size=6)
BLANK = st.sampled_from(["", " ", "  ", "\t"])


# ── layouts ──


@dataclass
class Writer:
    """Writes a layout for us and for the oracle; pieces are (kind, ours, oracle)."""

    draw: st.DrawFn
    pieces: list[tuple[str, str, str]] = field(default_factory=list)
    scopes: list[tuple[str, str, str]] = field(default_factory=lambda: [("file", "file", "")])
    loops: int = 0

    def text(self, text: str) -> None:
        self.pieces.append(("text", text, text))

    def tag(self, ours: str, oracle: str | None = None) -> None:
        self.pieces.append(("tag", f"{{% {ours} %}}", f"{{% {oracle or ours} %}}"))

    def value(self, ours: str, oracle: str) -> None:
        self.pieces.append(("value", f"{{{{ {ours} }}}}", f"{{{{ {oracle} }}}}"))

    def cell(self) -> tuple[str, str, str]:
        reachable = sorted({record for _n, frame, _v in self.scopes for record in CARRIED[frame]})
        record = self.draw(st.sampled_from(reachable))
        owner = next(
            name or "file" for name, frame, _v in reversed(self.scopes) if record in CARRIED[frame]
        )
        return record, self.draw(st.sampled_from(RECORDS[record])), owner

    def condition(self, *, in_filter: bool, depth: int = 2) -> tuple[str, str]:
        kinds = ["cell", "cell"] + ["not", "and", "or"] * (depth > 0)
        if any(frame == "postings" for _n, frame, _v in self.scopes):
            kinds.append("flag")
        if self.loops and not in_filter:
            kinds.append("loop")
        kind = self.draw(st.sampled_from(kinds))
        if kind == "cell":
            record, cell, owner = self.cell()
            return f"{record}.{cell}", f"{owner}.{record}.{cell}"
        if kind == "flag":
            name = next(n for n, frame, _v in reversed(self.scopes) if frame == "postings")
            return f"{name}.is_contra", f"{name}.is_contra"
        if kind == "loop":
            which = self.draw(st.sampled_from(["loop.first", "loop.last"]))
            return which, which
        left = self.condition(in_filter=in_filter, depth=depth - 1)
        if kind == "not":
            return f"not ({left[0]})", f"not ({left[1]})"
        right = self.condition(in_filter=in_filter, depth=depth - 1)
        return f"({left[0]} {kind} {right[0]})", f"({left[1]} {kind} {right[1]})"

    def atom(self) -> None:
        kind = self.draw(st.sampled_from(["text", "cell", "cell", "whole", "names", "brace"]
                                         + ["count"] * (self.loops > 0)))  # fmt: skip
        if kind == "text":
            self.text(self.draw(PLAIN))
        elif kind == "brace":
            self.value("'{'", "'{'")
        elif kind == "count":
            which = self.draw(st.sampled_from(["index", "index0", "length"]))
            self.value(f"loop.{which}", f"loop.{which}")
        else:
            record, cell, owner = self.cell()
            if kind == "cell":
                self.value(f"{record}.{cell}", f"{owner}.{record}.{cell}")
            elif kind == "whole":
                self.value(record, f"{owner}.{record}.whole")
            else:
                self.value(f"{record}.names", f"file.{record}.names")

    def block(self, depth: int, *, inline: bool) -> None:
        for _ in range(self.draw(st.integers(0, 3))):
            kind = self.draw(st.sampled_from(["atom"] * 4 + ["for", "if"] * (depth > 0)))
            if kind == "atom":
                for _ in range(self.draw(st.integers(0, 3))):
                    self.atom()
                self.end_line(inline)
            elif kind == "for":
                self.loop(depth, inline=inline or self.draw(st.booleans()), ends=not inline)
            else:
                self.choice(depth, inline=inline or self.draw(st.booleans()), ends=not inline)

    def end_line(self, inline: bool) -> None:
        if not inline:
            self.pieces.append(("end", "\n", "\n"))

    def around_tag(self, ours: str, oracle: str | None, inline: bool) -> None:
        self.text(self.draw(BLANK))
        self.tag(ours, oracle)
        self.text(self.draw(BLANK))
        self.end_line(inline)

    def loop(self, depth: int, *, inline: bool, ends: bool) -> None:
        choices: list[tuple[str, str, str]] = []  # ours, frame, variable
        if len(self.scopes) == 1:
            choices += [(name, name, one) for name, one in FILE_LISTS.items()]
        for variable, frame, _v in self.scopes[1:]:
            for name, inner in INNER.get(frame, {}).items():
                choices.append((f"{variable}.{name}", inner, FILE_LISTS[name]))
        if not choices:
            return
        written, frame, stem = self.draw(st.sampled_from(choices))
        variable = f"{stem}{len(self.scopes)}"
        self.scopes.append((variable, frame, ""))
        only = ("", "")
        if self.draw(st.booleans()):
            ours, oracle = self.condition(in_filter=True)
            only = (f" if {ours}", f" if {oracle}")
        head = f"for {variable} in {written}"
        self.around_tag(head + only[0], head + only[1], inline)
        self.loops += 1
        self.block(depth - 1, inline=inline)
        self.loops -= 1
        self.scopes.pop()
        if self.draw(st.booleans()):
            self.around_tag("else", None, inline)
            self.block(depth - 1, inline=inline)
        self.around_tag("endfor", None, inline)
        if inline and ends:
            self.end_line(False)

    def choice(self, depth: int, *, inline: bool, ends: bool) -> None:
        ours, oracle = self.condition(in_filter=False)
        self.around_tag(f"if {ours}", f"if {oracle}", inline)
        self.block(depth - 1, inline=inline)
        if self.draw(st.booleans()):
            ours, oracle = self.condition(in_filter=False)
            self.around_tag(f"elif {ours}", f"elif {oracle}", inline)
            self.block(depth - 1, inline=inline)
        if self.draw(st.booleans()):
            self.around_tag("else", None, inline)
            self.block(depth - 1, inline=inline)
        self.around_tag("endif", None, inline)
        if inline and ends:
            self.end_line(False)

    def sources(self) -> tuple[str, str]:
        ours = "".join(piece[1] for piece in self.pieces)
        oracle, line = "", list[tuple[str, str, str]]()
        for piece in [*self.pieces, ("last", "", "")]:
            line.append(piece)
            if piece[0] not in ("end", "last"):
                continue
            kinds = {kind for kind, text, _o in line if kind != "text" or text.strip()}
            vanishes = kinds <= {"tag", "end", "last"} and "tag" in kinds
            oracle += "".join(o for kind, _t, o in line if not vanishes or kind == "tag")
            line = []
        return ours, oracle


@st.composite
def layouts(draw: st.DrawFn) -> tuple[str, str]:
    writer = Writer(draw)
    writer.block(3, inline=False)
    if draw(st.booleans()):
        writer.atom()
    return writer.sources()


# ── lists ──


def record(draw: st.DrawFn, name: str) -> dict[str, str | None]:
    whole = {"whole": draw(CELLS)}
    return whole | {cell: draw(CELLS) for cell in RECORDS[name]}


@st.composite
def files(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw files as nested rows, in the form that the oracle sees."""
    found = []
    for _ in range(draw(st.integers(1, 2))):
        head = record(draw, "head")
        file: dict[str, Any] = {"file": {"head": head}, "vouchers": []}
        for _ in range(draw(st.integers(0, 3))):
            ver = record(draw, "ver")
            voucher: dict[str, Any] = {"head": head, "ver": ver}
            voucher["postings"] = [
                {
                    "head": head, "ver": ver, "trans": record(draw, "trans"),
                    "is_contra": draw(st.booleans()),
                    "objects": [{"objekt": record(draw, "objekt")}
                                for _ in range(draw(st.integers(0, 2)))],
                }
                for _ in range(draw(st.integers(0, 3)))
            ]  # fmt: skip
            voucher["attachments"] = [
                {"doc": record(draw, "doc"), "ver": ver} for _ in range(draw(st.integers(0, 2)))
            ]
            file["vouchers"].append(voucher)
        file["postings"] = [row for voucher in file["vouchers"] for row in voucher["postings"]]
        file["attachments"] = [
            row for voucher in file["vouchers"] for row in voucher["attachments"]
        ]
        file["objects"] = [
            {"objekt": record(draw, "objekt")} for _ in range(draw(st.integers(0, 2)))
        ]
        file["accounts"] = [
            {"konto": record(draw, "konto")} for _ in range(draw(st.integers(0, 2)))
        ]
        found.append(file)
    return found


def cells_of(row: Mapping[str, Any]) -> dict[str, str | None]:
    flat: dict[str, str | None] = {}
    for name in RECORDS:
        if name in row:
            flat |= {name: row[name]["whole"]}
            flat |= {f"{name}.{cell}": row[name][cell] for cell in RECORDS[name]}
    return flat


def lists_of(given_files: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    rows: dict[str, list[dict[str, Any]]] = {frame: [] for frame in CARRIED}
    for number, file in enumerate(given_files):
        here = {"file.key": number}
        names = {f"{name}.names": f"<{name}>" for name in RECORDS}
        rows["file"].append(here | cells_of(file["file"]) | names)
        for voucher in file["vouchers"]:
            inner = here | {"voucher.key": len(rows["vouchers"])}
            rows["vouchers"].append(inner | cells_of(voucher))
            for posting in voucher["postings"]:
                key = {"posting.key": len(rows["postings"])}
                flag = {"posting.is_contra": posting["is_contra"] or None}
                rows["postings"].append(inner | key | flag | cells_of(posting))
                rows["posting.objects"] += [key | cells_of(each) for each in posting["objects"]]
            rows["attachments"] += [inner | cells_of(each) for each in voucher["attachments"]]
        for name in ("objects", "accounts"):
            rows[name] += [here | cells_of(each) for each in file[name]]
    return {frame: framed(frame, found) for frame, found in rows.items()}


def framed(frame: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    keys = {
        "file": ["file.key"],
        "vouchers": ["file.key", "voucher.key"],
        "attachments": ["file.key", "voucher.key"],
        "postings": ["file.key", "voucher.key", "posting.key"],
        "posting.objects": ["posting.key"],
    }.get(frame, ["file.key"])
    schema: dict[str, Any] = dict.fromkeys(keys, pl.UInt32)
    for name in sorted(CARRIED[frame]):
        schema |= {name: pl.String} | {f"{name}.{cell}": pl.String for cell in RECORDS[name]}
    if frame == "file":
        schema |= {f"{name}.names": pl.String for name in RECORDS}
    if frame == "postings":
        schema["posting.is_contra"] = pl.Boolean
    return pl.DataFrame([tuple(row[name] for name in schema) for row in rows], schema, orient="row")


def by_plain_jinja(source: str, given_files: list[dict[str, Any]]) -> list[str]:
    environment = jinja2.Environment(
        autoescape=jinja2.select_autoescape([], default_for_string=False),
        keep_trailing_newline=True,
        finalize=lambda value: "" if value is None else value,
    )
    template = environment.from_string(source)
    texts = []
    for file in given_files:
        names = {name: {"names": f"<{name}>"} for name in RECORDS}
        names["head"] |= file["file"]["head"]
        texts.append(template.render(**(file | {"file": names})))
    return texts


@given(layouts(), files())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_engines_give_what_jinja_gives(
    sources: tuple[str, str], given_files: list[dict[str, Any]]
) -> None:
    ours, oracle = sources
    expected = by_plain_jinja(oracle, given_files)
    lists = lists_of(given_files)
    columns = load_layout(ours, name="layout.j2", names=NAMES).render(lists)
    assert columns.texts["text"].to_list() == expected
    rows = load_layout(ours, name="layout.j2", names=NAMES, engine="jinja").render(lists)
    assert rows.texts["text"].to_list() == expected
    assert columns.lines.equals(rows.lines)


@given(files())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_line_number_is_that_of_the_posting(given_files: list[dict[str, Any]]) -> None:
    """Put a mark at the start of every posting: its first line is where the mark stands."""
    layout = (
        "{{ head.date }}\n{% for voucher in vouchers %}\nV {{ ver.text }}\n"
        "{% if ver.mark %}\nextra\n{% endif %}\n"
        "{% for posting in voucher.postings if posting.is_contra %}\n{{ trans.mark }}\nmore\n"
        "{% endfor %}\n"
        "{% for posting in voucher.postings if not posting.is_contra %}\n{{ trans.mark }};"
        "{% for object in posting.objects %}{{ objekt.text }}{% endfor %}\n"
        "{% else %}\nnone\nat all\n{% endfor %}\n{% endfor %}\n"
    )
    lists = lists_of(given_files)
    marks = pl.format("posting {}!", "posting.key")
    lists["postings"] = lists["postings"].with_columns(marks.alias("trans.mark"))
    for engine in ("polars", "jinja"):
        laid_out = load_layout(layout, name="l", names=NAMES, engine=engine).render(lists)
        found = {row["posting.key"]: row["line"] for row in laid_out.lines.iter_rows(named=True)}
        expected = {
            int(line.split("posting ")[1].split("!")[0]): number
            for text in laid_out.texts["text"]
            for number, line in enumerate(text.split("\n"), start=1)
            if "posting " in line
        }
        assert found == expected
