-- The fast path: one event b a key, later than all that is known of it, held against the key's open row o. Roles: fast.go.

-- name: role
-- What each event of the batch is to its key's open row. _image: a delete that has one.
SELECT b._b, o._rid, {b.seq}, b._del AND {any b.cols IS NOT NULL} AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR {moved} THEN 'V' {unversioned} ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM {batch}) b {unfolded} LEFT JOIN {open} o ON {all b.keys = o.keys}

-- name: unfolded
ANTI JOIN {folded} f ON {all b.keys = f.keys}

-- name: count
-- Events; keys that came, changed, went; rows that are replaced; deletes with an image; vectors of name__now to touch.
SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM {role}

-- name: ends
-- The open rows that end: see end.sql.
(SELECT _rid, {seq AS ends}, CASE WHEN _role IN ('W', 'S') THEN 'kill' ELSE 'close' END AS _act FROM {role}
	WHERE _rid IS NOT NULL AND _role <> 'N')

-- name: insert
-- The rows that events open, where nothing else can open one.
INSERT INTO {now} ({keys}{, cols}, {from}, _v_from, _v_close, _v_to)
SELECT {b.keys}{, values}, {b.seq}, {v}, 0, 0 FROM {batch} b JOIN {role} x ON b.rowid = x._b  WHERE x._role IN ('V', 'W', 'S')

-- name: insert_marked
-- The rows that events open, and those that take the place of an open row: its times stay.
INSERT INTO {now} ({keys}{, cols}, {from}, _v_from, _v_close, _v_to{, marks})
SELECT {b.keys}{, values}, {CASE WHEN x._role = 'V' THEN b.seq ELSE o.from END}, {v}, 0, 0
	{, CASE WHEN x._role = 'V' THEN b.bits ELSE o.bits END}{raw}
FROM {batch} b JOIN {role} x ON b.rowid = x._b LEFT JOIN {open} o ON o._rid = x._rid WHERE x._role IN ('V', 'W', 'S')

-- name: raw
, CASE x._role WHEN 'V' THEN 1 WHEN 'S' THEN o._raw ELSE 0 END

-- name: remember
-- The events that the rows don't tell.
INSERT INTO {mem} ({keys}, {seq}, _kind, _v_from, _v_to{, cols}{, bits})
SELECT {b.keys}, {b.seq}, CASE WHEN b._del THEN 'D' ELSE {kind} END, {v}, 0{, image}{, b.bits}
FROM {batch} b JOIN {role} x ON b.rowid = x._b WHERE x._role NOT IN ('V', 'C') OR x._image

-- name: remember_openings
-- The openings of rows that don't show their event's image any more.
INSERT INTO {mem} ({keys}, {seq}, _kind, _v_from, _v_to{, cols}{, bits})
SELECT {o.keys}, {o.from}, 'E', {v}, 0{, own}{, o.bits}
FROM {open} o JOIN {role} x ON x._rid = o._rid WHERE x._role = 'W' AND o._raw = 1
