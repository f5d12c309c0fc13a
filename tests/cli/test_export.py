"""`hookagent export` and `import`: what goes out comes in again, and a test made of it runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.workbench import EVIL, harmful

ROOT = Path(__file__).parents[2]
CONFTEST = """
import hmac, json
from hashlib import sha256
import pytest

SCHEME = {"algorithm": "hmac-sha256", "header": "X-Shop-Signature", "prefix": "sha256=",
          "encoding": "hex", "signed": "{body}"}

@pytest.fixture
def webhook_app(webhook_secret):
    secret = webhook_secret(SCHEME).encode()

    def app(environ, start_response):
        body = environ["wsgi.input"].read()
        wanted = "sha256=" + hmac.new(secret, body, sha256).hexdigest()
        good = environ.get("HTTP_X_SHOP_SIGNATURE") == wanted
        good = good and environ["PATH_INFO"] == "/hooks/shop" and json.loads(body)["type"]
        start_response("200 OK" if good else "403 Forbidden", [])
        return [b""]

    return app
"""


def order(number, **more):
    return {"id": f"o-{number}", "type": "order.paid", "amount": number * 100, **more}


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


# export


def test_a_selection_goes_out_oldest_first(seed, run):
    made = seed.events(order(1), order(2, type="refund"), order(3))

    _, every, _ = run("export")
    _, some, _ = run("export", "--type", "order.*", "--where", "amount > 100", "--limit", "1")
    _, named, _ = run("export", made[1], "--set", "amount=5", "--remove", "type")

    assert [line["id"] for line in lines(every)] == made
    assert [line["id"] for line in lines(some)] == [made[2]]
    assert json.loads(lines(named)[0]["body"]) == {"id": "o-2", "amount": 5}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--type", "nothing"], 4),
        (["evt_nothing"], 4),
        (["--format", "yaml"], 2),
        (["--where", "("], 2),
    ],
)
def test_what_cannot_be_exported_has_its_exit_code(seed, run, arguments, code):
    seed.events(order(1))

    assert run("export", *arguments)[0] == code


@pytest.mark.parametrize("form", ["json", "har", "curl"])
def test_what_goes_out_comes_in_again_byte_for_byte(seed, run, folder, form):
    bodies = [
        b'{ "id": "1",  "n": 1.0, "t": "it\'s \xe2\x9c\x93 $HOME `x`\\u0000" }',
        b'{"id":"2"}',
    ]
    seed.events(*bodies)

    _, out, _ = run("export", "--format", form)
    (folder / "capture").write_text(out)
    code, imported, err = run("import", "capture", "--source", "shop")

    found = lines(imported)
    assert (code, err) == (0, "")
    assert [line["body"].encode() for line in found] == bodies
    assert {line["source"] for line in found} == {"shop"}
    assert all("X-Shop-Signature" in dict(line["headers"]) for line in found)


# The test that is made of an event.


def suite(folder, module):
    tests = folder / "suite"
    tests.mkdir()
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "test_shop.py").write_text(module)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "hookagent.testing.plugin", "-p", "no:cacheprovider"],
        cwd=tests, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_an_exported_test_signs_at_run_time_and_passes(seed, run, folder):
    seed.events(order(1), order(2, type="refund", note="x" * 300), order(3, text=EVIL))

    _, module, _ = run("export", "--format", "pytest")
    assert module.count("# The application's secret: webhook_secret(") == 1
    done = suite(folder, module)

    assert "6 passed" in done.stdout, done.stdout + done.stderr
    assert harmful(module) == []
    assert "def test_shop_order_paid_2_is_taken(webhooks):" in module


def test_no_secret_is_in_an_exported_test(seed, run, folder):
    body = order(
        1, password="hunter2hunter2", card={"api_key": "sk_live_abcdefghijklmnop1234"}, note="kept"
    )
    (event,) = seed.events(body, Authorization="Bearer abcdefgh12345678", **{"X-Kept": "yes"})

    _, module, _ = run("export", event, "--format", "pytest")
    done = suite(folder, module)

    for secret in (
        "hunter2hunter2",
        "sk_live_abcdefghijklmnop1234",
        "abcdefgh12345678",
        seed.config.sources["shop"].secrets[0],
        "sha256=",
    ):
        assert secret not in module.replace('"prefix": "sha256="', "").replace(
            "'prefix': 'sha256='", ""
        )
    assert "kept" in module
    assert "X-Kept" in module
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_a_scheme_of_the_catalogue_is_named_and_a_body_that_is_no_text_is_base64(seed, run, folder):
    seed.events({"id": "evt_1", "type": "invoice.paid"}, source="pay")
    (folder / "raw.json").write_text(json.dumps({"body_b64": "/w==", "source": "pay"}))

    _, module, _ = run("export", "--format", "pytest", "--source", "pay")
    _, raw, _ = run("export", "raw.json", "--format", "pytest")

    assert "    'stripe',\n" in module
    assert "Stripe-Signature" not in module
    assert "base64.b64decode('/w==')" in raw
    compile(module + raw, "module", "exec")


def test_code_in_a_payload_stays_text(seed, run, folder):
    evil = "\"\"\"'''\n)\nimport os; os.abort()  # \\"
    seed.events(order(1, **{evil: evil}), **{"X-Evil": 'a"\'"""\\ b'})
    (folder / "odd.json").write_text(
        json.dumps({"body": evil, "source": evil, "type": evil, "id": evil, "url": "/" + evil})
    )

    _, module, _ = run("export", "--format", "pytest")
    _, odd, _ = run("export", "odd.json", "--format", "pytest")

    assert "2 passed" in suite(folder, module).stdout
    compile(odd, "module", "exec")
    assert "\nimport os" not in module + odd


# import


def test_requests_of_another_path_or_method_are_passed_over(run, folder):
    (folder / "commands").write_text(
        "curl a.test/x\ncurl a.test/hooks/a -d 1\ncurl a.test/b -d 2\n"
    )

    code, out, err = run("import", "commands", "--path", "/hooks/*")
    _, every, _ = run("import", "commands", "--method", "*")
    nothing = run("import", "commands", "--path", "/nothing")

    assert (code, [line["url"] for line in lines(out)]) == (0, ["http://a.test/hooks/a"])
    assert "2 requests" in err
    assert len(lines(every)) == 3
    assert nothing[0] == 4


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nothing"], 4), (["payload", "--format", "har"], 2), (["payload", "--format", "harr"], 2),
     (["payload", "--source", "shopp"], 4)],
)  # fmt: skip
def test_what_cannot_be_imported_has_its_exit_code(run, seed, folder, arguments, code):
    (folder / "payload").write_text("{}")

    assert run("import", *arguments)[0] == code


def test_a_capture_of_another_tool_is_replayed_directly(seed, run, folder, app):
    (folder / "command").write_text(f"curl {app.url}/old?x=1 -d '{{\"id\": 1}}'")

    code, _, _ = run("replay", "command", "--source", "shop", "--to", app.url)

    assert code == 0
    assert app.came[0][1] == "/?x=1"
    assert "x-shop-signature" in app.came[0][2]
