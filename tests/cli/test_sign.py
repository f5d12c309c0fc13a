"""`hookagent sign`: every format, every way to give a secret, and what it asks on a terminal."""

import json
import stat
import subprocess

import pytest

from hookagent.providers import catalog
from tests.cli.workbench import EVIL, NOW, harmful

SECRET = "an-honest-secret-of-32-characters"
GITHUB = ["--scheme", "github", "--secret", SECRET]


def event_file(out):
    return json.loads(out)


# Formats.


def test_headers_are_one_to_a_line(run):
    code, out, err = run("sign", *GITHUB, "--data", "{}", "--format", "headers")

    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "Content-Type: application/json"
    assert "X-Hub-Signature-256: sha256=" in out


def test_curl_can_be_pasted_and_sends_the_same_bytes(run, app):
    data = '{"a": "it\'s ✓ \\u0000"}'

    _, out, _ = run("sign", *GITHUB, "--data", data, "--url", f"{app.url}/in")
    subprocess.run(["sh", "-c", out.replace("curl", "curl -s", 1)], check=True, capture_output=True)

    ((method, path, headers, body),) = app.came
    assert (method, path, body) == ("POST", "/in", data.encode())
    assert headers["x-hub-signature-256"].startswith("sha256=")


def test_http_is_the_request_on_the_wire(run):
    _, out, _ = run(
        "sign", *GITHUB, "--data", "{}", "--format", "http", "--url", "https://a.test/b?c=1",
        "--method", "put",
    )  # fmt: skip

    head, _, body = out.replace("\r\n", "\n").partition("\n\n")
    assert head.startswith("PUT /b?c=1 HTTP/1.1\nHost: a.test\n")
    assert head.endswith("Content-Length: 2")
    assert body == "{}"


def test_json_is_an_event_file(run):
    _, out, _ = run("sign", *GITHUB, "--data", "\udcff", "--format", "json")

    assert event_file(out)["body_b64"] == "/w=="


def test_an_unknown_format_is_wrong_usage(run):
    code, _, err = run("sign", *GITHUB, "--format", "yaml")

    assert code == 2
    assert "headers, curl, http, json" in err


def test_on_a_terminal_even_the_wire_form_is_harmless(run, monkeypatch):
    monkeypatch.setattr("hookagent.cli.output.is_terminal", lambda stream=None: True)
    monkeypatch.setenv("NO_COLOR", "1")

    for form in ("headers", "curl", "http", "json"):
        _, out, err = run(
            "sign", *GITHUB, "--data", EVIL, "--header", "X-A: \x1b[2J", "--format", form
        )
        assert harmful(out + err) == []


# What goes in.


def test_the_body_comes_from_a_file_or_stdin(run, folder, monkeypatch):
    (folder / "body").write_bytes(b'{"from": "file"}')

    _, out, _ = run("sign", *GITHUB, "--data", "@body", "--format", "json")
    missing = run("sign", *GITHUB, "--data", "@nothing")

    assert event_file(out)["body"] == '{"from": "file"}'
    assert missing[0] == 2
    assert "nothing" in missing[2]
    with (folder / "body").open() as opened:
        monkeypatch.setattr("sys.stdin", opened)
        _, piped, _ = run("sign", *GITHUB, "--data", "@-", "--format", "json")
    assert event_file(piped)["body"] == '{"from": "file"}'


def test_a_secret_may_be_in_a_file_or_a_variable(run, folder, monkeypatch):
    (folder / "secret").write_text(SECRET + "\n")
    monkeypatch.setenv("MY_SECRET", SECRET)

    outs = {
        run("sign", "--scheme", "github", "--secret", given, "--data", "{}", "--format", "headers")[
            1
        ]
        for given in (SECRET, "@secret", "${MY_SECRET}")
    }

    assert len(outs) == 1
    assert run("sign", "--scheme", "github", "--secret", "${NOT_SET}")[0] == 2
    assert run("sign", "--scheme", "github", "--secret", "@nothing")[0] == 2


def test_time_and_id_may_be_given(run):
    _, out, _ = run(
        "sign", "--scheme", "standard-webhooks", "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "--data", '{"test": 2432232314}', "--timestamp", "1614265330", "--id",
        "msg_p5jXN8AQM9LWM0D4loKWxJek", "--format", "headers",
    )  # fmt: skip

    assert "webhook-timestamp: 1614265330" in out.lower()
    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" in out


def test_a_built_in_payload_is_fresh_each_time_and_can_be_changed(run):
    arguments = [
        "sign",
        *GITHUB,
        "--event",
        "pull_request.opened",
        "--set",
        "number=7",
        "--format",
        "json",
    ]

    first, second = (event_file(run(*arguments)[1]) for _ in range(2))

    assert json.loads(first["body"])["number"] == 7
    assert ["X-GitHub-Event", "pull_request"] in first["headers"]
    assert first["body"] != second["body"]


def test_an_unknown_event_names_the_nearest(run):
    code, _, err = run("sign", *GITHUB, "--event", "pull_request.open")

    assert code == 4
    assert "pull_request.opened" in err


def test_event_types_complete(folder):
    from types import SimpleNamespace
    from typing import Any

    from hookagent.cli.asking import complete_event

    (folder / "hookagent.toml").write_text('[sources.pay]\npath = "/p"\nscheme = "stripe"\n')

    def offered(incomplete, **params):
        context: Any = SimpleNamespace(params=params)
        return complete_event(context, incomplete)

    assert "pull_request.opened" in offered("pull", scheme="github")
    assert offered("pull_request.opened", scheme="stripe") == []
    assert "invoice.paid" in offered("invoice", source="pay")
    assert "invoice.past_due" in offered("inv")


def test_headers_may_be_added_and_must_be_headers(run):
    _, out, _ = run("sign", *GITHUB, "--header", "X-A: b", "--format", "headers")

    assert "X-A: b" in out.splitlines()
    assert run("sign", *GITHUB, "--header", "nonsense")[0] == 2
    assert run("sign", *GITHUB, "--header", "a: b\r\nc: d")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        ([], 2, "--scheme"),
        (["--scheme", "github"], 2, "--secret"),
        (["--scheme", "github", "--source", "shop"], 2, "either"),
        (["--scheme", "githup", "--secret", "x"], 4, "`github`"),
        (["--source", "shopp"], 4, "`shop`"),
        (["--scheme", "discord"], 2, "--make-key"),
        (["--scheme", "discord", "--secret", "no pem"], 3, "PEM"),
        (["--scheme", "square", "--secret", "x"], 2, "public URL"),
        ([*GITHUB, "--data", "no json", "--set", "a=1"], 2, "not JSON"),
    ],
)
def test_what_cannot_be_signed_is_said(run, configured, arguments, code, word):
    found, out, err = run("sign", *arguments)

    assert (found, out) == (code, "")
    assert word in err


def test_what_a_scheme_asks_for_is_given_as_a_setting(run):
    token = ["sign", "--scheme", "token", "--secret", SECRET, "--format", "headers"]

    code, out, _ = run(*token, "--setting", "header=X-Own-Token")

    assert (code, f"X-Own-Token: {SECRET}" in out) == (0, True)
    assert run(*token)[0] == 3
    assert run(*token, "--setting", "header")[0] == 2


# A source, and sending.


def test_a_source_brings_its_scheme_secret_and_path(seed, run):
    _, out, _ = run("sign", "--source", "shop", "--data", "{}", "--format", "json")

    made = event_file(out)
    assert (made["source"], made["url"]) == ("shop", "/hooks/shop")
    assert "X-Shop-Signature" in dict(made["headers"])


@pytest.mark.parametrize(("status", "code"), [(200, 0), (404, 1), (503, 5)])
def test_sending_shows_the_answer_and_its_code_is_the_exit_code(run, app, status, code):
    app.answer = lambda headers, body: (status, EVIL.encode())

    found, out, err = run("sign", *GITHUB, "--data", "{}", "--url", app.url, "--send")

    assert found == code
    assert out.startswith(f"{status}  ")
    assert harmful(out + err) == []


def test_sending_to_nobody_is_an_outside_failure(run, configured):
    code, _, err = run("sign", *GITHUB, "--data", "{}", "--url", "http://127.0.0.1:1", "--send")

    assert code == 5
    assert "cannot be reached: connection refused" in err


# Keys of one's own.


def test_a_key_pair_is_made_once_and_what_it_signs_verifies(run, folder):
    sign = ["sign", "--scheme", "discord", "--make-key", "--data", '{"type":1}', "--format", "json"]

    code, out, err = run(*sign)
    private = (folder / "discord-private.pem").read_text()
    _, _, again = run(*sign)
    (folder / "event.json").write_text(out)
    verified = run(
        "verify", "event.json", "--scheme", "discord", "--public-key", "@discord-public.pem"
    )

    assert code == 0
    assert 'public_key = { file = "discord-public.pem" }' in err
    assert again.startswith("used")
    assert (folder / "discord-private.pem").read_text() == private
    assert stat.S_IMODE((folder / "discord-private.pem").stat().st_mode) == 0o600
    assert verified[0] == 0
    assert "PRIVATE" not in out + err


# Asking.


@pytest.fixture
def person(monkeypatch):
    """Someone at a terminal who answers in order; returns what was asked."""
    asked: list[str] = []

    def sit(*answers):
        left = list(answers)
        monkeypatch.setattr("hookagent.cli.output.can_ask", lambda: True)

        def prompt(text, **_):
            asked.append(text)
            return left.pop(0)

        monkeypatch.setattr("typer.prompt", prompt)
        monkeypatch.setattr("typer.confirm", prompt)
        return asked

    return sit


def test_without_arguments_it_asks(run, person, folder):
    asked = person("github", "pull_request.opened", SECRET)

    code, out, _ = run("sign", "--format", "json")

    assert code == 0
    assert "pull_request" in event_file(out)["body"]
    assert asked == ["source or scheme", "event", "secret of `github`"]


def test_a_source_that_is_there_is_offered_and_has_its_secret(run, person, seed):
    asked = person("shop")

    code, out, err = run("sign", "--format", "json")

    assert (code, asked) == (0, ["source or scheme"])
    assert event_file(out)["source"] == "shop"
    assert "shop, pay" in err


def test_a_key_pair_is_offered(run, person, folder):
    person("yes")

    code, _, _ = run("sign", "--scheme", "telnyx", "--data", "{}", "--format", "json")

    assert code == 0
    assert (folder / "telnyx-private.pem").exists()


# Round trips.

ROUND = {
    "github": SECRET,
    "stripe": "whsec_abcdefghijklmnop",
    "slack": SECRET,
    "shopify": SECRET,
    "svix": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "gitlab": SECRET,
    "zendesk": SECRET,
    "mailgun": SECRET,
    "twilio": SECRET,
    "adyen": "44782def547aaa06c910c43932b1eb0c71fc68d9d0c057550c48ec2acf6ba056",
    "fusionauth": SECRET,
    "rfc9421/hmac-sha256": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
}
PAIRS = ["discord", "telnyx", "sendgrid", "wise", "plaid", "aws-sns"]


@pytest.mark.parametrize("scheme", [*ROUND, *PAIRS])
def test_what_is_signed_verifies_and_a_changed_body_does_not(run, folder, scheme):
    wanted = [f"--setting={name}=value" for name in catalog.scheme(scheme).settings]
    secret = [f"--secret={ROUND[scheme]}"] if scheme in ROUND else ["--make-key"]
    body = '{"id":"1","n":1}'
    if scheme == "adyen":
        body = '{"notificationItems":[{"NotificationRequestItem":{"pspReference":"1","success":"true"}}]}'
    if scheme == "twilio":
        body = "From=%2B1415&Body=x1"
    form = (
        ["--header=Content-Type: application/x-www-form-urlencoded"] if scheme == "twilio" else []
    )
    url = ["--url=https://hooks.example.test/in"]

    signed = run(
        "sign", f"--scheme={scheme}", *secret, *wanted, *form, *url, f"--data={body}",
        f"--timestamp={NOW // 1000}", "--format=json",
    )  # fmt: skip
    (folder / "event.json").write_text(signed[1])
    name = scheme.replace("/", "-")
    proof = secret if scheme in ROUND else [f"--public-key=@{name}-public.pem"]
    verify = ["verify", "event.json", f"--scheme={scheme}", *proof, *wanted, *url]
    good = run(*verify, f"--now={NOW // 1000}", "--json")
    changed = event_file(signed[1])
    changed["body"] = changed["body"].replace("1", "2")
    (folder / "event.json").write_text(json.dumps(changed))
    bad = run(*verify, f"--now={NOW // 1000}", "--json")

    assert (signed[0], good[0]) == (0, 0), signed[2] + good[1] + good[2]
    verdict = json.loads(good[1])
    assert (verdict["valid"], verdict["scheme"], verdict["hint"]) == (True, scheme, None)
    if verdict["integrity"] == "body-signed":
        assert bad[0] == 1
        assert json.loads(bad[1])["valid"] is False
        assert json.loads(bad[1])["hint"]
