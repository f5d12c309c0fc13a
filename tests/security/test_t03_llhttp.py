"""T3: the requests of llhttp's own tests, whole and byte by byte, against a running agent."""

import pytest

from tests.security.raw import alive, statuses, talk
from tests.security.suites import LLHTTP, llhttp_requests

REQUESTS = llhttp_requests()
REFUSALS = {400, 401, 403, 404, 405, 408, 413, 415, 501, 505}


@pytest.mark.skipif(not LLHTTP.is_dir(), reason="HOOKAGENT_LLHTTP names no folder")
def test_t03_no_request_of_llhttp_s_tests_is_accepted_or_ends_the_agent(shop):
    found = {}
    for name, request in REQUESTS.items():
        aimed = request.replace(b" / ", b" /hooks/shop ", 1)
        for data in {request, aimed, request.replace(b"\r\n", b"\n"), request + request}:
            for answer in statuses(talk(shop.port, data, wait_s=0.3, end=True)):
                found[answer] = name

    print(f"T3: {len(REQUESTS)} requests, answers {sorted(found)}")
    assert len(REQUESTS) > 100
    assert set(found) <= REFUSALS, found
    assert alive(shop.port)
    assert shop.process.poll() is None
    assert "Traceback" not in shop.stderr
