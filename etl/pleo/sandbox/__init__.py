"""A Pleo of one's own, in memory: for the command `sandbox`, for the demo and for tests.

    pleo = Pleo(seed=1)
    company = pleo.add_sample("example")
    key, job = pleo.add_key([company]), pleo.add_job(company)
    with RunningSandbox(pleo) as sandbox:
        ...  # any client on sandbox.base_url
        pleo.advance(3600)
        pleo.faults.add("lost-answer@report-items")

pleo.py       what the Pleo knows, and what may be done to it from outside
operations.py what each operation of the API does
desk.py       what comes before an operation: expiry, credential, rate limit, scope
wire.py       HTTP, and the faults of a network
server.py     the server on the loopback address
"""

from __future__ import annotations

from etl.pleo.sandbox.clocks import SandboxClock
from etl.pleo.sandbox.desk import land
from etl.pleo.sandbox.faults import KINDS, OPERATIONS, Fault, parse_fault
from etl.pleo.sandbox.pleo import Manners, Pleo
from etl.pleo.sandbox.samples import SAMPLES, Company
from etl.pleo.sandbox.server import RunningSandbox

__all__ = [
    "KINDS", "OPERATIONS", "SAMPLES", "Company", "Fault", "Manners", "Pleo", "RunningSandbox",
    "SandboxClock", "land", "parse_fault",
]  # fmt: skip
