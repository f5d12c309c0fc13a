"""Checks of the project: secrets, file modes, sources, rules."""

import stat
from collections.abc import Iterator
from pathlib import Path

from hookagent.cli.checks.finding import Finding, State, failed, good, warning
from hookagent.config.model import Config
from hookagent.errors import ConfigError, Problem, Severity

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def of_problems(check: str, problems: tuple[Problem, ...]) -> Iterator[Finding]:
    """Turn a file's problems into findings."""
    for problem in problems:
        place = f"{problem.place}: " if problem.place else ""
        yield Finding(
            check=check,
            state=State.FAIL if problem.severity is Severity.ERROR else State.WARNING,
            message=place + problem.message,
            hint=problem.hint,
        )


def configuration(config: Config) -> Iterator[Finding]:
    """Say which file is in use, and its warnings."""
    if config.file is None:
        yield warning("config", "no hookagent.toml here or above", "hookagent init")
    else:
        yield good("config", f"{config.file} with {_count(len(config.sources), 'source')}")
    yield from of_problems("config", config.warnings)


def sources(config: Config) -> Iterator[Finding]:
    """Say how each source is verified, and which ones are not."""
    for source in config.sources.values():
        check = "source"
        if not source.is_verified:
            yield warning(
                check,
                f"source `{source.name}` takes everything from everyone",
                "give it a scheme; a tunnel opens to it only with --insecure",
            )
        else:
            keys = _count(len(source.secrets), "key")
            yield good(
                check,
                f"{source.name}: {source.path}, scheme {source.scheme.name},"
                f" {source.scheme.integrity}, {keys}",
            )


def rules(config: Config) -> Iterator[Finding]:
    """Check all rule files."""
    from hookagent.pipeline.rulebook import load_rulebook

    try:
        rulebook = load_rulebook(config.rules, config.folder, config.environment)
    except ConfigError as error:
        yield from of_problems("rules", error.problems)
        return
    if not len(rulebook):
        yield warning(
            "rules", "there are no rules, so events are only stored", "hookagent rules new"
        )
    else:
        yield good("rules", _count(len(rulebook), "rule"))


def modes(config: Config) -> Iterator[Finding]:
    """Check that nobody else can read what is secret."""
    files = [
        config.folder / ".env",
        config.state_folder,
        config.state_folder / "secrets",
        *sorted((config.state_folder / "secrets").glob("*")),
    ]
    open_ones = [file for file in files if _is_open(file)]
    for file in open_ones:
        mode = "700" if file.is_dir() else "600"
        yield warning("modes", f"{file} is open to other users", f"chmod {mode} {file}")
    if not open_ones:
        yield good("modes", "secrets and state are private")


def _is_open(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & OTHERS)
    except OSError:
        return False


def undecided(config: Config) -> Iterator[Finding]:
    """Refuse what could only be meant for another machine."""
    if config.server.host not in LOOPBACK and config.tunnel.provider != "none":
        yield failed(
            "host",
            f"the listener is on {config.server.host} although a tunnel leads to it",
            'set host = "127.0.0.1"; the tunnel needs no more',
        )


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
