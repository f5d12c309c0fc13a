"""Every action by its name: ours in one literal table, third parties' by an entry point.

An action is imported when a rule names it. A package adds one with

    [project.entry-points."hookagent.actions"]
    pager = "their_package.pager"

where the module (or object) has what `base.Action` asks for. A plugin that cannot be loaded is a
warning with its name; one that takes a name of ours is not used.
"""

import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

import msgspec

from hookagent.actions import options as reading
from hookagent.actions.base import Action, Call, Outside
from hookagent.actions.values import Value
from hookagent.environment import Environment
from hookagent.errors import NotFound, Problem, Severity, did_you_mean
from hookagent.job import Again, Done, Later, Never, Outcome
from hookagent.located import Table
from hookagent.redact import Redactor, redactor
from hookagent.template import Scope, TemplateError

BUILT_IN: Mapping[str, str] = {
    "agent": "hookagent.actions.agent",
    "approve": "hookagent.actions.approve",
    "cloudevents": "hookagent.actions.cloudevents",
    "delay": "hookagent.actions.delay",
    "desktop": "hookagent.actions.desktop",
    "discord": "hookagent.actions.discord",
    "email": "hookagent.actions.email",
    "emit": "hookagent.actions.emit",
    "exec": "hookagent.actions.exec",
    "file": "hookagent.actions.file",
    "forward": "hookagent.actions.forward",
    "github": "hookagent.actions.github",
    "http": "hookagent.actions.http",
    "log": "hookagent.actions.log",
    "notify": "hookagent.actions.notify",
    "pagerduty": "hookagent.actions.pagerduty",
    "publish": "hookagent.actions.publish",
    "python": "hookagent.actions.python",
    "slack": "hookagent.actions.slack",
    "sql": "hookagent.actions.sql",
    "teams": "hookagent.actions.teams",
}
"""Adding an action is one file and one line here."""

GROUP = "hookagent.actions"
"""The entry point group of third parties."""

BODY_SHOWN_BYTES_MAX = 4096
"""How much of a long byte string a dry run shows."""


def names() -> list[str]:
    """Return the name of every action there is, sorted; broken plugins included."""
    return sorted({*BUILT_IN, *_plugins()})


def load(name: str) -> Action:
    """Return an action. Raises NotFound for one that is not there or cannot be loaded."""
    if name in BUILT_IN:
        return cast("Action", importlib.import_module(BUILT_IN[name]))
    plugin = _plugins().get(name)
    if plugin is None:
        raise NotFound.among("action", name, names())
    action, problem = _load_plugin(plugin)
    if action is None:
        raise NotFound(problem, hint=f"update or remove the package of `{plugin.value}`")
    return action


def warnings() -> list[Problem]:
    """Say which plugins cannot be used, and why; loads each."""
    found = []
    for plugin in entry_points(group=GROUP):
        problem = f"the action `{plugin.name}` of `{plugin.value}` is not used: the name is ours"
        if plugin.name not in BUILT_IN:
            _, problem = _load_plugin(plugin)
        if problem:
            found.append(Problem(code="plugin", message=problem, severity=Severity.WARNING))
    return found


def _plugins() -> dict[str, EntryPoint]:
    return {plugin.name: plugin for plugin in entry_points(group=GROUP)}


_PARTS = ("about", "Options", "prepare", "run")


def _load_plugin(plugin: EntryPoint) -> tuple[Action | None, str]:
    """Load a third party's action, or say why not."""
    try:
        action = plugin.load()
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything at import
        return None, f"the action `{plugin.name}` of `{plugin.value}` cannot be loaded: {error}"
    missing = [part for part in _PARTS if not hasattr(action, part)]
    if missing:
        return None, f"the action `{plugin.name}` of `{plugin.value}` lacks `{missing[0]}`"
    return cast("Action", action), ""


def check_step(action: str, table: Table, environment: Environment | None = None) -> None:
    """Report everything wrong with a step's options, unknown keys included.

    The keys every step has must have been asked for already. With an environment, missing
    variables are reported too.
    """
    try:
        found = load(action)
    except NotFound as error:
        is_known = action in names()
        message = error.message if is_known else f"unknown action `{action}`"
        hint = error.hint if is_known else did_you_mean(action, names())
        table.report("unknown-action", message, key="action", hint=hint)
        return
    reading.check(found.Options, table, environment)
    table.finish()


@dataclass(frozen=True, slots=True)
class BoundStep:
    """One step of a rule with its options read and its variables put in: ready to act."""

    name: str
    action: Action
    options: msgspec.Struct
    environment: Environment
    is_instant: bool = False
    """It waits for nothing, so it needs no time limit."""

    def prepare(self, scope: Scope) -> msgspec.Struct:
        """Say exactly what would be done. Raises TemplateError."""
        return cast("msgspec.Struct", self.action.prepare(self.options, scope))

    async def run(self, prepared: msgspec.Struct, call: Call, outside: Outside) -> Outcome:
        """Do it once. Nothing but cancellation escapes; no secret is in the outcome."""
        try:
            outcome = await self.action.run(prepared, call, outside)
        except TemplateError as error:
            outcome = Never(error=error.message)
        except Exception as error:  # noqa: BLE001 - a bug in one action must not stop the worker
            outcome = Again(error=f"{type(error).__name__}: {error}")
        return redacted(outcome, redactor(self.environment.secrets))

    @property
    def has_turn(self) -> bool:
        """Whether it may have to wait for others before it runs."""
        return hasattr(self.action, "turn")

    def turn(self, outside: Outside) -> AbstractAsyncContextManager[None]:
        """Return the block within which to run it: entering waits until it may."""
        wait: Callable[[Outside], AbstractAsyncContextManager[None]] | None
        wait = getattr(self.action, "turn", None)
        return nullcontext() if wait is None else wait(outside)

    async def execute(self, scope: Scope, call: Call, outside: Outside) -> Outcome:
        """Prepare and run; a value that is missing or refused ends the step for good."""
        try:
            prepared = self.prepare(scope)
        except TemplateError as error:
            never = Never(error=error.message)
            return redacted(never, redactor(self.environment.secrets))
        async with self.turn(outside):
            return await self.run(prepared, call, outside)

    def describe(self, prepared: msgspec.Struct) -> dict[str, Any]:
        """Return what would be done as JSON, secrets masked: the dry run's answer."""
        plain = msgspec.to_builtins(prepared, enc_hook=_plain, builtin_types=(bytes,))
        shown = redactor(self.environment.secrets).value(_readable(plain))
        return {"action": self.name, **cast("dict[str, Any]", shown)}


def starts(action: str, options: Mapping[str, Any]) -> str | None:
    """Return the command a step would start, as written and for a person to read, or None.

    An action that starts what its rule names says so with `starts(options)`; such a step runs only
    where the user allowed that very text (SECURITY C4).
    """
    if action not in BUILT_IN:
        return None  # an installed package is the user's own decision
    told = getattr(load(action), "starts", None)
    return None if told is None else cast("str | None", told(options))


def bind(action: str, options: Mapping[str, Any], environment: Environment) -> BoundStep:
    """Make a step ready from its table as written.

    Raises NotFound for an unknown action and ConfigError for options that are wrong.
    """
    found = load(action)
    made = reading.bind(found.Options, options, environment, what=f"action `{action}`")
    return BoundStep(action, found, made, environment, is_instant(action))


@cache
def is_instant(action: str) -> bool:
    """Whether an action waits for nothing; one of another package is not asked."""
    return action in BUILT_IN and bool(getattr(load(action), "is_instant", False))


def redacted(outcome: Outcome, mask: Redactor) -> Outcome:
    """Mask secrets: in an error whatever looks like one, in an output those we know."""
    if isinstance(outcome, Done):
        return Done(mask.known(outcome.output))
    if isinstance(outcome, Again | Never):
        return msgspec.structs.replace(
            outcome,
            error=mask.text(outcome.error),
            output=mask.known(outcome.output),
        )
    if isinstance(outcome, Later):
        return msgspec.structs.replace(outcome, output=mask.known(outcome.output))
    return outcome


def _plain(value: Any) -> str:
    return repr(value)


def _readable(value: Any) -> Any:
    """Turn bytes into text, cut where they are long."""
    if isinstance(value, bytes):
        shown = value[:BODY_SHOWN_BYTES_MAX].decode("utf-8", "backslashreplace")
        cut = len(value) - BODY_SHOWN_BYTES_MAX
        return f"{shown}… ({cut} bytes more)" if cut > 0 else shown
    if isinstance(value, dict):
        return {key: _readable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(item) for item in value]
    return value


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every action's options, by the action's name."""
    return {name: schema(load(name)) for name in _usable()}


def schema(action: Action) -> dict[str, Any]:
    """Return the JSON Schema of an action's options, its own definitions inside."""
    made = msgspec.json.schema(action.Options, schema_hook=_schema_of)
    reference = made.pop("$ref", "").rpartition("/")[2]
    definitions = made.pop("$defs", {})
    top = definitions.pop(reference, made)
    whole = {**top, "$defs": definitions} if definitions else top
    return cast("dict[str, Any]", _as_toml(whole))


def _as_toml(part: Any) -> Any:
    """Take null out of a schema, since TOML has none, and close every table."""
    if isinstance(part, list):
        return [_as_toml(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: _as_toml(item) for key, item in part.items() if (key, item) != ("default", None)}
    if "properties" in made:
        made["additionalProperties"] = False
    some = [option for option in made.get("anyOf", ()) if option != {"type": "null"}]
    if len(some) == 1:
        del made["anyOf"]
        return {**some[0], **made}
    return {**made, "anyOf": some} if some else made


def _schema_of(kind: type) -> dict[str, Any]:
    """Give msgspec the schema of our own values; its `schema_hook` raises so for any other type."""
    if issubclass(kind, Value):
        return kind.schema()
    raise NotImplementedError(kind)


def _usable() -> list[str]:
    return [*sorted(BUILT_IN), *(name for name in sorted(_plugins()) if _is_usable(name))]


def _is_usable(name: str) -> bool:
    if name in BUILT_IN:
        return False  # ours goes first, and is counted already
    return _load_plugin(_plugins()[name])[0] is not None


def describe_actions() -> list[dict[str, Any]]:
    """Return name, sentence and options of every action, for docs and help."""
    return [
        {"name": name, "about": load(name).about, "schema": schema(load(name))}
        for name in _usable()
    ]
