"""What an adnanh/webhook hook does, as a step: its command, arguments, environment and files."""

from typing import Any

from hookagent.lookup import Step, format_path
from hookagent.rules.importing.imported import Notes
from hookagent.rules.inline import inline

Way = tuple[str | int, ...]

ANSWERS = (
    "response-message",
    "response-headers",
    "success-http-response-code",
    "include-command-output-in-response",
    "include-command-output-in-response-on-error",
    "trigger-rule-mismatch-http-response-code",
    "trigger-signature-soft-failures",
    "keep-file-environment",
)
"""What the sender is told: here, the event is stored and answered before its rules run."""


def command_of(hook: dict[str, Any], at: Way, notes: Notes) -> dict[str, Any]:
    """Return the step of a hook."""
    command = [str(hook["execute-command"])]
    for place, argument in enumerate(hook.get("pass-arguments-to-command") or []):
        here = (*at, "pass-arguments-to-command", place)
        text = _template(argument, here, notes)
        if text is not None:
            command.append(text)
            notes.kept(here, text)
    step: dict[str, Any] = {"action": "exec", "command": command}
    notes.kept((*at, "execute-command"), f"command = {inline(command)}")
    if hook.get("command-working-directory"):
        step["cwd"] = str(hook["command-working-directory"])
        notes.kept((*at, "command-working-directory"), f"cwd = {inline(step['cwd'])}")
    variables = _environment(hook.get("pass-environment-to-command") or [], at, notes)
    if variables:
        step["env"] = variables
    _without_place(hook, at, notes)
    return step


def _environment(arguments: list[Any], at: Way, notes: Notes) -> dict[str, str]:
    variables = {}
    for place, argument in enumerate(arguments):
        here = (*at, "pass-environment-to-command", place)
        text = _template(argument, here, notes)
        if text is not None:
            name = argument.get("envname") or f"HOOK_{argument.get('name', '')}"
            variables[name] = text
            notes.kept(here, f"{name} = {inline(text)}")
    return variables


def _template(argument: Any, at: Way, notes: Notes) -> str | None:
    """Write an argument as text or a template; None after noting that it cannot be one."""
    if isinstance(argument, dict) and argument.get("source") == "string":
        return str(argument.get("name", ""))
    path = reference(argument)
    if path is not None:
        return f"{{{{ {path} }}}}"
    source = argument.get("source", "") if isinstance(argument, dict) else argument
    if source in {"entire-payload", "raw-request-body"}:
        notes.kept(at, "the payload on the command's standard input", "no argument holds it")
    else:
        notes.lost(at, f"`{source}` has nothing like it here")
    return None


def _without_place(hook: dict[str, Any], at: Way, notes: Notes) -> None:
    for key in ANSWERS:
        if key in hook:
            notes.lost((*at, key), "an event is answered when it is stored, before its rules run")
    for key, reason in (
        ("pass-file-to-command", "the payload is on standard input and in a file of its own"),
        ("parse-parameters-as-json", "a text that holds JSON is not opened"),
        ("pre-hook-command", "nothing runs before an event is stored"),
        ("incoming-payload-content-type", 'set `body = "json"` or `"form"` at the source'),
    ):
        if key in hook:
            notes.lost((*at, key), reason)


def reference(parameter: Any) -> str | None:
    """Write what a parameter refers to as a path; None where there is none."""
    if not isinstance(parameter, dict):
        return None
    source, name = parameter.get("source"), str(parameter.get("name", ""))
    if source == "request":
        return {"method": "@method", "remote-addr": "@client_ip"}.get(name)
    if source == "payload" and name:
        return format_path(tuple(_step(part) for part in name.split(".")))
    area = {"header": "headers", "url": "query", "query": "query"}.get(str(source))
    if area is None or not name:
        return None
    return f"@{area}.{name.lower() if area == 'headers' else name}"


def _step(part: str) -> Step:
    return int(part) if part.isascii() and part.isdigit() else part
