"""The sample items, converted: every item type and sub type that Pleo has."""

from __future__ import annotations

import csv
from pathlib import Path

from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
#: The one item of the sample that is rightly rejected (see sample_data/README.md).
WITHOUT_ACCOUNT = ("MAP-21", "missing_configuration")


def convert_samples(
    template: str, out: Path, *, parameters: dict[str, str], mapping: Path | None = None
) -> list[tuple[str, str]]:
    """Convert sample_data/items.json; give code and failure type of what was rejected."""
    from etl.cli import main

    command = ["convert", str(ROOT / "sample_data" / "items.json"), "-t", template, "-o", str(out)]
    command += ["-m", str(mapping or ROOT / "mappings" / "example.yaml")]
    for name, value in parameters.items():
        command += ["-p", f"{name}={value}"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1, result.output
    with (out / "rejections.csv").open(encoding="utf-8", newline="") as rejected:
        return [(row["code"], row["failure_type"]) for row in csv.DictReader(rejected)]
