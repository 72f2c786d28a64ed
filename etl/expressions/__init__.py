"""Expressions: Jinja's syntax, typed, total, compiled to Polars.

    text ─parse (Jinja's parser)─> nodes ─compile (allow-list, types)─> Polars expression

One language in mappings, columns, conditions, checks and file names. Every mistake is found
before any row is seen; no row can make a compiled expression raise.
"""

from etl.expressions.compiling import compile_condition, compile_expression, compile_value
from etl.expressions.date_tokens import refuse_format
from etl.expressions.patterns import PatternRefused, check_pattern
from etl.expressions.scope import Compiled, Lookup, Scope
from etl.expressions.source import require_jinja

__all__ = [
    "Compiled",
    "Lookup",
    "PatternRefused",
    "Scope",
    "check_pattern",
    "compile_condition",
    "compile_expression",
    "compile_value",
    "refuse_format",
    "require_jinja",
]
