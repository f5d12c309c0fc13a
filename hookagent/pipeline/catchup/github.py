"""GitHub's deliveries of a repository's or organisation's webhook; kept for three days.

https://docs.github.com/en/rest/repos/webhooks and /rest/orgs/webhooks: a list without bodies, the
newest first, pages by `cursor`; one delivery with the request's headers and its payload as JSON;
`POST …/attempts` sends it again under the same guid.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from hookagent.errors import NotFound, OutsideError, UsageError
from hookagent.event import Event, RawRequest
from hookagent.eventfile import parse_time
from hookagent.pipeline.catchup.api import Api, fields, part
from hookagent.pipeline.catchup.base import Entry

BASE = "https://api.github.com"
ID_HEADER = "X-GitHub-Delivery"
PAGE = 100
KEPT = ("x-github-", "x-hub-signature", "content-type", "user-agent")
"""Beginnings of the headers that are part of a delivery."""
_CURSOR = re.compile(r'[?&]cursor=([^&>]+)[^<]*>;\s*rel="next"')


def headers(token: str) -> dict[str, str]:
    """Return the headers of every request."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


class GitHub:
    """The log of one webhook."""

    can_redeliver = True

    def __init__(self, api: Api, hook: str, is_signed: Callable[[RawRequest], bool]) -> None:
        self._api = api
        self._hook = hook
        self._is_signed = is_signed

    async def entries(self, since: int) -> AsyncIterator[Entry]:
        """Yield each event once, as its newest attempt went."""
        seen: set[str] = set()
        cursor = ""
        while True:
            found, answer = await self._api.get(
                f"{self._hook}/deliveries", per_page=PAGE, cursor=cursor
            )
            for one in found if isinstance(found, list) else ():
                entry = _entry(one)
                if entry.at < since:
                    return
                if entry.id not in seen:
                    seen.add(entry.id)
                    yield entry
            after = _CURSOR.search(answer.header("Link") or "")
            if after is None or not found:
                return
            cursor = after.group(1)

    async def request(self, entry: Entry) -> RawRequest:
        """Return the delivery with the body whose signature it has, where that can be found."""
        found, _ = await self._api.get(f"{self._hook}/deliveries/{part(entry.handle)}")
        try:
            asked = found["request"]
            said = [(str(name), str(value)) for name, value in asked["headers"].items()]
            payload = asked["payload"]
        except (KeyError, TypeError, AttributeError):
            raise OutsideError(f"GitHub no longer has the delivery `{entry.id}`") from None
        kept = fields(pair for pair in said if pair[0].lower().startswith(KEPT))
        is_form = "form-urlencoded" in (kept.text("content-type") or "")
        made = [RawRequest(headers=kept, body=body) for body in bodies(payload, is_form=is_form)]
        return next((one for one in made if self._is_signed(one)), made[0])

    async def redeliver(self, entry: Entry) -> None:
        """Ask for another attempt."""
        await self._api.post(f"{self._hook}/deliveries/{part(entry.handle)}/attempts")

    def id_of(self, event: Event) -> str:
        """Return the delivery's guid."""
        return event.request.headers.text(ID_HEADER) or ""


def _entry(one: Any) -> Entry:
    try:
        event, action = str(one["event"]), one.get("action")
        code = one.get("status_code")
        return Entry(
            id=str(one["guid"]),
            type=f"{event}.{action}" if action else event,
            at=parse_time(str(one["delivered_at"])),
            status=f"{code} {one.get('status') or ''}".strip() if code else str(one.get("status")),
            handle=str(one["id"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise OutsideError(f"GitHub's list is not as documented: {error}") from None


def bodies(payload: Any, *, is_form: bool) -> Iterator[bytes]:
    """Yield what the bytes of a delivery may have been; the interface tells only their meaning."""
    for is_ascii in (False, True):
        text = json.dumps(payload, separators=(",", ":"), ensure_ascii=is_ascii)
        yield (urlencode({"payload": text}) if is_form else text).encode("utf-8", "surrogatepass")


def owner_path(repository: str, organisation: str) -> str:
    """Return where the hooks of a repository or organisation are. Raises UsageError."""
    if bool(repository) == bool(organisation):
        raise UsageError("give either --repo OWNER/NAME or --org NAME")
    if organisation:
        return f"/orgs/{part(organisation)}"
    owner, slash, name = repository.partition("/")
    if not (owner and slash and name) or "/" in name:
        raise UsageError(f"`{repository}` is not a repository", hint="write --repo OWNER/NAME")
    return f"/repos/{part(owner)}/{part(name)}"


async def hook_path(api: Api, owner: str, hook: str, path: str) -> str:
    """Return a hook's path: the one named, or the one that leads to this source.

    Raises NotFound and UsageError.
    """
    if hook:
        return f"{owner}/hooks/{part(hook)}"
    found, _ = await api.get(f"{owner}/hooks", per_page=PAGE)
    hooks = {
        str(one["id"]): str((one.get("config") or {}).get("url", ""))
        for one in found or ()
        if isinstance(one, dict) and "id" in one
    }
    fitting = [name for name, url in hooks.items() if url.partition("?")[0].endswith(path)]
    if len(fitting) == 1:
        return f"{owner}/hooks/{fitting[0]}"
    told = ", ".join(f"{name} ({url})" for name, url in hooks.items()) or "there is none"
    raise NotFound(f"no single webhook there leads to `{path}`", hint=f"give --hook ID: {told}")
