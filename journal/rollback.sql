-- ROLLBACK, REBUILD, VACUUM and ERASE KEY: rollback.go. {n} is the version to go back to.

-- name: oldest
SELECT oldest FROM {state}

-- name: back
-- What was believed then and has ended since, or was open then and has been closed since.
SELECT {keys}{, cols}, {from}{, marks}, {CASE WHEN _v_close <> 0 AND _v_close <= {n} THEN to END AS to}, _v_close <> 0
	AND _v_close <= {n} AS _closed
FROM {now} WHERE _v_from <= {n} AND (_v_to = 0 OR _v_to > {n}) AND (_v_to <> 0 OR _v_close > {n})
UNION ALL SELECT {keys}{, cols}, {from}{, marks}, {CASE WHEN _v_close <> 0 AND _v_close <= {n} THEN to END AS to},
	_v_close <> 0 AND _v_close <= {n}
FROM {past} WHERE _v_from <= {n} AND (_v_to = 0 OR _v_to > {n}) AND (_v_to <> 0 OR _v_close > {n})

-- name: backmem
SELECT {keys}, {seq}, _kind{, cols}{, bits} FROM {mem} WHERE _v_from <= {n} AND _v_to > {n}

-- name: kill_now
UPDATE {now} SET _v_to = {v} WHERE _v_to = 0 AND (_v_from > {n} OR _v_close > {n})

-- name: kill_past
UPDATE {past} SET _v_to = {v} WHERE _v_to = 0 AND (_v_from > {n} OR _v_close > {n})

-- name: forget
UPDATE {mem} SET _v_to = {v} WHERE _v_to = 0 AND _v_from > {n}

-- name: add_open
INSERT INTO {now} ({keys}{, cols}, {from}{, marks}, _v_from, _v_close, _v_to)
SELECT {keys}{, cols}, {from}{, marks}, {v}, 0, 0 FROM {back} WHERE NOT _closed

-- name: add_ended
INSERT INTO {past} ({keys}{, cols}, {from}{, marks}, {to}, _v_from, _v_close, _v_to)
SELECT {keys}{, cols}, {from}{, marks}, {to}, {v}, {v}, 0 FROM {back} WHERE _closed

-- name: remember
INSERT INTO {mem} ({keys}, {seq}, _kind{, cols}{, bits}, _v_from, _v_to) SELECT {keys}, {seq}, _kind{, cols}{, bits}, {v}, 0 FROM {backmem}

-- name: unknown
UPDATE {state} SET {seq = NULL}

-- name: highest
-- The highest sequence believed.
UPDATE {state} SET {seq = m.seq} FROM (SELECT * FROM ({points}) x({seq}) ORDER BY {seq DESC NULLS LAST} LIMIT 1) m

-- name: loads
-- Loads stand in name__mem all …
SELECT {seq} FROM {mem} WHERE _v_to = 0

-- name: events
-- … of a feed, each event is remembered, the opening of a row, or its end.
SELECT {seq} FROM {mem} WHERE _v_to = 0
UNION ALL SELECT {from} FROM {now} WHERE _v_to = 0 UNION ALL SELECT {to} FROM {now} WHERE _v_to = 0 AND {to1} IS NOT NULL
UNION ALL SELECT {from} FROM {past} WHERE _v_to = 0 UNION ALL SELECT {to} FROM {past} WHERE _v_to = 0

-- name: count
-- What a version changed in the state.
SELECT count(*) FILTER (WHERE change_type = 'insert'), count(*) FILTER (WHERE change_type = 'update_after'),
	count(*) FILTER (WHERE change_type = 'delete') FROM {changes}({before}, {v})

-- name: empty_now
UPDATE {now} SET _v_to = {v} WHERE _v_to = 0

-- name: empty_past
UPDATE {past} SET _v_to = {v} WHERE _v_to = 0

-- name: empty_mem
UPDATE {mem} SET _v_to = {v} WHERE _v_to = 0

-- name: count_open
-- For ERASE KEY: the key in the state.
SELECT count(*) FROM {now} WHERE _v_close = 0 AND _v_to = 0 AND {is_key}

-- name: retract_now
UPDATE {now} SET _v_to = {v} WHERE _v_to = 0 AND {is_key}

-- name: retract_past
UPDATE {past} SET _v_to = {v} WHERE _v_to = 0 AND {is_key}

-- name: retract_mem
UPDATE {mem} SET _v_to = {v} WHERE _v_to = 0 AND {is_key}

-- name: erase_now
DELETE FROM {now} WHERE {is_key}

-- name: erase_past
DELETE FROM {past} WHERE {is_key}

-- name: erase_mem
DELETE FROM {mem} WHERE {is_key}

-- name: all_keys
-- For REBUILD: every key that has a row or is remembered, as if something had come late to each.
SELECT DISTINCT {keys}, true AS _is_late FROM (
	SELECT {keys} FROM {now} WHERE _v_to = 0 UNION ALL SELECT {keys} FROM {past} WHERE _v_to = 0
	UNION ALL SELECT {keys} FROM {mem} WHERE _v_to = 0 AND {key1} IS NOT NULL)

-- name: count_folded
SELECT count(*) FROM {folded}

-- name: vacuum_now
DELETE FROM {now} WHERE _v_to <> 0 AND _v_to <= {oldest}

-- name: vacuum_past
DELETE FROM {past} WHERE _v_to <> 0 AND _v_to <= {oldest}

-- name: vacuum_mem
DELETE FROM {mem} WHERE _v_to <> 0 AND _v_to <= {oldest}

-- name: move_ended
INSERT INTO {past} ({keys}{, cols}, {from}, {to}{, marks}, _v_from, _v_close, _v_to)
SELECT {keys}{, cols}, {from}, {to}{, marks}, _v_from, _v_close, _v_to FROM {now} WHERE _v_close <> 0 OR _v_to <> 0

-- name: drop_ended
DELETE FROM {now} WHERE _v_close <> 0 OR _v_to <> 0

-- name: set_oldest
UPDATE {state} SET oldest = greatest(oldest, {oldest})
