"""Mappings: from what Pleo knows of a line to the company's accounts, codes and dimensions.

document ─┐
tables ───┼─ load_mapping ─> LoadedMapping ─ map_lines ─> lines, each value with its rule
lists ────┘
"""

from etl.mapping.cases import CaseResult, run_cases
from etl.mapping.document import MappingDocument, mapping_schema
from etl.mapping.lines import Mapped, map_lines
from etl.mapping.lint import lint_mapping
from etl.mapping.loading import LoadedMapping, load_mapping

__all__ = [
    "CaseResult",
    "LoadedMapping",
    "Mapped",
    "MappingDocument",
    "lint_mapping",
    "load_mapping",
    "map_lines",
    "mapping_schema",
    "run_cases",
]
