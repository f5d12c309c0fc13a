"""Captures of other tools, read into requests: HAR, curl, mitmproxy, ngrok, GitHub, Stripe."""

from hookagent.pipeline.captures.reading import FORMATS, parse

__all__ = ["FORMATS", "parse"]
