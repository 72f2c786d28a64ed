"""The review: what a person sees of a batch before anything is final."""

from __future__ import annotations

from etl.review.fallbacks import find_fallbacks
from etl.review.given import (
    NOTHING_EARLIER,
    AnswerBefore,
    BatchFrames,
    Earlier,
    FileFormat,
    RuleText,
    Sighting,
)
from etl.review.model import FileView, ReviewView
from etl.review.remarks import TYPES_WITH_RECEIPT, find_remarks
from etl.review.report import render_report
from etl.review.summary import render_summary
from etl.review.view import import_steps, make_view

__all__ = [
    "NOTHING_EARLIER",
    "TYPES_WITH_RECEIPT",
    "AnswerBefore",
    "BatchFrames",
    "Earlier",
    "FileFormat",
    "FileView",
    "ReviewView",
    "RuleText",
    "Sighting",
    "find_fallbacks",
    "find_remarks",
    "import_steps",
    "make_view",
    "render_report",
    "render_summary",
]
