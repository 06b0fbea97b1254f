-- Loads of the whole table: snapshot.go. {t} is the load's time.

-- name: dated
-- Rows of the load, those without a key, its first and last time, and whether it has several.
SELECT count(*), count(*) FILTER (WHERE {any b.keys IS NULL}), min(_s0)::VARCHAR, max(_s0)::VARCHAR,
	count(*) <> count(_s0) OR coalesce(min(_s0) < max(_s0), false) FROM (SELECT *, ({at})::{type} AS _s0 FROM {of}) b

-- name: timed
-- Rows whose _meta has the file's time.
(SELECT * REPLACE (struct_pack(source := _meta.source, topic := _meta.topic, "partition" := _meta."partition", "offset" := _meta."offset",
	"timestamp" := coalesce(_meta."timestamp", {time}::TIMESTAMP), "key" := _meta."key", headers := _meta.headers,
		tombstone := _meta.tombstone,
	file := _meta.file, line := _meta.line) AS _meta) FROM {of})

-- name: newer
SELECT {t} > _s0 FROM {state}

-- name: not_newer
{why} || (SELECT _s0 FROM {state})

-- name: bare
(SELECT * FROM {rows} b WHERE {any b.keys IS NULL})

-- name: count_open
SELECT count(*) FROM {now} WHERE _v_close = 0 AND _v_to = 0

-- name: remember
INSERT INTO {mem} (_s0, _kind, _v_from, _v_to) VALUES ({t}, 'L', {v}, 0)

-- name: advance
UPDATE {state} SET _s0 = {t}

-- name: load
-- The load as a relation of keys and given columns in the journal's types; _w0 …: the row's file lacks a column that others have.
(SELECT {keys::key_types AS keys}{, given::given_types AS given}{lacking} FROM {rows} b WHERE NOT {any b.keys IS NULL})

-- name: count_twice
SELECT count(*) FROM (SELECT 1 FROM {loaded} GROUP BY {keys} HAVING count(*) > 1)

-- name: first
-- Into a journal without open rows all of the load goes.
INSERT INTO {now} ({keys}{, given}, {from}, _v_from, _v_close, _v_to) SELECT {keys}{, given}, {t}, {v}, 0, 0 FROM {loaded}

-- name: diff
-- The open rows j and the rows s of the load that differ: both images, those of the open row as _j0 …. Roles: snapshot.go.
SELECT {coalesce(s.keys, j.keys) AS keys}{, new_values}{, j.cols AS old_names}, {j.from}, j._rid, j._v_from,
	CASE WHEN s.{key1} IS NULL THEN 'G' WHEN j.{key1} IS NULL THEN 'I' WHEN {tracked_differ} THEN 'V' ELSE 'W' END AS _role
FROM (SELECT rowid AS _rid, {keys}{, cols}, {from}, _v_from FROM {now} WHERE _v_close = 0 AND _v_to = 0) j
	FULL JOIN {loaded} s ON {all j.keys = s.keys}
WHERE s.{key1} IS NULL OR j.{key1} IS NULL OR {tracked_differ} OR {untracked_differ}

-- name: count
-- Keys that came, changed, changed untracked columns alone, are missing; vectors of name__now to touch.
SELECT count(*) FILTER (WHERE _role = 'I'), count(*) FILTER (WHERE _role = 'V'), count(*) FILTER (WHERE _role = 'W'),
	count(*) FILTER (WHERE _role = 'G'), count(DISTINCT _rid // 2048) FROM {diff}

-- name: count_new_twice
SELECT count(*) FROM (SELECT 1 FROM {diff} WHERE _role = 'I' GROUP BY {keys} HAVING count(*) > 1)

-- name: distinct
SELECT DISTINCT * FROM {loaded}

-- name: doubled
-- Keys that have several different rows.
SELECT {keys} FROM {distinct} GROUP BY {keys} HAVING count(*) > 1

-- name: doubled_rows
(SELECT * FROM {rows} b SEMI JOIN {doubled} k ON {all b.keys = k.keys})

-- name: without_doubled
(SELECT * FROM {distinct} ANTI JOIN {doubled} USING ({keys}))

-- name: keep_doubled
-- A key that was rejected keeps its state.
DELETE FROM {diff} AS d USING {doubled} k WHERE d._role = 'G' AND {all d.keys = k.keys}

-- name: keep_missing
DELETE FROM {diff} WHERE _role = 'G'

-- name: ends
-- The open rows that end: see end.sql. In SCD type 1 a row is replaced, and has its end for those that are told of it.
(SELECT _rid, {t} AS _t0, CASE WHEN _role = 'W' THEN 'kill' ELSE {closing} END AS _act FROM {diff} WHERE _rid IS NOT NULL)

-- name: old
(SELECT _rid, {keys}{, old_names AS cols}, {from}, {NULL::seq_types AS to}, _v_from, 0 AS _v_close FROM {diff} WHERE _rid IS NOT NULL)

-- name: insert
INSERT INTO {now} ({keys}{, cols}, {from}, _v_from, _v_close, _v_to)
SELECT {keys}{, cols}, CASE WHEN _role = 'W' THEN {from1} ELSE {t} END, {v}, 0, 0 FROM {diff} WHERE _role <> 'G'
