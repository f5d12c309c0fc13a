"""Shapes of signing that data cannot say, one file each, and the literal list of them.

A strategy module has `check(circumstances) -> Check` and `sign(signing, request) -> RawRequest`.
Adding one is a file, a line here and its name in `scheme.STRATEGIES`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from hookagent.event import RawRequest
from hookagent.providers.check import Check, Circumstances
from hookagent.providers.signing import Signing

MODULES = {
    "adyen": "adyen",
    "aws-sns": "sns",
    "contentful": "contentful",
    "ebay": "ebay",
    "mercadopago": "mercadopago",
    "paddle-classic": "paddle",
    "twilio": "twilio",
    "unisender": "unisender",
}
"""Strategy to module; a module is imported when a source uses it."""


def strategy_check(circumstances: Circumstances) -> Check:
    """Build the check of a strategy."""
    module = import_module(f"{__name__}.{MODULES[circumstances.scheme.strategy]}")
    return cast("Callable[[Circumstances], Check]", module.check)(circumstances)


def sign_strategy(name: str) -> Callable[[Signing, RawRequest], RawRequest]:
    """Return the signing side of a strategy."""
    module = import_module(f"{__name__}.{MODULES[name]}")
    return cast("Callable[[Signing, RawRequest], RawRequest]", module.sign)
