"""The tables of templates/README.md that are made from the code, and how they are put in."""

from __future__ import annotations

from pathlib import Path

from etl.expressions.manual import render_manual

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "templates" / "README.md"
#: Everything behind this line is made.
MARK = "<!-- made by: python -m tests.docs --write -->\n"


def renewed(text: str) -> str:
    """Give the guide with tables that say what the code says now."""
    written, found, _made = text.partition(MARK)
    assert found, f"the guide has no line {MARK.strip()}"
    return f"{written}{MARK}\n{render_manual()}"
