"""Whole: docs/scaling/: two receivers and three workers behind nginx, and the same for compose."""

import ipaddress
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hookagent.cli.main import load_command
from hookagent.config.load import load
from tests.store.postgres.cluster import VARIABLE, NoServer, binaries

PLACE = Path(__file__).parents[2] / "docs" / "scaling"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
COMPOSE = yaml.safe_load((PLACE / "compose.yaml").read_text("utf-8"))
ENVIRON = {
    "DATABASE_URL": "postgresql://u:p@database/x",
    "SHOP_SECRET": "5f0c1d9b7a3e48f25f0c1d9b7a3e48f2",
}


def database() -> list[str]:
    """Return how the example comes by a database; skip where it cannot."""
    if os.environ.get(VARIABLE):
        return ["--database", os.environ[VARIABLE]]
    try:
        binaries()
    except NoServer as reason:
        pytest.skip(str(reason))
    return []


@pytest.mark.timeout(700)  # seven processes start, and two of them again
@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_the_example_loses_and_repeats_nothing_when_nodes_are_killed():
    done = subprocess.run(
        [sys.executable, PLACE / "run.py", "--events", "150", *database()],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "HOOKAGENT_TRUST": "all", "HOOKAGENT_CONFIG": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "killed: receive-1\n" in done.stdout
    assert "killed: work-1\n" in done.stdout
    assert "165 deliveries, 150 different ones answered 2xx" in done.stdout
    assert re.search(r"orders: 150 of 150, missing 0, .* twice without 0", done.stdout)
    assert re.search(r"greeted: 7 of 7, missing 0, .* twice without 0", done.stdout)
    listed = done.stdout.partition("killed:")[0]
    assert (listed.count("\treceive\t"), listed.count("\twork\t")) == (2, 3)


def test_the_example_says_what_is_missing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", f"{PATCH}run.ELSEWHERE = ''; sys.exit(run.main())"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": str(tmp_path)},
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (3, "`nginx` is not installed here\n")


PATCH = f"import sys; sys.path.insert(0, {str(PLACE)!r}); import run; sys.argv = ['run.py'];"


def test_the_configuration_is_sound():
    config = load(PLACE / "hookagent.toml", environ=ENVIRON, cwd=PLACE)
    assert config.sources.keys() == {"shop"}
    assert not config.warnings


def test_compose_names_only_what_is_there():
    services = COMPOSE["services"]
    nodes = {name: one for name, one in services.items() if one["image"] == "hookagent"}
    assert nodes.keys() == {"receive-1", "receive-2", "work"}
    assert services["work"]["deploy"]["replicas"] == 3
    for one in services.values():
        for mount in one.get("volumes", ()):
            source = mount.partition(":")[0]
            assert source in COMPOSE["volumes"] or (PLACE / source).exists()
        for needed in one.get("depends_on", ()):
            assert needed in services
    for one in nodes.values():
        build = one["build"]
        root = (PLACE / build["context"]).resolve()
        assert (root / build["dockerfile"]).is_file()
        name, *arguments = one["command"].split()
        load_command(name).make_context(name, arguments)
        assert one["environment"].keys() == ENVIRON.keys()


def test_compose_and_nginx_speak_of_the_same_nodes_and_network():
    nginx = (PLACE / "nginx.conf").read_text("utf-8")
    upstream = re.findall(r"server (\S+):8787", nginx)
    assert upstream == ["receive-1", "receive-2"]
    assert set(upstream) <= COMPOSE["services"].keys()
    (port,) = COMPOSE["services"]["nginx"]["ports"]
    assert port.rpartition(":")[2] in re.findall(r"listen (\d+);", nginx)
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    config = load(PLACE / "hookagent.toml", environ=ENVIRON, cwd=PLACE)
    assert ipaddress.ip_network(network["subnet"]) in config.server.trusted_proxies


def test_the_image_can_speak_to_the_database():
    image = (PLACE / COMPOSE["services"]["work"]["build"]["context"]).resolve()
    text = (image / COMPOSE["services"]["work"]["build"]["dockerfile"]).read_text("utf-8")
    assert "/src[postgres]" in text
