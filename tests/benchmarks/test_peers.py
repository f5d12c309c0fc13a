"""Adapter: what cannot be had is named, and the rest goes on."""

import json
import sys

import pytest

from benchmarks import accept, peers
from benchmarks.peers import Peers


def test_a_peer_that_is_not_there_is_named_with_the_reason(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")

    with peers.peers(frozenset({"bare", "express", "webhook"})) as found:
        assert list(found.about) == ["bare"]
        assert "Node.js" in found.absent["express"]
        assert "apt-get install webhook" in found.absent["webhook"]


def test_an_installation_that_fails_is_an_absence(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(peers._Absent, match="`false` failed"):
        peers._flask(tmp_path)


def test_webhook_checks_the_signature_the_load_sends(tmp_path):
    command = Peers(tmp_path).command("webhook", 1234, tmp_path)
    (hook,) = json.loads((tmp_path / "hooks.json").read_text())

    assert "1234" in command
    assert "execute-command" not in hook
    assert hook["trigger-rule"]["match"]["parameter"]["name"] == "X-Bench-Signature"


def test_ratios_are_medians_of_pairs_and_more_is_better():
    results = {
        "bare": [{"per_second": 10.0, "cpu_us": 5.0}, {"per_second": 20.0, "cpu_us": 6.0}],
        "other": [{"per_second": 5.0, "cpu_us": 10.0}, {"per_second": 30.0, "cpu_us": 3.0}],
    }

    assert accept.ratios(results) == {"bare": 1.0, "other": 1.0}
    assert accept.ratios(results, "cpu_us") == {"bare": 1.0, "other": 1.25}


def test_a_peer_that_fails_is_absent_and_the_others_go_on(monkeypatch, tmp_path):
    def one(found, name, *_):
        if name == "flask":
            raise SystemExit("a server did not start")
        return {"per_second": 1.0, "cpu_us": 1.0, "name": name}

    monkeypatch.setattr(accept, "one", one)
    found = Peers(tmp_path, about={"bare": "", "flask": "", "express": ""})

    results = accept.measure(found, rounds=2, seconds=1, size=1)

    assert {name: len(rows) for name, rows in results.items()} == {
        "bare": 2,
        "express": 2,
        "hookagent": 2,
    }
    assert found.absent == {"flask": "it failed here: a server did not start"}


def test_without_the_yardstick_there_is_nothing_to_measure(monkeypatch, tmp_path):
    def one(*_):
        raise SystemExit("a server did not start")

    monkeypatch.setattr(accept, "one", one)

    with pytest.raises(SystemExit):
        accept.measure(Peers(tmp_path, about={"bare": ""}), rounds=1, seconds=1, size=1)
