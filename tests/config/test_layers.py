"""Flags and variables over the file, pure."""

from hookagent.config.layers import SETTINGS, flag_name, outside, section, variable_name
from hookagent.located import parse


def test_every_setting_has_a_variable():
    assert variable_name("server", "max_body") == "HOOKAGENT_SERVER_MAX_BODY"
    names = [variable_name(one, key) for one, keys in SETTINGS.items() for key in keys]
    assert len(names) == len(set(names))


def test_variables_are_read_as_toml_would_have_written_them():
    given = outside(
        {},
        {
            "HOOKAGENT_SERVER_PORT": "80",
            "HOOKAGENT_SERVER_HOST": "::1",
            "HOOKAGENT_INSPECTOR_ENABLED": "false",
            "HOOKAGENT_STORE_URL": "",
        },
        [],
    )

    assert {name: one.value for name, one in given.items()} == {
        "server.port": 80,
        "server.host": "::1",
        "inspector.enabled": False,
    }


def test_a_flag_is_named_as_it_is_typed():
    assert flag_name("server.port") == "--port"
    assert flag_name("store.url") == "--store"
    assert flag_name("inspector.port") == "--inspector-port"
    assert flag_name("server.max_body") == "--max-body"


def test_a_section_has_what_is_given_outside_over_what_is_written():
    document = parse("[server]\nport = 1\nhost = 'a'\n", "f")
    given = outside({"server.port": 2}, {}, [])

    table = section(document, "server", given, [])

    assert table.data == {"port": 2, "host": "a"}
    assert document.data["server"]["port"] == 1
