"""A public address as a code."""

from hookagent.server.inspector.qr import rows
from tests.server.inspector.conftest import running


def test_a_code_is_square_and_has_its_three_eyes():
    found = rows("https://example.test/hooks/shop")

    size = len(found)
    assert {len(row) for row in found} == {size}
    assert set("".join(found)) == {"0", "1"}
    assert (size - 17) % 4 == 0
    eye = ["1111111", "1000001", "1011101"]
    assert [row[:7] for row in found[:3]] == eye
    assert [row[-7:] for row in found[:3]] == eye
    assert found[-1][:7] == eye[0]


async def test_only_a_public_address_has_a_code(agent):
    assert (await agent.get("/api/sources/shop/qr"))[0] == 404
    assert (await agent.get("/api/sources/none/qr"))[0] == 404


async def test_the_code_holds_the_sources_own_address(tmp_path):
    async with running(tmp_path, server='public_url = "https://example.test"') as agent:
        _, shown = await agent.get("/api/sources/shop/qr")

    assert shown["url"] == "https://example.test/hooks/shop"
    assert shown["rows"] == rows(shown["url"])
