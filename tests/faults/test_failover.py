"""Whole: the primary dies under load, its standby takes over, and the nodes find it by themselves."""

import time

import pytest

from tests.faults.cluster import Nodes, Witness, judge, settle
from tests.patience import wait_until
from tests.store.postgres.cluster import NoServer

pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
from tests.store.postgres.standby import Pair, own_pair  # it needs the driver

pytestmark = pytest.mark.alone
LOAD_S = 2.0
AWAY_S = 3.0


@pytest.fixture
def pair():
    try:
        with own_pair() as made:
            yield made
    except NoServer as reason:
        pytest.skip(str(reason))


def test_a_failover_to_a_synchronous_standby_loses_and_repeats_nothing(tmp_path, pair: Pair):
    url = f"{pair.url}&schema=failover"
    nodes = Nodes(tmp_path, url, receivers=2, workers=2)
    with nodes.running():
        with Witness(nodes) as witness:
            time.sleep(LOAD_S)
            before = len(witness.acknowledged)
            pair.fail_over(AWAY_S)
            known = len(witness.acknowledged)
            wait_until(lambda: len(witness.acknowledged) >= known + before)
        settle(url)
    assert judge(nodes, witness) == []
    assert before > 0
    assert set(witness.answers) == {200, 503}
    assert witness.unhelpful == 0
