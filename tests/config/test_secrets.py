"""Secrets: each form, each refusal, and that none is ever shown."""

import pytest

from hookagent.config.model import Config

from .conftest import SECRET


def source(secret: str, *lines: str) -> str:
    head = ["[sources.a]", 'path = "/a"', 'scheme = "github"', f"secret = {secret}"]
    return "\n".join([*head, *lines])


def secrets_of(config: Config) -> tuple[str, ...]:
    return config.sources["a"].secrets


def test_a_made_secret_is_private_and_stays(project):
    first = secrets_of(project.load(source('"auto"')))
    second = secrets_of(project.load(source('"auto"')))

    file = project.folder / ".hookagent" / "secrets" / "a"
    assert first == second == (file.read_text().strip(),)
    assert len(first[0]) >= 43
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert file.parent.parent.stat().st_mode & 0o777 == 0o700


def test_a_made_secret_has_the_schemes_own_form(project):
    text = source('"auto"').replace("github", "standard-webhooks")

    made = secrets_of(project.load(text))[0]

    assert made.startswith("whsec_")
    assert len(made) == len("whsec_") + 44


def test_a_made_secret_for_basic_has_a_user(project):
    assert secrets_of(project.load(source('"auto"').replace("github", "basic")))[0].startswith(
        "hookagent:"
    )


def test_a_public_key_cannot_be_made(says):
    text = source('"auto"').replace('"github"', '{ algorithm = "ed25519", header = "X-Signature" }')

    assert says(text) == [
        (
            "hookagent.toml:4:10: error: scheme `a` checks with the provider's public key, not with a"
            " secret [no-made-secret]\n"
            '  hint: write the provider\'s key: public_key = { file = "key.pem" }'
        )
    ]


def test_no_secret_is_made_for_a_name_that_climbs(project):
    project.problems(source('"auto"').replace("sources.a", 'sources."../../x"'))

    assert not (project.folder / ".hookagent").exists()


def test_a_secret_may_come_from_a_variable(project):
    environ = {"S": SECRET}

    assert secrets_of(project.load(source('"${S}"'), environ)) == (SECRET,)
    config = project.load(source('{ env = "S" }'), environ)
    assert secrets_of(config) == (SECRET,)
    assert SECRET in config.environment.secrets
    assert SECRET not in repr(config)


def test_a_missing_variable_suggests_the_one_in_dotenv(project):
    project.write(f"GITHUB_SECRET={SECRET}\n", ".env")

    assert project.says(source('"${GITHUB_SECERT}"')) == [
        (
            "hookagent.toml:4:11: error: the variable `GITHUB_SECERT` is not set [missing-variable]\n"
            "  hint: did you mean `GITHUB_SECRET`?"
        )
    ]


def test_a_secret_may_come_from_a_private_file(project, says):
    file = project.write(SECRET + "\n", "key", mode=0o600)
    assert secrets_of(project.load(source('{ file = "key" }'))) == (SECRET,)

    file.chmod(0o644)
    assert says(source('{ file = "key" }')) == [
        (
            f"hookagent.toml:4:19: error: {file} can be read by others [unreadable-secret]\n"
            f"  hint: chmod 600 {file}"
        )
    ]
    assert says(source('{ file = "nope" }')) == [
        (
            f"hookagent.toml:4:19: error: cannot read {project.folder / 'nope'}: No such file or"
            " directory [unreadable-secret]"
        )
    ]


def test_a_program_is_asked_only_when_the_file_is_trusted(project, says):
    text = source(f'{{ cmd = ["printf", "{SECRET}"] }}')
    assert says(text) == [
        (
            "hookagent.toml:4:18: error: `printf` is not run: nobody said that this file may run"
            " programs [not-trusted]\n"
            "  hint: read the file, then: hookagent trust"
        )
    ]

    project.registry.trust(project.folder / "hookagent.toml")
    assert secrets_of(project.load()) == (SECRET,)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ('""', "10: error: the `secret` of source `a` is blank [blank-secret]"),
        ('"${BLANK}"', "10: error: the `secret` of source `a` is blank [blank-secret]"),
        (
            '"changeme"',
            (
                "10: error: the secret of source `a` is a placeholder [placeholder-secret]\n"
                '  hint: use `secret = "auto"`, or make one: openssl rand -hex 32'
            ),
        ),
        (
            '"your-secret-goes-here"',
            (
                "10: error: the secret of source `a` is a placeholder [placeholder-secret]\n"
                '  hint: use `secret = "auto"`, or make one: openssl rand -hex 32'
            ),
        ),
        (
            '"fifteen-of-them"',
            (
                "10: error: the secret of source `a` has 15 bytes, and fewer than 16 can be guessed"
                " [short-secret]\n"
                '  hint: use `secret = "auto"`, or make one: openssl rand -hex 32; where the provider'
                " fixes it, add: short_secret = true"
            ),
        ),
        (
            '"twenty-characters-ok"',
            (
                "10: warning: the secret of source `a` has 20 bytes; 24 or more are better"
                " [short-secret]\n"
                '  hint: use `secret = "auto"`, or make one: openssl rand -hex 32'
            ),
        ),
        ("5", "10: error: a secret must be a string, not a number [wrong-type]"),
        (
            '{ fil = "x" }',
            (
                "18: error: a secret is one of `env`, `file`, `cmd` and `keyring` [unknown-key]\n"
                "  hint: did you mean `file`?"
            ),
        ),
        ('{ env = "A B" }', "18: error: `A B` is not a variable's name [bad-variable]"),
        ("{ env = 1 }", "18: error: `env` must be a string [wrong-type]"),
        (
            '{ cmd = "ls" }',
            "18: error: `cmd` must be a list: the program and its arguments [wrong-type]",
        ),
        (
            '{ keyring = "x" }',
            "22: error: `x` is not `SERVICE/USER` [unreadable-secret]",
        ),
    ],
)
def test_what_is_no_secret_is_said(says, secret, expected):
    assert says(source(secret), {"BLANK": "  "}) == [f"hookagent.toml:4:{expected}"]


def test_a_short_secret_is_fine_where_the_provider_fixes_it(says):
    assert says(source('"fifteen-of-them"', "short_secret = true")) == []


def test_a_plain_secret_is_fine_in_a_private_file_only(says):
    text = source(f'"{SECRET}"')

    assert says(text, mode=0o600) == []
    assert says(text, mode=0o644) == [
        (
            "hookagent.toml:4:10: warning: the secret of source `a` stands here for everyone to read"
            " [plain-secret]\n"
            '  hint: move it to .env and write "${NAME}", or: chmod 600 the file'
        )
    ]
    assert says(source('"${S}"'), {"S": SECRET}, mode=0o644) == []


def test_no_problem_ever_quotes_a_secret(project):
    text = "\n".join(
        [
            "[server]",
            'max_body = "${S}"',
            'public_url = "${S}"',
            'trusted_proxies = ["${S}"]',
            'read_timeout = "${S}"',
            "[store]",
            'url = "${S}"',
            source('"${S}"', 'allow_ips = ["${S}"]', 'tolerance = "${S}"', 'base_url = "${S}"'),
        ]
    ).replace('path = "/a"', 'path = "${S}"')

    found = project.says(text, {"S": "hunter2hunter2hunter2hunter2"})

    assert len(found) == 9
    assert "hunter2" not in "".join(found)


def test_a_secret_that_cannot_be_the_schemes_key_is_said_at_once(says):
    text = source('"whsec_not base64 at all, but long enough"').replace("github", "svix")

    assert says(text) == [
        (
            "hookagent.toml:4:10: error: the secret is not base64 [wrong-secret-form]\n"
            "  hint: copy it again, whole and without spaces"
        )
    ]


def test_a_public_key_that_is_none_is_said_at_once(says):
    text = source(f'"{SECRET}"').replace(
        '"github"', '{ algorithm = "ed25519", header = "X", secret_form = "hex" }'
    )

    (found,) = says(text)
    assert found.startswith("hookagent.toml:4:10: error: ")
    assert SECRET not in found


def test_an_empty_list_is_no_secret(says):
    assert says(source("[]")) == [
        "hookagent.toml:4:10: error: the `secret` of source `a` is empty [blank-secret]"
    ]
