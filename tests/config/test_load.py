"""Loading: adapter tests on real files, each kind of problem once with its exact words."""

import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookagent.config.load import load
from hookagent.config.model import Config
from hookagent.config.trust import TrustRegistry
from hookagent.errors import ConfigError, NotFound

from .conftest import SECRET

ROOT = Path(__file__).parents[2]
SOURCE = f"""
[sources.a]
path = "/a"
scheme = "github"
secret = "{SECRET}"
"""


def test_without_a_file_everything_is_default(project):
    config = project.load()

    assert config.file is None
    assert config.server.port == 8787
    assert config.inspector.port == 8788
    assert config.store.url == f"sqlite:///{project.folder}/.hookagent/hookagent.db"
    assert config.store.retention_ms == 30 * 86_400_000
    assert config.rules == (project.folder / "rules",)
    assert dict(config.sources) == {}
    assert dict(config.provenance) == {}


def test_the_file_is_found_above(project):
    project.write(SOURCE)
    below = project.folder / "a" / "b"
    below.mkdir(parents=True)

    config = load(None, environ={}, cwd=below)

    assert config.file == project.folder / "hookagent.toml"
    assert config.folder == project.folder
    assert config.state_folder == project.folder / ".hookagent"


def test_a_file_that_is_named_must_be_there(project):
    with pytest.raises(ConfigError) as caught:
        load(Path("nope.toml"), environ={}, cwd=project.folder)

    assert str(caught.value) == (
        "nope.toml: error: no such file [no-such-file]\n  hint: `hookagent init` writes a first one"
    )


def test_a_file_that_is_not_text_names_the_place(project):
    (project.folder / "hookagent.toml").write_bytes(b"a = 1\nb = '\xff'\n")

    with pytest.raises(ConfigError) as caught:
        project.load()

    assert str(caught.value) == "hookagent.toml:2:6: error: not UTF-8 text [not-utf8]"


def test_flags_win_over_the_environment_over_dotenv_over_the_file(project):
    project.write("[server]\nport = 1\n")
    assert project.load().server.port == 1
    project.write("HOOKAGENT_SERVER_PORT=2\n", ".env")
    assert project.load().server.port == 2
    environ = {"HOOKAGENT_SERVER_PORT": "3"}
    assert project.load(environ=environ).server.port == 3
    config = project.load(environ=environ, flags={"server.port": 4})
    assert config.server.port == 4
    assert config.provenance == {"server.port": "--port"}


def test_provenance_names_the_line(project):
    assert project.load("\n[server]\nport = 1\n").provenance == {"server.port": "hookagent.toml:3"}


def test_a_store_in_a_flag_starts_where_we_are(project, tmp_path):
    project.write("")

    config = load(
        project.folder / "hookagent.toml",
        environ={},
        cwd=tmp_path,
        flags={"store.url": "sqlite:///x y.db"},
    )

    assert config.store.url == f"sqlite:///{tmp_path}/x%20y.db"


def test_a_wrong_value_from_outside_names_the_variable_or_flag(says):
    assert says("", {"HOOKAGENT_SERVER_PORT": "x"}) == [
        "HOOKAGENT_SERVER_PORT: error: `port` must be a whole number, not a string [wrong-type]"
    ]
    assert says("", flags={"tunnel.provider": "ngrokk"}) == [
        (
            "--tunnel: error: `provider` cannot be `ngrokk` [unknown-value]\n"
            "  hint: did you mean `ngrok`?"
        )
    ]


def test_a_mistyped_variable_is_a_warning(says):
    assert says("", {"HOOKAGENT_SERVER_PROT": "1", "HOOKAGENT_EVENT_ID": "x"}) == [
        (
            "warning: no setting is called `HOOKAGENT_SERVER_PROT` [unknown-variable]\n"
            "  hint: did you mean `HOOKAGENT_SERVER_PORT`?"
        )
    ]


def test_ngroks_own_variable_holds_its_token(project):
    config = project.load('[tunnel]\nprovider = "ngrok"', {"NGROK_AUTHTOKEN": "token-of-ngrok"})

    assert config.tunnel.authtoken == "token-of-ngrok"
    assert "token-of-ngrok" in config.environment.secrets
    assert "token-of-ngrok" not in repr(config)


def test_an_insecure_source_must_be_there(project):
    config = project.load(SOURCE, insecure=["a"])
    assert config.sources["a"].is_insecure
    assert not config.sources["a"].is_verified

    with pytest.raises(NotFound) as caught:
        project.load(SOURCE, insecure=["aa"])
    assert caught.value.message == "no source `aa`"


def test_looking_up_a_source_suggests_the_nearest(project):
    config = project.load(SOURCE.replace("sources.a", "sources.github"))

    with pytest.raises(NotFound) as caught:
        config.source("githib")
    assert caught.value.hint == "did you mean `github`?"


def test_rules_may_be_files_and_folders_that_exist(project, says):
    project.write("", "more/a.toml")

    config = project.load('rules = ["more", "more/a.toml"]')
    assert config.rules == (project.folder / "more", project.folder / "more/a.toml")
    assert says('rules = ["more", "nope"]') == [
        "hookagent.toml:1:18: error: no rules at `nope` [no-such-file]"
    ]


def test_listener_and_inspector_cannot_share_a_port(says):
    assert says("[server]\nport = 9\n[inspector]\nport = 9\n") == [
        (
            "hookagent.toml:4:8: error: listener and inspector cannot both have port 9 [same-port]\n"
            "  hint: the inspector must never be where the tunnel leads"
        )
    ]
    assert says("[server]\nport = 0\n[inspector]\nport = 0\n") == []


def test_unknown_keys_are_problems_with_a_suggestion(says):
    assert says("[sever]\nport = 1\n") == [
        (
            "hookagent.toml:1:1: error: unknown key `sever` [unknown-key]\n"
            "  hint: did you mean `server`?"
        )
    ]


def test_a_section_must_be_a_table(says):
    assert says("server = 1") == [
        "hookagent.toml:1:10: error: `server` must be a table, not a number [wrong-type]"
    ]


def test_all_problems_come_at_once_and_syntax_alone(says):
    assert len(says("[server]\nport = -1\nhots = 'x'\n[worker]\nlease = '1 year'\n")) == 3
    assert says("[server\n") == [
        (
            "hookagent.toml:1:8: error: not TOML: expected ']' at the end of a table declaration"
            " [toml-syntax]"
        )
    ]


def test_a_broken_dotenv_is_a_problem_of_its_own(project):
    project.write("GOOD=1\nnot a variable\n", ".env")

    assert project.says("") == [
        (
            ".env:2:1: error: not a line of `NAME=value` [env-syntax]\n"
            "  hint: write NAME=value, or NAME='value' where it has quotes or spaces at its ends"
        )
    ]


def test_the_projects_own_configuration_loads_on_a_fresh_machine(tmp_path):
    for name in ("hookagent.toml", "rules/support.toml", "rules/inventory.toml"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())

    config = load(None, environ={}, cwd=tmp_path)

    assert list(config.sources) == ["support", "inventory"]
    assert config.warnings == ()
    assert all(source.is_verified and source.secrets for source in config.sources.values())
    assert config.sources["support"].scheme.place.name == "X-Secret-Token"
    assert [str(one) for one in config.sources["support"].dedup] == ["ticket_id", "updated_at"]
    assert [str(one) for one in config.sources["inventory"].dedup] == ["eventId"]
    assert config.sources["inventory"].is_id_signed


KEYS = sorted(
    {"server", "sources", "store", "path", "scheme", "secret", "dedup", "header", "answer", "port"}
    | {"allow_ips", "url", "retention", "a", "rules", "tunnel", "command", "handshake", "type"}
    | {"methods", "tolerance", "base_url", "public_key", "max_body", "provider", "inspector"}
)
TEXTS = ["", "/a", "/a/../b", "github", "token", "none", "${X}", "${", "$$", "a..b", "auto"]
VALUES = st.recursive(
    st.sampled_from([*TEXTS, "@headers.x", "10.0.0.0/8", "1 MiB", "5m"])
    | st.text(max_size=8).filter(lambda text: text.isprintable())
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.floats(allow_nan=True)
    | st.dates()
    | st.times(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.text(max_size=5).filter(lambda text: text.isprintable()) | st.just("../../x")


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    document=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5),
    sources=st.dictionaries(
        NAMES, st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6), max_size=3
    ),
)
def test_any_toml_is_a_configuration_or_has_problems(tmp_path, document, sources):
    text = tomli_w.dumps(document | {"sources": sources})
    tomllib.loads(text)
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    (folder / "hookagent.toml").write_text(text, "utf-8")

    _is_total(folder)

    assert {found.name for found in tmp_path.iterdir()} == {"project"}


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=st.binary(max_size=60) | st.text(alphabet="a.=[]{}'\"\n#1_- \\u00e9,", max_size=40))
def test_any_bytes_are_a_configuration_or_have_problems(tmp_path, content):
    encoded = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "hookagent.toml").write_bytes(encoded)

    _is_total(tmp_path)


def _is_total(folder: Path) -> None:
    registry = TrustRegistry(folder / "user")
    found: Config | ConfigError
    try:
        found = load(None, environ={}, cwd=folder, registry=registry)
    except ConfigError as error:
        found = error

    assert isinstance(found, Config) or all(one.code and one.message for one in found.problems)
