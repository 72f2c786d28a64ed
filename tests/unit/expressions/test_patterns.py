"""Patterns: what is accepted means the same in Polars and in Python; the rest is refused."""

from __future__ import annotations

import re
import warnings

import polars as pl
import pytest

from etl.expressions import PatternRefused, check_pattern

TEXTS = [
    "", "0", "12", "123", "1234", "12345", "٣", "a", "A", "ab", "aab", "abab", "é", "a.b", "axb",
    "a-b", "a]b", "a\\b", "a&b", "a~b", "+49", "(1)", "{1}", "$", "^", "|", "a b", "a\n", "a#b",
    "[", "abc", "abcabc", "ABC-123", "-", "²",
]  # fmt: skip
PLAIN = "use plain groups ( ), or two tests joined with and"
INSIDE = "repeat only inside the group, or count: {1,9}"
SMALLER = "use smaller numbers in { }, or +"


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9]+", "[0-9]{3}", "[0-9]{2,4}", "[0-9]{2,}", "[0-9]?", "[^0-9]+", "a.b", "a|ab|abab",
        "(ab)+", "(ab){2}", "(a|b)*", "(?:ab)?a?", ".*", "a\\.b", "\\+[0-9]+", "\\([0-9]\\)",
        "\\{1\\}", "[a-c]+", "[-a]+", "[a-]+", "[a\\]b]+", "[\\\\ab]+", "[a&b]+", "[a&&b]+",
        "[a~~b]+", "[.]", "[$^|]", "[{}()*+?.]+", "[A-Z]{3}-[0-9]{3}", "é", "a b", "a#b",
        "[\\^]", "[\\-a]+", "((a)|(b))c?", "^[0-9]+$", "^a|ab$", "a{1}", "(abc){1,2}", "\\$", "\\|",
        "([0-9]{2})+", "a&b", "a~b", "-",
    ],
)  # fmt: skip
def test_an_accepted_pattern_covers_the_whole_text(pattern: str) -> None:
    found = pl.Series("text", TEXTS).str.contains(check_pattern(pattern)).to_list()
    oracle = pattern.removeprefix("^")
    oracle = oracle if oracle.endswith("\\$") else oracle.removesuffix("$")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Python reserves && and ~~ inside [ ]
        wanted = [bool(re.fullmatch(oracle, text)) for text in TEXTS]
    assert found == wanted


@pytest.mark.parametrize(
    ("pattern", "what", "fix"),
    [
        ("\\d+", 'the shorthand "\\d" is not allowed', "write [0-9]"),
        ("\\w", 'the shorthand "\\w" is not allowed', "write [A-Za-z0-9_]"),
        ("[\\s]", 'the shorthand "\\s" is not allowed', "write a blank"),
        ("\\bx", 'the escape "\\b"', "write the character itself"),
        ("\\x41", 'the escape "\\x"', "write the character itself"),
        ("\\p{L}", 'the escape "\\p"', "write the character itself"),
        ("a\\", 'the escape "\\"', "write the character itself"),
        (
            "(a)\\1",
            '"\\1" is not allowed (a reference to an earlier group)',
            "write the part out again",
        ),
        ("(?=a)", '"(?=" is not allowed (look-around, flags, names)', PLAIN),
        ("(?<!a)b", '"(?<" is not allowed (look-around, flags, names)', PLAIN),
        ("(?P<n>a)", '"(?P" is not allowed (look-around, flags, names)', PLAIN),
        ("(?i)a", '"(?i" is not allowed (look-around, flags, names)', PLAIN),
        ("(a+)+", 'a repeat ("+") of a group that repeats without end', INSIDE),
        ("(a*){3}", 'a repeat ("{3}") of a group that repeats without end', INSIDE),
        ("((ab{2,})c)*", 'a repeat ("*") of a group that repeats without end', INSIDE),
        ("a++", 'a repeat of a repeat ("++")', "keep one of the two"),
        ("a+?", 'a repeat of a repeat ("+?")', "keep one of the two"),
        ("a{2}{3}", 'a repeat of a repeat ("{2}{")', "keep one of the two"),
        ("a{501}", "the pattern repeats to 501 signs; 500 are allowed", SMALLER),
        ("((a{10}){10}){10}", "the pattern repeats to 1000 signs; 500 are allowed", SMALLER),
        ("a{3,2}", '"{3,2}" counts backwards', "write {2,3}"),
        ("a{x}", '"{" that is no count', "write {3} or {2,5}, or \\{ for the sign itself"),
        ("*a", '"*" has nothing to repeat', "write \\* for the sign itself"),
        ("a|?", '"?" has nothing to repeat', "write \\? for the sign itself"),
        ("a$b", '"$" inside a pattern', "leave it out: a pattern covers the whole text"),
        ("a^", '"^" inside a pattern', "leave it out: a pattern covers the whole text"),
        ("(a", '"(" is not closed', "add the missing )"),
        ("a)", '")" without "(" in "a)"', "remove it, or write \\) for the sign itself"),
        ("[a", '"[" without members or without "]"', "write for example [0-9]"),
        ("[]", '"[" without members or without "]"', "write for example [0-9]"),
        ("[9-0]", 'the range "9-0" runs backwards', 'write "0-9"'),
        ("[[:alpha:]]", '"[" inside [ ]', "write \\[ for the sign itself"),
        ("", "a pattern has 1 to 200 characters", "write a shorter pattern"),
        ("[a--b]", 'the range "a--" runs backwards', 'write "--a"'),
        ("a" * 201, "a pattern has 1 to 200 characters", "write a shorter pattern"),
    ],
)  # fmt: skip
def test_what_is_refused(pattern: str, what: str, fix: str) -> None:
    with pytest.raises(PatternRefused) as caught:
        check_pattern(pattern)
    assert (str(caught.value), caught.value.fix) == (what, fix)


def test_the_largest_pattern_is_not_too_large_for_the_engine() -> None:
    for pattern in (".{500}", "[^a]{500}", "(.{5}){100}", "(é|.|[^x]){160}"):
        checked = check_pattern(pattern)
        assert pl.Series([""]).str.contains(checked).to_list() == [False]
