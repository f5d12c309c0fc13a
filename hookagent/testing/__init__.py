"""Sends signed events of any provider to the application under test; see `docs/testing.md`.

pytest finds the fixtures `webhooks`, `webhook_app` and `webhook_secret` by itself once hookagent is
installed. What is imported here is imported when it is used, so that other test suites do not pay.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookagent.testing.application import Answer
    from hookagent.testing.webhook import Webhook, make_webhook
    from hookagent.testing.webhooks import Webhooks

__all__ = ["Answer", "Webhook", "Webhooks", "make_webhook"]

_WHERE = {
    "Answer": "application",
    "Webhook": "webhook",
    "make_webhook": "webhook",
    "Webhooks": "webhooks",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
