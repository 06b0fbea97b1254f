-- TRUNCATEs: truncate.go.

-- name: truncates
-- Those that are news.
SELECT DISTINCT {seq} FROM {batch} b ANTI JOIN (FROM {mem} WHERE _kind = 'T' AND _v_to = 0) h ON {all b.seq = h.seq}

-- name: remember
INSERT INTO {mem} ({seq}, _kind, _v_from, _v_to) SELECT {seq}, 'T', {v}, 0 FROM {truncates}

-- name: bare
{any b.seq IS NULL}

-- name: too_late
b._late AND NOT EXISTS (SELECT 1 FROM {mem} h WHERE h._kind = 'T' AND h._v_to = 0 AND {all b.seq = h.seq})

-- name: bad
(SELECT * FROM {batch} b WHERE {bad})

-- name: drop_bad
DELETE FROM {batch} AS b WHERE {bad}

-- name: drop_all
DELETE FROM {batch}

-- name: ended
-- The keys that are there at a new TRUNCATE, with its sequence.
SELECT {h.keys}, {t.seq} FROM {of} h JOIN {truncates} t ON {there} WHERE h._v_to = 0

-- name: there
({row h.from} < {row t.seq} AND (h.{to1} IS NULL OR {row h.to} > {row t.seq}))

-- name: count_known
SELECT count(*) FROM {mem} WHERE _kind = 'T' AND _v_to = 0

-- name: overtaken
-- The keys of late events, each with the sequence of the next TRUNCATE behind it.
SELECT {keys}, {next} FROM (
	SELECT {b.keys}, min({row t.seq}) AS _next FROM {batch} b JOIN (FROM {mem} WHERE _kind = 'T' AND _v_to = 0) t ON {row t.seq} > {row b.seq}
	WHERE NOT b._del AND NOT b._late GROUP BY b.rowid, {b.keys})

-- name: add_ends
-- Deletes for these keys and sequences.
INSERT INTO {batch} ({keys}, {seq}, _del, _late, _second, _end{, bits})
SELECT DISTINCT {keys}, {seq}, true, false, false, {beside}{, says_nothing} FROM (SELECT * FROM ({ended}) e({keys}, {seq})) x {unless_own}

-- name: unless_own
-- A key that has an event of its own there keeps to it.
ANTI JOIN {batch} b ON {all x.keys = b.keys} AND {all x.seq = b.seq}
	ANTI JOIN {now} h ON h._v_to = 0 AND {all x.keys = h.keys} AND {all x.seq = h.from}
ANTI JOIN {past} h ON h._v_to = 0 AND {all x.keys = h.keys} AND {all x.seq = h.from}
ANTI JOIN {mem} m ON m._v_to = 0 AND m._kind IN ('N', 'E', 'D') AND {all x.keys = m.keys} AND {all x.seq = m.seq}
