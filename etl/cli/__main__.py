"""`python -m etl.cli` is `pleo-etl`."""

from etl.cli import main

main()
