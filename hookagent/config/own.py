"""`schemes_dir`: a project's own schemes, one file each, as the catalogue's files are written.

schemes_dir = "schemes"     # schemes/acme.toml is the scheme `acme`
"""

import re
from pathlib import Path

from hookagent.config.find import find_file, shown
from hookagent.errors import ConfigError, Problem, Severity
from hookagent.located import Table, parse
from hookagent.providers import catalog
from hookagent.providers.catalog import SUFFIX, Catalog
from hookagent.providers.provider import Provider

KEY = "schemes_dir"
FILE_BYTES_MAX = 256 * 1024

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)


def catalog_of(file: Path | None, cwd: Path) -> Catalog:
    """Return the catalogue of the project at or above a folder, for commands that need no more.

    A configuration that cannot be read has no schemes of its own; the commands that need it say so.
    Raises ConfigError for a scheme's file that is wrong.
    """
    found = (cwd / file) if file is not None else find_file(cwd)
    problems: list[Problem] = []
    try:
        text = found.read_text("utf-8") if found else ""
        root = Table.root(parse(text, shown(found, cwd) if found else ""), problems)
    except (OSError, UnicodeDecodeError, ConfigError):
        return catalog.BUILT_IN
    read = read_own_schemes(root, found.parent if found else cwd, cwd)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise ConfigError(problems)
    return read


def read_own_schemes(root: Table, folder: Path, cwd: Path) -> Catalog:
    """Return the catalogue with the files of `schemes_dir`; every problem of them is reported."""
    text = root.text(KEY)
    if not text:
        return catalog.BUILT_IN
    path = folder / text
    if "\0" in text or not path.is_dir():
        root.report("no-such-folder", f"no folder of schemes at `{text}`", key=KEY)
        return catalog.BUILT_IN
    own: dict[str, Provider] = {}
    for file in sorted(path.glob("*" + SUFFIX)):
        provider = _read(file, shown(file, cwd), root.problems)
        if provider is not None:
            own[provider.name] = provider
    return Catalog(own)


def _read(file: Path, place: str, problems: list[Problem]) -> Provider | None:
    """Read one file; None where something is wrong with it."""
    name = file.name.removesuffix(SUFFIX)
    try:
        _check_name(name)
        return catalog.read(_text(file), place, name, is_own=True)
    except ConfigError as error:
        problems.extend(error.problems)
    except _Unusable as error:
        message, hint = error.args
        problems.append(Problem(code="bad-scheme-file", message=message, file=place, hint=hint))
    return None


class _Unusable(Exception):
    """A file that is no scheme's: a message and a hint."""


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise _Unusable(
            f"`{name}` cannot be a scheme's name", "lower case letters and digits, joined by `-`"
        )
    if name in catalog.names():
        raise _Unusable(
            f"scheme `{name}` is in the catalogue already", "give the file another name"
        )


def _text(file: Path) -> str:
    try:
        data = file.read_bytes()
        if len(data) > FILE_BYTES_MAX:
            raise _Unusable(f"it is larger than {FILE_BYTES_MAX} bytes", None)
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise _Unusable("it is not UTF-8 text", None) from None
    except OSError as error:
        raise _Unusable(f"it cannot be read: {error.strerror or error}", None) from None
