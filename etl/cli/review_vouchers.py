"""The vouchers of a batch as a person leafs through them: one by one, or those with some words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from etl.cli.review_looks import Looked
from etl.review.model import Voucher
from etl.review.summary import fit
from etl.review.terminal import Line
from etl.review.terminal_vouchers import voucher_screen
from etl.review.words import grouped
from etl.sentences import counted

#: Vouchers that a search lists; the rest is leafed through.
LISTED = 15


@dataclass
class Leaf:
    """Which vouchers a person leafs through, and where they are.

    seen    ids of the items that were on the screen
    entry   the item of the voucher that is shown; empty before the first
    """

    looked: Looked
    seen: set[str] = field(default_factory=set)
    entry: str = ""
    _words: str = ""
    _at: int = -1
    _keys: Sequence[int] | None = None

    def over(self, looked: Looked) -> Leaf:
        """Go on in another revision; what was seen of items that changed is forgotten."""
        prints = {str(item["id"]): item.get("fingerprint") for item in self.looked.viewed.items}
        same = {
            str(item["id"])
            for item in looked.viewed.items
            if prints.get(str(item["id"]), "") == item.get("fingerprint")
        }
        return Leaf(looked, self.seen & same)

    def turn(self, step: int, *, width: int) -> list[Line]:
        """Give the next voucher, or the one before."""
        found = self._found()
        if not found:
            return [Line("there is no voucher to show", "look")]
        at = self._at + step
        if not 0 <= at < len(found):
            return [Line("that was the last one" if step > 0 else "this is the first one", "look")]
        self._at = at
        (voucher,) = self._vouchers([found[at]])
        self.entry = voucher.source.item_id
        self.seen.add(self.entry)
        of = f' with "{self._words}"' if self._words else ""
        return voucher_screen(voucher, place=f"{at + 1} of {len(found)}{of}", width=width)

    @property
    def has_next(self) -> bool:
        return self._at + 1 < len(self._found())

    @property
    def has_previous(self) -> bool:
        return self._at > 0

    def find(self, words: str, *, width: int) -> list[Line]:
        """Look for vouchers; from then on only these are leafed through."""
        self._words, self._at, self._keys = words, -1, None
        found = self._found()
        lines = [Line(fit(f"{counted(len(found), 'voucher')} found; v shows them", width), "title")]
        for voucher in self._vouchers(found[:LISTED]):
            name = self.looked.names.get(voucher.source.item_id, "")
            lines.append(Line(fit(f"  {name}  {_brief(voucher)}", width)))
        if len(found) > LISTED:
            lines.append(Line(f"  and {len(found) - LISTED} more", "faint"))
        return lines

    def _found(self) -> Sequence[int]:
        if self._keys is None:
            self._keys = self._in_order()
        return self._keys

    def _in_order(self) -> Sequence[int]:
        """Give the keys of the vouchers: those that were not reviewed before come first."""
        drawer = self.looked.viewed.drawer
        if drawer is None:
            listed = self.looked.viewed.view.vouchers.full
            return [at for at, one in enumerate(listed) if self._words.casefold() in str(one)]
        found = drawer.find(self._words)
        before = self.looked.situation.reviewed_entries
        if not before:
            return found
        known = drawer.of_items(before)
        return sorted(found, key=lambda key: key in known)

    def _vouchers(self, keys: Sequence[int]) -> Sequence[Voucher]:
        drawer = self.looked.viewed.drawer
        if drawer is None:
            return [self.looked.viewed.view.vouchers.full[key] for key in keys]
        return drawer.vouchers(keys)


def _brief(voucher: Voucher) -> str:
    money = "" if voucher.total is None else f"{voucher.currency} {grouped(voucher.total)}"
    number = "" if voucher.number is None else f"voucher {voucher.number}"
    parts = (number, voucher.source.title, money)
    return "  ".join(part for part in parts if part)
