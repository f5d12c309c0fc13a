"""`hookagent init`: a first configuration and rule that run as they are."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from hookagent.cli import output
from hookagent.cli.options import JsonOption, complete_scheme
from hookagent.errors import AnswerNo, OutsideError, UsageError

if TYPE_CHECKING:
    from hookagent.providers.provider import Provider

IGNORED = (".hookagent/", ".env")
"""What must not be committed: the store, made secrets, variables."""
MADE = "auto"


class Chosen(NamedTuple):
    """One source to write."""

    scheme: str
    provider: "Provider"
    name: str


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Where to write; here when left out.")
    ] = Path(),
    *,
    provider: Annotated[
        list[str] | None,
        typer.Option(
            "--provider",
            "--scheme",
            metavar="NAME",
            help="A scheme of the catalogue; several are allowed.",
            autocompletion=complete_scheme,
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option("--port", min=1, max=65535, metavar="PORT", help="The listener's port."),
    ] = 8787,
    slack: Annotated[
        bool,
        typer.Option("--slack", help="Tell Slack what goes wrong; the address goes into .env."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write hookagent.toml and a first rule for the providers you name. Overwrites nothing.

    Example: hookagent init --provider github --provider stripe
    """
    from hookagent.cli.scaffold import SLACK, watch_rule

    names = provider or _ask()
    slack = slack or (not provider and _wants_slack())
    chosen = [_choose(name) for name in dict.fromkeys(names)]
    files = {"hookagent.toml": configuration(chosen, port=port)}
    files |= {f"rules/{one.name}.toml": _rule(one) for one in chosen}
    files["rules/watches.toml"] = watch_rule(is_live=slack)
    if not (folder / ".gitignore").exists():
        files[".gitignore"] = "".join(f"{pattern}\n" for pattern in IGNORED)
    _write(folder, files)
    _say(folder, files, chosen, as_json=json)
    if slack:
        output.talk(f"put {SLACK}=https://hooks.slack.com/services/… into {folder / '.env'}")


def _ask() -> list[str]:
    """Ask for the providers on a terminal; without one they must be named."""
    from hookagent.providers import catalog

    if not output.can_ask():
        raise UsageError(
            "no provider is named",
            hint="such as: hookagent init --provider github; `hookagent schemes` lists them",
        )
    output.talk("Which providers send webhooks? Names from the catalogue, separated by spaces:")
    output.talk(", ".join(catalog.names()))
    answer = typer.prompt("providers", default="token", err=True)
    return str(answer).replace(",", " ").split()


def _wants_slack() -> bool:
    return bool(typer.confirm("Tell Slack when something goes wrong?", default=False, err=True))


def _choose(name: str) -> Chosen:
    """Return what a name stands for. Raises NotFound, and UsageError for what cannot run yet."""
    from hookagent.cli.scaffold import needed
    from hookagent.cli.schemes import source_name
    from hookagent.providers import catalog

    provider = catalog.provider_of(name)
    scheme = provider.variants[name].scheme
    unknown = [key for key, example, _ in needed(provider, name) if example.startswith(("…", "${"))]
    if scheme is not None and scheme.key_family is not None and scheme.needs_secret:
        unknown.append("public_key")
    if unknown:
        raise UsageError(
            f"`{name}` needs {', '.join(f'`{key}`' for key in unknown)}, which only you know",
            hint=f"`hookagent schemes {name}` shows the source to fill in",
        )
    return Chosen(name, provider, source_name(name))


def configuration(chosen: list[Chosen], *, port: int) -> str:
    """Return the text of hookagent.toml."""
    from hookagent.cli.scaffold import line, source_block

    head = [
        "# hookagent's configuration. `hookagent doctor` checks it, `hookagent serve` runs it.",
        "",
        "[server]",
        line("host", "127.0.0.1"),
        line("port", port),
        "",
        "[inspector]",
        line("port", port + 1 if port < PORT_MAX else port - 1, "loopback only"),
        "",
        "[store]",
        line("url", "sqlite:///.hookagent/hookagent.db"),
        line("retention", "30d"),
        "",
        "[tunnel]",
        line("provider", "none", 'or "ngrok": a public address for this machine'),
        "",
    ]
    blocks = [
        source_block(one.provider, one.scheme, name=one.name, secret=MADE) + _secret_note(one)
        for one in chosen
    ]
    return "\n".join(head) + "\n" + "\n".join(blocks)


PORT_MAX = 65_535


def _secret_note(one: Chosen) -> str:
    from hookagent.cli.scaffold import variable_of

    scheme = one.provider.variants[one.scheme].scheme
    if scheme is not None and not scheme.needs_secret:
        return ""
    if any(rule.hands_over_key for rule in one.provider.handshakes):
        return ""
    return (
        f"# The secret is made on first use: hookagent sources secret {one.name} --show\n"
        f"# One that the provider gave you goes into .env as {variable_of(one.name)}=…,\n"
        f'# and here: secret = "${{{variable_of(one.name)}}}"\n'
    )


def _rule(one: Chosen) -> str:
    from hookagent.cli.scaffold import first_rule

    return first_rule(one.name)


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write all files or none; one that is there already is never touched."""
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise AnswerNo(
            f"{folder / there[0]} is here already, and nothing was written",
            hint="write into another folder: hookagent init FOLDER",
        )
    try:
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
    except OSError as error:
        raise OutsideError(f"cannot write into {folder}: {error.strerror}") from None


def _say(folder: Path, files: dict[str, str], chosen: list[Chosen], *, as_json: bool) -> None:
    written = [str(folder / name) for name in files]
    if as_json:
        output.json_line({"written": written, "sources": [one.name for one in chosen]})
        return
    for name in written:
        output.data(name)
    output.talk("next: hookagent serve" if _is_here(folder) else f"next: cd {folder}")


def _is_here(folder: Path) -> bool:
    return folder.resolve() == Path(os.curdir).resolve()
