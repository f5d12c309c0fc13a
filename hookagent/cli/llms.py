"""`docs/llms.txt`: the project for a language model, written from what `hookagent spec` says.

The form is that of llmstxt.org: a title, a sentence, then sections of links and lists.
"""

from collections.abc import Iterator
from typing import Any

from hookagent.cli.guidance import WARNING

_HEAD = """\
# hookagent

> A webhook agent for a laptop: it verifies that a request is genuine, stores it before it \
answers, acts on it by declarative TOML rules with retries, and lets everything be explained, \
replayed and tested. Nothing needs an account, a cloud or the internet.

{warning}

## Docs

- [Configuration](configuration.md): hookagent.toml, sources, secrets, the environment
- [Rules](rules.md): conditions, operators, conditions over time, tests
- [Rules from other tools](rules-from-others.md): EventBridge, adnanh/webhook, Hookdeck
- [Rules, their cost](rules-performance.md): what ten and a hundred thousand rules take
- [Actions](actions.md): every action with its options, templates
- [Cookbook](cookbook.md): whole rules to copy, each tested
- [Verification](verification.md): verdicts and why a signature fails
- [Providers](providers.md): every signature scheme, how to set it up
- [The two agents](agents.md): support tickets and inventory alerts, step by step
- [Agents and MCP](agents-mcp.md): the agent action, approvals, budgets, tools for coding agents
- [Catching up](catchup.md): what was missed while nobody listened
- [Tunnels](tunnels.md): how the outside reaches a laptop
- [Command line](cli.md): exit codes, output, doctor
- [Inspector](inspector.md): the page and its interface
- [Workbench](workbench.md): replay, chaos, wait, diff, shapes, import and export
- [Tests](testing.md): signed events in the tests of an application
- [Watching](watching.md): expectations, built-in watches, metrics, traces
- [Running](running.md): as a service, behind a proxy, in a container
- [Store](store.md): what is kept, and where
- [Many machines](scaling.md): several nodes on one PostgreSQL
- [Security](security.md): what a stranger may try, and the test of each
- [Faults](faults.md): kills, power cuts, disks, clocks
- [Benchmarks](benchmarks.md): figures, and how to repeat them
- [Verification, held against others](verification-oracles.md): the providers' own SDKs, Wycheproof
"""


def text(spec: dict[str, Any]) -> str:
    """Return the whole file from the document `hookagent spec` prints."""
    parts = [
        _HEAD.format(warning=WARNING),
        "\n## Commands\n\n",
        *_commands(spec["commands"], "hookagent"),
        "\n## Exit codes\n\n",
        *(f"- {code}: {meaning}\n" for code, meaning in spec["exit_codes"].items()),
        "\n## Actions of a rule's step\n\n",
        *_actions(spec["actions"]),
        "\n## Signature schemes\n\n",
        ", ".join(spec["schemes"]),
        "\n",
    ]
    return "".join(parts)


def _commands(commands: list[dict[str, Any]], before: str) -> Iterator[str]:
    for command in commands:
        name = f"{before} {command['name']}"
        if command["commands"]:
            yield from _commands(command["commands"], name)
            if not command["options"]:
                continue
        about = " ".join(command["help"].partition("\n\n")[0].split())
        arguments = "".join(
            f" {one['value'] or one['name'].upper()}" for one in command["arguments"]
        )
        yield f"- `{name}{arguments}`: {about}{_options(command['options'])}\n"


def _options(options: list[dict[str, Any]]) -> str:
    flags = [one["flags"][0] for one in options if "--help" not in one["flags"]]
    return f" Options: {', '.join(f'`{flag}`' for flag in flags)}." if flags else ""


def _actions(actions: list[dict[str, Any]]) -> Iterator[str]:
    for action in actions:
        schema = action["schema"]
        needed = schema.get("required", [])
        others = [name for name in schema.get("properties", {}) if name not in needed]
        told = f" Needs {', '.join(f'`{name}`' for name in needed)}." if needed else ""
        told += f" Takes {', '.join(f'`{name}`' for name in others)}." if others else ""
        yield f"- `{action['name']}`: {action['about']}{told}\n"
