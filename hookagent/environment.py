"""`${NAME}` in configuration and rules: looked up in a mapping, never in the process by itself.

Every value that was put in is remembered as a secret, so that `redact` can mask it wherever it
turns up later. `${NAME:-text}` is the text where NAME is not set or empty, as in a shell; that text
stands in the file and is no secret. `$$` is a literal dollar sign.
"""

import re
from collections.abc import Iterable, Mapping

_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}")

SECRET_LENGTH_MIN = 4
"""Shorter values (`1`, `yes`) are settings; masking them everywhere would garble the output."""


class MissingVariable(KeyError):
    """A variable that is not set; `offset` is where `${` stands in the text, from 0."""

    def __init__(self, name: str, offset: int) -> None:
        super().__init__(name)
        self.name = name
        self.offset = offset


class Environment:
    """The variables a configuration may name: the process's environment over `.env`."""

    def __init__(self, values: Mapping[str, str], *, names_of_file: Iterable[str] = ()) -> None:
        self._values = dict(values)
        self._used: set[str] = set()
        self.names_of_file = frozenset(names_of_file)
        """The variables of `.env`, to be suggested where a name is mistyped."""

    def expand(self, text: str) -> str:
        """Put the variables in. Raises MissingVariable for one that is not set."""

        def put(found: re.Match[str]) -> str:
            name, instead = found.groups()
            if name is None:
                return "$"
            value = self._values.get(name)
            if instead is not None and not value:
                return str(instead)
            if value is None:
                raise MissingVariable(name, found.start())
            if len(value) >= SECRET_LENGTH_MIN:
                self._used.add(value)
            return value

        return _VARIABLE.sub(put, text)

    @property
    def used(self) -> dict[str, str]:
        """Return the variables that were put in so far, by name: secrets, never to be shown."""
        return {name: value for name, value in self._values.items() if value in self._used}

    def get(self, name: str) -> str:
        """Return a variable as it is, empty where it is not set; it does not count as a secret."""
        return self._values.get(name, "")

    def remember(self, secret: str) -> None:
        """Count a value that came from elsewhere (a file, `secret = "auto"`) as a secret too."""
        if len(secret) >= SECRET_LENGTH_MIN:
            self._used.add(secret)

    @property
    def secrets(self) -> frozenset[str]:
        """Every secret that was put in so far."""
        return frozenset(self._used)

    def __repr__(self) -> str:
        return f"Environment({len(self._values)} variables)"


def variables(text: str) -> list[str]:
    """Return the names a text refers to, in order."""
    return [name for name, _ in _VARIABLE.findall(text) if name]
