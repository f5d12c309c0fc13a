"""adnanh/webhook hooks, by its Hook-Rules, Hook-Definition and Referencing-Request-Values pages."""

import json

import pytest

from hookagent.rules.importing.imported import CannotImport
from tests.rules.importing.cases import fires, imported


def match(kind="value", source="payload", name="ref", **keys):
    return {"match": {"type": kind, "parameter": {"source": source, "name": name}, **keys}}


def hook(rule=None, **keys):
    made = {"id": "deploy", "execute-command": "/opt/deploy.sh", **keys}
    return [made | ({"trigger-rule": rule} if rule else {})]


MAIN = match(value="refs/heads/main")
CASES = [
    (None, {}, True),
    (MAIN, {"ref": "refs/heads/main"}, True),
    (MAIN, {"ref": "refs/heads/x"}, False),
    (MAIN, {}, False),
    # Values are text there, so numbers and truth values are quoted.
    (match(value="5"), {"ref": 5}, True),
    (match(value="5"), {"ref": "5"}, True),
    (match(value="5.5"), {"ref": 5.5}, True),
    (match(value="true"), {"ref": True}, True),
    (match(value="05"), {"ref": 5}, False),
    (match(value="x", name="a.b"), {"a": {"b": "x"}}, True),
    (match(value="1", name="commits.0.commit.id"), {"commits": [{"commit": {"id": 1}}, {"commit": {"id": 2}}]}, True),
    (match(value="2", name="commits.0.commit.id"), {"commits": [{"commit": {"id": 1}}, {"commit": {"id": 2}}]}, False),
    (match("regex", regex="^refs/tags/v\\d+"), {"ref": "refs/tags/v12"}, True),
    (match("regex", regex="^refs/tags/v\\d+"), {"ref": "refs/tags/x"}, False),
    (match(value="a", source="header", name="X-Test"), {}, True),
    (match(value="y", source="url", name="tag"), {}, True),
    (match(value="z", source="query", name="tag"), {}, False),
    (match(value="POST", source="request", name="method"), {}, True),
    (match("regex", regex='"ref":"main"', source="entire-payload"), {"ref": "main"}, True),
    (match("regex", regex='"ref":"main"', source="raw-request-body"), {"ref": "x"}, False),
    ({"match": {"type": "ip-whitelist", "ip-range": "192.0.2.1/24"}}, {}, True),
    ({"match": {"type": "ip-whitelist", "ip-range": "198.51.100.1 192.0.2.7"}}, {}, True),
    ({"match": {"type": "ip-whitelist", "ip-range": "198.51.100.0/24"}}, {}, False),
    ({"and": [MAIN, match(value="x", name="a")]}, {"ref": "refs/heads/main", "a": "x"}, True),
    ({"and": [MAIN, match(value="x", name="a")]}, {"ref": "refs/heads/main"}, False),
    ({"or": [MAIN, match(value="x", name="a")]}, {"a": "x"}, True),
    ({"not": MAIN}, {"ref": "refs/heads/x"}, True),
    ({"not": MAIN}, {"ref": "refs/heads/main"}, False),
    ({"not": {"or": [MAIN, match(value="x", name="a")]}}, {"ref": "r", "a": "y"}, True),
    ({"not": {"or": [MAIN, match(value="x", name="a")]}}, {"ref": "r", "a": "x"}, False),
    ({"not": {"and": [MAIN, match(value="x", name="a")]}}, {"ref": "refs/heads/main", "a": "y"}, True),
    ({"not": {"not": MAIN}}, {"ref": "refs/heads/main"}, True),
    ({"and": [{"or": [MAIN, match(value="b")]}, {"or": [match(value="x", name="a"), match(value="y", name="a")]}]}, {"ref": "b", "a": "y"}, True),
    ({"and": [match("regex", regex="^a"), match("regex", regex="z$")]}, {"ref": "abz"}, True),
    ({"and": [match("regex", regex="^a"), match("regex", regex="z$")]}, {"ref": "ab"}, False),
    ({"and": [match("payload-hmac-sha256", source="header", name="X-Sig", secret="s"), MAIN]}, {"ref": "refs/heads/main"}, True),
    ({"match": {"type": "payload-hash-sha1", "secret": "s"}}, {}, True),
    ({"match": {"type": "scalr-signature", "secret": "s"}}, {}, True),
    ({"not": {"match": {"type": "scalr-signature", "secret": "s"}}}, {}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "payload", "expected"), CASES, ids=[json.dumps(it[:2])[:90] for it in CASES]
)
def test_a_hook_takes_what_it_took_there(rule, payload, expected):
    assert fires("adnanh", hook(rule), payload) is expected


def test_methods_are_a_condition():
    assert fires("adnanh", hook(**{"http-methods": ["post "]}), {})
    assert not fires("adnanh", hook(**{"http-methods": ["PUT"]}), {})


def test_the_command_is_a_step_with_templates():
    found = imported(
        "adnanh",
        hook(
            **{
                "command-working-directory": "/srv",
                "pass-arguments-to-command": [
                    {"source": "string", "name": "--force"},
                    {"source": "payload", "name": "head_commit.id"},
                    {"source": "header", "name": "X-Test"},
                    {"source": "url", "name": "q"},
                    {"source": "entire-payload"},
                    {"source": "entire-headers"},
                ],
                "pass-environment-to-command": [
                    {"source": "payload", "name": "ref", "envname": "REF"},
                    {"source": "request", "name": "remote-addr"},
                ],
            }
        ),
    )

    command = 'command = ["/opt/deploy.sh", "--force", "{{ head_commit.id }}", "{{ @headers.x-test }}", "{{ @query.q }}"]'
    assert command in found.text
    assert 'cwd = "/srv"' in found.text
    assert 'env = { REF = "{{ ref }}", HOOK_remote-addr = "{{ @client_ip }}" }' in found.text
    assert 'on = "deploy"' in found.text
    assert [note.place for note in found.notes if note.is_lost] == [
        "[0].pass-arguments-to-command[5]"
    ]


def test_what_has_no_place_here_is_told_with_what_to_do():
    rule = match("payload-hmac-sha256", source="header", name="X-Hub-Signature-256", secret="top")
    found = imported("adnanh", hook(rule, **{"response-message": "ok", "pass-file-to-command": []}))

    lost = {note.place: note.reason for note in found.notes if note.is_lost}
    assert 'header = "X-Hub-Signature-256"' in lost["[0].trigger-rule.match"]
    assert "top" not in found.text + str(lost)
    assert set(lost) == {
        "[0].trigger-rule.match",
        "[0].response-message",
        "[0].pass-file-to-command",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        "x",
        [{"id": "x"}],
        hook({"xor": []}),
        hook({"and": []}),
        hook({"and": [], "or": []}),
        hook(match("value", source="context", name="x", value="y")),
        hook({"match": {"type": "nope"}}),
        hook({"match": {"type": "ip-whitelist", "ip-range": "x"}}),
    ],
)
def test_what_is_no_hook_is_refused(wrong):
    with pytest.raises(CannotImport):
        imported("adnanh", wrong)
