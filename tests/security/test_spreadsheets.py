"""Workbooks of strangers as tables: small files that lay out to gigabytes, and broken XML."""

from __future__ import annotations

import io
import time
import zipfile
from functools import cache

import openpyxl
import pytest

from etl.codes import CODES
from etl.errors import UserMustFix
from etl.mapping.spreadsheet import read_xlsx

SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
FIRST = '<row r="1"><c r="A1" t="inlineStr"><is><t>pleo</t></is></c></row>'
FAR = '<row r="1048576"><c {}><v>1</v></c></row>'


@cache
def plain() -> bytes:
    book = openpyxl.Workbook()
    for row in (["pleo", "erp"], ["1", "2"]):
        book.active.append(row)  # type: ignore[union-attr]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def changed(sheet: str, *, elsewhere: str | None = None) -> bytes:
    """Give the workbook with another sheet1.xml, or with the sheet under another name."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain())) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in old.namelist():
            content = old.read(name)
            if elsewhere:
                content = content.replace(b"worksheets/sheet1.xml", elsewhere.encode())
            if name.endswith("sheet1.xml"):
                content = sheet.encode()
                name = f"xl/{elsewhere}" if elsewhere else name
            new.writestr(name, content)
    return out.getvalue()


def sheet(rows: str, before: str = "") -> str:
    return f"<worksheet {SPACE}>{before}<sheetData>{rows}</sheetData></worksheet>"


REFUSED = {
    "no address": sheet(FIRST + '<row r="1048576">' + "<c><v>1</v></c>" * 200 + "</row>"),
    "rows without number": sheet("<row><c><v>1</v></c></row>" * 600_000),
    "blanks around": sheet(FIRST + FAR.format('r = "XFD1048576"')),
    "line break": sheet(FIRST + FAR.format('\nr="XFD1048576"')),
    "single quotes": sheet(FIRST + FAR.format("r='XFD1048576'")),
    "small letters": sheet(FIRST + FAR.format('r="xfd1048576"')),
    "written as a number": sheet(FIRST + FAR.format('r="&#88;FD1048576"')),
    "long attribute": sheet(FIRST + FAR.format('x="' + "y" * 600 + '" r="XFD1048576"')),
    "end of a tag in quotes": sheet(FIRST + FAR.format('x=">" r="XFD1048576"')),
    "prefix": sheet(FIRST + FAR.format('r="XFD1048576"')).replace("<", "<x:")
              .replace("<x:/", "</x:").replace("xmlns=", "xmlns:x="),
    "row beyond the last": sheet('<row r="99999999"><c r="A99999999"><v>1</v></c></row>'),
    "below zero": sheet('<row r="-1"><c r="A-1"><v>1</v></c></row>'),
    "overflow": sheet('<row r="99999999999999999999"><c><v>1</v></c></row>'),
    "column beyond the last": sheet('<row r="1"><c r="ZZZZZZZZZZZZZ1"><v>1</v></c></row>'),
    "entities": '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
                + sheet('<row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row>'),
    "a file of the computer": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
                + sheet('<row r="1"><c r="A1" t="inlineStr"><is><t>&a;</t></is></c></row>'),
    "no such text": sheet('<row r="1"><c r="A1" t="s"><v>999999999</v></c></row>'),
    "cut off": sheet(FIRST)[:150],
    "empty": "",
    "long cell": sheet(FIRST.replace("pleo", "x" * 5_000_000)),
}  # fmt: skip


def refuse_quickly(content: bytes) -> None:
    start = time.process_time()
    with pytest.raises(UserMustFix) as caught:
        read_xlsx(content, name="t.xlsx", sheet=None)
    assert {problem.code for problem in caught.value.problems} <= CODES.keys()
    assert time.process_time() - start < 5


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_sheet_that_would_take_too_much_is_refused(text: str) -> None:
    refuse_quickly(changed(text))


def test_a_sheet_is_measured_wherever_it_stands_in_the_archive() -> None:
    refuse_quickly(changed(REFUSED["no address"], elsewhere="theme/x.bin"))


def test_what_a_sheet_says_of_its_size_is_not_believed() -> None:
    text = sheet(FIRST, '<dimension ref="A1:XFD1048576"/>')
    assert read_xlsx(changed(text), name="t.xlsx", sheet=None).header == ("pleo",)
