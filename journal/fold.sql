-- What is known of the keys to fold, and which of their new events are news: fold.go.

-- name: new
SELECT *, b.rowid AS _b FROM {batch} b SEMI JOIN {folded} USING ({keys})

-- name: touched
-- A late key that nothing new came to drops out.
SELECT DISTINCT {keys} FROM {new}

-- name: more
UNION ALL SELECT {keys}, {seq}, _del{, cols}{, bits}, NOT _end FROM {new}

-- name: late_keys
(FROM {folded} WHERE _is_late)

-- name: old_now
-- The believed rows: of late keys all …
SELECT true AS _is_now, true AS _is_late, h.rowid AS _rid, {h.keys}{, h.cols}, {h.from}, {h.to}
	{, h.marks}, h._v_from, h._v_close FROM {found_now}

-- name: old_past
SELECT false, true, h.rowid, {h.keys}{, h.cols}, {h.from}, {h.to}{, h.marks}, h._v_from, h._v_close FROM {found_past}

-- name: old_open
-- … of keys in order the open ones.
SELECT true AS _is_now, false AS _is_late, h._rid, {h.keys}{, h.cols}, {h.from}, {h.to}{, h.marks}, h._v_from, h._v_close
FROM {open} h JOIN (FROM {folded} WHERE NOT _is_late) k ON {all h.keys = k.keys}

-- name: oldmem
-- What is remembered of late keys.
SELECT h.rowid AS _rid, {h.keys}, {h.seq}, h._kind{, h.cols}{, h.bits} FROM {found_mem}

-- name: known
-- The accepted events of late keys, with the images that they came with: the openings of rows; a delete at the end of each where no
-- other row starts and none is remembered; what is remembered with an image; and what is without, as the row that it lies in shows it.
SELECT {keys}, {seq}, _del{, cols}{, normal_bits AS bits} FROM (
	SELECT {h.keys}, {h.from}, false{, own_opening AS cols}{, h.bits} FROM {old} h WHERE h._is_late {and_raw}
	UNION ALL SELECT {h.keys}, {h.to}, true{, NULL::types AS cols}{, all_said} FROM {old} h
		ANTI JOIN {old} n ON {all h.keys = n.keys} AND {all h.to = n.from}
		ANTI JOIN (FROM {oldmem} WHERE _kind = 'D') d ON {all h.keys = d.keys} AND {all h.to = d.seq} WHERE h._is_late AND NOT (h.{to1} IS NULL)
	UNION ALL SELECT {r.keys}, {r.seq}, _kind = 'D'{, r.cols}{, r.bits} FROM {oldmem} r WHERE _kind IN ('D', 'E')
	UNION ALL SELECT {r.keys}, {r.seq}, false{, own_inside}{, r.bits} FROM (FROM {oldmem} WHERE _kind = 'N') r
		JOIN {old} h ON {all r.keys = h.keys} AND {row r.seq} >= {row h.from} AND (h.{to1} IS NULL OR {row r.seq} < {row h.to})
) x({keys}, {seq}, _del{, cols}{, bits})

-- name: drop_known
-- A repeat of an event that was accepted …
DELETE FROM {new} AS n USING {known} k WHERE {all n.keys = k.keys} AND {all n.seq = k.seq} AND {repeats}

-- name: drop_refused
-- … or rejected as a conflict.
DELETE FROM {new} AS n USING {oldmem} r WHERE r._kind = CASE WHEN n._del THEN 'RD' ELSE 'RE' END
	AND {all n.keys = r.keys} AND {all n.seq = r.seq} AND {all n.cols IS NOT DISTINCT FROM r.cols}

-- name: too_late
(SELECT * FROM {new} WHERE _late)

-- name: drop_too_late
DELETE FROM {new} WHERE _late

-- name: conflict
-- New events at the key and sequence of another one.
SELECT * FROM {new} n WHERE n._second {or_known}

-- name: or_known
OR EXISTS (SELECT 1 FROM {known} k WHERE {all n.keys = k.keys} AND {all n.seq = k.seq})

-- name: count_conflicts
SELECT count(*) FROM {conflict}

-- name: remember_refused
INSERT INTO {mem} ({keys}, {seq}, _kind, _v_from, _v_to{, cols}{, bits})
SELECT {keys}, {seq}, CASE WHEN _del THEN 'RD' ELSE 'RE' END, {v}, 0{, cols}{, bits} FROM {conflict}

-- name: drop_conflicts
DELETE FROM {new} WHERE _b IN (SELECT _b FROM {conflict})
