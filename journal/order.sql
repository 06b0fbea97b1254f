-- What the order of events needs: order.go.

-- name: some_old
-- Whether some event of the batch is older by more than LATENESS than the newest one. What lies that far before the lowest value
-- that the type has is nothing: nothing is older.
SELECT coalesce(_min < TRY(_max - ({lateness})), false)
FROM (SELECT min(b._s0) AS _min, greatest(max(b._s0), max(h._s0)) AS _max FROM {batch} b, {state} h)

-- name: mark_old
-- Which are, of the newest before them in order of arrival.
UPDATE {batch} AS b SET _late = true FROM (
	SELECT _b, _s0 < TRY(_max - ({lateness})) AS _old FROM (
		SELECT b.rowid AS _b, b._s0,
			greatest(max(b._s0) OVER (ORDER BY {arrival} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), h._s0) AS _max
		FROM {batch} b, {state} h)) x
WHERE b.rowid = x._b AND x._old

-- name: twins
-- The keys and sequences that several events of the batch have.
SELECT {keys}, {seq} FROM {batch} SEMI JOIN (FROM {groups} WHERE _n > 1) k USING ({keys}) GROUP BY {keys}, {seq} HAVING count(*) > 1

-- name: count_twins
SELECT count(*) FROM {twins}

-- name: again
-- Of these the events that an equal one came before (_repeat), and those that another image came before.
SELECT _b, _n > 1 AND NOT _old AS _repeat FROM (
	SELECT _b, row_number() OVER w AS _n, first_value(_late) OVER w AS _old, min(_at) OVER (PARTITION BY {keys}, {seq}, _del{, cols}) AS _min
	FROM (SELECT *, b.rowid AS _b, row_number() OVER (PARTITION BY {keys}, {seq} ORDER BY {arrival}) AS _at
		FROM {batch} b SEMI JOIN {twins} USING ({keys}, {seq}))
	WINDOW w AS (PARTITION BY {keys}, {seq}, _del{, cols} ORDER BY _at))
WHERE _n > 1 AND NOT _old OR _min > 1

-- name: mark_second
UPDATE {batch} AS b SET _second = true FROM {again} x WHERE b.rowid = x._b AND NOT x._repeat

-- name: drop_repeats
DELETE FROM {batch} WHERE rowid IN (SELECT _b FROM {again} WHERE _repeat)

-- name: folded
-- The keys that must be folded: those with several events …
SELECT {keys}, false AS _is_late FROM {groups} WHERE _n > 1

-- name: folded_late
-- … and those of which something is known at or after their first event here.
SELECT {keys}, l.{key1} IS NOT NULL AS _is_late FROM {groups} k LEFT JOIN {late} l USING ({keys}) WHERE _n > 1 OR l.{key1} IS NOT NULL

-- name: count_folded
SELECT count(*), count(*) FILTER (WHERE _is_late) FROM {folded}

-- name: lowest
SELECT min(_s0)::VARCHAR FROM {batch}

-- name: late
-- The keys of which something is known at or after their first event here: rows, ends of rows, events that rows don't tell. The batch's
-- lowest sequence stands in each branch as a literal too (and_…), so that zone maps skip what ended long ago.
SELECT {keys} FROM {groups} k SEMI JOIN (
	SELECT {h.keys} FROM {open} h JOIN {groups} k ON {all h.keys = k.keys} WHERE {row h.from} >= k._min
	UNION ALL SELECT {h.keys} FROM {now} h JOIN {groups} k ON {all h.keys = k.keys}
		WHERE h._v_to = 0 AND h._v_close <> 0 {and_ends} AND {row h.to} >= k._min
	UNION ALL SELECT {h.keys} FROM {past} h JOIN {groups} k ON {all h.keys = k.keys} WHERE h._v_to = 0 {and_ends} AND {row h.to} >= k._min
	UNION ALL SELECT {h.keys} FROM {mem} h JOIN {groups} k ON {all h.keys = k.keys} WHERE h._v_to = 0 {and_stands} AND {row h.seq} >= k._min
	UNION ALL SELECT {keys} FROM {batch} WHERE _late) x ON {all k.keys = x.keys}
