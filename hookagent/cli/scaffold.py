"""Writes a source and a first rule as a person would: TOML that runs, with comments that explain.

`schemes NAME` shows the block, `init` writes it. Values go through tomli-w, so that nothing typed
or catalogued can break out of its string.
"""

import re
from typing import Any

import tomli_w

from hookagent.providers.provider import Provider

WIDTH = 100


def line(key: str, value: Any, comment: str = "") -> str:
    """Return one `key = value` with a comment behind it."""
    written = _written(key, value)
    return f"{written}  # {comment}" if comment else written


def _written(key: str, value: Any) -> str:
    """Write a key with its value on one line; a table stays inside its line."""
    if isinstance(value, dict):
        inner = ", ".join(_written(name, one) for name, one in value.items())
        return f"{_key(key)} = {{ {inner} }}"
    return tomli_w.dumps({key: value}).rstrip("\n")


def table_name(*parts: str) -> str:
    """Return the header of a table, quoted where a part needs it."""
    return "[" + ".".join(_key(part) for part in parts) + "]"


def _key(part: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+", part):
        return part
    return tomli_w.dumps({part: 0}).rpartition(" = ")[0]


def source_block(
    provider: Provider,
    scheme: str,
    *,
    name: str,
    secret: str | None = None,
) -> str:
    """Return `[sources.NAME]` for a scheme of the catalogue, ready to paste.

    `secret` is what to write there; left out, a variable named after the source.
    """
    lines = [
        f"# {provider.title}: {provider.about}",
        *([f"# {provider.docs}"] if provider.docs else []),
        table_name("sources", name),
        line("path", f"/hooks/{name}"),
        line("scheme", scheme),
        *(line(key, example, meaning) for key, example, meaning in needed(provider, scheme)),
        *_secret_lines(provider, scheme, name, secret),
    ]
    return "\n".join(lines) + "\n"


def needed(provider: Provider, scheme: str) -> list[tuple[str, str, str]]:
    """Return the keys a source must add for a scheme: key, example, meaning."""
    variant = provider.variants[scheme]
    keys = []
    if variant.scheme is None:
        place = next((key for key in ("header", "query") if key in provider.asks), "")
        if place:
            example = "X-Webhook-Token" if place == "header" else "token"
            keys.append((place, example, provider.asks[place]))
    settings = variant.scheme.settings if variant.scheme else ()
    keys += [(setting, "…", provider.settings.get(setting, "")) for setting in settings]
    published = variant.scheme.keys if variant.scheme else None
    keys += [
        (setting, f"${{{variable(provider.name, setting)}}}", provider.settings.get(setting, ""))
        for setting in (published.credentials if published else ())
    ]
    return keys


def _secret_lines(provider: Provider, scheme: str, name: str, secret: str | None) -> list[str]:
    found = provider.variants[scheme].scheme
    if found is not None and not found.needs_secret:
        return []
    if any(rule.hands_over_key for rule in provider.handshakes):
        return [f"# no secret: hookagent sources arm {name}, then {provider.title} hands it over"]
    if found is not None and found.key_family is not None:
        return [line("public_key", {"file": f"{name}.pem"}, "the provider's public key")]
    if secret is not None:
        return [line("secret", secret)]
    return [line("secret", f"${{{variable_of(name)}}}", "from the environment or .env")]


def variable_of(name: str) -> str:
    """Return the variable a source's secret is usually kept in."""
    return variable(name, "secret")


def variable(*parts: str) -> str:
    """Return the name of a variable for something that is named by these words."""
    return re.sub(r"[^A-Z0-9]", "_", "_".join(parts).upper())


def first_rule(name: str) -> str:
    """Return a rule file that says every event of a source, with a test that shows it does."""
    rule = f"say-{name}"
    return "\n".join(
        [
            f"# What happens to the events of source `{name}`. Try it: hookagent rules test",
            table_name("rule", rule),
            line("about", f"Say every event of {name}"),
            line("on", name, f'narrow it by type: "{name}/TYPE", globs are allowed'),
            "",
            "# Conditions on the payload; all of them must hold. For example:",
            f"# {table_name('rule', rule, 'when')}",
            '# priority = "urgent"',
            "",
            f"[{table_name('rule', rule, 'do')}]",
            line("action", "log"),
            line("text", "{{ @source }} {{ @type | default('event') }} {{ @id }}"),
            "",
            f"[{table_name('rule', rule, 'test')}]",
            'payload = { hello = "world" }',
            "fires = true",
            "",
        ]
    )


def watch_rule(*, is_live: bool) -> str:
    """Return a rule file that tells Slack what hookagent notices by itself, live or to be."""
    rule = [
        table_name("rule", "tell-slack"),
        line("about", "Tell Slack when something is wrong, and when it is well again"),
        line(
            "on",
            "hookagent/*",
            'or some of them: ["hookagent/watch.silence", "hookagent/run.dead"]',
        ),
        "",
        f"[{table_name('rule', 'tell-slack', 'do')}]",
        line("action", "slack"),
        line("url", f"${{{SLACK}}}", "an incoming webhook's address, from the environment or .env"),
        line("text", "{{ message }}\n{{ hint }}"),
    ]
    head = [
        "# What hookagent notices by itself: silence, spikes, errors, forgeries, dead runs, the",
        "# disk, the tunnel, certificates. It is printed and logged anyway; this tells Slack too.",
    ]
    if not is_live:
        head.append(f"# Put {SLACK}=https://hooks.slack.com/… into .env and take the `# ` away.")
        rule = [f"# {text}".rstrip() for text in rule]
    return "\n".join([*head, "", *rule, ""])


SLACK = "SLACK_URL"


def setup_steps(provider: Provider, *, url: str, secret: str) -> list[str]:
    """Return what to do at the provider, with the source's own address and secret put in."""
    steps = [*provider.setup.steps, *([provider.setup.secret] if provider.setup.secret else [])]
    return [step.replace("{url}", url).replace("{secret}", secret) for step in steps]
