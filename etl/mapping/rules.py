"""Rules: compiled from the document, numbered, and put in the order in which they can run.

account.expense ──reads──> (nothing)
tax_code ────────reads──> chart.expense.automatic ──of──> account.expense
a circle is refused with the targets that form it
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from etl.documents import Place
from etl.errors import Problem, UserMustFix
from etl.expressions import Compiled
from etl.frames import ROLES
from etl.mapping.document import NAME, RuleText

#: How many times longer than items a text may become by targets that read targets.
MAX_GROWTH = 1_000
FALLBACK = "fallback_payable"
PAYABLE = "account.payable"
SINGLE_TARGETS = ("tax_code", "text")
_SLIP = 0.8


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `number` is its place in the list of all rules, which lines refer to."""

    number: int
    target: str
    text: str
    place: Place
    when: Compiled | None = None
    use: Compiled | None = None
    is_none: bool = False
    table: str | None = None
    key: tuple[Compiled, ...] = ()
    take: tuple[tuple[str, str], ...] = ()

    def reads(self) -> frozenset[str]:
        """Give the columns that the rule needs."""
        parts = [self.when, self.use, *self.key]
        return frozenset[str]().union(*(part.reads for part in parts if part is not None))

    def column(self, target: str) -> str | None:
        """Give the table column that the rule gives a target."""
        return dict(self.take).get(target)


@dataclass(frozen=True, slots=True)
class Target:
    """A target with the rules that may decide it, the first match winning.

    `taken` are rules of other targets that give this one from the same table row; they come
    first. `after` are the targets that must be known before.
    """

    name: str
    taken: tuple[Rule, ...]
    rules: tuple[Rule, ...]
    after: tuple[str, ...]

    @property
    def role(self) -> str | None:
        """Give the role of an account target."""
        return self.name.removeprefix("account.") if self.name.startswith("account.") else None

    def candidates(self) -> tuple[Rule, ...]:
        """Give all rules in the order in which they are tried."""
        return (*self.taken, *self.rules)

    def fallback(self) -> Rule | None:
        """Give the last of several rules, if it is for all the rest.

        What is worked out for each line is no fallback after conditions alone: there it is simply
        the other case. After a rule that is tried on every line it is: that one gave nothing.
        """
        *before, last = self.candidates() or (None,)
        if not before or last not in self.rules or last.when is not None:
            return None
        is_fixed = last.use is not None and last.use.constant
        is_tried = any(rule.when is None for rule in before)
        return last if is_fixed or (last.use is not None and is_tried) else None


def target_of(name: str) -> str | None:
    """Give the target that a written name stands for, None if it stands for none.

    A plain name that no target of every mapping has is one that templates declare:
    `tax_text` is target.tax_text. One that is nearly `tax_code` or `text` is taken for a slip.
    """
    if name in SINGLE_TARGETS:
        return name
    kind, dot, rest = name.partition(".")
    if not dot:
        slip = difflib.get_close_matches(name, SINGLE_TARGETS, n=1, cutoff=_SLIP)
        return f"target.{name}" if NAME.fullmatch(name) and not slip else None
    is_known = (kind in ("account", "account_name") and rest in ROLES) or (
        kind in ("dimension", "target") and NAME.fullmatch(rest) is not None
    )
    return name if is_known else None


def known_targets() -> list[str]:
    """Give the names of targets, for messages."""
    return [*(f"account.{role}" for role in ROLES), *SINGLE_TARGETS]


def dependencies(reads: frozenset[str], targets: set[str]) -> set[str]:
    """Give the targets behind the columns that are read."""
    found = reads & targets
    for column in reads:
        head, _, rest = column.partition(".")
        if head == "chart":
            found |= {f"account.{rest.partition('.')[0]}"}
        elif head == "account_name":
            found |= {f"account.{rest}"}
    return set(found) & targets


def order_targets(rules: Sequence[Rule]) -> list[Target]:
    """Put targets after those that they read.

    Raises: UserMustFix MAP-13 for a circle, EXP-10 where texts would grow without end.
    """
    names = list(dict.fromkeys(target for rule in rules for target in _gives(rule)))
    targets = {name: _target(name, rules, set(names)) for name in names}
    done: dict[str, Target] = {}
    while len(done) < len(targets):
        ready = (t for t in targets.values() if t.name not in done and set(t.after) <= set(done))
        following = next(ready, None)
        if following is None:
            raise UserMustFix(_circle(targets, done))
        done[following.name] = following
    _check_growth(list(done.values()))
    return list(done.values())


def _target(name: str, rules: Sequence[Rule], names: set[str]) -> Target:
    own = tuple(rule for rule in rules if rule.target == name)
    taken = tuple(rule for rule in rules if rule.target != name and rule.column(name))
    after = {rule.target for rule in taken}
    for rule in own:
        after |= dependencies(rule.reads(), names)
    if name.startswith("account_name."):
        after |= {f"account.{name.removeprefix('account_name.')}"} & names
    return Target(name, taken, own, tuple(sorted(after)))


def _circle(targets: Mapping[str, Target], done: Mapping[str, Target]) -> Problem:
    name = next(name for name in targets if name not in done)
    path: list[str] = []
    while name not in path:
        path.append(name)
        name = next(other for other in targets[name].after if other not in done)
    circle = [*path[path.index(name) :], name]
    rule = targets[circle[0]].candidates()[0]
    return Problem(
        "MAP-13", f"targets read each other in a circle: {' reads '.join(circle)}",
        str(rule.place), "let one of them read items and lines only",
    )  # fmt: skip


def _check_growth(targets: Sequence[Target]) -> None:
    growth: dict[str, int] = {}
    for target in targets:
        growth[target.name] = 1
        for rule in target.rules:
            own = rule.use.growth if rule.use is not None else 1
            longest = max((growth[name] for name in target.after), default=1)
            growth[target.name] = max(growth[target.name], own * longest)
            if growth[target.name] > MAX_GROWTH:
                what = f"{target.name} may become {growth[target.name]} times as long as items"
                fix = "join or replace less, or cut in between"
                raise UserMustFix(Problem("EXP-10", what, str(rule.place), fix))


def _gives(rule: Rule) -> Iterator[str]:
    if rule.target == FALLBACK:
        yield PAYABLE
        return
    yield rule.target
    yield from (target for target, _ in rule.take)


def rule_words(text: RuleText, target: str) -> str:
    """Write a rule in one line, as it stands in the document."""
    when = f"when: {text.when}, " if text.when is not None else ""
    if text.use is not None:
        return f"{when}use: {text.use}"
    take = {target: text.take} if isinstance(text.take, str) else text.take or {}
    column = next((cell for name, cell in take.items() if target_of(name) == target), None)
    keys = ", ".join(text.key or ())
    return f"{when}table: {text.table}, key: {keys}, take: {column}"


def unconditional(rule: Rule) -> bool:
    """Say whether a rule matches every line, so that none after it is ever tried."""
    if rule.when is not None:
        return rule.when.constant and rule.when.value is True
    has_text = rule.use is not None and rule.use.constant and bool(rule.use.value)
    return rule.is_none or has_text


def shadowed(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Give rules that can never be reached, each with the rule that stands before."""
    first: Rule | None = None
    for rule in rules:
        if first is not None:
            yield rule, first
        elif unconditional(rule):
            first = rule
