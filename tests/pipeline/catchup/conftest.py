import pytest

from hookagent.actions.base import Outside
from hookagent.config.load import load
from hookagent.environment import Environment
from hookagent.store.registry import open_store
from tests.actions.conftest import serve
from tests.pipeline.catchup.provider import NOW, SECRET

__all__ = ["serve"]

CONFIG = f"""
[sources.github]
path = "/hooks/github"
scheme = "github"
secret = "{SECRET}"

[sources.pay]
path = "/hooks/pay"
scheme = "stripe"
secret = "whsec_an-honest-secret-of-32-characters"

[sources.users]
path = "/hooks/users"
scheme = "svix"
secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

[sources.shop]
path = "/hooks/shop"
scheme = "shopify"
secret = "{SECRET}"

[sources.other]
path = "/hooks/other"
scheme = "gitlab"
secret = "{SECRET}"
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "hookagent.toml").write_text(CONFIG)
    (tmp_path / "hookagent.toml").chmod(0o600)
    environ = {"GITHUB_TOKEN": "good", "STRIPE_API_KEY": "good", "SVIX_TOKEN": "good"}
    return load(tmp_path / "hookagent.toml", environ=environ, cwd=tmp_path)


@pytest.fixture
async def outside(config):
    made = Outside(
        folder=config.folder,
        state=config.state_folder,
        environment=Environment({}),
        clock=lambda: NOW,
    )
    yield made
    await made.close()


@pytest.fixture
async def store(config):
    made = open_store(config.store.url, config.state_folder)
    await made.open()
    yield made
    await made.close()
