"""Fake interfaces of providers, in the shape their documentation gives."""

import hashlib
import hmac
import json

from aiohttp import web

from hookagent.eventfile import format_time

NOW = 1_790_000_000_000
SECRET = "an-honest-secret-of-32-characters"
HOUR = 3_600_000


def signature(body):
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


class GitHubApi:
    """GET hooks, GET deliveries (paged by cursor), GET one, POST attempts."""

    def __init__(self, *, page=2):
        self.deliveries = []
        self.attempts = []
        self.asked = []
        self.page = page

    def add(self, guid, payload, *, at=NOW, code=502, event="issues", body=None, number=None):
        """Note one attempt; `body` is what was signed where it is not the compact JSON."""
        sent = body or json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        self.deliveries.insert(0, {
            "id": number or 1000 + len(self.deliveries), "guid": guid,
            "delivered_at": format_time(at), "redelivery": False, "duration": 0.27,
            "status": "OK" if code < 300 else "failed to connect", "status_code": code,
            "event": event, "action": payload.get("action"), "installation_id": None,
            "repository_id": 456, "throttled_at": None,
            "request": {
                "headers": {
                    "Accept": "*/*", "Content-Type": "application/json",
                    "User-Agent": "GitHub-Hookshot/b8c71d8", "X-GitHub-Delivery": guid,
                    "X-GitHub-Event": event, "X-GitHub-Hook-ID": "42",
                    "X-Hub-Signature-256": signature(sent),
                },
                "payload": payload,
            },
            "response": {"headers": {}, "payload": None},
        })  # fmt: skip

    async def answer(self, request):
        self.asked.append((request.method, request.path_qs))
        if request.headers.get("Authorization") != "Bearer good":
            return web.json_response({"message": "Bad credentials"}, status=401)
        path = request.path
        if path == "/repos/octo/hello/hooks":
            hooks = [
                {"id": 42, "config": {"url": "https://x.test/hooks/github"}},
                {"id": 43, "config": {}},
            ]
            return web.json_response(hooks)
        if not path.startswith("/repos/octo/hello/hooks/42/deliveries"):
            return web.json_response({"message": "Not Found"}, status=404)
        rest = path.removeprefix("/repos/octo/hello/hooks/42/deliveries").strip("/").split("/")
        if rest == [""]:
            return self._list(request)
        one = next(it for it in self.deliveries if str(it["id"]) == rest[0])
        if rest[1:] == ["attempts"]:
            self.attempts.append(one["guid"])
            return web.json_response({}, status=202)
        return web.json_response(one)

    def _list(self, request):
        start = int(request.query.get("cursor", "0"))
        part = self.deliveries[start : start + self.page]
        bare = [{k: v for k, v in one.items() if k not in {"request", "response"}} for one in part]
        after = start + self.page
        headers = {}
        if after < len(self.deliveries):
            link = f'<https://elsewhere.test/x?per_page=100&cursor={after}>; rel="next"'
            headers["Link"] = link
        return web.json_response(bare, headers=headers)


class StripeApi:
    """GET /v1/events with created[gte], limit and starting_after."""

    def __init__(self):
        self.events = []
        self.asked = []

    def add(self, number, *, at=NOW, padding=""):
        self.events.insert(0, {
            "id": f"evt_{number}", "object": "event", "api_version": "2025-09-30", "created": at // 1000,
            "data": {"object": {"id": "in_1", "object": "invoice", "note": padding}}, "livemode": False,
            "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None},
            "type": "invoice.paid",
        })  # fmt: skip

    async def answer(self, request):
        self.asked.append(request.path_qs)
        since, limit = int(request.query["created[gte]"]), int(request.query["limit"])
        found = [one for one in self.events if one["created"] >= since]
        after = request.query.get("starting_after")
        if after:
            found = found[[one["id"] for one in found].index(after) + 1 :]
        body = {
            "object": "list",
            "url": "/v1/events",
            "has_more": len(found) > limit,
            "data": found[:limit],
        }
        return web.json_response(body)


class SvixApi:
    """GET …/msg with after, iterator and with_content; POST …/resend."""

    def __init__(self, *, page=2):
        self.messages = []
        self.resent = []
        self.page = page

    def add(self, number, payload, *, at=NOW):
        self.messages.insert(0, {
            "id": f"msg_{number}", "eventId": None, "eventType": "user.created", "channels": None,
            "payload": payload, "timestamp": format_time(at), "tags": None,
        })  # fmt: skip

    async def answer(self, request):
        if request.method == "POST":
            self.resent.append(request.path)
            return web.json_response({}, status=202)
        if request.path != "/api/v1/app/app_1/msg":
            return web.json_response(
                {"code": "not_found", "detail": "Entity not found"}, status=404
            )
        assert request.query["with_content"] == "true"
        start = int(request.query.get("iterator", "0"))
        part = self.messages[start : start + self.page]
        after = start + self.page
        body = {
            "data": part,
            "iterator": str(after),
            "prevIterator": None,
            "done": after >= len(self.messages),
        }
        return web.json_response(body)
