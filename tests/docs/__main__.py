"""Make the tables of templates/README.md anew: python -m tests.docs --write."""

from __future__ import annotations

import sys

from tests.docs.guide import GUIDE, renewed


def main(arguments: list[str]) -> int:
    """Renew the guide in place."""
    if arguments != ["--write"]:
        print(__doc__)
        return 2
    GUIDE.write_text(renewed(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
