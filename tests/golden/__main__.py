"""Make expected files of golden cases anew: python -m tests.golden --write TEMPLATE[/CASE] …"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.golden.cases import all_cases, write_expected


def main(arguments: list[str]) -> int:
    """Run the named cases and replace what they expect."""
    if os.environ.get("CI"):
        print("refused: in CI the golden files are the judge, not the judged")
        return 2
    if len(arguments) < 2 or arguments[0] != "--write":
        print(__doc__)
        return 2
    for case in all_cases():
        if not any(case.name == name or case.template == name for name in arguments[1:]):
            continue
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            result = case.convert(out)
            print(case.name, "exit", result.exit_code)
            if out.exists():
                write_expected(case, out)
            else:
                print(result.output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
