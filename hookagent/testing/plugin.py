"""The pytest plugin: the fixtures `webhooks`, `webhook_app` and `webhook_secret`.

It is loaded into every test suite that has hookagent installed, so it imports nothing until a
fixture is used.
"""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hookagent.testing.webhooks import Webhooks

URL_VARIABLE = "HOOKAGENT_TEST_URL"


@pytest.fixture
def webhook_secret() -> Callable[..., str]:
    """Give what configures the application for a scheme: `webhook_secret("github")`."""

    def secret(scheme: Any, **settings: str) -> str:
        from hookagent.testing.keys import keys_of
        from hookagent.testing.webhook import scheme_of

        return keys_of(scheme_of(scheme, settings)).verifying

    return secret


@pytest.fixture
def webhook_app() -> Any:
    """Give the application under test; override it in your `conftest.py`.

    It may be an ASGI, WSGI or aiohttp application, or a URL. Without one, the environment variable
    `HOOKAGENT_TEST_URL` says where the application listens.
    """
    url = os.environ.get(URL_VARIABLE)
    if not url:
        pytest.fail(
            "no application to send to: define a fixture `webhook_app` that returns an ASGI, WSGI"
            f" or aiohttp application or a URL, or set {URL_VARIABLE}",
            pytrace=False,
        )
    return url


@pytest.fixture
def webhooks(request: pytest.FixtureRequest) -> "Iterator[Webhooks]":
    """Send signed webhooks to the application: `webhooks.send("github", "push")`."""
    from hookagent.testing.webhooks import Webhooks

    made = Webhooks(lambda: request.getfixturevalue("webhook_app"))
    yield made
    made.close()
