-- The first schema. `hook.` stands for the schema the store's URL names. Small ids stand for what
-- repeats (sources, kinds, rules), as in the SQLite engine.

CREATE TABLE hook.sources (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- What many deliveries have in common: everything an event is filtered by except its time.
CREATE TABLE hook.kinds (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id integer NOT NULL,
    type text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    base_url text COLLATE "C" NOT NULL,
    valid boolean NOT NULL,
    scheme text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    integrity text COLLATE "C" NOT NULL,
    secret_index integer NOT NULL,  -- -1 for none: NULLs are never equal in a unique index
    digest uuid NOT NULL UNIQUE     -- of all of these: a type may be longer than an index holds
);

-- Numbers of the whole store. `shift` moves sequence numbers on: see hook.next_numbers.
CREATE TABLE hook.counters (
    name text COLLATE "C" PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO hook.counters VALUES ('shift', 0), ('rejected', 0);

-- Partitions of `events` and `quiet`, 2^38 sequence numbers each: slices.py.
CREATE TABLE hook.slices (
    number integer PRIMARY KEY,
    began_at bigint,                -- when its first event arrived
    last_at bigint,                 -- when its last one did, once that is known
    is_searchable boolean NOT NULL DEFAULT false    -- its bodies are in an index of trigrams
);

-- The body stands last. No partition is written to once the next one is in use.
CREATE TABLE hook.events (
    seq bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    source_id integer NOT NULL,
    kind_id integer NOT NULL,
    received_at bigint NOT NULL,
    signed_at bigint,
    key bytea NOT NULL,
    content_key bytea,              -- NULL: none; empty: the same as key
    target text COLLATE "C" NOT NULL,
    client_ip text COLLATE "C" NOT NULL,
    parent text COLLATE "C",
    detail text COLLATE "C",
    headers bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (seq)
) PARTITION BY RANGE (seq);
CREATE INDEX events_by_kind ON hook.events (kind_id, seq);
CREATE INDEX events_by_parent ON hook.events (parent, seq) WHERE parent IS NOT NULL;

-- Routed events without any run.
CREATE TABLE hook.quiet (
    kind_id integer NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (kind_id, seq)
) PARTITION BY RANGE (seq);

-- One row per event, not partitioned: what makes a key and an id unique over all time that is kept.
CREATE TABLE hook.keys (
    print uuid PRIMARY KEY,         -- the first half of a hash of source and key
    id text COLLATE "C" NOT NULL UNIQUE,
    seq bigint NOT NULL,
    duplicates integer NOT NULL DEFAULT 0
) WITH (fillfactor = 90, autovacuum_vacuum_insert_scale_factor = 0.1);

-- Events whose rules are not matched yet: a queue, so it is vacuumed by its churn.
CREATE TABLE hook.unrouted (
    seq bigint PRIMARY KEY,
    received_at bigint NOT NULL,
    owner text COLLATE "C" NOT NULL,
    lease_until bigint NOT NULL
) WITH (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0
);

-- What happened minute by minute. `writer` is a backend's pid: two transactions that are open at the
-- same time never write the same row, so none waits for the other's commit.
CREATE TABLE hook.tally (
    minute bigint NOT NULL,
    source_id integer NOT NULL,
    writer integer NOT NULL,
    events bigint NOT NULL,
    duplicates bigint NOT NULL,
    rejected bigint NOT NULL,
    last_at bigint NOT NULL,
    first_seq bigint,               -- of its events: turns a span of time into a range of seq
    last_seq bigint,
    PRIMARY KEY (source_id, minute, writer)
) WITH (fillfactor = 50);

-- How many events and runs there are: what was added and taken away, by writer as above.
CREATE TABLE hook.totals (
    name text COLLATE "C" NOT NULL,
    writer integer NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (name, writer)
) WITH (fillfactor = 50);

CREATE TABLE hook.rules (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- Which rule fired for which kind of event.
CREATE TABLE hook.cells (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id integer NOT NULL,
    kind_id integer NOT NULL,       -- 0 for a run without an event
    UNIQUE (rule_id, kind_id)
);

CREATE TABLE hook.runs (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,         -- empty for a run without an event
    event_seq bigint,
    rule_id integer NOT NULL,
    cell_id integer NOT NULL,
    state smallint NOT NULL,        -- store/rows.py: RUN_STATES
    wake_at bigint,                 -- when it may be claimed: 0 if pending, else due_at or lease_until
    step integer NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    ended_at bigint NOT NULL,
    owner text COLLATE "C" NOT NULL,
    lease_until bigint NOT NULL,
    version text COLLATE "C" NOT NULL,
    order_key text COLLATE "C",                 -- NULL for no order
    order_print uuid,               -- of it: a key may be longer than an index holds
    reason text COLLATE "C" NOT NULL,
    facts bytea,
    steps bytea NOT NULL
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
CREATE UNIQUE INDEX runs_by_id ON hook.runs (id);
CREATE UNIQUE INDEX runs_by_event ON hook.runs (event_seq, rule_id);
CREATE INDEX runs_by_cell ON hook.runs (cell_id, state, event_seq);
CREATE INDEX runs_to_wake ON hook.runs (wake_at, seq, rule_id) WHERE wake_at IS NOT NULL;
CREATE INDEX runs_unfinished ON hook.runs (state, event_seq) WHERE state <> 3;
-- The unfinished runs of a key in their order, and which of them may be claimed: ordering.py.
CREATE INDEX runs_in_order ON hook.runs (rule_id, order_print, event_seq NULLS FIRST, seq)
    WHERE order_print IS NOT NULL AND wake_at IS NOT NULL;
CREATE INDEX runs_awake ON hook.runs (rule_id, order_print, wake_at)
    WHERE order_print IS NOT NULL AND wake_at IS NOT NULL;

CREATE TABLE hook.rule_versions (
    hash text COLLATE "C" PRIMARY KEY,
    rule text COLLATE "C" NOT NULL,
    steps bytea NOT NULL
);

CREATE TABLE hook.states (
    rule text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    digest uuid NOT NULL,           -- of both: a key may be longer than an index holds
    value bytea NOT NULL,
    due_at bigint NOT NULL,
    PRIMARY KEY (digest)
);
CREATE INDEX states_by_due ON hook.states (due_at) WHERE due_at > 0;

-- A ring: slot = n modulo its size.
CREATE TABLE hook.rejected (
    slot integer PRIMARY KEY,
    n bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    status integer NOT NULL,
    error text COLLATE "C" NOT NULL,
    verdict bytea,
    method text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    base_url text COLLATE "C" NOT NULL,
    client_ip text COLLATE "C" NOT NULL,
    received_at bigint NOT NULL,
    headers bytea NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX rejected_by_id ON hook.rejected (id);

CREATE TABLE hook.kept (
    name text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);

-- Statistics: what one agent counted within one stretch of time.
CREATE TABLE hook.stretches (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,             -- when it began
    span bigint NOT NULL,           -- how long it is
    node text COLLATE "C" NOT NULL,
    data bytea NOT NULL
);
CREATE INDEX stretches_by_time ON hook.stretches (span, at);

CREATE TABLE hook.duties (
    name text COLLATE "C" PRIMARY KEY,
    owner text COLLATE "C" NOT NULL,
    until bigint NOT NULL
);

CREATE TABLE hook.nodes (
    id text COLLATE "C" PRIMARY KEY,
    seen_at bigint NOT NULL,
    report bytea NOT NULL           -- JSON: store/sharing.py, Node
);

-- Routed events whose rules over time the judge has not looked at.
CREATE TABLE hook.docket (
    seq bigint PRIMARY KEY,
    received_at bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    rules bytea NOT NULL            -- JSON: their names
);
CREATE INDEX docket_by_time ON hook.docket (received_at, id);

-- The first of 1,024 sequence numbers for the transaction that asks.
--
-- They are its number among the cluster's transactions, moved by `shift`: so they grow in the order
-- in which transactions began to write, and none has to wait for another's commit to get them. The
-- lock, held until the commit, tells hook.horizon who is not done, and keeps `shift` still.
CREATE FUNCTION hook.next_numbers() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE moved bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared('hook.events'::regclass::oid::int, 1);
    SELECT value INTO STRICT moved FROM hook.counters WHERE name = 'shift';
    RETURN (pg_current_xact_id()::text::bigint + moved) << 10;
END $$;

-- The sequence number below which every event is committed that ever will be.
--
-- The lowest number of a transaction that accepts events now, or of the next one to come. Whoever
-- uses it must take the snapshot it reads events with afterwards: another statement.
CREATE FUNCTION hook.horizon() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE next_to_come bigint; oldest bigint; moved bigint;
BEGIN
    next_to_come := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    -- A number in pg_locks has 32 bits; those in use are less than 2^31 apart.
    SELECT max(behind) INTO oldest
    FROM pg_locks AS a JOIN pg_locks AS x
        ON x.virtualtransaction = a.virtualtransaction AND x.locktype = 'transactionid'
        AND x.mode = 'ExclusiveLock'
    CROSS JOIN LATERAL (
        SELECT (next_to_come - x.transactionid::text::bigint) & 4294967295 AS behind
    ) AS d
    WHERE a.locktype = 'advisory' AND a.classid = 'hook.events'::regclass::oid AND a.objid = 1
        AND a.objsubid = 2 AND a.mode = 'ShareLock'
        AND a.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND behind < 2147483648;
    SELECT value INTO STRICT moved FROM hook.counters WHERE name = 'shift';
    RETURN (next_to_come - coalesce(oldest, 0) + moved) << 10;
END $$;

-- The event beyond which no run may begin that goes by the order of arrival: up to there everything
-- is committed and routed.
CREATE FUNCTION hook.settled() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE seen bigint; waiting bigint;
BEGIN
    seen := hook.horizon();
    SELECT min(seq) INTO waiting FROM hook.unrouted;  -- with a snapshot taken after the horizon
    RETURN least(seen - 1, waiting);
END $$;
