"""Export items: read into frames, checked, and joined with their attachments."""

from etl.items.attachments import attach
from etl.items.checks import Checked, CompanyFacts, check
from etl.items.reading import Ingested, ingest

__all__ = ["Checked", "CompanyFacts", "Ingested", "attach", "check", "ingest"]
