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

    kind: str  # error | warning | rejection | note | blocking note
    meaning: str
    failure_type: str | None = None
    cured_by: str | None = None  # of a rejection: employee | bookkeeper | integrator | pleo


def _error(meaning: str) -> Code:
    return Code("error", meaning)


def _warning(meaning: str) -> Code:
    return Code("warning", meaning)


def _rejection(failure_type: str, meaning: str, *, by: str = "integrator") -> Code:
    """Declare a rejection, and who can cure it.

    employee    in Pleo, whoever made the expense or codes it there
    bookkeeper  in a table or a list beside the mapping, or in Pleo's own tables
    integrator  in a rule of the mapping or in the template
    pleo        by Pleo: the data itself is broken
    """
    return Code("rejection", meaning, failure_type, by)


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
    "IN-7": _rejection("validation_failure", "the JSON of an item cannot be read", by="pleo"),
    "IN-8": _rejection("validation_failure", "a key stands twice in an item", by="pleo"),
    "IN-9": _rejection(
        "validation_failure", "an item is larger or deeper than the limit", by="pleo"
    ),
    "IN-10": _error("a check of the program's own frames failed; nothing was converted"),
    "ITEM-1": _rejection(
        "validation_failure", "a field is missing or of the wrong kind", by="pleo"
    ),
    "ITEM-2": _rejection(
        "validation_failure", "an amount is no whole number of hundredths", by="pleo"
    ),
    "ITEM-3": _rejection("validation_failure", "an id is missing or malformed", by="pleo"),
    "ITEM-4": _rejection("validation_failure", "an unknown item type", by="pleo"),
    "ITEM-5": _rejection("validation_failure", "an unknown sub type", by="pleo"),
    "ITEM-6": _rejection("validation_failure", "an unknown tax type", by="pleo"),
    "ITEM-7": _rejection("validation_failure", "an unknown bookkeeping method", by="pleo"),
    "ITEM-8": _rejection("validation_failure", "a date that is none", by="pleo"),
    "ITEM-9": _rejection("validation_failure", "a date out of range", by="pleo"),
    "ITEM-10": _rejection("validation_failure", "an item without lines", by="pleo"),
    "ITEM-11": _rejection(
        "validation_failure", "the same item stands twice in the input", by="bookkeeper"
    ),
    "ITEM-12": _rejection("validation_failure", "an item of another company", by="bookkeeper"),
    "ITEM-13": _rejection(
        "validation_failure", "the lines do not add up to the item", by="employee"
    ),
    "ITEM-14": _rejection(
        "validation_failure", "net amount, tax and amount do not fit", by="employee"
    ),
    "ITEM-15": _rejection("validation_failure", "an unknown currency", by="pleo"),
    "ITEM-16": _rejection("validation_failure", "a currency without two decimals", by="pleo"),
    "ITEM-17": _rejection(
        "validation_failure", "a line in another currency than its item", by="pleo"
    ),
    "ITEM-18": _rejection(
        "validation_failure", "tax of another sign, or larger than the amount", by="employee"
    ),
    "ITEM-19": _rejection("unexpected_failure", "a row breaks the contract of its frame"),
    "ITEM-20": _rejection("validation_failure", "the mapping requires a receipt", by="employee"),
    # ── posting rules and postings ──
    "POST-1": _error("a mapping names a posting rule that does not exist"),
    "POST-2": _error("a mapping's own posting rule cannot be used"),
    "POST-3": _rejection("missing_configuration", "there is no posting rule for the item"),
    "POST-4": _rejection("missing_configuration", "the posting rule is not accepted"),
    "POST-5": _rejection("validation_failure", "the item has an unexpected sign"),
    "POST-6": _rejection("missing_configuration", "a side of the voucher has no account"),
    "POST-7": _rejection("missing_configuration", "the line has tax and no tax account"),
    "POST-8": _rejection("validation_failure", "the tax does not fit the line", by="bookkeeper"),
    "POST-9": _rejection("validation_failure", "the amounts of a row in two currencies disagree"),
    "POST-10": _rejection("validation_failure", "the voucher has lines of both signs"),
    "CUR-1": _rejection("invalid_configuration", "there is no amount in the company's currency"),
    # ── mapping ──
    "MAP-1": _error("a table cannot be read: encoding, quotes, not a spreadsheet, or empty"),
    "MAP-2": _error("the delimiter of a table is not clear"),
    "MAP-3": _error("the header of a table or list is wrong"),
    "MAP-4": _error("a row has more or fewer cells than the header"),
    "MAP-5": _error("a key stands twice in a table or list"),
    "MAP-6": _error("a row of a table has no key"),
    "MAP-7": _error("a spreadsheet cell is a number where text is needed"),
    "MAP-8": _error("a validity or period is wrong, or overlaps with another"),
    "MAP-9": _error("a table, list or set of rules is larger than allowed"),
    "MAP-10": _error("there is no such target"),
    "MAP-11": _error("there is no such table or column"),
    "MAP-12": _error("key or take of a rule does not fit"),
    "MAP-13": _error("targets read each other in a circle"),
    "MAP-14": _error("a value of a reference list is not understood"),
    "MAP-15": _error("a reference list does not say which rows are the company's"),
    "MAP-16": _error("the template needs a target for which the mapping has no rules"),
    "MAP-17": _error("a case file of mapping tests is wrong"),
    "MAP-20": _rejection("account_unknown", "no rule finds the account", by="bookkeeper"),
    "MAP-21": _rejection("missing_configuration", "the line has no account in Pleo", by="employee"),
    "MAP-22": _rejection("missing_configuration", "a role has no account"),
    "MAP-23": _rejection("tax_code_unknown", "no rule finds the tax code", by="bookkeeper"),
    "MAP-24": _rejection("tag_unknown", "no rule finds the value of a dimension", by="bookkeeper"),
    "MAP-25": _rejection("missing_configuration", "no rule finds the value of a target"),
    "MAP-26": _rejection("vendor_unknown", "the vendor is not known", by="bookkeeper"),
    "MAP-27": _rejection("vendor_unknown", "the vendor is blocked", by="bookkeeper"),
    "MAP-30": _rejection(
        "account_unknown", "the account is not in accounts.csv, or inactive", by="bookkeeper"
    ),
    "MAP-31": _rejection(
        "tax_code_unknown", "the tax code is not in tax_codes.csv, or inactive", by="bookkeeper"
    ),
    "MAP-32": _rejection(
        "tag_unknown", "the dimension value is unknown, inactive or expired", by="bookkeeper"
    ),
    "MAP-33": _rejection("missing_configuration", "the account has no name", by="bookkeeper"),
    "MAP-34": _rejection("validation_failure", "a line carries a tag group twice", by="bookkeeper"),
    "MAP-35": _rejection(
        "accounting_system_validation_failure", "the period is closed", by="bookkeeper"
    ),
    "MAP-36": _rejection(
        "accounting_system_validation_failure", "no period has the posting date", by="bookkeeper"
    ),
    "MAP-40": _warning("a rule can never be reached"),
    "MAP-41": _warning("a rule or table was never used by these items"),
    "MAP-42": _warning("a table can be found in more than one way"),
    "MAP-43": _warning("an account, tax code or value of the mapping is not in the reference list"),
    "MAP-44": _warning("codes of the items have no row of their own"),
    "MAP-45": _warning("how many lines the fallback rule decided"),
    "MAP-46": _warning("a column of a reference list is ignored"),
    "MAP-47": _warning("a dimension has no values in the reference list"),
    # ── templates, cells, layouts, files ──
    "TPL-1": _error("a value is not of the type that the column prints"),
    "TPL-2": _error("an attribute does not fit the kind of file or the type of column"),
    "TPL-3": _error("there is no such template"),
    "TPL-4": _error("a template of the workspace hides a shipped one"),
    "TPL-5": _error("a variant changes what the template it extends does not have"),
    "TPL-6": _error("a name stands twice"),
    "TPL-7": _error("a layout is missing, or stands where there is no place for one"),
    "TPL-8": _error("options of another kind of file"),
    "TPL-9": _error("the encoding is unknown, or a parameter cannot choose what it should"),
    "TPL-10": _error("a date, period or flag format is not understood"),
    "TPL-11": _error("a value is read where it is not known"),
    "TPL-12": _error("a column that is named does not exist"),
    "TPL-13": _error("a parameter is declared wrongly"),
    "TPL-14": _error("a parameter is unknown, missing or wrong"),
    "TPL-15": _error("a pattern or class of characters is not understood"),
    "TPL-16": _error("the columns of a fixed line overlap or do not fit"),
    "TPL-17": _error("numbers or dates would hold the delimiter without quotes"),
    "TPL-18": _error("the id of a template is not the name of its folder"),
    "TPL-19": _error("a table that the template needs is missing"),
    "TPL-20": _error("a column is too narrow for what it should carry"),
    "TPL-40": _warning("what Pleo wants carried is not carried, or could be lost"),
    "TPL-41": _warning("the proof cannot see a part of the file"),
    "TPL-42": _warning("vouchers of some kind have no form"),
    "TPL-43": _warning("something is declared and never read"),
    "TPL-44": _warning("the formula guard is left to its default"),
    "TPL-45": _warning("the template has no guide for the bookkeeper"),
    "CELL-1": _rejection("invalid_configuration", "the template has no form for the voucher"),
    "CELL-2": _rejection("validation_failure", "a required cell is empty"),
    "CELL-3": _rejection("validation_failure", "a text is too long for its column"),
    "CELL-4": _rejection("validation_failure", "a text is too short for its column"),
    "CELL-5": _rejection("validation_failure", "a number is outside of its column's limits"),
    "CELL-6": _rejection("validation_failure", "a character that the encoding does not have"),
    "CELL-7": _rejection("validation_failure", "a character that the column does not allow"),
    "CELL-8": _rejection("validation_failure", "a text is not written as the column demands"),
    "CELL-9": _rejection("validation_failure", "a column of digits with something else"),
    "CELL-10": _rejection("validation_failure", "a bare text with the delimiter in it"),
    "CELL-11": _rejection("validation_failure", "a text that begins like a spreadsheet formula"),
    "CELL-12": _rejection("validation_failure", "one of two columns that belong together is empty"),
    "CELL-13": _rejection("validation_failure", "a value that must be unique stands twice"),
    "CELL-14": _rejection("validation_failure", "an amount with more decimals than are printed"),
    "CELL-15": _rejection("validation_failure", "a number with more digits than a sheet keeps"),
    "CELL-16": _rejection("validation_failure", "more rows of a voucher than a record repeats"),
    "CELL-17": _rejection("invalid_configuration", "a voucher reaches no file, or several"),
    "CELL-18": _rejection("validation_failure", "a voucher is too large for any file"),
    "CELL-19": _rejection(
        "receipt_file_size_limit_exceeded", "a receipt is too large", by="employee"
    ),
    "CELL-20": _rejection(
        "receipt_conversion_failure", "more receipts than the format holds", by="employee"
    ),
    "CELL-21": _rejection("validation_failure", "the format requires a receipt", by="employee"),
    "CELL-22": _rejection("validation_failure", "a receipt has no name that can be a file"),
    "FILE-1": _error("a name cannot stand for a file"),
    "FILE-2": _error("two files have one name"),
    "FILE-3": _error("a cell of the file's head, or of no item, does not fit"),
    "FILE-4": _error("text of the template itself is not in the encoding"),
    "FILE-5": _error("a file is larger than its format allows"),
    "LAY-1": _error("a layout cannot be read"),
    "LAY-2": _error("something that layouts do not have"),
    "LAY-3": _error("an unknown record, cell, list or name in a layout"),
    "LAY-4": _error("a record, or loop.*, outside of the loop that gives its values"),
    "LAY-5": _error("a layout is too large, too deep or does too much"),
    "LAY-6": _error("a layout failed while it ran in Jinja"),
    # ── proof ──
    "PROOF-1": _error("a file of a template does not say enough to be proved"),
    "PROOF-2": _error("a file read back differs from what was rendered"),
    "PROOF-3": _error("the files do not hold every posting exactly once"),
    "PROOF-4": _error("a column does not print what it says that it means"),
    "PROOF-5": _error("a pattern or path of read_back cannot be used"),
    # ── Pleo ──
    "NET-1": _error("Pleo cannot be reached"),
    "NET-2": _error("a server cannot prove that it is Pleo"),
    "NET-3": _error("Pleo does not answer, or breaks off"),
    "NET-4": _error("Pleo asks for a longer pause than a command waits"),
    "NET-5": _error("nobody knows whether Pleo took what was sent; it is looked up next time"),
    "NET-6": _error("an answer of Pleo cannot be read"),
    "NET-7": _error("an answer of Pleo is too large"),
    "NET-8": _error("the pages of a list of Pleo do not fit together"),
    "NET-9": _error("Pleo says that it cannot answer now"),
    "NET-10": _error("a proxy or certificate of the environment cannot be used"),
    "PLEO-1": _error("Pleo does not accept the credential"),
    "PLEO-2": _error("the credential does not open the company, or lacks a permission"),
    "PLEO-3": _error("Pleo does not know an export job"),
    "PLEO-4": _error("an export job has ended in Pleo"),
    "PLEO-5": _error("an export job is in a state that does not allow an event"),
    "PLEO-6": _error("the company has not mapped its contra accounts in Pleo"),
    "PLEO-7": _error("Pleo refuses a request"),
    "PLEO-8": _error("Pleo listed an export job of another company"),
    "PLEO-9": _error("base_url is not an address that a credential may be sent to"),
    # ── ledger and lock ──
    "LED-1": _error("the ledger is to be kept in a database that is not supported"),
    "LED-2": _error("the ledger's file is something else"),
    "LED-3": _error("the ledger is damaged"),
    "LED-4": _error("a newer version has worked on the ledger"),
    "LED-5": _error("the ledger would lie outside of the workspace"),
    "LED-6": _error("there is no such batch, or more than one is meant"),
    "LED-7": _error("another command has changed the ledger meanwhile"),
    "LED-8": _error("a batch cannot do that now"),
    "LED-9": _error("another process keeps the ledger busy"),
    "LED-10": _error("the ledger cannot be read or written, or is not there"),
    "LED-11": _error("the ledger would not survive a power cut"),
    "LED-12": _error("the ledger holds something else than its events say"),
    "LED-13": _error("the outbox belongs to another ledger or company"),
    "LED-14": _error("the ledger does not know the batches of the outbox"),
    "LED-15": _error("the file that says whose outbox it is cannot be read"),
    "LOCK-1": _error("another command works on the company"),
    # ── answers of a person, and the ledger made again ──
    "ANS-1": _error("it is not clear which batch is meant"),
    "ANS-2": _error("an answer does not fit the batch as it stands"),
    "ANS-3": _error("Pleo shows other verdicts than the ledger holds"),
    "ANS-4": _error("a name means no item of the batch, or several"),
    "ANS-5": _error("an export job cannot be taken over"),
    "ANS-6": _error("no reversal can be made of a batch"),
    "ANS-7": _error("the ledger is good and is not made again unasked"),
    "ANS-8": _error("a folder of the outbox cannot be read into the ledger"),
    "ANS-9": _error("a released batch is missing from the outbox, or was changed there"),
    "ANS-10": _error("the outbox holds what the ledger does not know, or calls otherwise"),
    # ── output, workspace, command line ──
    "CLI-1": _error("the command line is not understood"),
    "CLI-2": _error("pleo-etl failed in a way that it does not know"),
    "CLI-3": _error("no company is named, or one that the workspace does not have"),
    "CLI-4": _error("a question must be answered, and nobody can be asked"),
    "CLI-5": _error("nothing is staged that could be approved"),
    "CLI-6": _error("an earlier demo was stopped in the middle"),
    "WS-1": _error("there is no workspace file"),
    "WS-2": _error("two companies of the workspace have one id"),
    "WS-3": _error("the mapping belongs to another company than the workspace says"),
    "WS-4": _error("a file of the workspace is there already"),
    "WS-5": _error("a workspace cannot be made under this name or with this template"),
    "WS-6": _error("a note that a person must answer is not one there is"),
    "WS-7": _error("a template has no cases"),
    "WS-8": _error("a company still has the id that init wrote"),
    "WS-9": _error("the outbox is not a folder of its own"),
    "OUT-1": _error("the output folder holds what this conversion did not write"),
    "OUT-2": _error("a file cannot be written"),
    "OUT-3": _error("a file name cannot be used, or is used twice"),
    "VER-1": _error("the folder has no manifest"),
    "VER-2": _error("the manifest was changed, or is not of pleo-etl"),
    "VER-3": _error("a file was changed, or is missing"),
    "VER-4": _error("a file read back differs from the manifest"),
    "VER-5": _error("no item, or more than one, is meant"),
    "DIFF-1": _error("batches of different companies are not compared"),
    # ── credentials ──
    "AUTH-1": _error("there is no credential for the company"),
    "AUTH-2": _error("an API key or client secret is empty, or is none"),
    "AUTH-3": _error("a credential file could be read or changed by others, or is damaged"),
    "AUTH-4": _error("the keyring refuses"),
    "AUTH-5": _error("the OAuth client is not set up, or Pleo does not accept it"),
    "AUTH-6": _error("a login cannot be made or renewed for now"),
    "AUTH-7": _error("a login cannot be renewed any more"),
    "AUTH-8": _error("a login in the browser did not succeed"),
    "AUTH-9": _error("a login lacks what a release needs"),
    "AUTH-10": _warning("the clock of this computer is wrong"),
    # ── the line of the live flow ──
    "LINE-1": _error("a batch was staged by a pleo-etl or with libraries that are not these"),
    "LINE-2": _error("a stored batch was changed, or a part of it is missing"),
    "LINE-3": _error("a template cannot express the reversal of a batch"),
    "LINE-4": _error("a batch to be reversed would be booked differently today"),
    "REVIEW-1": _rejection("validation_failure", "rejected by a reviewer", by="employee"),
    "SIM-1": _error("there is no released batch to try a mapping on"),
    "SIM-2": _error("the items of a released batch are not stored any more"),
    "REVIEW-2": _error("the files of a batch or of a revision are not here"),
    "REVIEW-3": _error("what was stored of an ended batch was removed, as `retention` says"),
    "REVIEW-4": _error("another person must approve the batch before it is released"),
    # ── jobs and releases ──
    "JOB-1": _error("an export job is in progress that was not started here"),
    "JOB-2": _error("an earlier batch must be settled first"),
    "JOB-3": _error("Pleo ended the export job before the batch was released"),
    "JOB-4": _error("what Pleo lists of an export job does not fit together"),
    "JOB-5": _error("the job asks for vendor bookkeeping, and the template cannot"),
    "JOB-6": _error("contra accounts are missing in Pleo"),
    "JOB-7": _error("an export job has items of another company"),
    "JOB-8": _error("an item stands twice in an export job"),
    "JOB-9": _rejection("validation_failure", "the item is in the books", by="bookkeeper"),
    "JOB-10": _rejection(
        "validation_failure", "the item is in the books with other postings", by="bookkeeper"
    ),
    "JOB-11": _rejection(
        "validation_failure", "a person must look at the item first", by="bookkeeper"
    ),
    "JOB-12": _error("an answer about an item cannot be taken"),
    "REL-1": _error("the batch is not approved, or cannot be"),
    "REL-2": _error("the batch has changed since it was reviewed"),
    "REL-3": _error("notes of the batch are not answered"),
    "REL-4": _error("too little time is left of the export job"),
    "REL-5": _error("whether Pleo has started a job is not known"),
    "REL-6": _error("an export job is in a state that it should not be in"),
    "REL-7": _error("whether Pleo has refused a job is not known"),
    "REL-8": _error("somebody else has reported items of the job"),
    "REL-9": _error("the outbox has a folder where the batch would go"),
    "REL-10": _error("the stored files of a batch are missing or changed"),
    "REL-11": _error("Pleo has not taken the report of some items"),
    "REL-12": _error("Pleo has not ended an export job"),
    "REL-13": _error("a batch is quarantined"),
    "REL-14": _error("a new revision of a started job waits for its approval"),
    # ── notes ──
    "TEXT-CUT": _note("texts were cut to the length that the format allows"),
    "TEXT-REPLACED": _note("characters that the format or encoding lacks were replaced"),
    "TEXT-QUOTED": _note("an apostrophe was put before texts that begin like a formula"),
    "RECEIPT-MISSING": _note("an item has no receipt, or it could not be had"),
    "RECEIPT-ODD": _note("a receipt is not quite what Pleo announced"),
    "RECEIPT-LEFT-OUT": _note("receipts were left out because the format does not take them"),
    "DIMENSION-LEFT-OUT": _note("a cost centre or other dimension has no place in the format"),
    "DATE-SHIFTED": _note("the posting date was in a closed period and was shifted"),
    "MAP-FALLBACK": _note("a fallback of the mapping gave a value, as no rule before it did"),
    "MAP-VENDOR-FALLBACK": _note("the vendor is not known; the fallback account was used"),
    "MAP-TAG-UNDECLARED": _note("a tag group is not declared in the mapping"),
    "TEXT-CONTROL": _note("control characters, line breaks or direction marks became blanks"),
    "ITEM-OTHER": _note("an amount in the other currency that was left out"),
    "ITEM-FIELDS": _note("fields of an item that this version does not know"),
    "REV-1": _note("no receipt in Pleo"),
    "REV-2": _note("unusually large for its type"),
    "REV-3": _note("same supplier and invoice number as another item"),
    "REV-4": _note("same supplier and invoice number as an item of an earlier batch"),
    "REV-5": _note("the item stood in an earlier batch"),
    "REV-6": _note("the item was held back in an earlier batch"),
    "RULE-UNCONFIRMED": _note("posted by an accepted rule that Pleo does not state"),
    "ZERO-LEG": _note("rows of zero amount that were not made"),
}
