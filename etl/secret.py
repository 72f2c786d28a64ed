"""Secrets: values that print as stars, so that no message, log or file shows one by accident."""

from __future__ import annotations

STARS = "********"


class Secret:
    """A key, a token or a link. Whoever needs the text must ask for it by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text, for a header or a request and nothing else."""
        return self._text

    def __repr__(self) -> str:
        return STARS

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return STARS

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not written anywhere")
