"""The user's own folders, as the platform has them; a user may have no home (in a container)."""

import os
from collections.abc import Callable
from pathlib import Path

NOWHERE = Path(os.devnull) / "hookagent"
"""Stands for a folder where there is no home: nothing is in it and nothing can be made in it."""


def users_folder(kind: str) -> Path:
    """Return the user's `config`, `state` or `log` folder of hookagent; `NOWHERE` without a home.

    A folder that is not absolute would be looked for in whatever project one stands in.
    """
    import platformdirs

    find: dict[str, Callable[[str], Path]] = {
        "config": platformdirs.user_config_path,
        "state": platformdirs.user_state_path,
        "log": platformdirs.user_log_path,
    }
    try:
        folder = find[kind]("hookagent")
    except RuntimeError:  # said by platformdirs where HOME is not set and the user is unknown
        return NOWHERE
    return folder if folder.is_absolute() else NOWHERE
