"""Whole: `serve` says where its inspector is, and ends although somebody watches."""

import http.client
from urllib.parse import urlsplit

from tests.whole.served import WAIT_S, serving, write_project


def test_serve_tells_the_address_and_stops_with_a_stream_open(tmp_path):
    with serving(write_project(tmp_path), "--inspector") as served:
        url = urlsplit(served.inspector)
        assert url.hostname == "127.0.0.1"
        assert url.port != served.port
        connection = http.client.HTTPConnection(url.netloc, timeout=WAIT_S)
        token = url.query.partition("token=")[2]
        connection.request("GET", "/api/live", headers={"Authorization": f"Bearer {token}"})
        stream = connection.getresponse()
        assert stream.readline().startswith(b"retry:")

        assert served.stop() == 0
        assert b"event: hello" in stream.read()
        connection.close()
        assert served.seen[0]["inspector"] == served.inspector
