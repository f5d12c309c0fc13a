"""The rules in force: read, matched against events, and bound to what their actions need.

A `Rulebook` is immutable; an edit makes a new one and the worker swaps a single reference. A run
keeps the version of the steps it fired with, so `Bindings` also serves steps that are no longer in
any file.
"""

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hookagent.actions import registry
from hookagent.actions.registry import BoundStep
from hookagent.environment import Environment
from hookagent.errors import AnswerNo, ConfigError, Problem, reason_of
from hookagent.event import Event
from hookagent.rules.model import Rule, RuleSet, StepSpec
from hookagent.rules.parse import read_rules
from hookagent.store.base import RuleVersion

TURN_NS = 2_000_000
"""How long a thread that loads rules works before others have their turn."""
REST_S = 0.000_5


class Turns:
    """A pause for a thread that shares the interpreter with one that serves.

    Sleeping lets go of the interpreter at once; a thread that only works is made to every 5 ms.
    """

    def __init__(self) -> None:
        self._rested_ns = 0

    def __call__(self) -> None:
        if time.perf_counter_ns() - self._rested_ns > TURN_NS:
            time.sleep(REST_S)
            self._rested_ns = time.perf_counter_ns()


def without_pause() -> None:
    """Go on at once."""


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the garbage collector out: it would walk all rules again and again while they grow.

    Rules refer to nothing above them, so that what a reload replaces goes without it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_on:
            gc.enable()


class BoundRule:
    """A rule's steps as one run goes through them."""

    def __init__(
        self, version: RuleVersion, environment: Environment, allows: Callable[[str], bool]
    ) -> None:
        self._allows = allows
        self.version = version
        self.specs: tuple[StepSpec, ...] = tuple(StepSpec.from_json(s) for s in version.steps)
        self._environment = environment
        self._bound: dict[int, BoundStep] = {}

    def step(self, index: int) -> BoundStep:
        """Return a step ready to run. Raises ConfigError when its options no longer hold.

        Raises AnswerNo for one that would start what the user did not allow.
        """
        bound = self._bound.get(index)
        if bound is None:
            spec = self.specs[index]
            command = registry.starts(spec.action, spec.options)
            if command is not None and not self._allows(command):
                raise AnswerNo(f"you have not allowed to start `{command}` here: hookagent trust")
            bound = registry.bind(spec.action, spec.options, self._environment)
            self._bound[index] = bound
        return bound


class Bindings:
    """Bound rules by version: those of the current files and those of older runs."""

    def __init__(
        self, environment: Environment, allows: Callable[[str], bool] = lambda _command: True
    ) -> None:
        self._environment = environment
        self._allows = allows
        self._known: dict[str, BoundRule] = {}

    def of_rule(self, rule: Rule) -> BoundRule:
        """Return the bound steps of a rule as it stands."""
        known = self._known.get(rule.version)
        if known is None:
            steps: list[Any] = [spec.to_json() for spec in rule.do]
            version = RuleVersion(hash=rule.version, rule=rule.name, steps=steps)
            known = self._known[rule.version] = BoundRule(version, self._environment, self._allows)
        return known

    def of_version(self, version: RuleVersion) -> BoundRule:
        """Return the bound steps of a recorded version."""
        known = self._known.get(version.hash)
        if known is None:
            known = self._known[version.hash] = BoundRule(version, self._environment, self._allows)
        return known

    def get(self, version: str) -> BoundRule | None:
        """Return a version that was bound before."""
        return self._known.get(version)


class Rulebook:
    """One set of rules and the way to find which of them fire."""

    def __init__(
        self,
        ruleset: RuleSet,
        select: Callable[[Event], Sequence[Rule]],
        follow: Callable[[Event], Sequence[Rule]],
    ) -> None:
        self.ruleset = ruleset
        self.select = select
        """Which rules an event matches, in the order they are to run."""
        self.follow = follow
        """Which second halves of sequences it matches."""
        self.by_name = {rule.name: rule for rule in ruleset.rules}

    def __len__(self) -> int:
        return len(self.ruleset.rules)


def rule_files(places: Iterable[Path]) -> list[Path]:
    """Return the rule files below the configured folders and files, in order."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(place.glob("**/*.toml"))
        elif place.is_file():
            found.append(place)
    return found


def load_rulebook(
    places: Iterable[Path],
    base: Path,
    environment: Environment,
    pause: Callable[[], None] = without_pause,
) -> Rulebook:
    """Read, check and compile all rule files. Raises ConfigError with every problem found.

    `pause` is called now and then while the matcher is made: a thread that loads lets others go
    first there (`Turns`).
    """
    with _without_collector():
        return compile_rulebook(_read(places, base, environment), pause)


def _read(places: Iterable[Path], base: Path, environment: Environment) -> RuleSet:
    files: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for path in rule_files(places):
        name = str(path.relative_to(base)) if path.is_relative_to(base) else str(path)
        try:
            files.append((name, path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(
                Problem(
                    code="unreadable-file",
                    message=f"cannot read `{name}`: {reason_of(error)}",
                    file=name,
                )
            )
    try:
        ruleset = read_rules(
            files, check_step=lambda action, table: registry.check_step(action, table, environment)
        )
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    return ruleset


def compile_rulebook(ruleset: RuleSet, pause: Callable[[], None] = without_pause) -> Rulebook:
    """Make the matcher of a rule set."""
    from hookagent.rules.index import Matcher

    matcher = Matcher(ruleset, pause)
    return Rulebook(ruleset, matcher.match, matcher.followers)
