"""The operator's page and interface: an application of its own, on a loopback port of its own."""

from hookagent.server.inspector.app import Inspector
from hookagent.server.inspector.parts import Parts

__all__ = ["Inspector", "Parts"]
