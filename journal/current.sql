-- SCD type 1: current.go.

-- name: oldmem
-- What is remembered of the batch's keys: the latest delete, events that were rejected.
SELECT h.rowid AS _rid, {h.keys}, {h.seq}, h._kind{, h.cols} FROM {found_known}

-- name: known
-- The latest event of each key, as its row shows it, and the latest delete.
SELECT * FROM (
	SELECT {keys}, {from}, false{, cols} FROM {open}
	UNION ALL SELECT {keys}, {seq}, true{, cols} FROM {oldmem} WHERE _kind = 'D') x({keys}, {seq}, _del{, cols})

-- name: new
SELECT *, rowid AS _b FROM {batch}

-- name: merged
-- The new state of the batch's keys, in steps that each name what the next one uses:
--	g  of the batch: _top, _bottom (the latest event that doesn't delete, that does), _f0, _l0 … (the last value of a sparse column, and
--	   from when)
--	x  with the open row: _at, its columns _j0 …, from when its sparse ones are _o0 …; _last, the latest delete known
--	y  with _up and _down, the latest of both; _newer: the batch has the row's latest event
--	z  the columns, and from when the sparse ones are
-- A struct of NULLs is not NULL, so the point of a row that isn't there is guarded.
WITH g AS (
		SELECT {keys}, max({row n.seq}) FILTER (WHERE NOT _del) AS _top, max({row n.seq}) FILTER (WHERE _del) AS _bottom {latest}
		FROM {new} n GROUP BY {keys}),
	d AS (SELECT {keys}, max({row d.seq}) AS _last FROM {oldmem} d WHERE _kind = 'D' GROUP BY {keys}),
	x AS (
		SELECT g.*, o._rid, CASE WHEN o._rid IS NOT NULL THEN {row o.from} END AS _at {old_values}, d._last
		FROM g LEFT JOIN {open} o ON {all o.keys = g.keys} LEFT JOIN d ON {all d.keys = g.keys}),
	y AS (
		SELECT *, CASE WHEN _at IS NULL OR _top > _at THEN _top ELSE _at END AS _up,
			CASE WHEN _last IS NULL OR _bottom > _last THEN _bottom ELSE _last END AS _down,
			_top IS NOT NULL AND (_at IS NULL OR _top > _at) AS _newer, _bottom IS NOT NULL
			AND (_last IS NULL OR _bottom > _last) AS _buried FROM x),
	z AS (
		SELECT {y.keys}, y._rid, y._at, y._up, y._down, y._bottom, y._buried{, y.old_names} {new_values}
		FROM y LEFT JOIN {new} e ON NOT e._del AND {all e.keys = y.keys} AND {row e.seq} = y._top)
SELECT {keys}{, cols}{, marks}, {up AS ends}, _bottom, _buried, _rid, _up IS NOT NULL AND (_down IS NULL OR _up > _down) AS _live,
	{moved_now} AS _moved, _at IS DISTINCT FROM _up {shifted} AS _advanced FROM z

-- name: count
-- Keys that came, went, changed; vectors of name__now to touch; keys with a newer delete.
SELECT count(*) FILTER (WHERE _rid IS NULL AND _live), count(*) FILTER (WHERE _rid IS NOT NULL AND NOT _live),
	count(*) FILTER (WHERE _rid IS NOT NULL AND _live AND _moved),
	count(DISTINCT _rid // 2048) FILTER (WHERE NOT _live OR (_moved OR _advanced)), count(*) FILTER (WHERE _buried) FROM {merged}

-- name: ends
(SELECT _rid, {ends}, 'kill' AS _act FROM {merged} WHERE _rid IS NOT NULL AND (NOT _live OR (_moved OR _advanced)))

-- name: insert
INSERT INTO {now} ({keys}{, cols}{, marks}, {from}, _v_from, _v_close, _v_to)
SELECT {keys}{, cols}{, marks}, {ends}, {v}, 0, 0 FROM {merged} WHERE _live AND (_rid IS NULL OR (_moved OR _advanced))

-- name: forget_deletes
UPDATE {mem} AS h SET _v_to = {v} FROM (
	SELECT r._rid FROM {oldmem} r JOIN {merged} x ON {all r.keys = x.keys} WHERE x._buried AND r._kind = 'D') y WHERE h.rowid = y._rid

-- name: remember_deletes
INSERT INTO {mem} ({keys}, {seq}, _kind, _v_from, _v_to{, cols}{, bits})
SELECT {n.keys}, {n.seq}, 'D', {v}, 0{, n.cols} FROM {new} n JOIN {merged} x ON {all n.keys = x.keys} AND x._bottom = {row n.seq}
WHERE x._buried AND n._del
