"""A primary and a standby that streams from it: what a failover needs.

A commit is answered once both have it on disk (`synchronous_standby_names`), so that nothing that was
acknowledged is lost with the primary. Only the primary is told to wait: the standby, once promoted,
has nobody to wait for.
"""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.patience import wait_until
from tests.store.postgres.cluster import Cluster, NoServer, own_cluster


class Pair:
    """Two servers of our own, one after the other at the head."""

    def __init__(self, primary: Cluster, standby: Cluster) -> None:
        self.primary = primary
        self.standby = standby

    @property
    def url(self) -> str:
        """Both hosts: libpq takes the one that accepts writes."""
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"

    def wait_for_both(self) -> None:
        """Let the primary confirm only what the standby has, from now on."""
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            state = "SELECT sync_state FROM pg_stat_replication"
            wait_until(lambda: connection.execute(state).fetchall() == [("sync",)])

    def fail_over(self, pause_s: float) -> None:
        """Kill the primary, and a while later make the standby the primary."""
        self.primary.stop("immediate")
        time.sleep(pause_s)
        self.standby.promote()


@contextmanager
def own_pair() -> Iterator[Pair]:
    """Make and start both. Raises NoServer."""
    with (
        own_cluster(settings={"track_commit_timestamp": "on"}) as primary,
        tempfile.TemporaryDirectory(prefix="hookagent-pg-", ignore_cleanup_errors=True) as made,
    ):
        folder = Path(made)
        folder.chmod(0o711)
        standby = Cluster(folder, is_durable=False, copy_of=primary)
        standby.start()
        try:
            pair = Pair(primary, standby)
            pair.wait_for_both()
            yield pair
        finally:
            with contextlib.suppress(NoServer):
                standby.stop("immediate")
