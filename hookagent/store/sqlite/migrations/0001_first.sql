-- The first schema. Small ids stand for what repeats (sources, kinds, rules), so that one event is
-- one wide row plus four narrow index entries, three of which are appended at their end.

CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- What many deliveries have in common: everything an event is filtered by except its time.
CREATE TABLE kinds (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    origin TEXT NOT NULL,
    method TEXT NOT NULL,
    base_url TEXT NOT NULL,
    valid INTEGER NOT NULL,
    scheme TEXT NOT NULL,
    code TEXT NOT NULL,
    integrity TEXT NOT NULL,
    secret_index INTEGER NOT NULL,  -- -1 for none: NULLs are never equal in a unique index
    UNIQUE (source_id, type, origin, method, base_url, valid, scheme, code, integrity, secret_index)
);

-- The body stands last: a list reads the columns before it and never its overflow pages.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    source_id INTEGER NOT NULL,
    key BLOB NOT NULL,
    fingerprint INTEGER NOT NULL,   -- of (source_id, key): keys.py
    kind_id INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    target TEXT NOT NULL,
    client_ip TEXT NOT NULL,
    parent TEXT,
    signed_at INTEGER,
    content_key,                    -- NULL: none; 1: the same as key; else the bytes
    detail TEXT,
    headers BLOB NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX events_by_id ON events (id);
CREATE INDEX events_by_kind ON events (kind_id);
CREATE INDEX events_by_parent ON events (parent) WHERE parent IS NOT NULL;

-- Which events may have a key, by its fingerprint. Lacks the newest: keys.py tells why.
CREATE TABLE keys (
    fingerprint INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, seq)
) WITHOUT ROWID;

-- Events whose rules are not matched yet. A row leaves when its event is routed, so that routing
-- never rewrites the wide row.
CREATE TABLE unrouted (
    seq INTEGER PRIMARY KEY,
    owner TEXT NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0
);

-- Routed events without any run.
CREATE TABLE quiet (
    kind_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (kind_id, seq)
) WITHOUT ROWID;

-- Further deliveries of a stored event, beside it for the same reason.
CREATE TABLE duplicates (
    seq INTEGER PRIMARY KEY,
    count INTEGER NOT NULL
);

-- The earliest and latest arrival within each block of 1,024 sequence numbers: turns a span of time
-- into ranges of seq even where the clock jumped.
CREATE TABLE spans (
    block INTEGER PRIMARY KEY,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL
);

CREATE TABLE tally (
    minute INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    events INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    last_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (minute, source_id)
) WITHOUT ROWID;

CREATE TABLE rules (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- Which rule fired for which kind of event: a filter over both becomes a few index seeks.
CREATE TABLE cells (
    id INTEGER PRIMARY KEY,
    rule_id INTEGER NOT NULL,
    kind_id INTEGER NOT NULL,       -- 0 for a run without an event
    UNIQUE (rule_id, kind_id)
);

CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    event_seq INTEGER,              -- NULL for a run without an event
    rule_id INTEGER NOT NULL,
    cell_id INTEGER NOT NULL,
    state INTEGER NOT NULL,         -- rows.py: RUN_STATES
    wake_at INTEGER,                -- when it may be claimed: 0 if pending, else due_at or lease_until
    step INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    owner TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    version TEXT NOT NULL,
    reason TEXT NOT NULL,
    facts BLOB,
    steps BLOB NOT NULL
);
CREATE UNIQUE INDEX runs_by_id ON runs (id);
CREATE UNIQUE INDEX runs_by_event ON runs (event_seq, rule_id);
CREATE INDEX runs_by_cell ON runs (cell_id, state, event_seq);
CREATE INDEX runs_to_wake ON runs (wake_at, seq, rule_id) WHERE wake_at IS NOT NULL;

CREATE TABLE rule_versions (
    hash TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    steps BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE states (
    rule TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    due_at INTEGER NOT NULL,
    PRIMARY KEY (rule, key)
) WITHOUT ROWID;
CREATE INDEX states_by_due ON states (due_at) WHERE due_at > 0;

-- A ring: slot = n modulo its size.
CREATE TABLE rejected (
    slot INTEGER PRIMARY KEY,
    n INTEGER NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    status INTEGER NOT NULL,
    error TEXT NOT NULL,
    verdict BLOB,
    method TEXT NOT NULL,
    target TEXT NOT NULL,
    base_url TEXT NOT NULL,
    client_ip TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    headers BLOB NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX rejected_by_id ON rejected (id);

CREATE TABLE kept (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- `events`: the highest seq when something was pruned, as no number is used twice; `keyed`: see
-- keys.py; `identity`: tells whose bodies the search file beside this one holds.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters VALUES ('identity', random());
