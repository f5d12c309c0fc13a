"""Hooks of adnanh/webhook: `hooks.json` or `hooks.yaml`, parsed.

    https://github.com/adnanh/webhook/blob/master/docs/Hook-Definition.md
    https://github.com/adnanh/webhook/blob/master/docs/Hook-Rules.md
    https://github.com/adnanh/webhook/blob/master/docs/Referencing-Request-Values.md

Each hook becomes a rule for a source of the hook's id. What a hook says of the request's
authenticity belongs to that source, and the notes say what to write there.
"""

from typing import Any

from hookagent.rules.importing.alternatives import Alternatives, both, shared
from hookagent.rules.importing.hooks import command_of, reference
from hookagent.rules.importing.imported import CannotImport, Imported, Notes, finished
from hookagent.rules.inline import inline
from hookagent.rules.write import Draft, rule_name, rule_text

Way = tuple[str | int, ...]
HASHES = {"sha1", "sha256", "sha512"}


def convert(document: Any, name: str) -> Imported:
    """Convert a list of hooks, or one. Raises CannotImport."""
    hooks = document if isinstance(document, list) else [document]
    if not hooks or not all(isinstance(hook, dict) for hook in hooks):
        raise CannotImport("hooks are a list of objects")
    notes = Notes()
    texts: list[str] = []
    names: list[str] = []
    for place, hook in enumerate(hooks):
        names.append(_free(rule_name(str(hook.get("id") or name)), names))
        texts.append(_hook(hook, (place,), names[-1], notes))
    return finished("\n".join(texts), notes)


def _free(name: str, taken: list[str]) -> str:
    """Name a second hook of one id `deploy-2`."""
    number = sum(it.rpartition("-")[0] == name or it == name for it in taken)
    return f"{name}-{number + 1}" if number else name


def _hook(hook: dict[str, Any], at: Way, name: str, notes: Notes) -> str:
    hook_id = rule_name(str(hook.get("id") or name))
    if not hook.get("execute-command"):
        raise CannotImport(f"hook `{hook_id}` has no `execute-command`")
    alternatives = (
        [{}]
        if not hook.get("trigger-rule")
        else _rule(hook["trigger-rule"], (*at, "trigger-rule"), notes, negated=False)
    )
    if hook.get("http-methods"):
        methods = [str(method).strip().upper() for method in hook["http-methods"]]
        alternatives = both(alternatives, [{"@method": methods}])
        notes.kept((*at, "http-methods"), f'"@method" = {inline(methods)}')
    is_never = not alternatives
    common, groups = shared(alternatives or [{}])
    draft = Draft(
        name=name,
        about=f"Imported from the hook {hook_id}",
        on=[hook_id],
        when=common,
        any=groups,
        do=[command_of(hook, at, notes)],
        keys={"enabled": False} if is_never else {},
    )
    return rule_text(draft)


def _rule(rule: Any, at: Way, notes: Notes, *, negated: bool) -> Alternatives:
    """Convert a rule; no alternative at all means that it is never true."""
    if not isinstance(rule, dict) or len(rule) != 1:
        raise CannotImport(f"`{_name(at)}` must have one of and, or, not, match")
    word, inner = next(iter(rule.items()))
    here = (*at, word)
    if word == "not":
        return _rule(inner, here, notes, negated=not negated)
    if word in {"and", "or"}:
        if not isinstance(inner, list) or not inner:
            raise CannotImport(f"`{_name(here)}` must be a list of rules")
        parts = [_rule(it, (*here, n), notes, negated=negated) for n, it in enumerate(inner)]
        return _joined(parts) if (word == "and") is not negated else [g for p in parts for g in p]
    if word != "match" or not isinstance(inner, dict):
        raise CannotImport(f"`{_name(at)}`: there is no rule `{word}`")
    return _match(inner, here, notes, negated=negated)


def _joined(parts: list[Alternatives]) -> Alternatives:
    found: Alternatives = [{}]
    for part in parts:
        found = both(found, part)
    return found


def _match(match: dict[str, Any], at: Way, notes: Notes, *, negated: bool) -> Alternatives:
    kind = str(match.get("type", ""))
    if kind.startswith(("payload-hmac-", "payload-hash-")) or kind == "scalr-signature":
        return _signature(kind, match, at, notes, negated=negated)
    if kind == "ip-whitelist":
        path = "@client_ip"
        requirement: Any = {"cidr": _ranges(match.get("ip-range"), at)}
    elif kind == "value":
        path = _path(match.get("parameter"), at)
        requirement = _value(match.get("value"), path)
    elif kind == "regex":
        path, requirement = _path(match.get("parameter"), at), {"regex": match.get("regex")}
        notes.kept(at, "regex", "numbers and truth values are not matched; there, as text")
    else:
        raise CannotImport(f"`{_name(at)}`: there is no match of type `{kind}`")
    wanted: Any = {"not": requirement} if negated else requirement
    notes.kept(at, inline({path: wanted})[2:-2])
    return [{path: wanted}]


def _signature(
    kind: str, match: dict[str, Any], at: Way, notes: Notes, *, negated: bool
) -> Alternatives:
    """Leave authenticity to the source: by the time a rule is asked, it is proven."""
    if kind == "scalr-signature":
        notes.lost(at, 'not a condition here: give the source a scheme (docs: scheme = "…")')
    else:
        header = (match.get("parameter") or {}).get("name", "X-Signature")
        algorithm = kind.rpartition("-")[2]
        scheme = {
            "algorithm": f"hmac-{algorithm if algorithm in HASHES else 'sha256'}",
            "header": header,
            "prefix": f"{algorithm}=",
            "encoding": "hex",
            "signed": "{body}",
        }
        notes.lost(at, f"not a condition here: the source needs scheme = {inline(scheme)}")
    return [] if negated else [{}]


def _ranges(text: Any, at: Way) -> list[str]:
    """Write the ranges of a whitelist: separated by spaces, a single address too."""
    from ipaddress import ip_network

    try:
        return [str(ip_network(part, strict=False)) for part in str(text or "").split()]
    except ValueError as error:
        raise CannotImport(f"`{_name(at)}`: {error}") from None


def _value(value: Any, path: str) -> Any:
    """Write equality: there all values are text, so a number in quotes means the number too."""
    text = value if isinstance(value, str) else inline(value)
    if path.startswith("@"):
        return text
    if text in {"true", "false"}:
        return [text, text == "true"]
    try:
        number = float(text) if not text.lstrip("-").isdigit() else int(text)
    except ValueError:
        return text
    return [text, number] if inline(number) == text else text


WHOLE_BODY = frozenset({"entire-payload", "raw-request-body"})


def _path(parameter: Any, at: Way) -> str:
    if isinstance(parameter, dict) and parameter.get("source") in WHOLE_BODY:
        return "@body"
    path = reference(parameter)
    if path is None:
        raise CannotImport(f"`{_name(at)}`: its `parameter` cannot be a condition's path here")
    return path


def _name(at: Way) -> str:
    return ".".join(map(str, at))
