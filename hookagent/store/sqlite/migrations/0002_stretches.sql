-- Statistics: what one agent counted within one stretch of time. What is inside `data` is not the
-- store's business; several rows may be of the same stretch.
CREATE TABLE stretches (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,            -- when it began
    span INTEGER NOT NULL,          -- how long it is
    node TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX stretches_by_time ON stretches (at, span);
