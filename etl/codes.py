"""Every code of an error, a rejection or a note, in one table.

A code is what a person searches for. Rejections carry Pleo's failure type (export-rules.md
table 12a); errors stop the command; notes are remarks for the reviewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means, and what Pleo is told for an item rejected under it."""

    kind: str  # error | rejection | note | blocking note
    meaning: str
    failure_type: str | None = None


def _error(meaning: str) -> Code:
    return Code("error", meaning)


def _rejection(failure_type: str, meaning: str) -> Code:
    return Code("rejection", meaning, failure_type)


def _note(meaning: str, *, blocking: bool = False) -> Code:
    return Code("blocking note" if blocking else "note", meaning)


CODES: Mapping[str, Code] = {
    # ── documents: YAML that people write ──
    "YAML-1": _error("the file cannot be read as YAML"),
    "YAML-2": _error("a key stands twice"),
    "YAML-3": _error("the file is larger, deeper or longer than a document may be"),
    "YAML-4": _error("anchors, aliases, merge keys and tags are not allowed"),
    "DOC-1": _error("an unknown key"),
    "DOC-2": _error("a required key is missing"),
    "DOC-3": _error("a value is of the wrong kind"),
    "DOC-4": _error("a path leaves its folder, or the file is not there"),
    # ── expressions ──
    "EXP-1": _error("an expression is not valid"),
    "EXP-2": _error("something that expressions do not have"),
    "EXP-3": _error("an unknown name"),
    "EXP-4": _error("an unknown filter or test"),
    "EXP-5": _error("types that do not fit"),
    "EXP-6": _error("an argument of a filter or test is wrong"),
    "EXP-7": _error("a pattern uses what patterns do not have"),
    "EXP-8": _error("an unknown lookup table"),
    "EXP-9": _error("a condition that is not one expression"),
    "EXP-10": _error("an expression is too long, too deep or makes texts too long"),
    "EXP-11": _error("the installed Jinja is too old to be safe"),
    # ── ingest and checks ──
    "IN-1": _error("an input file cannot be opened"),
    "IN-2": _error("the input holds no export items in a form we read"),
    "IN-3": _error("a page, list or item is cut off or is not valid JSON"),
    "IN-4": _error("the input is larger than the limit, or unpacks to more"),
    "IN-5": _error("a gzip file is damaged or cut off"),
    "IN-6": _error("the same input is named twice"),
    "IN-7": _rejection("validation_failure", "the JSON of an item cannot be read"),
    "IN-8": _rejection("validation_failure", "a key stands twice in an item"),
    "IN-9": _rejection("validation_failure", "an item is larger or deeper than the limit"),
    "IN-10": _error("a check of the program's own frames failed; nothing was converted"),
    "ITEM-1": _rejection("validation_failure", "a field is missing or of the wrong kind"),
    "ITEM-2": _rejection("validation_failure", "an amount is no whole number of hundredths"),
    "ITEM-3": _rejection("validation_failure", "an id is missing or malformed"),
    "ITEM-4": _rejection("validation_failure", "an unknown item type"),
    "ITEM-5": _rejection("validation_failure", "an unknown sub type"),
    "ITEM-6": _rejection("validation_failure", "an unknown tax type"),
    "ITEM-7": _rejection("validation_failure", "an unknown bookkeeping method"),
    "ITEM-8": _rejection("validation_failure", "a date that is none"),
    "ITEM-9": _rejection("validation_failure", "a date out of range"),
    "ITEM-10": _rejection("validation_failure", "an item without lines"),
    "ITEM-11": _rejection("validation_failure", "the same item stands twice in the input"),
    "ITEM-12": _rejection("validation_failure", "an item of another company"),
    "ITEM-13": _rejection("validation_failure", "the lines do not add up to the item"),
    "ITEM-14": _rejection("validation_failure", "net amount, tax and amount do not fit"),
    "ITEM-15": _rejection("validation_failure", "an unknown currency"),
    "ITEM-16": _rejection("validation_failure", "a currency without two decimals"),
    "ITEM-17": _rejection("validation_failure", "a line in another currency than its item"),
    "ITEM-18": _rejection("validation_failure", "tax of another sign, or larger than the amount"),
    # ── posting rules and postings ──
    "POST-1": _error("a mapping names a posting rule that does not exist"),
    "POST-2": _error("a mapping's own posting rule cannot be used"),
    "POST-3": _rejection("missing_configuration", "there is no posting rule for the item"),
    "POST-4": _rejection("missing_configuration", "the posting rule is not accepted"),
    "POST-5": _rejection("validation_failure", "the item has an unexpected sign"),
    "POST-6": _rejection("missing_configuration", "a side of the voucher has no account"),
    "POST-7": _rejection("missing_configuration", "the line has tax and no tax account"),
    "POST-8": _rejection("validation_failure", "the tax does not fit the line"),
    "POST-9": _rejection("validation_failure", "the amounts of a row in two currencies disagree"),
    "POST-10": _rejection("validation_failure", "the voucher has lines of both signs"),
    "CUR-1": _rejection("invalid_configuration", "there is no amount in the company's currency"),
    # ── mapping ──
    # ── templates, cells, layouts, files ──
    "LAY-1": _error("a layout cannot be read"),
    "LAY-2": _error("something that layouts do not have"),
    "LAY-3": _error("an unknown record, cell, list or name in a layout"),
    "LAY-4": _error("a record, or loop.*, outside of the loop that gives its values"),
    "LAY-5": _error("a layout is too large, too deep or does too much"),
    "LAY-6": _error("a layout failed while it ran in Jinja"),
    # ── proof ──
    # ── output, workspace, command line ──
    "CLI-1": _error("the command line is not understood"),
    "CLI-2": _error("pleo-etl failed in a way that it does not know"),
    "WS-1": _error("there is no workspace file"),
    "WS-2": _error("two companies of the workspace have one id"),
    "WS-3": _error("the mapping belongs to another company than the workspace says"),
    "WS-4": _error("a file of the workspace is there already"),
    "OUT-1": _error("the output folder holds what this conversion did not write"),
    "OUT-2": _error("a file cannot be written"),
    "OUT-3": _error("a file name cannot be used, or is used twice"),
    "VER-1": _error("the folder has no manifest"),
    "VER-2": _error("the manifest was changed, or is not of pleo-etl"),
    "VER-3": _error("a file was changed, or is missing"),
    "VER-4": _error("a file read back differs from the manifest"),
    # ── notes ──
    "TEXT-CONTROL": _note("control characters, line breaks or direction marks became blanks"),
    "ITEM-FIELDS": _note("fields of an item that this version does not know"),
    "REV-1": _note("no receipt in Pleo"),
    "REV-2": _note("unusually large for its type"),
    "REV-3": _note("the same invoice number of the same supplier stands on several items"),
    "RULE-UNCONFIRMED": _note("posted by an accepted rule that Pleo does not state"),
    "ZERO-LEG": _note("rows of zero amount that were not made"),
}
