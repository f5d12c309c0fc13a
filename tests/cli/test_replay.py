"""`hookagent replay`: what is sent, where, how it is signed, and what the exit code says."""

import json
import sys

import pytest

from hookagent.cli.main import main
from hookagent.pipeline import chaos
from tests.cli.workbench import EVIL, application, harmful
from tests.whole.served import signature as hex_signature

SECRET = "an-honest-secret-of-32-characters"


def order(number, **more):
    return {"id": f"o-{number}", "type": "order.paid", "amount": number * 100, **more}


def is_signed(came):
    _, _, headers, body = came
    return headers.get("x-shop-signature") == hex_signature(body, SECRET)


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


def rows(out):
    return [line.split("\t") for line in out.splitlines() if "\t" in line]


# What it is pointed at.


def test_a_stored_event_goes_out_byte_for_byte_and_freshly_signed(seed, run, app):
    (event,) = seed.events(b'{ "id" : "o-1",  "type":"order.paid" }')

    code, out, err = run("replay", event, "--to", f"{app.url}/in", "--json")

    ((method, path, headers, body),) = app.came
    (line,) = lines(out)
    assert (code, err) == (0, "")
    assert (method, path, body) == ("POST", "/in", b'{ "id" : "o-1",  "type":"order.paid" }')
    assert is_signed(app.came[0])
    assert "x-hookagent-replay" not in headers
    assert {k: line[k] for k in ("event", "url", "status", "body")} == {
        "event": event, "url": f"{app.url}/in", "status": 200, "body": "thanks",
    }  # fmt: skip
    assert isinstance(line["ms"], float)


def test_an_old_signature_with_a_timestamp_becomes_a_new_one(seed, run, app):
    (event,) = seed.events({"id": "evt_1", "type": "invoice.paid"}, source="pay")

    run("replay", event, "--to", app.url, "--json")
    run("replay", event, "--to", app.url, "--as-is")

    fresh, old = (headers["stripe-signature"] for _, _, headers, _ in app.came)
    assert old.startswith("t=1790000000,")
    assert not fresh.startswith("t=1790000000,")


@pytest.mark.parametrize("form", ["event file", "json lines", "bare payload", "har", "stdin"])
def test_every_form_of_capture_is_taken(seed, run, app, folder, form, monkeypatch):
    bodies = [json.dumps(order(n)) for n in (1, 2)]
    entry = {"source": "shop", "method": "PUT", "headers": [["X-A", "1"]], "body": bodies[0]}
    har = {"log": {"version": "1.2", "entries": [
        {"startedDateTime": "2026-01-31T12:00:00.000Z", "request": {
            "method": "PUT", "url": "https://example.test/old?x=1",
            "headers": [{"name": "X-A", "value": "1"}, {"name": ":path", "value": "/old"}],
            "postData": {"mimeType": "application/json", "text": body}}} for body in bodies]}}  # fmt: skip
    text = {
        "event file": json.dumps(entry),
        "json lines": "\n".join(json.dumps(entry | {"body": body}) for body in bodies),
        "bare payload": bodies[0],
        "har": json.dumps(har),
        "stdin": json.dumps(entry),
    }[form]
    (folder / "capture").write_text(text)
    target = "-" if form == "stdin" else "capture"
    if form == "stdin":
        monkeypatch.setattr(sys, "stdin", (folder / "capture").open())

    code, _, err = run("replay", target, "--source", "shop", "--to", app.url, "--json")

    if form == "stdin":
        sys.stdin.close()
    assert (code, err) == (0, "")
    assert [body.decode() for _, _, _, body in app.came] == bodies[: len(app.came)]
    assert len(app.came) == (2 if form in {"json lines", "har"} else 1)
    assert all(map(is_signed, app.came))
    assert {method for method, *_ in app.came} == {"POST" if form == "bare payload" else "PUT"}
    if form == "har":
        assert app.came[0][1] == "/?x=1"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--source", "shop"], [1, 2, 3]),
        (["--type", "order.*"], [1, 3]),
        (["--where", "amount >= 150", "--source", "shop"], [2, 3]),
        (["--where", "amount >= 150", "--limit", "1"], [3]),
        (["--since", "2026-09-21T14:13:21"], [2, 3]),
        (["--until", "2026-09-21T14:13:20.500"], [1]),
        (["--status", "stored", "--limit", "2"], [2, 3]),
    ],
)
def test_a_selection_goes_out_oldest_first(seed, run, app, options, found):
    seed.events(order(1), order(2, type="refund"), order(3))

    code, _, _ = run("replay", *options, "--to", app.url)

    assert code == 0
    assert [body["id"] for body in app.bodies] == [f"o-{number}" for number in found]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        ([], 2, "what is to be sent"),
        (["evt_nothing"], 4, "evt_nothing"),
        (["nothing.json"], 4, "nothing.json"),
        (["--source", "pay"], 4, "no event"),
        (["--source", "shpo"], 4, "did you mean `shop`?"),
        (["payload.json", "--source", "shop", "--to", "127.0.0.1:3000/x"], 2, "is not a URL"),
        (["--source", "shop", "--where", "amount > 1000"], 4, "no event"),
        (["bad"], 2, "not JSON"),
        (["payload.json"], 2, "which source"),
        (["payload.json", "--source", "shopp"], 4, "`shop`"),
        (["payload.json", "--source", "shop", "--set", "a"], 2, "--set"),
        (["payload.json", "--source", "shop", "--chaos", "dub"], 2, "`dup`"),
        (["payload.json", "--source", "shop", "--key", "id"], 2, "--parallel"),
        (["payload.json", "--source", "shop", "--parallel", "2", "--key", "a["], 2, "--key"),
        (["payload.json", "--source", "shop"], 5, "cannot be reached: connection refused"),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(seed, run, folder, arguments, code, word):
    seed.events(order(1))
    (folder / "bad").write_text("{")
    (folder / "payload.json").write_text('{"id": 1}')

    found, out, err = run("replay", *arguments)

    assert (found, out) == (code, "")
    assert word in err


def test_a_refused_replay_is_exit_code_1(seed, run, app):
    (event,) = seed.events(order(1))
    app.answer = lambda headers, body: (422, EVIL.encode())

    code, out, _ = run("replay", event, "--to", app.url)

    assert code == 1
    assert out.startswith("422  ")
    assert harmful(out) == []


# What is changed.


def test_the_payload_is_edited_by_path_and_signed_anew(seed, run, app):
    (event,) = seed.events(order(1, note="x"))

    run(
        "replay",
        event,
        "--to",
        app.url,
        "--set",
        "amount=7",
        "--set",
        "new.deep=yes",
        "--remove",
        "note",
    )

    assert app.bodies == [{"id": "o-1", "type": "order.paid", "amount": 7, "new": {"deep": "yes"}}]
    assert is_signed(app.came[0])


def test_an_edit_without_a_known_source_is_sent_unsigned_with_a_warning(seed, run, app, folder):
    (folder / "payload.json").write_text('{"id": 1}')

    code, _, err = run("replay", "payload.json", "payload.json", "--to", app.url, "--set", "id=2")

    assert (code, app.bodies) == (0, [{"id": 2}, {"id": 2}])
    assert err.count("not signed anew") == 1


def editor(folder, script):
    file = folder / "editor.py"
    file.write_text(f"import sys\np = sys.argv[1]\nt = open(p).read()\n{script}\n")
    return f"{sys.executable} {file}"


def test_the_payload_is_edited_in_the_editor(seed, run, app, folder, monkeypatch):
    (event,) = seed.events(b'{"id":"o-1",  "amount": 1.0}')
    monkeypatch.setenv("VISUAL", editor(folder, "open(p, 'w').write(t.replace('1.0', '5'))"))

    code, _, err = run("replay", event, "--to", app.url, "--edit")
    monkeypatch.setenv("VISUAL", editor(folder, "open(p, 'w').write(t + '')"))
    run("replay", event, "--to", app.url, "--edit")

    assert (code, err) == (0, "")
    assert app.bodies[0] == {"id": "o-1", "amount": 5}
    assert app.came[1][3] == b'{"id":"o-1",  "amount": 1.0}'
    assert all(map(is_signed, app.came))


@pytest.mark.parametrize(
    ("script", "code", "word"),
    [
        ("open(p, 'w').write('{')", 2, "the edit cannot be sent: not JSON: "),
        ("sys.exit(3)", 5, "ended with 3"),
    ],
)
def test_an_edit_that_fails_sends_nothing(seed, run, app, folder, monkeypatch, script, code, word):
    (event,) = seed.events(order(1))
    monkeypatch.setenv("VISUAL", editor(folder, script))

    found, _, err = run("replay", event, "--to", app.url, "--edit")

    assert (found, app.came) == (code, [])
    assert word in err


def test_no_editor_and_several_events_are_said(seed, run, app, monkeypatch):
    first, second = seed.events(order(1), order(2))
    monkeypatch.setenv("VISUAL", "/no/such/editor")

    assert run("replay", first, "--edit")[0] == 5
    assert run("replay", first, second, "--edit")[0] == 2


def test_it_is_sent_as_often_as_asked_at_most_so_fast(seed, run, app):
    (event,) = seed.events(order(1))

    code, out, _ = run("replay", event, "--to", app.url, "--times", "3", "--rate", "50", "--json")

    assert (code, len(lines(out)), len(app.came)) == (0, 3, 3)


def test_events_of_one_key_keep_their_order_however_many_go_at_once(seed, run, app):
    seed.events(*[order(n, customer="ab"[n % 2]) for n in range(12)])
    import time

    def answer(headers, body):
        time.sleep(0.02 if json.loads(body)["customer"] == "a" else 0)
        return 200, b""

    app.answer = answer
    code, _, _ = run(
        "replay", "--source", "shop", "--to", app.url, "--parallel", "4", "--key", "customer"
    )

    amounts = [(body["customer"], body["amount"]) for body in app.bodies]
    assert code == 0
    assert len(amounts) == 12
    assert amounts != sorted(amounts, key=lambda pair: pair[1])
    for customer in "ab":
        own = [amount for name, amount in amounts if name == customer]
        assert own == sorted(own)


# Several targets, and chaos.


def test_several_targets_are_compared_side_by_side(seed, run, app):
    (event,) = seed.events(order(1))
    with application() as other:
        other.answer = lambda headers, body: (500, b"broken")
        code, out, _ = run("replay", event, "--to", app.url, "--to", other.url)
        _, as_json, _ = run("replay", event, "--to", app.url, "--to", other.url, "--json")

    ((name, one, two, answers),) = rows(out)
    assert code == 1
    assert (name, one[:3], two[:3], answers) == (event, "200", "500", "DIFFER")
    assert [line["status"] for line in lines(as_json)] == [200, 500]


def test_one_silent_target_of_two_is_told_and_two_are_an_outside_failure(seed, run, app):
    (event,) = seed.events(order(1))
    gone = "http://127.0.0.1:1"

    half = run("replay", event, "--to", app.url, "--to", gone)
    none = run("replay", event, "--to", gone, "--to", gone + "/")

    assert half[0] == 1
    assert "no answer" in half[1]
    assert none[0] == 5


def sound(headers, body):
    """Answer as an application that checks the signature."""
    return (
        (200, b"ok") if headers["x-shop-signature"] == hex_signature(body, SECRET) else (403, b"")
    )


def test_chaos_finds_a_sound_application_sound(seed, run, app):
    (event,) = seed.events(order(1))
    app.answer = sound

    code, out, err = run(
        "replay", event, "--to", app.url,
        "--chaos", "dup=3,reorder,delay=10ms,stale=10m,tamper,truncate,slow=20ms", "--seed", "7",
    )  # fmt: skip

    table = {row[0]: row[1:] for row in rows(out)}
    assert code == 0
    assert list(table) == ["plain", "duplicate", "stale", "tampered", "truncated", "slow"]
    assert table["plain"] == ["1", "taken", "1 x 200", "sound"]
    assert table["duplicate"][:3] == ["2", "taken", "2 x 200"]
    assert "only the application knows" in table["duplicate"][3]
    assert table["tampered"] == ["1", "refused", "1 x 403", "sound"]
    assert table["stale"][1] == "either"
    assert "--seed 7" in err
    assert len(app.came) == 7


def test_chaos_finds_what_a_careless_application_takes(seed, run, app):
    (event,) = seed.events({"id": "evt_1", "type": "invoice.paid"}, source="pay")

    code, out, _ = run("replay", event, "--to", app.url, "--chaos", "stale,tamper", "--json")
    _, text, _ = run("replay", event, "--to", app.url, "--chaos", "stale,tamper")

    assert code == 1
    assert {line["kind"]: (line["expected"], line["sound"]) for line in lines(out)} == {
        "plain": ("accept", True), "stale": ("refuse", False), "tampered": ("refuse", False),
    }  # fmt: skip
    assert {row[0]: row[4] for row in rows(text)} == {
        "plain": "sound", "stale": f"1 ACCEPTED: {event}", "tampered": f"1 ACCEPTED: {event}",
    }  # fmt: skip
    stamps = [int(h["stripe-signature"].split(",")[0][2:]) for _, _, h, _ in app.came[:2]]
    assert 595 <= stamps[0] - stamps[1] <= 605


class Shop:
    """An application that counts orders, and checks as much as it is told to."""

    def __init__(self, *, checks=True, remembers=True):
        self.orders = 0
        self.seen = set()
        self.checks = checks
        self.remembers = remembers

    def __call__(self, headers, body):
        if not body:
            return 200, b"%d" % self.orders
        good = headers["x-shop-signature"] == hex_signature(body, SECRET)
        if good or not self.checks:
            self.orders += not (self.remembers and body in self.seen)
            self.seen.add(body)
        return (200, b"thanks") if good else (403, b"")


@pytest.mark.parametrize(
    ("shop", "code", "duplicate", "tampered"),
    [
        (Shop(), 0, "sound, nothing ran", "sound, nothing ran"),
        (Shop(remembers=False), 1, "2 RAN TWICE: {}", "sound, nothing ran"),
        (Shop(checks=False), 1, "sound, nothing ran", "1 ACTED ON: {}"),
    ],
)
def test_a_probe_tells_what_ran_twice_or_was_acted_on(
    seed, run, app, shop, code, duplicate, tampered
):
    (event,) = seed.events(order(1))
    app.answer = shop
    probed = ("--chaos", "dup=3,tamper", "--to", app.url, "--probe", app.url + "/orders")

    ended, out, _ = run("replay", event, *probed)
    shop.seen.clear()
    _, told, _ = run("replay", event, *probed, "--json")

    table = {row[0]: row[4] for row in rows(out)}
    assert (ended, table["plain"]) == (code, "sound, 1 ran")
    assert table["duplicate"] == duplicate.format(event)
    assert table["tampered"] == tampered.format(event)
    assert {"ran"} <= {line["effect"] for line in lines(told)}
    assert run("replay", event, "--probe", app.url)[0] == 2
    assert run("replay", event, *probed, "--parallel", "2")[0] == 2


def test_answers_to_duplicates_that_differ_are_noted(seed, run, app):
    (event,) = seed.events(order(1))
    app.answer = lambda headers, body: (200, b"%d" % len(app.came))

    _, out, _ = run("replay", event, "--chaos", "dup=2", "--to", app.url)

    table = {row[0]: row[4] for row in rows(out)}
    assert table["duplicate"] == "sound: told apart from the first"


def test_a_duplicate_is_the_same_bytes(seed, run, app):
    (event,) = seed.events({"id": "evt_1", "type": "invoice.paid"}, source="pay")

    run("replay", event, "--to", app.url, "--chaos", "dup=2")

    assert app.came[0] == app.came[1]


def test_a_stale_copy_needs_a_source_to_sign(seed, run, app, folder):
    (folder / "payload.json").write_text('{"id": 1}')

    assert run("replay", "payload.json", "--to", app.url, "--chaos", "stale")[0] == 2


# Asking first, and only saying.


def test_many_are_asked_about_on_a_terminal(seed, app, monkeypatch, capsys):
    seed.events(*[order(n) for n in range(11)])
    monkeypatch.setattr("hookagent.cli.output.can_ask", lambda: True)
    asked = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))

    main(["replay", "--source", "shop", "--to", app.url])
    main(["replay", "--source", "shop", "--to", app.url, "--yes"])

    assert asked == [f"Send 11 requests to {app.url}?"]
    assert len(app.came) == 22


def test_a_dry_run_says_what_would_happen_and_sends_nothing(seed, run, app, folder):
    (folder / "rules").mkdir()
    (folder / "rules" / "big.toml").write_text(
        'on = "shop/order.*"\n[when]\namount = { gte = 150 }\n'
        '[[do]]\naction = "http"\nurl = "https://api.example.test/{{ id }}"\n'
    )
    small, big = seed.events(order(1), order(2))

    code, out, _ = run("replay", big, "--dry-run", "--json")
    nothing = run("replay", small, "--dry-run")
    edited = run("replay", small, "--dry-run", "--set", "amount=500")

    (line,) = lines(out)
    assert (code, line["event"], line["matched"]) == (0, big, ["big"])
    assert "https://api.example.test/o-2" in json.dumps(line["would"])
    assert nothing[0] == 1
    assert "no rule would fire" in nothing[1]
    assert edited[0] == 0
    assert app.came == []


class Recovering:
    """An application that is down for its first answers; `acts` says whether it works meanwhile."""

    def __init__(self, *, down: int, acts: bool):
        self.down = down
        self.acts = acts
        self.orders = 0

    def __call__(self, headers, body):
        if not body:
            return 200, b"%d" % self.orders
        is_down = self.down > 0
        self.down -= 1
        self.orders += self.acts or not is_down
        return (503, b"later") if is_down else (200, b"thanks")


def test_a_retry_comes_as_the_provider_would_send_it(seed, run, app, monkeypatch):
    monkeypatch.setattr(chaos, "RETRY_MS", 10)
    (event,) = seed.events({"id": "evt_1", "type": "invoice.paid"}, source="pay")
    app.answer = Recovering(down=2, acts=False)

    code, out, _ = run("replay", event, "--to", app.url, "--chaos", "retry=3")

    table = {row[0]: row[1:] for row in rows(out)}
    assert code == 0
    assert table["plain"] == ["1", "taken", "1 x 503", "sound, 1 sent again"]
    assert table["retry"] == ["2", "taken", "1 x 200, 1 x 503", "sound, 1 sent again"]
    bodies = {body for _, _, _, body in app.came}
    assert len(app.came) == 3
    assert len(bodies) == 1


def test_an_application_that_stays_away_is_not_excused_by_its_retries(seed, run, app, monkeypatch):
    monkeypatch.setattr(chaos, "RETRY_MS", 10)
    (event,) = seed.events(order(1))
    app.answer = Recovering(down=9, acts=False)

    code, out, _ = run("replay", event, "--to", app.url, "--chaos", "retry=2", "--json")
    silent, _, err = run("replay", event, "--to", "http://127.0.0.1:1", "--chaos", "retry=2")

    kinds = [(line["kind"], line["sound"]) for line in lines(out)]
    assert (code, kinds) == (1, [("plain", True), ("retry", True), ("retry", False)])
    assert silent == 5
    assert "127.0.0.1:1" in err


def test_what_acts_and_then_answers_503_is_found_by_its_retry(seed, run, app, monkeypatch):
    monkeypatch.setattr(chaos, "RETRY_MS", 10)
    (event,) = seed.events(order(1))
    app.answer = Recovering(down=1, acts=True)

    code, out, _ = run(
        "replay", event, "--to", app.url, "--chaos", "retry", "--probe", app.url + "/orders"
    )

    table = {row[0]: row[4] for row in rows(out)}
    assert (code, table["retry"]) == (1, f"1 RAN TWICE: {event}")
