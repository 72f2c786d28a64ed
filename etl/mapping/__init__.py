"""Mappings: from what Pleo knows of a line to the company's accounts, codes and dimensions.

    document ─┐
    tables ───┼─ load_mapping ─> LoadedMapping ─ map_lines ─> lines, each value with its rule
    lists ────┘
"""

from etl.mapping.document import Company, MappingDocument, mapping_schema
from etl.mapping.lines import Mapped, map_lines
from etl.mapping.loading import LoadedMapping, load_mapping
from etl.mapping.rules import Rule, Target

__all__ = [
    "Company",
    "LoadedMapping",
    "Mapped",
    "MappingDocument",
    "Rule",
    "Target",
    "load_mapping",
    "map_lines",
    "mapping_schema",
]
