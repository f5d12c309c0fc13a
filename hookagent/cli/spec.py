"""`hookagent spec`: what the command line offers, as JSON for programs that write it."""

from typing import Any

from hookagent.cli import output
from hookagent.errors import ExitCode

MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.NO: "the answer is no",
    ExitCode.USAGE: "wrong usage",
    ExitCode.CONFIG: "wrong configuration or rule file",
    ExitCode.NOT_FOUND: "no such event, rule, source or scheme",
    ExitCode.OUTSIDE: "the outside failed",
    ExitCode.BUG: "a bug of hookagent",
    ExitCode.INTERRUPTED: "interrupted",
}


def spec() -> None:
    """Print commands, options, exit codes, settings, actions and schemes as one JSON document.

    Example: hookagent spec | jq '.commands[].name'
    """
    output.json_document(describe())


def describe() -> dict[str, Any]:
    """Return the whole description; fields are only ever added."""
    from hookagent.actions import registry
    from hookagent.config.layers import SETTINGS, variable_name
    from hookagent.providers import catalog
    from hookagent.version import hookagent_version

    return {
        "program": output.PROGRAM,
        "version": hookagent_version(),
        "commands": _commands(),
        "exit_codes": {str(int(code)): meaning for code, meaning in MEANINGS.items()},
        "settings": [
            {"name": f"{section}.{key}", "variable": variable_name(section, key)}
            for section, keys in SETTINGS.items()
            for key in keys
        ],
        "actions": registry.describe_actions(),
        "schemes": list(catalog.names()),
    }


def _commands() -> list[dict[str, Any]]:
    from hookagent.cli import main

    return [_command(name, main.load_command(name)) for name in main.available()]


def _command(name: str, command: Any) -> dict[str, Any]:
    parameters = [_parameter(one) for one in command.params if not getattr(one, "hidden", False)]
    return {
        "name": name,
        "help": (command.help or "").strip(),
        "arguments": [one for one in parameters if not one["flags"]],
        "options": [one for one in parameters if one["flags"]],
        "commands": [
            _command(inner, below) for inner, below in getattr(command, "commands", {}).items()
        ],
    }


def _parameter(parameter: Any) -> dict[str, Any]:
    is_option = parameter.param_type_name == "option"
    default = parameter.default
    return {
        "name": parameter.name,
        "flags": [*parameter.opts, *parameter.secondary_opts] if is_option else [],
        "help": getattr(parameter, "help", None) or "",
        "value": parameter.metavar or "",
        "type": _type(parameter),
        "required": bool(parameter.required),
        "repeats": bool(getattr(parameter, "multiple", False)) or parameter.nargs == -1,
        "default": default if isinstance(default, str | int | float | bool) else None,
    }


def _type(parameter: Any) -> str:
    """Name what a parameter's text becomes; Typer 0.29 says it in another place than before."""
    bare = getattr(parameter, "bare_type", None)
    if bare is not None:
        return str(bare())
    name = _TYPES.get(parameter.type.name, parameter.type.name)
    return f"list[{name}]" if parameter.multiple or parameter.nargs == -1 else name


_TYPES = {
    "text": "str",
    "integer": "int",
    "integer range": "int",
    "boolean": "bool",
    "path": "Path",
}
