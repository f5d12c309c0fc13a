"""Rules compiled once, asked for every event."""

from collections.abc import Callable, Sequence

from hookagent.event import Event
from hookagent.rules.decode import Decoders
from hookagent.rules.index.conjunctions import Splitter
from hookagent.rules.index.grow import Grower, Item
from hookagent.rules.index.look import look_at, look_into
from hookagent.rules.model import Rule, RuleSet

RULES_A_TURN = 64
"""Rules that are taken apart between two pauses."""


def without_pause() -> None:
    """Go on at once."""


class Matcher:
    """Answers for one rule set; immutable, so any number of threads may ask."""

    def __init__(self, ruleset: RuleSet, pause: Callable[[], None] = without_pause) -> None:
        """Compile a rule set.

        `pause` is called every millisecond of work or so, often more often: a thread that builds
        can let others go first there.
        """
        self.ruleset = ruleset
        splitter = Splitter()
        grower = Grower(pause, splitter.slots.paths)
        enabled = [(number, rule) for number, rule in enumerate(ruleset.rules) if rule.enabled]
        self._is_plain = not any(rule.fallback or rule.stop for _, rule in enabled)
        """Whether what was found need only be ordered."""
        self._followers = ruleset.followers
        self.decoders = Decoders(ruleset)
        self._root = grower.grow(_items(splitter, enabled, pause))
        self._follower_root = grower.grow(_items(splitter, list(enumerate(self._followers)), pause))

    def match(self, event: Event) -> list[Rule]:
        """Return the rules an event matches, in order, as `evaluate.select` gives them."""
        found: list[int] = []
        self._root.visit(look_at(event), found)
        return self._selected(found) if found else []

    def match_bytes(self, event: Event) -> list[Rule]:
        """Return what `match` returns, for an event whose JSON body is not decoded yet.

        Only what rules ask of the event's source is decoded; see `decode` for what that means for
        a body that is not valid. The event's `payload` is not looked at.
        """
        found: list[int] = []
        document = self.decoders.of(event.source).decode(event.request.body)
        self._root.visit(look_into(event, document), found)
        return self._selected(found) if found else []

    def followers(self, event: Event) -> list[Rule]:
        """Return the second halves of sequences an event matches, as `evaluate.followers` does."""
        if not self._followers:
            return []
        found: list[int] = []
        self._follower_root.visit(look_at(event), found)
        return [self._followers[number] for number in sorted(set(found))]

    def _selected(self, found: list[int]) -> list[Rule]:
        """Order what was found, leave out fallbacks where they are not needed, end at a stop."""
        rules = self.ruleset.rules
        if len(found) == 1:
            return [rules[found[0]]]
        if self._is_plain:
            return [rules[number] for number in sorted(set(found))]
        matched = [rules[number] for number in sorted(set(found))]
        selected = []
        for rule in [rule for rule in matched if not rule.fallback] or matched:
            selected.append(rule)
            if rule.stop:
                break
        return selected


def _items(
    splitter: Splitter, rules: Sequence[tuple[int, Rule]], pause: Callable[[], None]
) -> list[Item]:
    items: list[Item] = []
    for number, rule in rules:
        if number % RULES_A_TURN == 0:
            pause()
        items += [(number, terms, 1) for terms in splitter.split(rule)]
    return items
