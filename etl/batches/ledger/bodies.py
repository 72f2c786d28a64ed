"""What the body of each kind of event must hold. More may stand in it; nothing may be a float."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from etl.batches.ledger import failures
from etl.batches.states import Kind

Is = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_text_or_none(value: Any) -> bool:
    return value is None or _is_text(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(_is_text(one) for one in value)


def _is_numbers(value: Any) -> bool:
    """Say whether it is scope -> number; a batch without vouchers ends one before it begins."""
    return isinstance(value, Mapping) and all(
        isinstance(scope, str) and isinstance(number, int) and number >= 0
        for scope, number in value.items()
    )


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_map_or_none(value: Any) -> bool:
    return value is None or _is_map(value)


def _is_decisions(value: Any) -> bool:
    return value is None or (_is_map(value) and all(_is_map(one) for one in value.values()))


def _is_verdicts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(
        _is_map(one) and all(_is_text(one.get(name)) for name in ("entry", "verdict", "body"))
        for one in value
    )


NEEDED: Mapping[Kind, Mapping[str, Is]] = {
    Kind.RESERVED: {
        "job": _is_text_or_none, "number": _is_count, "first_vouchers": _is_numbers,
        "entries": _is_texts,
    },
    Kind.STAGED: {"revision": _is_count, "content": _is_text_or_none, "last_vouchers": _is_numbers},
    Kind.ANSWERED: {"by": _is_text},
    Kind.REVIEWED: {"by": _is_text, "entries": _is_texts},
    Kind.APPROVED: {
        "by": _is_text, "content": _is_text, "revision": _is_count, "needed": _is_count,
    },
    Kind.PUBLISH_INTENDED: {"folder": _is_text},
    Kind.PUBLISHED: {"folder": _is_text},
    Kind.REPORT_INTENDED: {"entries": _is_texts},
    Kind.ACKNOWLEDGED: {"entries": _is_texts},
    Kind.FINAL_INTENDED: {"event": _is_text},
    Kind.REFUSE_INTENDED: {"reason": _is_text, "type": _is_text},
    Kind.VOIDED: {"why": _is_text},
    Kind.QUARANTINED: {"why": _is_text},
    Kind.SETTLED: {"imported": _is_flag, "by": _is_text},
    Kind.WITHDRAWN: {"by": _is_text},
    Kind.IMPORTED: {"by": _is_text, "refused": _is_texts},
    Kind.REVERSED: {"by": _is_text, "batch": _is_text},
}  # fmt: skip
#: What may be missing, but not be something else.
OPTIONAL: Mapping[Kind, Mapping[str, Is]] = {
    Kind.RESERVED: {"repeats": _is_map_or_none},
    Kind.STAGED: {"counts": _is_map_or_none, "refusal": _is_map_or_none},
    Kind.ANSWERED: {"decisions": _is_decisions, "notes": _is_map_or_none},
    Kind.APPROVED: {"verdicts": _is_verdicts},
    Kind.REFUSE_INTENDED: {"problem": _is_map_or_none},
}


def check_body(kind: Kind, body: Mapping[str, Any]) -> None:
    """Refuse a body that lacks something or cannot be stored.

    Raises: BodyWrong.
    """
    for name, holds in NEEDED.get(kind, {}).items():
        if name not in body or not holds(body[name]):
            raise failures.body_wrong(kind, f'"{name}" is missing or of the wrong kind')
    for name, holds in OPTIONAL.get(kind, {}).items():
        if name in body and not holds(body[name]):
            raise failures.body_wrong(kind, f'"{name}" is of the wrong kind')
    _check_plain(kind, body)


def _check_plain(kind: Kind, value: Any) -> None:
    """Refuse values that JSON would not give back as they are."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if not isinstance(name, str):
                raise failures.body_wrong(kind, "a name is no text")
            _check_plain(kind, one)
    elif isinstance(value, list | tuple):
        for one in value:
            _check_plain(kind, one)
    elif value is not None and not isinstance(value, str | int):
        raise failures.body_wrong(kind, f"a value of type {type(value).__name__}")
