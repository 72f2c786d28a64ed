"""Rendering: templates turn vouchers and postings into the bytes that an ERP reads."""

from etl.rendering.choosing import assign_forms
from etl.rendering.linting import lint_template
from etl.rendering.lists import Labels
from etl.rendering.loading import load_template, template_schema
from etl.rendering.outcome import Rendered, RenderedFile
from etl.rendering.proof import prove
from etl.rendering.proof_money import as_read
from etl.rendering.readback import read_back_file
from etl.rendering.render import render
from etl.rendering.templates import Template, find_template, template_ids

__all__ = [
    "Labels",
    "Rendered",
    "RenderedFile",
    "Template",
    "as_read",
    "assign_forms",
    "find_template",
    "lint_template",
    "load_template",
    "prove",
    "read_back_file",
    "render",
    "template_ids",
    "template_schema",
]
