"""What ngrok needs here: its agent and a token. It fetches nothing."""

import asyncio
import re
from pathlib import Path

from hookagent.tunnel.base import Readiness, TunnelOptions
from hookagent.tunnel.ngrok_errors import GET_TOKEN, TOO_OLD
from hookagent.tunnel.program import find_program, is_program, on_search_path

VERSION = re.compile(r"ngrok version (\d+)\.(\d+)\.(\d+)")
VERSION_SECONDS = 5.0
MAJOR_MIN = 3
SHIM_BYTES = 1024
SHIM_MARK = b"pyngrok"
GET_AGENT = (
    "install it from https://ngrok.com/download, or set `binary` under `[tunnel]`; without an "
    "account, `cloudflared` or `ssh` will do"
)


async def check(options: TunnelOptions) -> Readiness:
    """Say whether ngrok could be started with these options."""
    binary = find_binary(options)
    if binary is None:
        return Readiness(
            ready=False, code="no-agent", detail="the ngrok agent is not installed", hint=GET_AGENT
        )
    version = await ask_version(binary)
    if version is None:
        return Readiness(
            ready=False,
            code="not-an-agent",
            detail=f"`{binary}` does not answer `version` like an ngrok agent",
            hint=GET_AGENT,
        )
    found = f"ngrok {'.'.join(map(str, version))}, {binary}"
    if version[0] < MAJOR_MIN:
        return Readiness(
            ready=False, code=TOO_OLD.code, detail=f"{found} is too old", hint=TOO_OLD.hint
        )
    if not find_token(options):
        return Readiness(
            ready=False, code="no-token", detail="ngrok has no authtoken", hint=GET_TOKEN
        )
    return Readiness(ready=True, detail=found)


def find_binary(options: TunnelOptions) -> Path | None:
    """Return the agent: the configured path, else the search path, else where pyngrok puts one.

    pyngrok installs a command `ngrok` of its own that downloads the agent when it is missing; that
    one is passed over.
    """
    if options.binary:
        return find_program("ngrok", options.binary, options.environ)
    candidates = on_search_path("ngrok", options.environ)
    candidates += [folder / "ngrok" for folder in config_folders(options.environ.get("HOME", ""))]
    return next((path for path in candidates if is_program(path) and not _is_shim(path)), None)


async def ask_version(binary: Path) -> tuple[int, int, int] | None:
    """Return the agent's version; None where the program is no agent."""
    try:
        process = await asyncio.create_subprocess_exec(
            str(binary),
            "version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(VERSION_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    found = VERSION.search(output.decode("utf-8", "replace"))
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def find_token(options: TunnelOptions) -> str:
    """Return the authtoken: the configured one, else the environment's, else ngrok's own file's."""
    if options.authtoken:
        return options.authtoken
    from_environment = options.environ.get("NGROK_AUTHTOKEN", "").strip()
    if from_environment:
        return from_environment
    for folder in config_folders(options.environ.get("HOME", "")):
        token = token_in(folder / "ngrok.yml")
        if token:
            return token
    return ""


def config_folders(home: str) -> list[Path]:
    """Return where the agent keeps its file (https://ngrok.com/docs/agent/config/)."""
    if not home:
        return []
    below = (".config/ngrok", "Library/Application Support/ngrok", ".ngrok2")
    return [Path(home, folder) for folder in below]


def token_in(path: Path) -> str:
    """Return the authtoken of a version 2 or 3 file; empty where there is none."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return ""
    if not isinstance(data, dict):
        return ""
    agent = data.get("agent")
    token = (agent.get("authtoken") if isinstance(agent, dict) else None) or data.get("authtoken")
    return token if isinstance(token, str) else ""


def _is_shim(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return SHIM_MARK in file.read(SHIM_BYTES)
    except OSError:
        return True
