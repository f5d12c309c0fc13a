"""Wires the parts of `serve` and `work`, starts them in order and stops them in reverse.

No behaviour of its own: what happens to an event is in `pipeline`, what a stranger sees in
`server`.
"""

from hookagent.runtime.agent import Agent, Choices

__all__ = ["Agent", "Choices"]
