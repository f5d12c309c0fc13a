"""What verifies a source: schemes, keys, settings; `test_sources` has every problem's words."""

from hookagent.providers.shape import Family

from .conftest import SECRET, source


def test_an_inline_scheme_is_named_after_its_source(project):
    found = project.load(
        source('scheme = { algorithm = "hmac-sha256", header = "X-Sig", prefix = "sha256=" }')
    ).sources["a"]

    assert found.scheme.name == "a"
    assert found.provider is None
    assert found.scheme.family is Family.HMAC


def test_several_secrets_serve_rotation(project):
    text = source('scheme = "github"').replace(f'"{SECRET}"', '["${NEW}", "${OLD}"]')

    found = project.load(text, {"NEW": SECRET, "OLD": SECRET[::-1]}).sources["a"]

    assert found.secrets == (SECRET, SECRET[::-1])


def test_none_must_be_said_and_needs_no_secret(project):
    found = project.load('[sources.a]\npath = "/a"\nscheme = "none"').sources["a"]

    assert not found.is_verified
    assert found.secrets == ()


def test_a_static_token_names_its_header(project, says):
    found = project.load(source('scheme = "token"', 'header = "X-Token"')).sources["a"]

    assert found.scheme.place.names == ("X-Token",)
    assert says(source('scheme = "token"'))[0].startswith(
        "hookagent.toml:1:1: error: one of `header`, `query`, `form`, `json` is missing"
    )


def test_a_secret_that_checks_nothing_is_a_warning(says):
    assert says(source('scheme = "none"')) == [
        (
            "hookagent.toml:3:10: warning: scheme `none` checks nothing, this secret either"
            " [unused-secret]"
        )
    ]


def test_a_setting_the_scheme_needs_must_be_there(project, says):
    scheme = (
        'scheme = { algorithm = "hmac-sha1", header = "X", signed = "{config:callback}{body}" }'
    )

    assert says(source(scheme)) == [
        (
            "hookagent.toml:4:10: error: scheme `a` needs `callback` [missing-key]\n"
            '  hint: add: callback = "…"'
        )
    ]
    found = project.load(source(scheme, 'callback = "https://x.test"')).sources["a"]
    assert found.settings == {"callback": "https://x.test"}


def test_a_secret_that_a_handshake_hands_over_may_be_left_out(project):
    found = project.load('[sources.a]\npath = "/a"\nscheme = "asana"').sources["a"]

    assert found.secrets == ()
    assert found.is_verified
    assert any(rule.hands_over_key for rule in found.handshakes)


def test_a_provider_that_publishes_its_key_needs_none_and_takes_one(project, says):
    bare = '[sources.a]\npath = "/a"\nscheme = "aws-sns"\n'

    assert says(bare) == []
    assert project.load(bare).sources["a"].secrets == ()
    assert "cannot be read" in says(bare + 'public_key = "no key at all, but long enough"')[0]
    assert "public key" in says('[sources.a]\npath = "/a"\nscheme = "plaid"')[0]


def test_a_key_that_was_handed_over_counts_before_written_ones(project, says):
    bare = '[sources.a]\npath = "/a"\nscheme = "asana"\n'
    assert project.load(bare).sources["a"].secrets == ()

    project.write("key-0123456789abcdef\n", ".hookagent/secrets/a.given")

    assert project.load(bare).sources["a"].secrets == ("key-0123456789abcdef",)
    both = source('scheme = "asana"')
    assert project.load(both).sources["a"].secrets == ("key-0123456789abcdef", SECRET)
    assert project.load(source('scheme = "github"')).sources["a"].secrets == (SECRET,)
    project.write("key-0123456789abcdef\n", ".hookagent/secrets/a.given", mode=0o644)
    assert "chmod 600" in says(bare)[0]


def test_plaid_needs_its_key_or_what_fetches_it(project, says):
    bare = '[sources.a]\npath = "/a"\nscheme = "plaid"\n'

    assert "public key" in says(bare)[0]
    assert says(bare + 'client_id = "i"\nclient_secret = "${S}"\n', {"S": "x"}) == []
    half = says(bare + 'client_id = "i"\n')
    assert "public key" in half[0]
