-- When a source was last heard of, however long ago. One entry a minute and source, appended.
CREATE INDEX tally_by_source ON tally (source_id, minute);
