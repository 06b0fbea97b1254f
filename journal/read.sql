-- What others read of a journal.

-- name: new
(SELECT * FROM {changes}({after}, {upto}))

-- name: new_replaced
-- What is deleted has, in columns that the journal is ordered by, the place of the delete.
(SELECT c.* REPLACE ({CASE WHEN change_type = 'delete' AND d.times IS NOT NULL THEN d.times ELSE c.ordering END AS ordering})
	FROM {changes}({after}, {upto}) c
	LEFT JOIN (SELECT {keys}, _v_close AS _v, {arg_max(ending, {row z.to}) AS times} FROM ({ended}) z GROUP BY ALL) d
		ON {all c.keys = d.keys} AND d._v = c._version)

-- name: ended
-- The ends of the rows that a version closed …
SELECT {keys}, {to}, _v_close FROM {now} WHERE _v_close > {after} AND _v_close <= {upto}
UNION ALL SELECT {keys}, {to}, _v_close FROM {past} WHERE _v_close > {after} AND _v_close <= {upto}

-- name: deleted
-- … in SCD type 1 the delete that it remembers.
SELECT {keys}, {seq AS to}, _v_from AS _v_close FROM {mem} WHERE _kind = 'D' AND _v_from > {after} AND _v_from <= {upto}

-- name: in_order
-- The changes that versions made, in each by key: what was before what is.
SELECT {shown} FROM {changes}({after}, {upto}) ORDER BY "_version", {keys}, "change_type" = 'update_after'

-- name: life
-- The versions of one key: r its rows, e the events that they and name__mem tell, with the versions that knew them, o when each was known
-- first without a gap since, b the rows believed now.
WITH r AS (
		SELECT {from}, {to}{, cols}, _v_from, _v_to FROM {now} WHERE {is_key}
		UNION ALL SELECT {from}, {to}{, cols}, _v_from, _v_to FROM {past} WHERE {is_key}),
	e AS (
		SELECT {seq}, _v_from AS _low, CASE WHEN _v_to = 0 THEN 9223372036854775807 ELSE _v_to END AS _high
		FROM (SELECT {from}, _v_from, _v_to FROM r
			UNION ALL SELECT {seq}, _v_from, _v_to FROM {mem} WHERE {is_key} AND _kind IN ('N', 'E')) x({seq}, _v_from, _v_to)),
	o AS (
		SELECT {seq}, max(_low) FILTER (WHERE _first) AS _opened FROM (
			SELECT *, coalesce(max(_high) OVER (PARTITION BY {seq} ORDER BY _low, _high ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) < _low,
				true) AS _first FROM e)
		GROUP BY {seq}),
	b AS (SELECT r.*, _opened, row_number() OVER (ORDER BY {r.from}) AS _n FROM r JOIN o ON {all o.seq = r.from} WHERE _v_to = 0)
SELECT {from}, {to}, CASE WHEN _n = 1 THEN 'first seen' ELSE array_to_string(list_filter([CASE WHEN {back} THEN 'came back' END{, CASE
			WHEN _n > 1 AND cols IS DISTINCT FROM lag(cols) OVER w
			THEN col_names || ': ' || coalesce(lag(cols) OVER w::VARCHAR, 'NULL') || ' → ' || coalesce(cols::VARCHAR, 'NULL') END}]::VARCHAR[],
		lambda x: x IS NOT NULL), ', ') END AS what{, cols}, _opened AS version
FROM b WINDOW w AS (ORDER BY _n) ORDER BY _n

-- name: summary
-- The rows of a difference by kind, and by column the values of changed rows: 1 added, 2 removed, 3 changed. The two states of a changed
-- row are neighbours: _j0 is the row before, as a struct.
SELECT [{labels}][_n] AS what, count(*) FILTER (_k = 1) AS added, count(*) FILTER (_k = 2) AS removed,
	count(*) FILTER (_k = 3) AS changed FROM (
		SELECT unnest(_k) AS _k, generate_subscripts(_k, 1) AS _n FROM (
			SELECT [CASE change_type WHEN 'insert' THEN 1 WHEN 'delete' THEN 2 WHEN 'update_after' THEN 3 ELSE 0 END{, CASE
				WHEN change_type <> 'update_after' OR cols IS NOT DISTINCT FROM _j0.cols THEN 0 WHEN _j0.cols IS NULL THEN 1
				WHEN cols IS NULL THEN 2 ELSE 3 END}] AS _k
			FROM (SELECT *, lag(_s0) OVER (PARTITION BY {keys} ORDER BY change_type DESC) AS _j0 FROM {diff} AS _s0))
		UNION ALL SELECT 0, 1)
	GROUP BY _n HAVING _n = 1 OR count(*) FILTER (_k > 0) > 0 ORDER BY _n
