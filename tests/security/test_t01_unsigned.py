"""T1: nothing unsigned gets in, by no scheme, no path and no slip of the configuration."""

import msgspec
import pytest

from hookagent.event import Headers
from hookagent.providers.shape import Family
from hookagent.providers.verify import Verifier
from tests.providers.kit import BASE_URL, NOW, OTHER_KEY, kit, sample, scheme_names
from tests.security.raw import signed, statuses, talk
from tests.whole.served import SECRET, lines, run, serving, signature, write_project

replace = msgspec.structs.replace
SCHEMES = [name for name in scheme_names() if kit(name).scheme.family is not Family.NONE]


@pytest.mark.parametrize("name", SCHEMES)
def test_t01_no_scheme_takes_a_request_without_proof(name):
    one = kit(name)
    bare = sample(one.scheme)
    proven = one.signed(bare)
    blank = Headers.of(
        [
            (field, value if bare.headers.text(field) == value else "")
            for field, value in proven.headers.items()
        ]
    )

    assert one.verifier().verify(proven, NOW).valid
    assert not one.verifier().verify(bare, NOW).valid
    if proven.headers != bare.headers:  # else the proof is in the body or the URL
        assert not one.verifier().verify(replace(proven, headers=Headers.of([])), NOW).valid
        assert not one.verifier().verify(replace(proven, headers=blank), NOW).valid


@pytest.mark.parametrize("name", SCHEMES)
def test_t01_no_scheme_takes_the_proof_of_another_secret_or_of_none(name):
    one, other = kit(name), kit(name, OTHER_KEY)
    proven = one.signed()
    without = Verifier(one.scheme, [], settings=one.settings, base_url=BASE_URL)

    assert not without.verify(proven, NOW).valid
    if other.verifying != one.verifying:
        assert not other.verifier().verify(proven, NOW).valid


@pytest.mark.parametrize(
    ("secret", "word"),
    [
        ('""', "is blank"),
        ('"   "', "is blank"),
        ('"${T01_UNSET}"', "is not set"),
        ('{ env = "T01_UNSET" }', "is not set"),
        ('"${T01_EMPTY}"', "is blank"),
        ('"changeme"', "is a placeholder"),
        ('"your-secret-here"', "is a placeholder"),
        ("[]", "is empty"),
        ('{ file = "nowhere" }', "cannot read"),
    ],
)
def test_t01_serve_does_not_start_without_a_real_secret(tmp_path, secret, word):
    project = write_project(tmp_path)
    config = project / "hookagent.toml"
    config.write_text(config.read_text().replace(f'"{SECRET}"', secret))
    (project / ".env").write_text("T01_EMPTY=\n")

    ended = run(project, "serve", "--port", "0", "--no-inspector")

    assert ended.returncode == 3
    assert word.encode() in ended.stderr
    assert not (project / ".hookagent" / "hookagent.db").exists()


MORE = f"""
[sources.other]
path = "/hooks/other"
scheme = {{ algorithm = "hmac-sha256", header = "X-Shop-Signature", prefix = "sha256=", encoding = "hex", signed = "{{body}}" }}
secret = "{SECRET[::-1]}"
"""
BODY = b'{"id":"t01"}'
ALIASES = [
    b"/hooks/shop/", b"/hooks//shop", b"//hooks/shop", b"/HOOKS/shop", b"/hooks/Shop",
    b"/hooks/%73hop", b"/hooks/shop%2f", b"/hooks/./shop", b"/hooks/x/../shop", b"/hooks/shop;x",
    b"/hooks/shop%00", b"/hooks/shop%20", b"/hooks\\shop", b"/hooks/shop/..", b"/hooks/shop%3f",
    b"http://127.0.0.1/hooks/shop", b"http:///hooks/shop", b"*", b"/", b"/hooks", b"/hooks/shop#x",
]  # fmt: skip


def test_t01_only_the_exact_path_leads_to_a_source(tmp_path):
    project = write_project(tmp_path, more=MORE)
    with serving(project) as agent:
        answers = {path: talk(agent.port, signed(BODY, path=path)) for path in ALIASES}
        unsigned = agent.request("POST", "/hooks/shop", BODY)[0]
        blank = agent.request("POST", "/hooks/shop", BODY, {"X-Shop-Signature": ""})[0]
        prefix = agent.request("POST", "/hooks/shop", BODY, {"X-Shop-Signature": "sha256="})[0]
        other = agent.post(BODY, path="/hooks/other")[0]
        query = agent.request("POST", "/hooks/shop?x-shop-signature=" + signature(BODY), BODY)[0]
        agent.stop()

    assert all(200 not in statuses(answer) for answer in answers.values()), answers
    assert [unsigned, other] == [401, 403]
    assert {blank, prefix, query} <= {401, 403}
    assert lines(run(project, "inspect", "--json")) == []
