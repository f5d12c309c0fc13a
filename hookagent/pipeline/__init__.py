"""The way of an event: ingest, worker, replay, upkeep, feed."""
