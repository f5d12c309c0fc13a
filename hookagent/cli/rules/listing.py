"""`hookagent rules list`: the rules in the order they are looked at."""

from typing import TYPE_CHECKING, Any

from hookagent.cli import output, settings
from hookagent.cli.options import ConfigOption, JsonOption
from hookagent.cli.rules.book import RulesOption, read_book

if TYPE_CHECKING:
    from hookagent.rules.model import Rule


def list_(
    config: ConfigOption = None, rules: RulesOption = None, *, json: JsonOption = False
) -> None:
    """List the rules in the order they are looked at.

    Example: hookagent rules list
    """
    book = read_book(settings.load_config(config), rules)
    if json:
        for rule in book.ruleset.rules:
            output.json_line(described(rule))
        return
    rows = [
        (
            rule.name,
            ", ".join(map(str, rule.on)) or "everything",
            ", ".join(step.action for step in rule.do),
            " ".join(_marks(rule)),
            rule.about,
        )
        for rule in book.ruleset.rules
    ]
    output.table(("rule", "on", "does", "", "about"), rows)
    if not rows:
        output.talk("no rules yet; hookagent rules new --from EVENT writes one")


OVER_TIME = ("window", "throttle", "debounce", "sequence", "absence")


def _marks(rule: "Rule") -> list[str]:
    marks = [word for word in OVER_TIME if getattr(rule, word) is not None]
    marks += [f"priority={rule.priority}"] if rule.priority else []
    marks += [word for word in ("stop", "fallback") if getattr(rule, word)]
    return marks if rule.enabled else [*marks, "off"]


def described(rule: "Rule") -> dict[str, Any]:
    """Return a rule as JSON."""
    return {
        "rule": rule.name,
        "about": rule.about,
        "file": rule.file,
        "line": rule.line,
        "on": [str(pattern) for pattern in rule.on],
        "enabled": rule.enabled,
        "priority": rule.priority,
        "stop": rule.stop,
        "fallback": rule.fallback,
        "over_time": [word for word in OVER_TIME if getattr(rule, word) is not None],
        "steps": [{"name": step.name, "action": step.action} for step in rule.do],
        "tests": len(rule.tests),
        "version": rule.version,
    }
