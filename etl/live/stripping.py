"""Take download links out of export items: whoever has one can read the receipt.

    item ─> links, for the download, in memory only
      └───> the same bytes with every link emptied, for the disk

Nothing else of an item is touched, so that it is read from the disk as it was read from Pleo;
an item that is no JSON stays as broken as it was.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from etl.documents import read_json
from etl.items import wire
from etl.items.reading import read_singly
from etl.items.tolerant import Known, known_fields
from etl.pleo.links import FileLink
from etl.secret import Secret
from etl.sources.raw import Limits

#: Texts, brackets and anything between them that may hide a link in an item that is no JSON.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_LOOSE = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^"]+', re.DOTALL)
_ADDRESS = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*:(?:\\?/){2}[^\s\"'<>\\]*")
_IS_KEY = re.compile(rb"[ \t\r\n]*:")
#: What is put in the place of a link; in an item that is no JSON it keeps it from becoming some.
_EMPTY, _BROKEN = b'""', b'"\x00"'
#: A key with one of these in its name has a link as its value; so may everything below `files`.
_LINK_WORDS = ("url", "uri", "href")
_FILES, _WEB_LINKS = "files", "_links"


@dataclass(frozen=True, slots=True)
class Stripped:
    """An item without its links, and the links."""

    item: bytes
    links: tuple[FileLink, ...]


def strip_links(item: bytes) -> Stripped:
    """Take the download links out of one export item.

    Gives: the item with an empty text where a link stood, every other byte as it was; the links
    of an item that can be read, in the order of its files.
    """
    try:
        is_object = isinstance(read_json(item.decode()), dict)
    except (ValueError, RecursionError):
        return Stripped(_without_addresses(item, hole=_BROKEN), ())
    if not is_object:
        return Stripped(_without_addresses(item, hole=_EMPTY), ())
    marked = list(_marked(item))
    known = {text for mark in marked if mark.is_link and "//" in (text := mark.text)}
    parts, end = [], 0
    for mark in marked:
        if mark.is_link or any(link in mark.text for link in known):
            parts += [item[end : mark.start], _EMPTY]
            end = mark.end
    return Stripped(b"".join([*parts, item[end:]]), _links_of(item))


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of an item: where it stands, what it says, and whether it is a link."""

    start: int
    end: int
    text: str
    is_link: bool


@dataclass(slots=True)
class _Walk:
    """The keys on the way to where a walk over an item is."""

    above: list[str | None] = field(default_factory=list)
    key: str | None = None

    def is_link(self, text: str) -> bool:
        way = tuple(name for name in (*self.above, self.key) if name is not None)
        held = _held_in(way)
        return held is _Held.LINK or (held is _Held.MAYBE and "//" in text)


class _Held(Enum):
    """What a field may hold: no link, a link, or a link if it looks like one."""

    NONE = auto()
    LINK = auto()
    MAYBE = auto()


@functools.lru_cache(maxsize=4096)
def _held_in(way: tuple[str, ...]) -> _Held:
    """Say what the field at the end of some keys may hold."""
    if way[:1] == (_WEB_LINKS,):
        return _Held.NONE  # the item in Pleo's web app: it opens nothing without a login
    folded = [name.casefold() for name in way]
    if any(word in name for name in folded for word in _LINK_WORDS):
        return _Held.LINK
    return _Held.MAYBE if _FILES in folded or not _is_known(way) else _Held.NONE


def _is_known(way: tuple[str, ...]) -> bool:
    """Say whether Pleo describes a field. In one that it does not, any address may be a link."""
    fields: Known | None = known_fields()
    for name in way:
        if fields is None or name not in fields:
            return False
        fields = fields[name]
    return True


def _marked(item: bytes) -> Iterator[_Text]:
    """Give every text of an item; a key is never a link of its own."""
    walk = _Walk()
    for token in _TOKENS.finditer(item):
        said = token[0]
        if said in (b"{", b"["):
            walk.above.append(walk.key)
            walk.key = None
        elif said in (b"}", b"]"):
            walk.key = walk.above.pop()
        else:
            start, end = token.span()
            text = str(read_json(said)) if b"\\" in said else said[1:-1].decode()
            is_key = _IS_KEY.match(item, end) is not None
            if is_key:
                walk.key = text
            yield _Text(start, end, text, not is_key and walk.is_link(text))


def _links_of(item: bytes) -> tuple[FileLink, ...]:
    """Give the links as the ingest numbers them: elements that are null do not count."""
    decoded = wire.decode_fast([item]).items
    read = decoded[0] if decoded else read_singly(item, item_bytes=Limits().item).item
    if read is None or not read.files:
        return ()
    files = enumerate((file for file in read.files if file is not None), start=1)
    return tuple(
        FileLink(
            read.accounting_entry_id,
            number,
            Secret(file.url or ""),
            file.type or "",
            file.size if isinstance(file.size, int) else None,
        )
        for number, file in files
    )


def _without_addresses(item: bytes, *, hole: bytes) -> bytes:
    """Empty every text with an address in it, however it is spelled, and bare addresses too."""
    parts = []
    for token in _LOOSE.finditer(item):
        said = token[0]
        if not said.startswith(b'"'):
            said = _ADDRESS.sub(b"", said)
        elif "//" in _as_text(said):
            said = hole
        parts.append(said)
    return b"".join(parts)


def _as_text(said: bytes) -> str:
    """Read a text that may be cut off, or of letters that are no UTF-8."""
    text = said.decode("utf-8", "replace")
    unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text)
    return unescaped.replace("\\/", "/")
