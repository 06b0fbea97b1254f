-- How a batch of events is prepared, whichever way it takes: feed.go. Tables and columns: journal.go; words: words.go.

-- name: batch
-- The batch's rows with what the journal needs to know of each: its sequence, whether it deletes, what it says (bits). _late: too late;
-- _second: another image of its key and sequence came before; _end: a delete that a TRUNCATE stands for.
SELECT {columns}, {(sequence)::seq_types AS seq}, {deleted} AS _del, false AS _late, false AS _second, false AS _end{saying} FROM {rows}

-- name: count
-- Rows, rows without a key or sequence, and whether some event isn't newer than all before.
SELECT count(*), count(*) FILTER (WHERE {any b.keys IS NULL} OR {any b.seq IS NULL}), {not_newer} FROM {batch} b, {state} h

-- name: some_not_newer
coalesce(bool_or({row b.seq} <= {row h.seq}), false)

-- name: bare
(SELECT * FROM {batch} b WHERE {any b.keys IS NULL} OR {any b.seq IS NULL})

-- name: drop_bare
DELETE FROM {batch} AS b WHERE {any b.keys IS NULL} OR {any b.seq IS NULL}

-- name: groups
-- The keys of the batch: how many events, the first of them.
SELECT {keys}, count(*) AS _n, min({row b.seq}) AS _min FROM {batch} b GROUP BY {keys}

-- name: count_groups
SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM {groups}

-- name: open
-- The open rows of the batch's keys. They have no end, so that isn't read.
SELECT h.rowid AS _rid, {h.keys}{, h.cols}, {h.from}{, h.marks}, h._v_from, {NULL::seq_types AS to}, 0::BIGINT AS _v_close FROM {found_open}

-- name: found
-- What stands behind FROM to find the rows h of a table that have one of some keys.
{table} h JOIN {of} k ON {all h.keys = k.keys} WHERE {where}

-- name: found_by_rowid
-- The same for few keys: see tune.
{table} h JOIN (SELECT h.rowid AS _rid FROM {table} h JOIN {of} k ON {all h.keys = k.keys} WHERE {where}) r ON h.rowid = r._rid

-- name: advance
-- The highest sequence seen.
UPDATE {state} AS h SET {seq = m.seq} FROM (SELECT {seq} FROM {batch} ORDER BY {seq DESC} LIMIT 1) m
WHERE h._s0 IS NULL OR {row m.seq} > {row h.seq}
