"""The import steps that the page repeats from the README of a template."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.review import import_steps

ROOT = Path(__file__).parents[3]

README = """# DATEV

What it is.

## How to import

Have the client open, then:

1. Choose **Bestand > Importieren**
   and then `ASCII-Daten`.
2. Choose the file.

   It is called EXTF.
3. Post the batch.

## Assumptions

1. Accounts have four digits.
"""


def test_numbered_steps_of_the_section_on_importing() -> None:
    assert import_steps(README) == (
        "Choose Bestand > Importieren and then ASCII-Daten.",
        "Choose the file.",
        "Post the batch.",
    )


def test_paragraphs_are_steps_where_none_are_numbered() -> None:
    readme = "# X\n\n## Importing\n\nOpen the\nfile menu.\n\nChoose the file.\n"
    assert import_steps(readme) == ("Open the file menu.", "Choose the file.")


def test_a_readme_without_such_a_section_gives_no_steps() -> None:
    assert import_steps("# X\n\nWords.\n") == ()
    assert import_steps("") == ()


@pytest.mark.parametrize(
    "readme", sorted(ROOT.glob("templates/*/README.md")), ids=lambda path: path.parent.name
)
def test_the_steps_of_a_template_begin_where_a_release_ends(readme: Path) -> None:
    """They are shown after a release, when nobody converts and the review has been read."""
    steps = import_steps(readme.read_text(encoding="utf-8"))
    assert steps
    assert not any(step.startswith("Convert") for step in steps)
