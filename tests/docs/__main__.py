"""Make the tables of README.md and templates/README.md anew: python -m tests.docs --write."""

from __future__ import annotations

import sys

from tests.docs import commands, guide


def main(arguments: list[str]) -> int:
    """Renew both in place."""
    if arguments != ["--write"]:
        print(__doc__)
        return 2
    for path, renewed in (
        (guide.ROOT / "README.md", commands.renewed),
        (guide.GUIDE, guide.renewed),
    ):
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
