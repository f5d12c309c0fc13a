"""Which log a source has, and what is needed to read it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from hookagent.actions.base import Outside
from hookagent.config.model import Config, Source
from hookagent.errors import AnswerNo, OutsideError
from hookagent.event import RawRequest
from hookagent.pipeline.catchup import github, stripe, svix
from hookagent.pipeline.catchup.api import Api
from hookagent.pipeline.catchup.base import Log
from hookagent.providers.verify import Verifier

LOGS = ("github", "stripe", "svix")
TOKENS = {
    "github": ("GITHUB_TOKEN", "GH_TOKEN"),
    "stripe": ("STRIPE_API_KEY", "STRIPE_SECRET_KEY"),
    "svix": ("SVIX_TOKEN", "SVIX_AUTH_TOKEN"),
}
"""Variables looked at where no token is given."""
ID_HEADERS = ("svix-id", "webhook-id")
WITHOUT = {
    "shopify": "Shopify keeps no list of deliveries that can be read; it tries again for 4 hours."
    " Read what changed from its Admin API, by `updated_at_min`",
    "slack": "Slack keeps no list of deliveries; it tries again three times within an hour",
}
"""Providers people ask for and that have nothing to read."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Whose log, as the command line says."""

    kind: str = ""
    """One of `LOGS`; empty: as the source's scheme says."""
    token: str = ""
    base: str = ""
    """Another address than the provider's own."""
    repository: str = ""
    organisation: str = ""
    hook: str = ""
    app: str = ""
    endpoint: str = ""


def kind_of(source: Source) -> str:
    """Return which log a source has. Raises AnswerNo where there is none."""
    name = (source.provider or "").partition("/")[0]
    if name in LOGS:
        return name
    if name in WITHOUT:
        raise AnswerNo(f"there is nothing to catch up with: {WITHOUT[name]}")
    if id_header(source):
        return "svix"
    raise AnswerNo(
        f"it is not known where the sender of source `{source.name}` keeps what it sent",
        hint="say so with --from: " + ", ".join(LOGS),
    )


def id_header(source: Source) -> str:
    """Return the header a Svix-like source has its message's id in, or empty."""
    named = [str(part) for one in source.dedup if one.area == "headers" for part in one.path]
    return next((name for name in named if name in ID_HEADERS), "")


@asynccontextmanager
async def log_of(
    config: Config, source: Source, account: Account, outside: Outside
) -> AsyncIterator[Log]:
    """Open the log of a source. Raises AnswerNo, OutsideError, UsageError, NotFound."""
    kind = account.kind or kind_of(source)
    token = account.token or _token(config, kind)
    own = {"github": github.BASE, "stripe": stripe.BASE, "svix": svix.base(token)}[kind]
    headers = {"github": github.headers, "stripe": stripe.headers, "svix": svix.headers}[kind]
    name = {"github": "GitHub", "stripe": "Stripe", "svix": "Svix"}[kind]
    api = Api(account.base or own, headers(token), outside, name=name)
    try:
        yield await _log(kind, api, source, account)
    finally:
        await api.close()


async def _log(kind: str, api: Api, source: Source, account: Account) -> Log:
    if kind == "stripe":
        return stripe.Stripe(api)
    if kind == "svix":
        header = id_header(source) or ID_HEADERS[0]
        return svix.Svix(api, account.app, account.endpoint, header)
    owner = github.owner_path(account.repository, account.organisation)
    hook = await github.hook_path(api, owner, account.hook, source.path)
    verifier = Verifier(source.scheme, source.secrets, settings=dict(source.settings))

    def is_signed(request: RawRequest) -> bool:
        return verifier.verify(request, 0).valid  # GitHub's signature has no time in it

    return github.GitHub(api, hook, is_signed)


def _token(config: Config, kind: str) -> str:
    """Return the token from the environment or `.env`. Raises OutsideError where there is none."""
    for name in TOKENS[kind]:
        found = config.environment.expand(f"${{{name}:-}}")
        if found:
            return found
    names = " or ".join(f"`{name}`" for name in TOKENS[kind])
    raise OutsideError(f"there is no token: set {names}", hint="or give --token '${NAME}'")
