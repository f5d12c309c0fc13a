"""Which commands the rules of a project start, and whether its user allowed them (SECURITY C4).

Asked twice: before rules come into force, with a problem for each step that was never allowed; and
before a step acts, since a store may bring runs along whose steps are in no file.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

from hookagent.actions import registry as actions
from hookagent.config.model import TunnelSettings
from hookagent.config.trust import TrustRegistry
from hookagent.errors import Problem
from hookagent.rules.model import Rule, RuleSet, StepSpec

COMMAND_SHOWN_MAX = 120
HINT = "read the rules, then: hookagent trust"


class Allowance:
    """What one project may start."""

    def __init__(self, registry: TrustRegistry, project: Path) -> None:
        self._registry = registry
        self._project = project

    def allows(self, command: str) -> bool:
        """Whether its user allowed this command here."""
        return not self._registry.refused(self._project, [command])

    def problems(self, ruleset: RuleSet) -> list[Problem]:
        """Return a problem for each step of an enabled rule whose command nobody allowed."""
        found = list(steps_that_start(ruleset))
        refused = set(self._registry.refused(self._project, [command for *_, command in found]))
        return [
            Problem(
                code="not-trusted",
                message=f"rule `{rule.name}` would start `{shown(command)}`,"
                " which you have not allowed here",
                file=rule.file or None,
                line=step.line or rule.line or None,
                hint=HINT,
            )
            for rule, step, command in found
            if command in refused
        ]

    def tunnel_problems(self, tunnel: TunnelSettings) -> list[Problem]:
        """Return a problem where the tunnel is a program nobody allowed."""
        return [
            Problem(
                code="not-trusted",
                message=f"the tunnel would start `{shown(command)}`,"
                " which you have not allowed here",
                hint=HINT,
            )
            for command in self._registry.refused(self._project, tunnel_commands(tunnel))
        ]


def commands(ruleset: RuleSet, tunnel: TunnelSettings) -> list[str]:
    """Return every command a project starts, each once, in their order."""
    of_rules = (command for *_, command in steps_that_start(ruleset))
    return list(dict.fromkeys([*of_rules, *tunnel_commands(tunnel)]))


def tunnel_commands(tunnel: TunnelSettings) -> list[str]:
    """Return the program a project's tunnel names itself, none where it is the usual one."""
    if tunnel.provider == "none":
        return []
    if tunnel.provider == "command":
        return [shlex.join(tunnel.command)]
    return [shlex.quote(tunnel.binary)] if tunnel.binary else []


def steps_that_start(ruleset: RuleSet) -> Iterator[tuple[Rule, StepSpec, str]]:
    """Give each step of an enabled rule that starts something, with its command."""
    for rule in ruleset.rules:
        for step in rule.do if rule.enabled else ():
            command = actions.starts(step.action, step.options)
            if command is not None:
                yield rule, step, command


def shown(command: str) -> str:
    """Shorten a command for a message."""
    return command if len(command) <= COMMAND_SHOWN_MAX else command[: COMMAND_SHOWN_MAX - 1] + "…"
