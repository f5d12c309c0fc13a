"""Providers' own packages for Node, asked through one process that runs `sdks.mjs`."""

import base64
import json
import re
import subprocess
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from shutil import which
from typing import Any

from hookagent.event import RawRequest
from tests.oracles import own
from tests.oracles.bench import Delivery, Oracle

SCRIPT = Path(__file__).parent / "sdks.mjs"
_ENTRY = re.compile(r"^  '(\S+) (\S+)': (.*)$", re.MULTILINE)


def oracles() -> tuple[Oracle, ...]:
    """Return one oracle for each entry of the script; reads it, runs nothing."""
    text = SCRIPT.read_text("utf-8")
    entries = list(_ENTRY.finditer(text))
    ends = [entry.start() for entry in entries[1:]] + [text.index("\n};", entries[-1].end())]
    return tuple(
        Oracle(
            scheme=entry[1],
            package=entry[2],
            accepts=_accepts(entry[1], entry[2]),
            signs=_signs(entry[1], entry[2]) if _can_sign(text[entry.start() : end]) else None,
            covers_body=entry[1] not in own.PARTLY,
            own=own.OWN.get(entry[1]),
        )
        for entry, end in zip(entries, ends, strict=True)
    )


def _can_sign(entry: str) -> bool:
    makers = ("signs:", ": standard(", ": octokit(", ": hubspot(")
    return any(maker in entry for maker in makers)


def _accepts(scheme: str, package: str) -> Callable[[Delivery], object]:
    def accepts(delivery: Delivery) -> object:
        found = _ask(scheme, package, "accepts", delivery)
        if "error" in found:
            raise ValueError(found["error"])
        return found["accepts"]

    return accepts


def _signs(scheme: str, package: str) -> Callable[[Delivery], RawRequest]:
    def signs(delivery: Delivery) -> RawRequest:
        found = _ask(scheme, package, "signs", delivery)
        if "error" in found:
            raise ValueError(found["error"])
        return delivery.with_headers(found["headers"])

    return signs


def _ask(scheme: str, package: str, call: str, delivery: Delivery) -> dict[str, Any]:
    ask = {
        "scheme": scheme,
        "package": package,
        "call": call,
        "method": delivery.request.method,
        "url": delivery.url,
        "target": delivery.request.target,
        "headers": {name.lower(): value for name, value in delivery.headers.items()},
        "body": base64.b64encode(delivery.body).decode(),
        "secret": "" if delivery.kit.scheme.is_asymmetric else delivery.secret,
        "key": delivery.public_base64 if delivery.kit.scheme.is_asymmetric else "",
        "settings": delivery.kit.settings,
        "now": delivery.now,
    }
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(ask) + "\n")
    process.stdin.flush()
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


@lru_cache(maxsize=1)
def _process() -> subprocess.Popen[str]:
    node = which("node")
    assert node is not None
    return subprocess.Popen(
        [node, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def close() -> None:
    """End the process, if there is one."""
    if _process.cache_info().currsize:
        process = _process()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
        _process.cache_clear()


ORACLES = oracles()
