"""What reading options finds: problems with their place, and the variables to put in."""

from dataclasses import dataclass, field
from typing import TypeVar

from hookagent.environment import Environment, MissingVariable
from hookagent.template import Template, TemplateError

Where = tuple[str | int, ...]
"""The way into the step's table."""

T = TypeVar("T", bound=Template)


@dataclass(frozen=True, slots=True)
class Found:
    """One problem of one option."""

    code: str
    message: str
    where: Where
    hint: str | None = None


@dataclass(slots=True)
class Reader:
    """Collects what is wrong while options are read."""

    environment: Environment | None
    """None while a file is only checked: `${NAME}` then stays as written."""
    found: list[Found] = field(default_factory=list)

    def report(self, code: str, message: str, where: Where, *, hint: str | None = None) -> None:
        """Note a problem."""
        self.found.append(Found(code, message, where, hint))

    def expand(self, text: str, where: Where) -> str:
        """Put the variables in; a missing one is a problem."""
        if self.environment is None:
            return text
        try:
            return self.environment.expand(text)
        except MissingVariable as error:
            self._missing(error, where)
            return ""

    def template(self, kind: type[T], text: str, where: Where) -> T | None:
        """Read a template; None after reporting what is wrong with it."""
        try:
            return kind.parse(text, self.environment)
        except TemplateError as error:
            place = f" (character {error.offset + 1} of the text)" if error.offset else ""
            self.report("template", f"{error.message}{place}", where, hint=error.hint)
        except MissingVariable as error:
            self._missing(error, where)
        return None

    def _missing(self, error: MissingVariable, where: Where) -> None:
        self.report(
            "missing-variable",
            f"the variable `{error.name}` is not set",
            where,
            hint=f"set it in the environment or write `{error.name}=…` into `.env`",
        )
