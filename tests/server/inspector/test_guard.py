"""Pure: every combination of host, origin, site, token, method and header (SECURITY T18)."""

from itertools import product

import pytest

from hookagent.server.inspector.guard import Asked, Door, is_forwarded

PORT = 8788
HERE = f"http://127.0.0.1:{PORT}"
HOSTS = {
    f"127.0.0.1:{PORT}": True,
    f"localhost:{PORT}": True,
    f"[::1]:{PORT}": True,
} | dict.fromkeys(
    (
        "evil.test",
        f"evil.test:{PORT}",
        "127.0.0.1",
        "127.0.0.1:1",
        f"127.0.0.1.evil.test:{PORT}",
        "",
    ),
    False,
)
ORIGINS = (
    None,
    HERE,
    "http://evil.test",
    "null",
    "http://127.0.0.1",
    f"https://127.0.0.1:{PORT}",
    f"http://localhost:{PORT}",
)
SITES = (None, "same-origin", "none", "same-site", "cross-site")
SHOWN = ("nothing", "cookie", "bearer", "wrong cookie", "wrong bearer")
METHODS = ("GET", "POST", "DELETE", "OPTIONS", "TRACE")


def asked(door, *, host, origin, site, shown, method, marked=True, path="/api/x"):
    headers = {"Content-Type": "application/json"}
    if origin is not None:
        headers["Origin"] = origin
    if site is not None:
        headers["Sec-Fetch-Site"] = site
    if shown.endswith("bearer"):
        headers["Authorization"] = "Bearer " + ("x" if shown.startswith("wrong") else door.token)
    if marked:
        headers["X-Hookagent"] = "1"
    cookie = {"cookie": door.session, "wrong cookie": "x"}.get(shown, "")
    return Asked(method=method, path=path, headers=headers, hosts=(host,), cookie=cookie)


def test_only_the_right_combinations_pass():
    door = Door(PORT)
    tried = passed = 0

    for host, origin, site, shown, method, marked in product(
        HOSTS, ORIGINS, SITES, SHOWN, METHODS, (True, False)
    ):
        request = asked(
            door, host=host, origin=origin, site=site, shown=shown, method=method, marked=marked
        )
        is_known = shown in {"cookie", "bearer"}
        is_ours = origin is None or origin == f"http://{host}"
        is_near = site in {None, "same-origin", "none"}
        may = HOSTS[host] and is_known and is_ours and is_near
        if method in {"POST", "DELETE"}:
            may = may and marked and (origin is not None or shown == "bearer")
        elif method != "GET":
            may = False
        assert (door.refusal(request) is None) is may, request
        tried += 1
        passed += may

    assert tried > 500
    assert 0 < passed < tried / 20


@pytest.mark.parametrize(
    "media",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonp",
    ],
)
def test_a_change_that_a_form_could_send_is_refused(media):
    door = Door(PORT)
    request = asked(
        door,
        host=f"127.0.0.1:{PORT}",
        origin=HERE,
        site="same-origin",
        shown="cookie",
        method="POST",
    )
    headers = {k: v for k, v in request.headers.items() if k != "Content-Type"}
    if media:
        headers["Content-Type"] = media

    refusal = door.refusal(
        Asked(
            method="POST", path="/api/x", headers=headers, hosts=request.hosts, cookie=door.session
        )
    )

    assert refusal is not None
    assert refusal.status == 415


def test_two_host_headers_or_none_are_refused():
    door = Door(PORT)
    for hosts in ((), (f"127.0.0.1:{PORT}", f"127.0.0.1:{PORT}")):
        refusal = door.refusal(
            Asked(method="GET", path="/", headers={}, hosts=hosts, cookie=door.session)
        )
        assert refusal is not None
        assert refusal.status == 421


@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-For",
        "x-forwarded-prefix",
        "Forwarded",
        "Via",
        "Ngrok-Skip-Browser-Warning",
        "X-Real-IP",
        "CF-Ray",
        "Cf-Connecting-Ip",
        "X-Forwarded-Host",
    ],
)
def test_what_passed_a_proxy_is_refused_with_the_right_token(name):
    door = Door(PORT)
    headers = {name: "x", "Authorization": f"Bearer {door.token}"}

    assert is_forwarded(headers)
    refusal = door.refusal(
        Asked(method="GET", path="/healthz", headers=headers, hosts=(f"127.0.0.1:{PORT}",))
    )
    assert refusal is not None
    assert refusal.error == "forwarded"


def test_a_link_from_elsewhere_reaches_the_page_but_no_data():
    door = Door(PORT)
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    def refusal(path, headers):
        return door.refusal(
            Asked(
                method="GET",
                path=path,
                headers=headers,
                hosts=(f"127.0.0.1:{PORT}",),
                cookie=door.session,
            )
        )

    assert refusal("/", link) is None
    assert refusal("/api/events", link) is not None
    assert refusal("/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}) is not None


def test_health_needs_no_token_and_tells_nothing_else():
    door = Door(PORT)
    for path in ("/healthz", "/readyz", "/__inspector"):
        for method, may in (("GET", True), ("POST", False)):
            request = Asked(method=method, path=path, headers={}, hosts=(f"127.0.0.1:{PORT}",))
            assert (door.refusal(request) is None) is may
    refusal = door.refusal(
        Asked(method="GET", path="/metrics", headers={}, hosts=(f"127.0.0.1:{PORT}",))
    )
    assert refusal is not None
    assert refusal.status == 401


def test_the_session_is_not_the_token_and_its_cookie_names_the_port():
    door, other = Door(PORT), Door(PORT + 1)

    assert door.session != door.token
    assert door.token != other.token
    assert door.cookie != other.cookie
    assert not door.is_token(door.session)
    assert not door.is_token("ä" * 43)
