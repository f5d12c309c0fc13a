-- Runs that keep an order, and what several processes on one store share.

ALTER TABLE runs ADD COLUMN order_key TEXT;     -- NULL for no order

-- The unfinished runs of a key in their order, and which of them may be claimed: ordering.py.
CREATE INDEX runs_in_order ON runs (rule_id, order_key, event_seq, seq)
    WHERE order_key IS NOT NULL AND wake_at IS NOT NULL;
CREATE INDEX runs_awake ON runs (rule_id, order_key, wake_at)
    WHERE order_key IS NOT NULL AND wake_at IS NOT NULL;

CREATE TABLE duties (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    report BLOB NOT NULL            -- JSON: sharing.Node
) WITHOUT ROWID;

-- Routed events whose rules over time the judge has not looked at.
CREATE TABLE docket (
    received_at INTEGER NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL UNIQUE,
    rules BLOB NOT NULL,            -- JSON: their names
    PRIMARY KEY (received_at, id)
) WITHOUT ROWID;
