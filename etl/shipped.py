"""Where the templates, mappings and sample data that come with pleo-etl lie.

in the wheel      etl/_shipped/<kind>/
in a checkout     <kind>/ beside etl/
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["templates", "mappings", "sample_data"]

_PACKAGE = Path(__file__).resolve().parent


def shipped_folder(kind: Kind) -> Path:
    """Give the folder of what is shipped; the wheel's own copy comes first."""
    in_wheel = _PACKAGE / "_shipped" / kind
    return in_wheel if in_wheel.is_dir() else _PACKAGE.parent / kind


def shipped_templates() -> list[str]:
    """Give the ids of the templates that are shipped, in order."""
    folder = shipped_folder("templates")
    return sorted(file.parent.name for file in folder.glob("*/template.yaml"))
