"""The text policy as it meets export items: replaced characters are noted by item."""

from __future__ import annotations

from tests.unit.items.elements import SAMPLE, SPLIT, put, read, sample


def test_control_characters_become_blanks_and_are_noted() -> None:
    item = sample(
        note="first\r\nsecond\tthird\0", accountingEntryLines__0__account__name="a\u2028b"
    )
    put(item, "additionalInformation.attendees", ["Asha\nPatel", "\x1f", "Tom\x1fReed", None, ""])
    put(item, "accountingEntryLines.0.tags.0.code", "CC\x1f20")
    ingested = read(item, SAMPLE[SPLIT])
    row = ingested.items.filter(ingested.items["item.id"] == item["accountingEntryId"])
    assert row["item.note"].item() == "first second third "
    assert row["item.attendees"].to_list() == [["Asha Patel", "Tom Reed"]]
    line = ingested.lines.filter(ingested.lines["item.key"] == row["item.key"].item())
    assert line["line.account.name"].item() == "a b"
    assert line["line.tag_codes"].to_list() == [["CC 20", "P-100"]]
    assert line["line.tag_groups"].to_list() == [["COSTCENTER", "PROJECT"]]
    assert ingested.notes.select("item_id", "code").rows() == [
        (item["accountingEntryId"], "TEXT-CONTROL")
    ]


def test_letters_are_composed_without_a_note() -> None:
    ingested = read(sample(note="Bu\u0308ro"))
    assert ingested.items["item.note"].item() == "Büro"
    assert ingested.notes.is_empty()


def test_a_long_note_stays_whole() -> None:
    note = "Ä" * 10_000
    assert read(sample(note=note)).items["item.note"].item() == note


def test_code_in_text_is_text() -> None:
    for note in ("{{ 1 + 1 }}", "{% for %}", "<script>alert(1)</script>", "=1+1", "%s %d", "\\"):
        assert read(sample(note=note)).items["item.note"].item() == note
