"""What a service manager is given: a systemd user unit, or a launchd property list.

Pure: text from values. The agent tells systemd when it is ready (`Type=notify`), reads its rules
again on SIGHUP, and is not started again after exit codes 2 and 3, which only a person can mend.
"""

import plistlib
import re
from dataclasses import dataclass
from math import ceil
from pathlib import Path

STOP_S = 20
"""What a stop may take beside `worker.grace`: some seconds for answers, and for what is parked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One agent that a service manager keeps running."""

    name: str
    """Letters, digits, `-`, `_` and `.`: part of file names and labels."""
    program: tuple[str, ...]
    """How hookagent is started, without the command: `("/usr/bin/python3", "-m", "hookagent")`."""
    config: Path
    """Absolute."""
    logs: Path
    """Where the platform keeps logs; the agent's own are in a folder of the service's name."""

    grace_ms: int
    """How long a stop waits for what runs, in the configuration as it is now."""
    has_log_folder: bool = False
    """Whether the configuration says where the agent's log is."""

    @property
    def stop_s(self) -> int:
        """Return the seconds after which a stop has failed and the process is killed."""
        return ceil(self.grace_ms / 1000) + STOP_S

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables the agent is started with."""
        if self.has_log_folder:
            return {}
        return {"HOOKAGENT_LOG_FOLDER": str(self.logs / self.name)}

    @property
    def arguments(self) -> tuple[str, ...]:
        """The whole command line."""
        options = ("serve", "--config", str(self.config), "--output", "compact")
        return (*self.program, *options)


def name_of(folder: Path) -> str:
    """Return a service's name for a project's folder."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.name).strip("-.")
    return name or "project"


def systemd_unit(service: Service) -> str:
    """Return the text of a user unit."""
    command = " ".join(_systemd_word(word) for word in service.arguments)
    variables = "".join(
        f"Environment={_systemd_variable(name, value)}\n"
        for name, value in service.environment.items()
    )
    return f"""\
[Unit]
Description=hookagent {_literal(service.name)}
Documentation=man:systemd.service(5)
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
{variables}WorkingDirectory={_literal(str(service.config.parent))}
Restart=on-failure
RestartSec=2
RestartPreventExitStatus=2 3
TimeoutStopSec={service.stop_s}
NoNewPrivileges=yes
UMask=0077

[Install]
WantedBy=default.target
"""


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _systemd_word(text: str) -> str:
    """Quote a word of a command line as systemd.service(5) reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[^A-Za-z0-9_./:=@%+-]", escaped) else escaped


def _systemd_variable(name: str, value: str) -> str:
    """Quote an assignment as systemd.exec(5) reads it; a dollar sign means nothing there."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{name}={escaped}"'


def label(service: Service) -> str:
    """Return the name launchd knows a service by."""
    return f"hookagent.{service.name}"


def launchd_plist(service: Service) -> str:
    """Return the text of a launch agent; what it prints goes to a file beside the logs."""
    output = str(service.logs / f"{service.name}.log")
    return plistlib.dumps(
        {
            "Label": label(service),
            "ProgramArguments": list(service.arguments),
            "EnvironmentVariables": service.environment,
            "WorkingDirectory": str(service.config.parent),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ExitTimeOut": service.stop_s,
            "ThrottleInterval": 10,
            "Umask": 0o077,
            "StandardOutPath": output,
            "StandardErrorPath": output,
        },
        sort_keys=False,
    ).decode("utf-8")
