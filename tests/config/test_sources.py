"""Sources: every problem once, with its exact words, and what a right one becomes."""

import pytest

from .conftest import SECRET, source


def github(*lines: str) -> str:
    return source('scheme = "github"', *lines)


def test_a_scheme_of_the_catalogue_brings_type_and_handshake_along(project):
    config = project.load(source('scheme = "slack"'))

    found = config.sources["a"]
    assert found.provider == "slack"
    assert found.scheme.name == "slack"
    assert [str(one) for one in found.type] == ["type", "event.type"]
    assert [str(one) for one in found.dedup] == ["event_id"]
    assert [rule.kind for rule in found.handshakes] == ["challenge-json"]
    assert found.body == "json-or-form"
    assert found.secrets == (SECRET,)
    assert SECRET not in repr(config)


def test_an_id_that_is_not_signed_is_left_to_the_hash_of_what_is(project):
    found = project.load(github()).sources["a"]

    assert found.dedup == ()
    assert found.is_id_signed


def test_what_the_source_says_goes_before_the_catalogue(project):
    found = project.load(
        github(
            'dedup = ["id", "version"]',
            'type = "@query.kind"',
            'methods = ["post", "PUT"]',
            'allow_ips = ["192.0.2.0/24", "2001:db8::1"]',
            'max_body = "2 MiB"',
            'body = "any"',
            'base_url = "https://hooks.example.test/"',
            'answer = { status = 202, body = "ok" }',
            "handshake = []",
        )
    ).sources["a"]

    assert [str(one) for one in found.dedup] == ["id", "version"]
    assert str(found.type[0]) == "@query.kind"
    assert found.methods == ("POST", "PUT")
    assert [str(network) for network in found.allow_ips] == ["192.0.2.0/24", "2001:db8::1/128"]
    assert found.max_body == 2 * 1024 * 1024
    assert found.body == "any"
    assert found.base_url == "https://hooks.example.test"
    assert (found.answer.status, found.answer.body) == (202, "ok")
    assert found.answer.content_type == "text/plain; charset=utf-8"
    assert found.handshakes == ()


def test_a_tolerance_reaches_the_scheme(project):
    found = project.load(source('scheme = "stripe"', 'tolerance = "10m"')).sources["a"]

    assert found.tolerance_ms == 600_000
    assert found.scheme.timestamp is not None
    assert found.scheme.timestamp.tolerance_ms == 600_000


ONE_PROBLEM = {
    "no path": (
        f'[sources.a]\nscheme = "github"\nsecret = "{SECRET}"',
        '1:1: error: source `a` has no `path` [missing-key]\n  hint: add: path = "/hooks/a"',
    ),
    "no scheme": (
        source(),
        (
            "1:1: error: source `a` does not say how its deliveries are verified [missing-scheme]\n"
            "  hint: add a scheme: `hookagent schemes` lists them;"
            ' scheme = "none" checks nothing'
        ),
    ),
    "unknown scheme": (
        source('scheme = "githubb"'),
        "4:10: error: no scheme `githubb` [unknown-scheme]\n  hint: did you mean `github`?",
    ),
    "scheme of a wrong type": (
        source("scheme = 5"),
        "4:10: error: `scheme` must be a table, not a number [wrong-type]",
    ),
    "no secret": (
        '[sources.my-shop]\npath = "/a"\nscheme = "github"',
        (
            "1:1: error: source `my-shop` has no secret for scheme `github` [missing-secret]\n"
            '  hint: add: secret = "${MY_SHOP_SECRET}", or "auto" to have one made'
        ),
    ),
    "no public key": (
        '[sources.a]\npath = "/a"\nscheme = { algorithm = "ed25519", header = "X-Sig" }',
        (
            "1:1: error: source `a` has no public key for scheme `a` [missing-secret]\n"
            '  hint: add: public_key = { file = "key.pem" }'
        ),
    ),
    "unknown key": (
        github('dedub = "id"'),
        "5:1: error: unknown key `dedub` [unknown-key]\n  hint: did you mean `dedup`?",
    ),
    "relative path": (
        source('scheme = "github"', path="a"),
        (
            "2:8: error: `a` is not a path: it must begin with `/` [bad-path]\n"
            '  hint: such as: path = "/hooks/a"'
        ),
    ),
    "blank path": (
        source('scheme = "github"', path=""),
        '2:8: error: `` is not a path: it is blank [bad-path]\n  hint: such as: path = "/hooks/a"',
    ),
    "climbing path": (
        source('scheme = "github"', path="/a/../b"),
        (
            "2:8: error: `/a/../b` is not a path: it must not hold `.` or `..` [bad-path]\n"
            '  hint: such as: path = "/hooks/a"'
        ),
    ),
    "path with a query": (
        source('scheme = "github"', path="/a?b=c"),
        (
            "2:8: error: `/a?b=c` is not a path: only letters, digits and -._~!$&'()*+,;=:@"
            " between single slashes [bad-path]\n"
            '  hint: such as: path = "/hooks/a"'
        ),
    ),
    "bad network": (
        github('allow_ips = ["192.0.2.1/24"]'),
        (
            "5:14: error: `192.0.2.1/24` is not an address or network [bad-network]\n"
            "  hint: did you mean `192.0.2.0/24`?"
        ),
    ),
    "no network": (
        github('allow_ips = "everyone"'),
        (
            "5:13: error: `everyone` is not an address or network [bad-network]\n"
            "  hint: such as `192.0.2.7`, `192.0.2.0/24` or `2001:db8::/32`"
        ),
    ),
    "bad reference": (
        github('dedup = ["id", "a..b"]'),
        "5:16: error: `a..b`: a name is missing after the dot [bad-reference]",
    ),
    "bad envelope": (
        github('type = "@tpye"'),
        (
            "5:8: error: `@tpye`: `@tpye` is not a part of the envelope [bad-reference]\n"
            "  hint: did you mean `type`?"
        ),
    ),
    "bad method": (
        github('methods = ["FETCH"]'),
        (
            "5:12: error: `FETCH` is not a method of webhooks [unknown-value]\n"
            "  hint: known: GET, POST, PUT, PATCH, DELETE"
        ),
    ),
    "no method": (github("methods = []"), "5:11: error: `methods` is empty [blank]"),
    "bad size": (
        github('max_body = "1 MBit"'),
        (
            "5:12: error: `max_body` is not a size: `1 MBit` [bad-size]\n"
            "  hint: a number with B, KB, KiB, MB, MiB, GB or GiB: `1 MiB`"
        ),
    ),
    "too large": (
        github('max_body = "1 GiB"'),
        "5:12: error: `max_body` must be at most 26214400 bytes [out-of-range]",
    ),
    "bad duration": (
        github('tolerance = "five minutes"'),
        (
            "5:13: error: `tolerance` is not a time: `five minutes` [bad-duration]\n"
            "  hint: a number with ms, s, m, h, d or w: `90s`, `1h30m`"
        ),
    ),
    "number without unit": (
        github("tolerance = 300"),
        (
            "5:13: error: `tolerance` must be a time such as `30s`, `10m` or `7d`, not a number"
            " [wrong-type]"
        ),
    ),
    "bad URL": (
        github('base_url = "hooks.example.test"'),
        (
            "5:12: error: `base_url` is not a URL: `hooks.example.test` [bad-url]\n"
            "  hint: such as `https://hooks.example.test`"
        ),
    ),
    "bad body": (
        github('body = "xml"'),
        (
            "5:8: error: `body` cannot be `xml` [unknown-value]\n"
            "  hint: known: `any`, `form`, `json`, `json-or-form`"
        ),
    ),
    "answer that asks for a retry": (
        github("answer = { status = 500 }"),
        "5:21: error: `status` must be from 200 to 299, not 500 [out-of-range]",
    ),
    "answer that is no header": (
        github('answer = { content_type = "a\\nb" }'),
        "5:27: error: `content_type` cannot be a header [bad-header]",
    ),
    "missing variable": (
        source('scheme = "github"', secret="${GITHUB_SECRET}"),
        (
            "3:11: error: the variable `GITHUB_SECRET` is not set [missing-variable]\n"
            "  hint: set it in the environment or in .env: GITHUB_SECRET=…"
        ),
    ),
    "basic without a colon": (
        source('scheme = "basic"'),
        "3:10: error: basic auth needs `user:password` [bad-secret]",
    ),
    "bad name": (
        source('scheme = "github"', name='"a/b"'),
        (
            "1:1: error: `a/b` cannot be a source's name [bad-name]\n"
            "  hint: letters, digits, `-`, `_` and `.`, at most 64, not beginning with `.`"
        ),
    ),
    "bad inline scheme": (
        source('scheme = { algorithm = "hmac-sha255", header = "X" }'),
        (
            "4:24: error: `algorithm` cannot be `hmac-sha255` [unknown-value]\n"
            "  hint: did you mean `hmac-sha256`?"
        ),
    ),
}


@pytest.mark.parametrize(("text", "expected"), ONE_PROBLEM.values(), ids=ONE_PROBLEM.keys())
def test_each_problem_says_where_and_what_to_do(says, text, expected):
    assert says(text) == [f"hookagent.toml:{expected}"]


def test_a_path_twice_names_the_other_source(says):
    second = '\n[sources.b]\npath = "/a"\nscheme = "none"'

    assert says(github() + second) == [
        (
            "hookagent.toml:6:8: error: `/a` is the path of source `a` already [duplicate-path]\n"
            "  hint: give every source a path of its own"
        )
    ]


def test_an_unsigned_id_is_a_warning_that_says_what_it_means(project, says):
    text = github('dedup = "@headers.x-github-delivery"')

    assert says(text) == [
        (
            "hookagent.toml:5:9: warning: `@headers.x-github-delivery` is not signed: who captured"
            " one delivery can send it again under another id [unsigned-id]\n"
            "  hint: leave `dedup` out to go by the signed content, or name a field of the body"
        )
    ]
    assert not project.load(text).sources["a"].is_id_signed


@pytest.mark.parametrize(
    ("scheme", "dedup"),
    [
        ('"standard-webhooks"', "@headers.webhook-id"),
        ('{ algorithm = "hmac-sha1", header = "X", signed = "{url}{body}" }', "@query.id"),
        ('{ algorithm = "hmac-sha1", header = "X", signed = "{header:A}{body}" }', "@headers.a"),
        ('{ algorithm = "token", header = "X" }', "@headers.anything"),
    ],
)
def test_an_id_that_is_signed_or_as_good_as_all_else_is_fine(project, says, scheme, dedup):
    text = source(f"scheme = {scheme}", f'dedup = "{dedup}"', secret="auto")

    assert says(text) == []
    assert project.load(text).sources["a"].is_id_signed
