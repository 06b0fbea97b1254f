-- What reads the journal in any DuckDB client: views.go. {at_time}, {at_version}, {v1}, {v2} are parameters.

-- name: state
CREATE OR REPLACE VIEW {name} AS SELECT {keys}{, cols}, {from} FROM {now} WHERE _v_close = 0 AND _v_to = 0

-- name: history
CREATE OR REPLACE VIEW {history} AS
SELECT {keys}{, cols}, {from}, {to} FROM {now} WHERE _v_to = 0 UNION ALL SELECT {keys}{, cols}, {from}, {to} FROM {past} WHERE _v_to = 0

-- name: bitemporal
-- A row that was open for a while and closed then was believed in two ways, one after the other.
CREATE OR REPLACE VIEW {bitemporal} AS
WITH _r AS (SELECT {keys}{, cols}, {from}, {to}, _v_from, _v_close, _v_to FROM {now}
	UNION ALL SELECT {keys}{, cols}, {from}, {to}, _v_from, _v_close, _v_to FROM {past})
SELECT {keys}{, cols}, {from}, {NULL AS to}, _v_from AS {known_from}, nullif(CASE
	WHEN _v_close <> 0 THEN _v_close ELSE _v_to END, 0) AS {known_to}
	FROM _r WHERE _v_close <> _v_from AND _v_to <> _v_from
UNION ALL SELECT {keys}{, cols}, {from}, {to}, _v_close, nullif(_v_to, 0) FROM _r WHERE _v_close <> 0 AND _v_to <> _v_close

-- name: at
CREATE OR REPLACE MACRO {at}({at_version}) AS TABLE
SELECT {keys}{, cols}, {from} FROM {now}
	WHERE _v_from <= {at_version} AND (_v_close = 0 OR _v_close > {at_version}) AND (_v_to = 0 OR _v_to > {at_version})
UNION ALL SELECT {keys}{, cols}, {from} FROM {past}
	WHERE _v_from <= {at_version} AND (_v_close = 0 OR _v_close > {at_version}) AND (_v_to = 0 OR _v_to > {at_version})
UNION ALL SELECT {none}, {none_from} FROM {state} WHERE {readable}

-- name: as_of
CREATE OR REPLACE MACRO {as_of}({at_time}) AS TABLE
SELECT {keys}{, cols}, {from} FROM {now} WHERE _v_to = 0 AND {from1} <= {at_time} AND ({to1} IS NULL OR {to1} > {at_time})
UNION ALL SELECT {keys}{, cols}, {from} FROM {past} WHERE _v_to = 0 AND {from1} <= {at_time} AND {to1} > {at_time}

-- name: history_at
CREATE OR REPLACE MACRO {history_at}({at_version}) AS TABLE
SELECT {keys}{, cols}, {from}, {CASE WHEN _v_close <> 0 AND _v_close <= {at_version} THEN to END AS to} FROM {now}
	WHERE _v_from <= {at_version} AND (_v_to = 0 OR _v_to > {at_version})
UNION ALL SELECT {keys}{, cols}, {from}, {CASE WHEN _v_close <> 0 AND _v_close <= {at_version} THEN to END AS to} FROM {past}
	WHERE _v_from <= {at_version} AND (_v_to = 0 OR _v_to > {at_version})
UNION ALL SELECT {none}, {none_from}, {none_from} FROM {state} WHERE {readable}

-- name: history_now
-- Of SCD type 1: the only history is that of versions.
CREATE OR REPLACE VIEW {history} AS SELECT {keys}{, cols}, {from}, {to} FROM {now} WHERE _v_to = 0

-- name: as_of_stored
CREATE OR REPLACE MACRO {as_of}({at_time}) AS TABLE
SELECT * FROM {at}({version_as_of})

-- name: all_changes
-- What the pipeline hands to readers, which are never behind what they can read. A row is the state from _v_from on until _v_close or,
-- never closed, until _v_to. One that begins and ends in the same version was never seen. A row that differs by its times alone is no
-- change of the state. _b: rows that ended, _a: rows that began.
CREATE OR REPLACE MACRO {all_changes}({v1}, {v2}) AS TABLE
WITH _b AS (
	SELECT {keys}{, cols}, _v_close AS _version FROM {now} WHERE _v_close > {v1} AND _v_close <= {v2} AND _v_close > _v_from
	UNION ALL SELECT {keys}{, cols}, _v_to FROM {now} WHERE _v_to > {v1} AND _v_to <= {v2} AND _v_close = 0 AND _v_to > _v_from
	UNION ALL SELECT {keys}{, cols}, _v_close FROM {past} WHERE _v_close > {v1} AND _v_close <= {v2} AND _v_close > _v_from
	UNION ALL SELECT {keys}{, cols}, _v_to FROM {past} WHERE _v_to > {v1} AND _v_to <= {v2} AND _v_close = 0 AND _v_to > _v_from),
_a AS (
	SELECT {keys}{, cols}, _v_from AS _version FROM {now} WHERE _v_from > {v1} AND _v_from <= {v2} AND _v_close <> _v_from AND _v_to <> _v_from
	UNION ALL SELECT {keys}{, cols}, _v_from FROM {past}
		WHERE _v_from > {v1} AND _v_from <= {v2} AND _v_close <> _v_from AND _v_to <> _v_from),
_c AS ({pairs} AND _b._version = _a._version
	WHERE _b._version IS NULL OR _a._version IS NULL OR {any _b.cols IS DISTINCT FROM _a.cols})
SELECT CASE WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type, _version, {before AS shown} FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN _isb THEN 'update_after' ELSE 'insert' END, _version, {after AS shown} FROM _c WHERE _isa

-- name: changes
CREATE OR REPLACE MACRO {changes}({v1}, {v2}) AS TABLE
SELECT * FROM {all_changes}({v1}, {v2}) UNION ALL SELECT NULL, NULL, {none} FROM {state} WHERE {readable_first}

-- name: diff
-- _b: rows of the state at the lower version that aren't in it at the higher; _a: the other way round.
CREATE OR REPLACE MACRO {diff}({v1}, {v2}) AS TABLE
WITH _b AS (
	SELECT {keys}{, cols}, 1 AS _version FROM {now}
		WHERE _v_close > least({v1}, {v2}) AND _v_close <= greatest({v1}, {v2}) AND _v_from <= least({v1}, {v2})
	UNION ALL SELECT {keys}{, cols}, 1 FROM {now}
		WHERE _v_to > least({v1}, {v2}) AND _v_to <= greatest({v1}, {v2}) AND _v_close = 0 AND _v_from <= least({v1}, {v2})
	UNION ALL SELECT {keys}{, cols}, 1 FROM {past}
		WHERE _v_close > least({v1}, {v2}) AND _v_close <= greatest({v1}, {v2}) AND _v_from <= least({v1}, {v2})
	UNION ALL SELECT {keys}{, cols}, 1 FROM {past}
		WHERE _v_to > least({v1}, {v2}) AND _v_to <= greatest({v1}, {v2}) AND _v_close = 0 AND _v_from <= least({v1}, {v2})),
_a AS (
	SELECT {keys}{, cols}, 1 AS _version FROM {now} WHERE _v_from > least({v1}, {v2}) AND _v_from <= greatest({v1}, {v2})
		AND (_v_close = 0 OR _v_close > greatest({v1}, {v2})) AND (_v_to = 0 OR _v_to > greatest({v1}, {v2}))
	UNION ALL SELECT {keys}{, cols}, 1 FROM {past} WHERE _v_from > least({v1}, {v2}) AND _v_from <= greatest({v1}, {v2})
		AND (_v_close = 0 OR _v_close > greatest({v1}, {v2})) AND (_v_to = 0 OR _v_to > greatest({v1}, {v2}))),
_c AS ({pairs} WHERE _b._version IS NULL OR _a._version IS NULL OR {any _b.cols IS DISTINCT FROM _a.cols})
SELECT CASE WHEN {v1} > {v2} THEN CASE WHEN _isa THEN 'update_after' ELSE 'insert' END
	WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type,
	{v2}::BIGINT AS _version, {before AS shown} FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN {v1} > {v2} THEN
	CASE WHEN _isb THEN 'update_before' ELSE 'delete' END WHEN _isb THEN 'update_after' ELSE 'insert' END,
	{v2}::BIGINT, {after AS shown} FROM _c WHERE _isa
UNION ALL SELECT NULL, NULL, {none} FROM {state} WHERE {readable_both}

-- name: pairs
-- The rows before and after, joined by key; _b0 … and _n0 … are taken apart again.
SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	{_b.shown AS before}, {_a.shown AS after}
FROM _b FULL JOIN _a ON {all _b.keys = _a.keys}

-- name: readable
-- Never true; an error for a version that can't be read.
CASE WHEN {version} < oldest {or_not_yet} THEN error({why} || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ({version}))::BOOLEAN ELSE false END

-- name: not_yet
OR {version} > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL
