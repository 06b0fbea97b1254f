-- The versions of the touched keys, computed from the line of their events, and written where they differ: build.go.

-- name: line
-- The events in order. _changed is true of one that opens a version or ends one, _group numbers the stretches between, _moved is true of
-- one that gives an untracked column another value.
SELECT *, count(*) FILTER (WHERE _changed) OVER (PARTITION BY {keys} ORDER BY {seq}) AS _group FROM (
	SELECT *, NOT _del AND {any untracked_filled IS DISTINCT FROM lag(untracked_filled) OVER w} AS _moved,
		CASE WHEN _del THEN coalesce(NOT lag(_del) OVER w, false)
			ELSE coalesce(lag(_del) OVER w, true) OR {any tracked_filled IS DISTINCT FROM lag(tracked_filled) OVER w} END AS _changed
	FROM {events} WINDOW w AS (PARTITION BY {keys} ORDER BY {seq}))

-- name: events
-- The open row, of keys in order, stands for the whole past; of late keys all known events are there.
(SELECT * FROM (
	SELECT {keys}, {from}, false{, cols}{, all_said}, false FROM {old}
		WHERE NOT _is_late {before} {more}) x({keys}, {seq}, _del{, cols}{, bits}, _new))

-- name: before
UNION ALL SELECT {keys}, {seq}, _del{, cols}{, bits}, false FROM {known} SEMI JOIN {touched} USING ({keys})

-- name: filled
-- What an event says nothing of is that of the one before it (_f0 …), in a stretch without a delete.
(SELECT *, {fills AS gaps} FROM (
	SELECT *, count(*) FILTER (WHERE _del) OVER (PARTITION BY {keys} ORDER BY {seq}) AS _run FROM {events})
	WINDOW w AS (PARTITION BY {keys}, _run ORDER BY {seq}))

-- name: built
-- Each version begins with an event that changed something and ends with the next such. It shows untracked columns as they are after its
-- last event (_l0 …); _own: the opening event's own image can still be read off it.
SELECT * FROM (
	SELECT {keys}, {seq}, _del{, lasts AS untracked}{, tracked_filled AS tracked}{, bits}, {pure} AS _own,
		{lead(seq) OVER (PARTITION BY {keys} ORDER BY {seq}) AS ends}
	FROM {last} x WHERE _changed) WHERE NOT _del

-- name: last
(SELECT *{, last_value(untracked_filled) OVER w AS lasts} FROM {line}
	WINDOW w AS (PARTITION BY {keys}, _group ORDER BY {seq} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))

-- name: change
-- What becomes of the believed rows o and the versions w:
--	add    a new version        keep   the row is one                close  the row ends now
--	kill   the row is none      swap   it is one with other columns, or with another end
SELECT *, CASE WHEN _act IN ('keep', 'close') THEN _was_raw ELSE _own AND (_was_raw OR coalesce(_is_late, true)) END::TINYINT AS _raw FROM (
	SELECT o._rid, o._is_now, o._is_late, {w.keys}, {w.seq}, {w.ends}{, w.cols}
		{, CASE WHEN NOT o._is_late THEN o.bits ELSE w.bits END AS bits},
		{was_raw} AS _was_raw, w._own,
		CASE WHEN o._rid IS NULL THEN 'add' WHEN w.{key1} IS NULL THEN 'kill' WHEN {any o.cols IS DISTINCT FROM w.cols} THEN 'swap'
			WHEN {all o.to IS NOT DISTINCT FROM w.ends} THEN 'keep' WHEN o.{to1} IS NULL THEN 'close' ELSE 'swap' END AS _act
	FROM {believed} o FULL JOIN {built} w ON {all o.keys = w.keys} AND {all o.from = w.seq})

-- name: believed
(SELECT * FROM {old} SEMI JOIN {touched} USING ({keys}))

-- name: count_change
-- Vectors of name__now to touch; rows there that aren't believed any more, rows of name__past that aren't; new rows open, and ended.
SELECT count(DISTINCT _rid // 2048) FILTER (WHERE _is_now AND _act IN ('kill', 'swap', 'close')),
	count(*) FILTER (WHERE _is_now AND _act IN ('kill', 'swap')), count(*) FILTER (WHERE NOT _is_now AND _act IN ('kill', 'swap')),
	count(*) FILTER (WHERE _act IN ('add', 'swap') AND _t0 IS NULL), count(*) FILTER (WHERE _act IN ('add', 'swap')
		AND _t0 IS NOT NULL) FROM {change}

-- name: count_keys
-- Keys that came into the state, left it, or have other columns there now.
SELECT count(*) FILTER (WHERE o._rid IS NULL), count(*) FILTER (WHERE n._act IS NULL),
	count(*) FILTER (WHERE o._rid IS NOT NULL AND n._act IS NOT NULL AND {any o.cols IS DISTINCT FROM n.cols})
FROM (SELECT * FROM {old} SEMI JOIN {touched} USING ({keys}) WHERE {to1} IS NULL) o
	FULL JOIN (FROM {change} WHERE _act <> 'kill' AND _t0 IS NULL) n ON {all o.keys = n.keys}

-- name: ends
-- The rows of name__now that end: see end.sql.
(SELECT _rid, {ends}, CASE WHEN _act = 'close' THEN 'close' ELSE 'kill' END AS _act FROM {change}
	WHERE _is_now AND _act IN ('kill', 'swap', 'close'))

-- name: old_now
(SELECT * FROM {old} WHERE _is_now)

-- name: kill_past
UPDATE {past} AS h SET _v_to = {v} FROM (SELECT _rid FROM {change} WHERE NOT _is_now AND _act IN ('kill', 'swap')) c WHERE h.rowid = c._rid

-- name: add_open
INSERT INTO {now} ({keys}{, cols}, {from}, _v_from, _v_close, _v_to{, marks})
SELECT {keys}{, cols}, {seq}, {v}, 0, 0{, marks} FROM {change} WHERE _act IN ('add', 'swap') AND _t0 IS NULL

-- name: add_ended
INSERT INTO {past} ({keys}{, cols}, {from}, {to}, _v_from, _v_close, _v_to{, marks})
SELECT {keys}{, cols}, {seq}, {ends}, {v}, {v}, 0{, marks} FROM {change} WHERE _act IN ('add', 'swap') AND _t0 IS NOT NULL

-- name: wanted
-- What name__mem should tell of the touched keys: events that opened nothing, deletes that have an image or ended nothing …
SELECT * FROM (
	SELECT {keys}, {seq}, CASE WHEN _del THEN 'D' ELSE {kind} END{, image}{, bits}
	FROM {line} f WHERE NOT _changed OR _del AND {any f.cols IS NOT NULL} {openings}) x({keys}, {seq}, _kind{, cols}{, bits})

-- name: openings
-- … and the openings of rows that show another image.
UNION ALL SELECT {f.keys}, {f.seq}, 'E'{, CASE WHEN NOT d._is_late THEN own ELSE f.cols END}{, d.bits}
FROM {change} d JOIN {line} f ON {all f.keys = d.keys} AND {all f.seq = d.seq}
	LEFT JOIN {old} o ON o._rid = d._rid AND o._is_now = d._is_now
WHERE d._raw = 0 AND d._act <> 'kill' AND (d._was_raw OR coalesce(d._is_late, true))

-- name: remember
INSERT INTO {mem} ({keys}, {seq}, _kind, _v_from, _v_to{, cols}{, bits})
	SELECT {t.keys}, {t.seq}, t._kind, {v}, 0{, t.cols}{, t.bits} FROM {wanted} t

-- name: remember_new
-- Of late keys some of it is told already …
INSERT INTO {mem} ({keys}, {seq}, _kind, _v_from, _v_to{, cols}{, bits})
SELECT {t.keys}, {t.seq}, t._kind, {v}, 0{, t.cols}{, t.bits} FROM {wanted} t
ANTI JOIN {oldmem} r ON {all r.keys = t.keys} AND {all r.seq = t.seq} AND r._kind = t._kind AND {all r.bits IS NOT DISTINCT FROM t.bits}

-- name: forget
-- … and some isn't so any more.
UPDATE {mem} AS h SET _v_to = {v} FROM (
	SELECT r._rid FROM {oldmem} r SEMI JOIN {touched} USING ({keys}) ANTI JOIN {wanted} t
		ON {all r.keys = t.keys} AND {all r.seq = t.seq} AND r._kind = t._kind AND {all r.bits IS NOT DISTINCT FROM t.bits}
	WHERE r._kind IN ('N', 'E', 'D')) x WHERE h.rowid = x._rid

-- name: count_effective
SELECT count(*) FILTER (WHERE _new AND (_changed OR _moved)) FROM {line}
