"""T17: no action reaches a local address its rule's author did not write, by any name or detour."""

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web

from hookagent.actions.base import Outside, Own
from hookagent.actions.client import Refused, Request, Unreachable, client_of
from hookagent.actions.egress import Permit
from hookagent.environment import Environment
from tests.actions.conftest import call_of
from tests.actions.test_egress import LOCAL
from tests.ports import free_port
from tests.whole.served import run, serving, write_project


@pytest.fixture
async def trap():
    """Listen on every local address and count who comes."""
    hits = []

    async def answer(request):
        hits.append(str(request.url))
        return web.Response(text="secret")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1], hits
    await runner.cleanup()


@pytest.fixture
async def outside(tmp_path):
    made = Outside(
        folder=tmp_path, state=tmp_path, environment=Environment({}), clock=lambda: 0, own=Own
    )
    yield made
    await made.close()


def resolving(monkeypatch, addresses: list[str]) -> None:
    """Let every name lead to these addresses, one after the other: rebinding."""
    queue = list(addresses)

    async def resolve(_self, host, port, *_, **__):
        address = queue.pop(0) if len(queue) > 1 else queue[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            {
                "hostname": host, "host": address, "port": port, "family": family, "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]  # fmt: skip

    monkeypatch.setattr(aiohttp.TCPConnector, "_resolve_host", resolve)


async def outcome(outside, url: str, permit: Permit) -> str:
    client = await client_of(outside)
    request = Request(method="GET", url=url, permit=permit)
    try:
        async with asyncio.timeout(20):
            await client.send(request, call_of())
    except Refused:
        return "refused"
    except (Unreachable, TimeoutError):
        return "unreachable"
    return "reached"


@pytest.mark.parametrize("address", LOCAL)
async def test_t17_a_name_that_leads_to_a_local_address_is_refused(
    outside, trap, monkeypatch, address
):
    resolving(monkeypatch, [address.partition("%")[0]])
    port, hits = trap

    found = await outcome(outside, f"http://name.example.test:{port}/", Permit("name.example.test"))

    assert found == "refused"
    assert hits == []


FORMS = [
    "127.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "[::]", "0.0.0.0", "127.1", "127.0.1",
    "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "localhost", "localhost.", "LOCALHOST", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "127.000.000.001",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254", "[fe80::1]", "[fd00::1]",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
async def test_t17_no_way_of_writing_loopback_slips_by_the_permit_for_another_host(
    outside, trap, form
):
    port, hits = trap

    found = await outcome(outside, f"http://{form}:{port}/", Permit("elsewhere.example.test"))

    assert found in {"refused", "unreachable"}
    assert hits == []


async def test_t17_a_name_that_changes_between_two_looks_is_judged_each_time(
    outside, trap, monkeypatch
):
    resolving(monkeypatch, ["192.0.2.1", "127.0.0.1", "10.0.0.1", "127.0.0.1"])
    port, hits = trap

    found = {
        await outcome(outside, f"http://rebind.example.test:{port}/", Permit("rebind.example.test"))
        for _ in range(4)
    }

    assert found == {"refused"}
    assert hits == []


async def test_t17_a_redirect_is_not_followed(outside, trap):
    port, hits = trap
    asked = []

    async def redirect(request):
        asked.append(request.path)
        raise web.HTTPFound(f"http://127.0.0.1:{port}/secret")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", redirect)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    here = runner.addresses[0][1]

    found = await outcome(outside, f"http://127.0.0.1:{here}/go", Permit("127.0.0.1"))
    await runner.cleanup()

    assert (found, asked, hits) == ("reached", ["/go"], [])


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "http://user:pass@host/x",
        "http://{{ host }}/", "http://127.0.0.1:{{ port }}/", "{{ url }}", "//host/x", "http://",
        "http:/host", "http://host\\@evil/", "http://ho st/", "data:text/plain,x", "unix:///run/x",
    ],
)  # fmt: skip
def test_t17_a_rule_cannot_leave_the_host_open(tmp_path, url):
    rule = f'[rule.r]\n[[rule.r.do]]\naction = "http"\nurl = {url!r}\n'
    project = write_project(tmp_path, rules=rule)

    assert run(project, "rules", "check").returncode == 3


def test_t17_an_agent_does_not_call_itself(tmp_path):
    port = free_port()
    rules = "".join(
        f'[rule.r{n}]\n[[rule.r{n}.do]]\naction = "http"\nurl = "http://{host}:{port}/hooks/shop"\n'
        "retry = { attempts = 1 }\n"
        for n, host in enumerate(["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"])
    )  # fmt: skip
    project = write_project(tmp_path, rules=rules)
    with serving(project, "--port", str(port)) as agent:
        agent.post({"id": "1"})
        dead = [agent.wait_for("ran", rule=f"r{n}", state="dead") for n in range(4)]
        agent.stop()

    assert all("hookagent" in one["error"] for one in dead)
    assert sum(one["event"] == "delivered" for one in agent.seen) == 1
