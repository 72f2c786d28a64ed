"""`python -m etl.cli` is `pleo-etl`."""

import sys

from etl.cli import main

sys.exit(main())
