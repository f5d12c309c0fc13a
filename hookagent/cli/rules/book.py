"""How the rule commands come by rules: from `--rules`, else from the configuration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.errors import ConfigError, NotFound, Problem, reason_of

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.environment import Environment
    from hookagent.event import Event
    from hookagent.rules.model import Rule, RuleSet

RulesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules",
        metavar="PATH",
        help="A folder or file of rules; the configuration's when left out.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A rule set and how to match against it."""

    ruleset: "RuleSet"
    select: "Callable[[Event], Sequence[Rule]]"
    files: tuple[Path, ...]

    def rule(self, name: str) -> "Rule":
        """Return a rule. Raises NotFound with the nearest name."""
        found = self.ruleset.rule(name)
        if found is None:
            raise NotFound.among("rule", name, [rule.name for rule in self.ruleset.rules])
        return found


def read_book(
    config: "Config",
    places: Sequence[Path] | None,
    *,
    environment: "Environment | None" = None,
) -> Book:
    """Read rule files. Raises ConfigError with every problem, NotFound where there are none.

    With an environment, variables that are not set are problems too.
    """
    from hookagent.actions import registry
    from hookagent.pipeline.rulebook import rule_files
    from hookagent.rules.index import Matcher
    from hookagent.rules.parse import read_rules

    wanted = list(places or config.rules)
    files = rule_files(wanted)
    if places and not files:
        raise NotFound(f"no rule files in `{places[0]}`", hint="give a folder or a .toml file")
    texts = [(_name(path, config), _text(path, config)) for path in files]
    ruleset = read_rules(
        texts,
        check_step=lambda action, table: registry.check_step(action, table, environment),
    )
    return Book(ruleset=ruleset, select=Matcher(ruleset).match, files=tuple(files))


def _name(path: Path, config: "Config") -> str:
    """Name a file as a person would: from here, or from the configuration's folder."""
    for base in (Path.cwd(), config.folder):
        if path.is_relative_to(base):
            return str(path.relative_to(base))
    return str(path)


def _text(path: Path, config: "Config") -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        name = _name(path, config)
        message = f"cannot read `{name}`: {reason_of(error)}"
        raise ConfigError([Problem(code="unreadable-file", message=message, file=name)]) from None


def complete_rule(incomplete: str) -> list[str]:
    """Offer the names of the configured rules; completion must never fail."""
    from hookagent.cli.settings import load_config
    from hookagent.errors import HookagentError

    try:
        book = read_book(load_config(None, say_warnings=False), None)
    except HookagentError:
        return []
    return sorted(rule.name for rule in book.ruleset.rules if rule.name.startswith(incomplete))
