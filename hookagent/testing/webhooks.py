"""The fixture `webhooks`: makes signed webhooks and gives them to the application under test."""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from hookagent.errors import UsageError
from hookagent.event import RawRequest
from hookagent.testing.application import Answer, Application, application_of
from hookagent.testing.keys import keys_of
from hookagent.testing.webhook import Webhook, make_webhook, scheme_of


class Webhooks:
    """Sends webhooks to one application.

    `send` is for ordinary tests; `asend` for those that are coroutines. In such a test,
    `async with webhooks:` keeps the application started for the whole block.
    """

    def __init__(self, app: Callable[[], Any]) -> None:
        self._find = app
        self._app: Application | None = None
        self._runner: asyncio.Runner | None = None
        self._is_held = False

    # What to send.

    def secret(self, scheme: str | Mapping[str, Any], **settings: str) -> str:
        """Return what the application is to be configured with for a scheme of the catalogue.

        The shared secret, or the public key as PEM where the provider holds a private one.
        """
        return keys_of(scheme_of(scheme, settings)).verifying

    def make(self, scheme: str | Mapping[str, Any], event: str = "", **parts: Any) -> Webhook:
        """Make a webhook to send several times; as `make_webhook`."""
        return make_webhook(scheme, event, **parts)

    def sign(
        self,
        webhook: Webhook,
        *,
        secret: str | None = None,
        now: int | None = None,
        damage: str = "",
    ) -> RawRequest:
        """Return the signed request, for a client of your own."""
        signing = secret if secret is not None else keys_of(webhook.scheme).signing
        return webhook.signed(signing, now=now, damage=damage)

    # Sending.

    def send(
        self,
        webhook: Webhook | str | Mapping[str, Any],
        event: str = "",
        *,
        secret: str | None = None,
        now: int | None = None,
        damage: str = "",
        **parts: Any,
    ) -> Answer:
        """Sign a webhook now and give it to the application; return the answer.

        `webhook` is one from `make`, or a scheme, with what `make` takes beside it. `secret` is
        what the application was configured with where that is not `webhook_secret`'s, `damage` one
        of `unsigned`, `tampered`, `truncated`, `stale`, `wrong-secret`.
        """
        request = self._request(webhook, event, secret, now, damage, parts)
        if _is_in_a_loop():
            raise UsageError("this test is a coroutine", hint="await webhooks.asend(…)")
        return self._in_own_loop(request)

    async def asend(
        self,
        webhook: Webhook | str | Mapping[str, Any],
        event: str = "",
        *,
        secret: str | None = None,
        now: int | None = None,
        damage: str = "",
        **parts: Any,
    ) -> Answer:
        """As `send`, for tests that are coroutines."""
        request = self._request(webhook, event, secret, now, damage, parts)
        if self._is_held and self._app is not None:
            return await self._app.send(request)
        app = application_of(self._find())
        await app.start()
        try:
            return await app.send(request)
        finally:
            await app.stop()

    def _request(  # noqa: PLR0913, PLR0917 - what `send` and `asend` were given
        self,
        webhook: Webhook | str | Mapping[str, Any],
        event: str,
        secret: str | None,
        now: int | None,
        damage: str,
        parts: dict[str, Any],
    ) -> RawRequest:
        made = webhook if isinstance(webhook, Webhook) else self.make(webhook, event, **parts)
        return self.sign(made, secret=secret, now=now, damage=damage)

    def _in_own_loop(self, request: RawRequest) -> Answer:
        if self._runner is None:
            self._runner = asyncio.Runner()
            self._app = application_of(self._find())
            self._runner.run(self._app.start())
        assert self._app is not None
        return self._runner.run(self._app.send(request))

    # Ends.

    async def __aenter__(self) -> Self:
        self._app = application_of(self._find())
        await self._app.start()
        self._is_held = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._app is not None
        self._is_held = False
        await self._app.stop()
        self._app = None

    def close(self) -> None:
        """Stop the application, where `send` started it."""
        if self._runner is not None and self._app is not None:
            self._runner.run(self._app.stop())
            self._runner.close()
            self._runner = self._app = None


def _is_in_a_loop() -> bool:
    """Whether the caller is a coroutine; no error is left behind for a test's report."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
