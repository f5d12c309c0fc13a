"""What the rule's author tells a model, kept apart from what an event says."""

from collections.abc import Iterator
from typing import Any, Self

from hookagent.actions.reading import Reader, Where
from hookagent.actions.values import Json, Value
from hookagent.environment import variables
from hookagent.located import describe
from hookagent.template import Template


class Instruction(Value):
    """Literal text from the rule: no value of an event can get into it."""

    __slots__ = ("text", "variables")

    def __init__(self, text: str, names: list[str]) -> None:
        self.text = text
        self.variables = names
        """The variables put in: the model is told their values."""

    @classmethod
    def read(cls, value: Any, where: Where, reader: Reader) -> Self | None:
        name = ".".join(str(step) for step in where)
        if not isinstance(value, str) or not value.strip():
            told = "blank" if isinstance(value, str) else describe(value)
            reader.report("wrong-type", f"`{name}` must be a text, not {told}", where)
            return None
        if "{{" in value:
            reader.report(
                "untrusted-instruction",
                f"`{name}` is what the model obeys; values of an event cannot be in it",
                where,
                hint='put them into `data`, which is fenced: data = { title = "{{ title }}" }',
            )
            return None
        return cls(reader.expand(value, where), variables(value))


class Data(Json):
    """Named values for a model: a JSON value with templates in its texts."""

    __slots__ = ()

    @property
    def variables(self) -> list[str]:
        """The variables that are put in."""
        return [name for one in _templates(self._tree) for name in variables(one.source)]

    @property
    def is_untrusted(self) -> bool:
        """Whether anything in it comes from an event or from what followed on it."""
        return any(one.references for one in _templates(self._tree))

    @property
    def is_private(self) -> bool:
        """Whether it tells what an earlier step left, which strangers may not have seen."""
        return any(
            reference.is_payload and reference.path[:1] == ("steps",)
            for one in _templates(self._tree)
            for reference in one.references
        )


def _templates(tree: Any) -> Iterator[Template]:
    """Yield every template of a tree."""
    if isinstance(tree, Template):
        yield tree
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from _templates(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from _templates(item)
