-- The journal's tables: define.go, alter.go.

-- name: now
CREATE TABLE {now} ({keys key_types}{, cols types}, {from seq_types}, {to seq_types}, _v_from BIGINT, _v_close BIGINT, _v_to BIGINT)

-- name: past
CREATE TABLE {past} ({keys key_types}{, cols types}, {from seq_types}, {to seq_types}, _v_from BIGINT, _v_close BIGINT, _v_to BIGINT)

-- name: mem
CREATE TABLE {mem} ({keys key_types}, {seq seq_types}, _kind VARCHAR{, cols types}, _v_from BIGINT, _v_to BIGINT)

-- name: state
CREATE TABLE {state} (oldest BIGINT NOT NULL, {seq seq_types})

-- name: first_state
INSERT INTO {state} (oldest) VALUES (0)

-- name: definition
CREATE OR REPLACE MACRO {definition}() AS {text}

-- name: oldest
-- What the versions so far showed is gone.
UPDATE {state} SET oldest = (SELECT coalesce(max(version), 0) + 1 FROM dsql.versions)

-- name: stored
SELECT {definition}(), _s0 IS NOT NULL FROM {state}

-- name: add_column
ALTER TABLE {table} ADD COLUMN {column} {type}

-- name: retype
ALTER TABLE {table} ALTER COLUMN {column} SET DATA TYPE {type}

-- name: count_some
SELECT count(*) FROM (SELECT 1 FROM {now} UNION ALL SELECT 1 FROM {past} UNION ALL SELECT 1 FROM {mem} LIMIT 1)

-- name: count_bare
SELECT count(*) FROM {mem} WHERE _kind = 'N'

-- name: images
-- Events that are remembered without an image get that of the row that they lie in: it may move from now on.
UPDATE {mem} AS m SET _kind = 'E'{, cols = own_inside}
FROM (SELECT {keys}{, cols}, {from}, {to}, _v_from, _v_to FROM {now}
	UNION ALL SELECT {keys}{, cols}, {from}, {to}, _v_from, _v_to FROM {past}) h
WHERE m._kind = 'N' AND {all m.keys = h.keys} AND h._v_from <= m._v_from AND (h._v_to = 0 OR h._v_to > m._v_from)
	AND {row m.seq} >= {row h.from} AND (h.{to1} IS NULL OR {row m.seq} < {row h.to})
