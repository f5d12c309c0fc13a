"""`[telemetry]` and other sections that are seldom there: the file, the environment, mistakes."""

import pytest

from hookagent.config.telemetry import Telemetry


def test_without_a_word_it_is_for_the_environment_to_say(project):
    assert project.load("").telemetry == Telemetry()


def test_everything_can_be_said_in_the_file(project):
    config = project.load(
        "[telemetry]\nenabled = true\nmetrics = false\nendpoint = 'https://otel.example.test:4318'\n"
        "service_name = 'orders'\nincoming = 'continue'\n"
    )
    assert config.telemetry == Telemetry(
        enabled=True,
        metrics=False,
        endpoint="https://otel.example.test:4318",
        service_name="orders",
        incoming="continue",
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("incoming = 'always'", "unknown-value"),
        ("endpoint = 'ftp://a'", "bad-url"),
        ("tracing = true", "unknown-key"),
        ("enabled = 1", "wrong-type"),
    ],
)
def test_mistakes_have_a_place(project, line, code):
    (problem,) = project.problems(f"[telemetry]\n{line}\n")
    assert (problem.code, problem.line) == (code, 2)


def test_watch_log_and_telemetry_are_set_by_variables_too(project):
    config = project.load(
        "[watch]\nsignatures = 3\n",
        {
            "HOOKAGENT_WATCH_SIGNATURES": "7",
            "HOOKAGENT_WATCH_SKEW": "5m",
            "HOOKAGENT_LOG_LEVEL": "error",
            "HOOKAGENT_LOG_FOLDER": "logs",
            "HOOKAGENT_TELEMETRY_ENABLED": "true",
        },
    )
    assert config.watch.thresholds is not None
    assert (config.watch.thresholds.signatures, config.watch.thresholds.skew_ms) == (7, 300_000)
    assert config.log.level == "error"
    assert config.log.folder == project.folder / "logs"
    assert config.telemetry.enabled is True
    assert config.provenance["watch.signatures"] == "HOOKAGENT_WATCH_SIGNATURES"


def test_a_variable_alone_is_enough_and_a_wrong_one_is_named(project):
    config = project.load("", {"HOOKAGENT_LOG_FORMAT": "text"})
    assert config.log.format == "text"
    (problem,) = project.problems("", {"HOOKAGENT_LOG_FORMAT": "xml"})
    assert problem.file == "HOOKAGENT_LOG_FORMAT"


def test_levels_of_parts_stay_beside_what_a_variable_says(project):
    config = project.load("[log.levels]\nrun = 'debug'\n", {"HOOKAGENT_LOG_LEVEL": "error"})
    assert (config.log.level_of("run"), config.log.level_of("tunnel")) == ("debug", "error")


def test_the_state_folder_is_beside_the_file_or_the_users_or_a_named_one(project, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(project.folder / "xdg"))
    usual = project.load("")
    users = project.load("state_folder = 'user'\n")
    named = project.load("state_folder = 'state'\n")
    given = project.load("state_folder = 'state'\n", {"HOOKAGENT_STATE_FOLDER": "/srv/agent"})

    assert usual.state_folder == project.folder / ".hookagent"
    assert users.state_folder.name.startswith(project.folder.name + "-")
    assert named.state_folder == project.folder / "state"
    assert str(given.state_folder) == "/srv/agent"
    for config in (usual, users, named, given):
        assert config.store.url.endswith(f"{config.state_folder}/hookagent.db")
