"""Rendering: templates turn vouchers and postings into the bytes that an ERP reads."""

from etl.rendering.choosing import assign_forms
from etl.rendering.linting import lint_template
from etl.rendering.lists import Labels
from etl.rendering.loading import load_template, template_schema
from etl.rendering.outcome import Rendered, RenderedFile, ValueSource
from etl.rendering.render import render
from etl.rendering.templates import Template, find_template, template_ids

__all__ = [
    "Labels",
    "Rendered",
    "RenderedFile",
    "Template",
    "ValueSource",
    "assign_forms",
    "find_template",
    "lint_template",
    "load_template",
    "render",
    "template_ids",
    "template_schema",
]
