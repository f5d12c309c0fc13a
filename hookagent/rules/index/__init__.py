"""The matcher: which rules an event matches, found without looking at every rule."""

from hookagent.rules.index.matcher import Matcher

__all__ = ["Matcher"]
