"""Measure the figures of the design as ratios from one run.

    uv run python -m tests.perf.measure [--items 100000] [--million] [--template FOLDER]

The template of the yardstick has fifteen columns; the bare script writes twelve of them.
Prints one table: what, ours, theirs, ratio, target. Times are the best of three runs; a million
items run once. Nothing here is asserted: machines differ, ratios on one machine do not lie.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.perf.generate import write_items
from tests.perf.opening import opening
from tests.perf.rendering import nested_layout, plain_table

HERE = Path(__file__).parent
COMMAND = [sys.executable, "-c", "from etl.cli import main; main()"]


@dataclass(frozen=True)
class Run:
    """Seconds of wall time and peak memory in MiB of a child."""

    seconds: float
    peak: float


def run(command: list[str], *, times: int = 3) -> Run:
    """Run a command several times and keep the best."""
    return min((_once(command) for _ in range(times)), key=lambda result: result.seconds)


def _once(command: list[str]) -> Run:
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        assert child.stderr is not None
        error = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode not in (0, 1):
        raise SystemExit(f"{command}: exit {child.returncode}\n{error.decode()}")
    return Run(seconds, usage.ru_maxrss / 1024)


def convert(items: Path, folder: Path, template: str, *, times: int = 3) -> Run:
    """Run `pleo-etl convert` with the mapping of this folder."""
    mapping = str(HERE / "mapping.yaml")
    command = [*COMMAND, "convert", str(items), "-t", template, "-m", mapping, "-o", str(folder)]
    return run(command, times=times)


def row(what: str, ours: float, theirs: float, target: str) -> None:
    """Print a row; the ratio is theirs / ours (how many times as fast)."""
    ratio = theirs / ours if ours else float("inf")
    print(f"{what:<52}{ours:>10.2f}{theirs:>10.2f}{ratio:>8.2f}  {target}", flush=True)


def against_bare(folder: Path, count: int, template: str, target: str, *, times: int) -> Run:
    """Compare a conversion with the bare script on the same items."""
    source = folder / f"{count}.ndjson"
    write_items(source, count)
    bare = run(
        [sys.executable, "-m", "tests.perf.bare", str(source), str(folder / "b")], times=times
    )
    ours = convert(source, folder / f"out{count}", template, times=times)
    row(f"convert {count:,} items (s) / bare script", ours.seconds, bare.seconds, target)
    return ours


def start_up(folder: Path, template: str) -> None:
    """Compare start-up times with the imports they cannot avoid."""
    click = run([sys.executable, "-c", "import click"], times=7)
    help_run = run([*COMMAND, "--help"], times=7)
    row("--help (s) / import click: at most 2 times", help_run.seconds, click.seconds, ">= 0.5")
    imports = run([sys.executable, "-c", "import polars, pandera.polars, jinja2"], times=5)
    source = folder / "50.ndjson"
    write_items(source, 50)
    small = convert(source, folder / "out50", template, times=5)
    row("convert 50 items (s) / imports: at most 2 times", small.seconds, imports.seconds, ">= 0.5")


def rendering(folder: Path, template: str) -> None:
    """Compare rendering with Jinja, both in seconds of processor time."""
    source = folder / "rendering.ndjson"
    write_items(source, 100_000)
    row("plain table (CPU s) / Jinja row by row", *plain_table(source, template), ">= 20")
    row("nested layout (CPU s) / Jinja, ready strings", *nested_layout(20_000), ">= 5")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--million", action="store_true", help="also a million items")
    parser.add_argument("--template", default=str(HERE / "plain"), help="id or folder")
    given = parser.parse_args()
    print(f"{'what':<52}{'ours':>10}{'theirs':>10}{'ratio':>8}  target")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start_up(folder, given.template)
        rendering(folder, given.template)
        for what, ours, theirs, target in opening(folder, 10_000):
            row(what, ours, theirs, target)
        small = against_bare(folder, given.items, given.template, ">= 1.5", times=3)
        print(f"{'  peak memory (MiB)':<52}{small.peak:>10.0f}")
        if given.million:
            large = against_bare(folder, 1_000_000, given.template, ">= 2", times=1)
            row("peak memory at 1,000,000 / 1,536 MiB", large.peak, 1536, ">= 1")
            row("peak memory at 1,000,000 / at 100,000 x 2", large.peak, small.peak * 2, ">= 1")


if __name__ == "__main__":
    main()
