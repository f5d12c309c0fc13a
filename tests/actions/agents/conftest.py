import pytest

from tests.actions.agents.endpoint import Endpoint, Memory


@pytest.fixture
async def endpoint(serve):
    """Serve a model's endpoint on a free port."""
    made = Endpoint()
    made.url = await serve(made.answer)
    return made


@pytest.fixture(autouse=True)
def memory(outside):
    """Give the outside a store of small values."""
    outside.memory = Memory()
    return outside.memory
