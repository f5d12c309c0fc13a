"""The listener is tested on the same parts as the pipeline."""

from tests.pipeline.conftest import config, desk, feed, gate, make_ingest, store

__all__ = ["config", "desk", "feed", "gate", "make_ingest", "store"]
