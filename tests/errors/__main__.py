"""Make the expected texts anew: python -m tests.errors --write CODE …"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.errors.cases import EXPECTED, ROOT, what_a_person_sees


def main(arguments: list[str]) -> int:
    """Write what a person sees for the named codes, and show it."""
    if os.environ.get("CI") or arguments[:1] != ["--write"]:
        print(__doc__)
        return 2
    for code in arguments[1:]:
        with tempfile.TemporaryDirectory() as folder:
            seen = what_a_person_sees(code, Path(folder) / "case")
        (ROOT / code / EXPECTED).write_text(seen, encoding="utf-8")
        print(f"== {code}\n{seen}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
