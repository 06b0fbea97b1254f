-- How rows of name__now end: end.go. {ended} is a relation of _rid, _t0 … and _act: 'close' closes the row there, 'kill' ends the
-- belief in it, 'gone' does both. {of} are the rows themselves.

-- name: close
UPDATE {now} AS h SET {to = e.ends}, _v_close = {v} FROM (SELECT * FROM {ended} WHERE _act <> 'kill') e WHERE h.rowid = e._rid

-- name: kill
UPDATE {now} AS h SET _v_to = {v} FROM (SELECT * FROM {ended} WHERE _act <> 'close') e WHERE h.rowid = e._rid

-- name: move
INSERT INTO {past} ({keys}{, cols}, {from}{, marks}, {to}, _v_from, _v_close, _v_to)
SELECT {r.keys}{, r.cols}, {r.from}{, r.marks}, {CASE WHEN e._act = 'kill' THEN r.to ELSE e.ends END}, r._v_from,
	CASE WHEN e._act = 'kill' THEN r._v_close ELSE {v} END, CASE WHEN e._act = 'close' THEN 0 ELSE {v} END
FROM {of} r JOIN {ended} e ON r._rid = e._rid

-- name: remove
DELETE FROM {now} WHERE rowid IN (SELECT _rid FROM {ended})
