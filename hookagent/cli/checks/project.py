"""Checks of the project: secrets, file modes, sources, rules."""

import stat
from collections.abc import Iterator
from pathlib import Path

from hookagent.cli.checks.finding import Finding, State, failed, good, warning
from hookagent.config.model import DAY_MS, MIB, Config
from hookagent.errors import ConfigError, Problem, Severity
from hookagent.rules.model import RuleSet

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
    yield from _commands(config, rulebook.ruleset)


def _commands(config: Config, ruleset: RuleSet) -> Iterator[Finding]:
    """Say whether what the project starts was allowed."""
    from hookagent.config.trust import users_registry
    from hookagent.pipeline.allowance import Allowance, commands

    allowance = Allowance(users_registry(), config.folder)
    problems = [*allowance.problems(ruleset), *allowance.tunnel_problems(config.tunnel)]
    yield from of_problems("trust", tuple(problems))
    started = len(commands(ruleset, config.tunnel))
    if started and not problems:
        yield good("trust", f"rules and tunnel start {_count(started, 'command')}, allowed")


def limits(config: Config) -> Iterator[Finding]:
    """Say what a stranger, and an action, can use up at most (docs/security.md has them all)."""
    server, store, worker = config.server, config.store, config.worker
    yield good(
        "limits",
        f"body {_size(server.max_body)} within {server.read_timeout_ms / 1000:g} s,"
        f" headers within {server.keepalive_ms / 1000:g} s,"
        f" {server.max_connections} connections, {server.max_bodies} bodies at once,"
        f" {server.queue} deliveries waiting for the disk,"
        f" {server.failures_per_minute} failures a minute and address",
    )
    kept = f"{store.retention_ms / DAY_MS:g} days" if store.retention_ms else "for ever"
    cap = f" up to {_size(store.max_bytes)}" if store.max_bytes else ""
    yield good(
        "limits",
        f"events kept {kept}{cap}, {store.max_rejected} refused deliveries,"
        f" {worker.concurrency} runs at once",
    )


def _size(size: int) -> str:
    return f"{size / MIB:g} MiB" if size >= MIB else f"{size / 1024:g} KiB"


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
