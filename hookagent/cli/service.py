"""`hookagent service`: let the machine's own service manager keep the agent running."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hookagent.cli import output, settings
from hookagent.cli.main import APP
from hookagent.cli.options import ConfigOption
from hookagent.cli.units import Service, label, launchd_plist, name_of, systemd_unit
from hookagent.errors import NotFound, OutsideError, UsageError

MANAGERS = ("systemd", "launchd")
MODE = 0o644

app = typer.Typer(**APP, help="Keep the agent running: systemd (user) or launchd.")

NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="The service's name; the folder's if left out."),
]
ManagerOption = Annotated[
    str | None,
    typer.Option(
        "--manager", metavar="NAME", help="systemd or launchd; this system's if left out."
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show the file and the commands; change nothing.")
]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an installation writes, and what it and its removal run."""

    file: Path
    text: str
    start: tuple[tuple[str, ...], ...]
    stop: tuple[tuple[str, ...], ...]


def plan_of(service: Service, manager: str, home: Path, user: int) -> Plan:
    """Say what a service manager needs."""
    if manager == "launchd":
        file = home / "Library" / "LaunchAgents" / f"{label(service)}.plist"
        domain = f"gui/{user}"
        return Plan(
            file,
            launchd_plist(service),
            (("launchctl", "bootstrap", domain, str(file)),),
            (("launchctl", "bootout", f"{domain}/{label(service)}"),),
        )
    unit = f"hookagent-{service.name}.service"
    control = ("systemctl", "--user")
    return Plan(
        home / ".config" / "systemd" / "user" / unit,
        systemd_unit(service),
        ((*control, "daemon-reload"), (*control, "enable", "--now", unit)),
        ((*control, "disable", "--now", unit), (*control, "daemon-reload")),
    )


def logs_of(manager: str, home: Path) -> Path:
    """Return where a manager's platform keeps a user's logs."""
    if manager == "launchd":
        return home / "Library" / "Logs" / "hookagent"
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else home / ".local" / "state") / "hookagent" / "log"


@app.command()
def install(
    config: ConfigOption = None,
    *,
    name: NameOption = None,
    manager: ManagerOption = None,
    start: Annotated[
        bool, typer.Option("--start/--no-start", help="Start it now and at every login.")
    ] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that somebody changed.")
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write the service's file and start it.

    Example: hookagent service install --dry-run
    """
    plan = _plan(config, name, manager)
    if dry_run:
        _show(plan, plan.start if start else ())
        return
    if plan.file.exists() and plan.file.read_text("utf-8") != plan.text and not force:
        raise UsageError(f"`{plan.file}` is there and differs", hint="replace it with --force")
    try:
        plan.file.parent.mkdir(parents=True, exist_ok=True)
        if plan.file.suffix == ".plist":
            logs_of("launchd", Path.home()).mkdir(parents=True, exist_ok=True)
        plan.file.write_text(plan.text, "utf-8")
        plan.file.chmod(MODE)
    except OSError as error:
        raise OutsideError(f"cannot write {plan.file}: {error.strerror}") from None
    output.talk(f"wrote {plan.file}")
    if start:
        _run(plan.start)
        output.talk("started; it comes back at every login")
    if plan.file.suffix == ".service":
        output.talk("to run without a login: loginctl enable-linger")


@app.command()
def remove(
    config: ConfigOption = None,
    *,
    name: NameOption = None,
    manager: ManagerOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Stop the service and remove its file; events and configuration stay.

    Example: hookagent service remove
    """
    plan = _plan(config, name, manager)
    if dry_run:
        for command in plan.stop:
            output.data(" ".join(command))
        return
    if not plan.file.exists():
        raise NotFound(f"no service at `{plan.file}`")
    _run(plan.stop[:1])
    try:
        plan.file.unlink()
    except OSError as error:
        raise OutsideError(f"cannot remove {plan.file}: {error.strerror}") from None
    _run(plan.stop[1:])
    output.talk(f"removed {plan.file}")


def _plan(config: Path | None, name: str | None, manager: str | None) -> Plan:
    chosen = manager or ("launchd" if sys.platform == "darwin" else "systemd")
    if chosen not in MANAGERS:
        raise UsageError(f"unknown manager `{chosen}`", hint="known: " + ", ".join(MANAGERS))
    loaded = settings.load_config(config)
    file = loaded.file
    if file is None:
        raise UsageError("a service needs a configuration", hint="write one: hookagent init")
    path = file.resolve()
    if name is not None and name != name_of(Path(name)):
        raise UsageError(f"`{name}` cannot be a service's name", hint="letters, digits, `-`, `_`")
    service = Service(
        name=name or name_of(path.parent),
        program=(sys.executable, "-m", "hookagent"),
        config=path,
        logs=logs_of(chosen, Path.home()),
        grace_ms=loaded.worker.grace_ms,
        has_log_folder=loaded.log.folder is not None,
    )
    return plan_of(service, chosen, Path.home(), os.getuid() if hasattr(os, "getuid") else 0)


def _show(plan: Plan, commands: tuple[tuple[str, ...], ...]) -> None:
    output.data(f"# {plan.file}")
    for line in plan.text.splitlines():
        output.data(line)
    for command in commands:
        output.data("# then: " + " ".join(command))


def _run(commands: tuple[tuple[str, ...], ...]) -> None:
    """Run the manager's own program. Raises OutsideError with what it said."""
    for command in commands:
        program = shutil.which(command[0])
        if program is None:
            raise OutsideError(
                f"`{command[0]}` is not here",
                hint="run it where the service is to run, or --no-start",
            )
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            [program, *command[1:]], capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = done.stderr.strip() or f"it ended with {done.returncode}"
            raise OutsideError(f"`{' '.join(command)}` failed: {said}")
