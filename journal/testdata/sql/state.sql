-- CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op = 'd' COLUMNS * EXCEPT (op, ts) IGNORE NULL UPDATES ON (seats) STORED AS SCD TYPE 1 FROM ev

-- == declared

DESCRIBE SELECT (ts) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (ts) IS NULL;

DESCRIBE SELECT (ts) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (ts) IS NULL;

DESCRIBE SELECT (op = 'd') FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (op = 'd') IS NULL;

DESCRIBE SELECT (op = 'd') FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (op = 'd') IS NULL;

CREATE TABLE "j__now" ("id" BIGINT, "name" VARCHAR, "seats" INTEGER, "valid_from" INTEGER, "valid_to" INTEGER, _v_from BIGINT, _v_close BIGINT, _v_to BIGINT);

CREATE TABLE "j__past" ("id" BIGINT, "name" VARCHAR, "seats" INTEGER, "valid_from" INTEGER, "valid_to" INTEGER, _v_from BIGINT, _v_close BIGINT, _v_to BIGINT);

CREATE TABLE "j__mem" ("id" BIGINT, "_s0" INTEGER, _kind VARCHAR, "name" VARCHAR, "seats" INTEGER, _v_from BIGINT, _v_to BIGINT);

CREATE TABLE "j__state" (oldest BIGINT NOT NULL, "_s0" INTEGER);

INSERT INTO "j__state" (oldest) VALUES (0);

ALTER TABLE "j__now" ADD COLUMN "_w0" INTEGER;

ALTER TABLE "j__past" ADD COLUMN "_w0" INTEGER;

CREATE OR REPLACE MACRO "j__definition"() AS '{"feed":true,"scd":1,"keys":[{"Name":"id","Type":"BIGINT"}],"columns":[{"Name":"name","Type":"VARCHAR"},{"Name":"seats","Type":"INTEGER"}],"sequence":[{"name":"ts","type":"INTEGER","text":"ts"}],"sparse":["seats"],"nulls":null,"words":null,"raw":false,"layout":1}';

CREATE OR REPLACE VIEW "j" AS SELECT "id", "name", "seats", "valid_from" FROM "j__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE VIEW "j_history" AS SELECT "id", "name", "seats", "valid_from", "valid_to" FROM "j__now" WHERE _v_to = 0;

CREATE OR REPLACE VIEW "j_bitemporal" AS
WITH _r AS (SELECT "id", "name", "seats", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "j__now"
	UNION ALL SELECT "id", "name", "seats", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "j__past")
SELECT "id", "name", "seats", "valid_from", NULL AS "valid_to", _v_from AS "known_from", nullif(CASE
	WHEN _v_close <> 0 THEN _v_close ELSE _v_to END, 0) AS "known_to"
	FROM _r WHERE _v_close <> _v_from AND _v_to <> _v_from
UNION ALL SELECT "id", "name", "seats", "valid_from", "valid_to", _v_close, nullif(_v_to, 0) FROM _r WHERE _v_close <> 0 AND _v_to <> _v_close;

CREATE OR REPLACE MACRO "j_at"("at_version") AS TABLE
SELECT "id", "name", "seats", "valid_from" FROM "j__now"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "seats", "valid_from" FROM "j__past"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j_as_of"("at_time") AS TABLE
SELECT * FROM "j_at"((SELECT coalesce(max(version), 0) FROM dsql.versions WHERE epoch_us(committed_at) <= epoch_us(coalesce("at_time", NULL::TIMESTAMP))));

CREATE OR REPLACE MACRO "j_history_at"("at_version") AS TABLE
SELECT "id", "name", "seats", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "j__now"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "seats", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "j__past"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j__changes"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "seats", _v_close AS _version FROM "j__now" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "seats", _v_to FROM "j__now" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from
	UNION ALL SELECT "id", "name", "seats", _v_close FROM "j__past" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "seats", _v_to FROM "j__past" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from),
_a AS (
	SELECT "id", "name", "seats", _v_from AS _version FROM "j__now" WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from
	UNION ALL SELECT "id", "name", "seats", _v_from FROM "j__past"
		WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."seats" AS "_b2", _a."id" AS "_n0", _a."name" AS "_n1", _a."seats" AS "_n2"
FROM _b FULL JOIN _a ON _b."id" = _a."id" AND _b._version = _a._version
	WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."seats" IS DISTINCT FROM _a."seats"))
SELECT CASE WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type, _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "seats" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN _isb THEN 'update_after' ELSE 'insert' END, _version, "_n0" AS "id", "_n1" AS "name", "_n2" AS "seats" FROM _c WHERE _isa;

CREATE OR REPLACE MACRO "j_changes"("from_version", "to_version") AS TABLE
SELECT * FROM "j__changes"("from_version", "to_version") UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "from_version" < oldest  THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("from_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j_diff"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "seats", 1 AS _version FROM "j__now"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", 1 FROM "j__now"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", 1 FROM "j__past"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", 1 FROM "j__past"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")),
_a AS (
	SELECT "id", "name", "seats", 1 AS _version FROM "j__now" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))
	UNION ALL SELECT "id", "name", "seats", 1 FROM "j__past" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."seats" AS "_b2", _a."id" AS "_n0", _a."name" AS "_n1", _a."seats" AS "_n2"
FROM _b FULL JOIN _a ON _b."id" = _a."id" WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."seats" IS DISTINCT FROM _a."seats"))
SELECT CASE WHEN "from_version" > "to_version" THEN CASE WHEN _isa THEN 'update_after' ELSE 'insert' END
	WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type,
	"to_version"::BIGINT AS _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "seats" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN "from_version" > "to_version" THEN
	CASE WHEN _isb THEN 'update_before' ELSE 'delete' END WHEN _isb THEN 'update_after' ELSE 'insert' END,
	"to_version"::BIGINT, "_n0" AS "id", "_n1" AS "name", "_n2" AS "seats" FROM _c WHERE _isa
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN least("from_version", "to_version") < oldest  THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || (least("from_version", "to_version")))::BOOLEAN ELSE false END;

-- == new keys

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), false FROM "temp"."j__batch" b, "j__state" h;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h."_w0", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__oldmem" AS SELECT h.rowid AS _rid, h."id", h."_s0", h._kind, h."name", h."seats" FROM "j__mem" h JOIN (SELECT h.rowid AS _rid FROM "j__mem" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__known" AS SELECT * FROM (
	SELECT "id", "valid_from", false, "name", "seats" FROM "temp"."j__open"
	UNION ALL SELECT "id", "_s0", true, "name", "seats" FROM "temp"."j__oldmem" WHERE _kind = 'D') x("id", "_s0", _del, "name", "seats");

CREATE OR REPLACE TEMP TABLE "temp"."j__new" AS SELECT *, rowid AS _b FROM "temp"."j__batch";

CREATE OR REPLACE TEMP TABLE "temp"."j__merged" AS WITH g AS (
		SELECT "id", max(n."_s0") FILTER (WHERE NOT _del) AS _top, max(n."_s0") FILTER (WHERE _del) AS _bottom , arg_max("seats", CASE WHEN NOT _del THEN n."_s0" END) AS "_f0", max(CASE WHEN NOT _del AND "seats" IS NOT NULL THEN n."_s0" END) AS "_l0"
		FROM "temp"."j__new" n GROUP BY "id"),
	d AS (SELECT "id", max(d."_s0") AS _last FROM "temp"."j__oldmem" d WHERE _kind = 'D' GROUP BY "id"),
	x AS (
		SELECT g.*, o._rid, CASE WHEN o._rid IS NOT NULL THEN o."valid_from" END AS _at , o."name" AS "_j0", o."seats" AS "_j1", CASE WHEN o._rid IS NOT NULL AND o."seats" IS NOT NULL THEN coalesce(o."_w0", o."valid_from") END AS "_o0", d._last
		FROM g LEFT JOIN "temp"."j__open" o ON o."id" = g."id" LEFT JOIN d ON d."id" = g."id"),
	y AS (
		SELECT *, CASE WHEN _at IS NULL OR _top > _at THEN _top ELSE _at END AS _up,
			CASE WHEN _last IS NULL OR _bottom > _last THEN _bottom ELSE _last END AS _down,
			_top IS NOT NULL AND (_at IS NULL OR _top > _at) AS _newer, _bottom IS NOT NULL
			AND (_last IS NULL OR _bottom > _last) AS _buried FROM x),
	z AS (
		SELECT y."id", y._rid, y._at, y._up, y._down, y._bottom, y._buried, y."_j0", y."_j1", y."_o0" , CASE WHEN y._newer THEN e."name" ELSE "_j0" END AS "name", CASE WHEN "_o0" IS NULL OR "_l0" > "_o0" THEN CASE WHEN y._down IS NULL OR "_l0" > y._down THEN "_l0" END WHEN y._down IS NULL OR "_o0" > y._down THEN "_o0" END AS "_w0", CASE WHEN "_o0" IS NULL OR "_l0" > "_o0" THEN CASE WHEN y._down IS NULL OR "_l0" > y._down THEN "_f0" END WHEN y._down IS NULL OR "_o0" > y._down THEN "_j1" END AS "seats"
		FROM y LEFT JOIN "temp"."j__new" e ON NOT e._del AND e."id" = y."id" AND e."_s0" = y._top)
SELECT "id", "name", "seats", "_w0", _up AS "_t0", _bottom, _buried, _rid, _up IS NOT NULL AND (_down IS NULL OR _up > _down) AS _live,
	"name" IS DISTINCT FROM "_j0" OR "seats" IS DISTINCT FROM "_j1" AS _moved, _at IS DISTINCT FROM _up  OR "_w0" IS DISTINCT FROM "_o0" AS _advanced FROM z;

SELECT count(*) FILTER (WHERE _rid IS NULL AND _live), count(*) FILTER (WHERE _rid IS NOT NULL AND NOT _live),
	count(*) FILTER (WHERE _rid IS NOT NULL AND _live AND _moved),
	count(DISTINCT _rid // 2048) FILTER (WHERE NOT _live OR (_moved OR _advanced)), count(*) FILTER (WHERE _buried) FROM "temp"."j__merged";

INSERT INTO "j__now" ("id", "name", "seats", "_w0", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "seats", "_w0", "_t0", 2, 0, 0 FROM "temp"."j__merged" WHERE _live AND (_rid IS NULL OR (_moved OR _advanced));

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == in order

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), coalesce(bool_or(b."_s0" <= h."_s0"), false) FROM "temp"."j__batch" b, "j__state" h;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

CREATE OR REPLACE TEMP TABLE "temp"."j__twins" AS SELECT "id", "_s0" FROM "temp"."j__batch" SEMI JOIN (FROM "temp"."j__groups" WHERE _n > 1) k USING ("id") GROUP BY "id", "_s0" HAVING count(*) > 1;

SELECT count(*) FROM "temp"."j__twins";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h."_w0", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__oldmem" AS SELECT h.rowid AS _rid, h."id", h."_s0", h._kind, h."name", h."seats" FROM "j__mem" h JOIN (SELECT h.rowid AS _rid FROM "j__mem" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__known" AS SELECT * FROM (
	SELECT "id", "valid_from", false, "name", "seats" FROM "temp"."j__open"
	UNION ALL SELECT "id", "_s0", true, "name", "seats" FROM "temp"."j__oldmem" WHERE _kind = 'D') x("id", "_s0", _del, "name", "seats");

CREATE OR REPLACE TEMP TABLE "temp"."j__new" AS SELECT *, rowid AS _b FROM "temp"."j__batch";

CREATE OR REPLACE TEMP TABLE "temp"."j__merged" AS WITH g AS (
		SELECT "id", max(n."_s0") FILTER (WHERE NOT _del) AS _top, max(n."_s0") FILTER (WHERE _del) AS _bottom , arg_max("seats", CASE WHEN NOT _del THEN n."_s0" END) AS "_f0", max(CASE WHEN NOT _del AND "seats" IS NOT NULL THEN n."_s0" END) AS "_l0"
		FROM "temp"."j__new" n GROUP BY "id"),
	d AS (SELECT "id", max(d."_s0") AS _last FROM "temp"."j__oldmem" d WHERE _kind = 'D' GROUP BY "id"),
	x AS (
		SELECT g.*, o._rid, CASE WHEN o._rid IS NOT NULL THEN o."valid_from" END AS _at , o."name" AS "_j0", o."seats" AS "_j1", CASE WHEN o._rid IS NOT NULL AND o."seats" IS NOT NULL THEN coalesce(o."_w0", o."valid_from") END AS "_o0", d._last
		FROM g LEFT JOIN "temp"."j__open" o ON o."id" = g."id" LEFT JOIN d ON d."id" = g."id"),
	y AS (
		SELECT *, CASE WHEN _at IS NULL OR _top > _at THEN _top ELSE _at END AS _up,
			CASE WHEN _last IS NULL OR _bottom > _last THEN _bottom ELSE _last END AS _down,
			_top IS NOT NULL AND (_at IS NULL OR _top > _at) AS _newer, _bottom IS NOT NULL
			AND (_last IS NULL OR _bottom > _last) AS _buried FROM x),
	z AS (
		SELECT y."id", y._rid, y._at, y._up, y._down, y._bottom, y._buried, y."_j0", y."_j1", y."_o0" , CASE WHEN y._newer THEN e."name" ELSE "_j0" END AS "name", CASE WHEN "_o0" IS NULL OR "_l0" > "_o0" THEN CASE WHEN y._down IS NULL OR "_l0" > y._down THEN "_l0" END WHEN y._down IS NULL OR "_o0" > y._down THEN "_o0" END AS "_w0", CASE WHEN "_o0" IS NULL OR "_l0" > "_o0" THEN CASE WHEN y._down IS NULL OR "_l0" > y._down THEN "_f0" END WHEN y._down IS NULL OR "_o0" > y._down THEN "_j1" END AS "seats"
		FROM y LEFT JOIN "temp"."j__new" e ON NOT e._del AND e."id" = y."id" AND e."_s0" = y._top)
SELECT "id", "name", "seats", "_w0", _up AS "_t0", _bottom, _buried, _rid, _up IS NOT NULL AND (_down IS NULL OR _up > _down) AS _live,
	"name" IS DISTINCT FROM "_j0" OR "seats" IS DISTINCT FROM "_j1" AS _moved, _at IS DISTINCT FROM _up  OR "_w0" IS DISTINCT FROM "_o0" AS _advanced FROM z;

SELECT count(*) FILTER (WHERE _rid IS NULL AND _live), count(*) FILTER (WHERE _rid IS NOT NULL AND NOT _live),
	count(*) FILTER (WHERE _rid IS NOT NULL AND _live AND _moved),
	count(DISTINCT _rid // 2048) FILTER (WHERE NOT _live OR (_moved OR _advanced)), count(*) FILTER (WHERE _buried) FROM "temp"."j__merged";

UPDATE "j__now" AS h SET "valid_to" = e."_t0", _v_close = 3 FROM (SELECT * FROM (SELECT _rid, "_t0", 'kill' AS _act FROM "temp"."j__merged" WHERE _rid IS NOT NULL AND (NOT _live OR (_moved OR _advanced))) WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

UPDATE "j__now" AS h SET _v_to = 3 FROM (SELECT * FROM (SELECT _rid, "_t0", 'kill' AS _act FROM "temp"."j__merged" WHERE _rid IS NOT NULL AND (NOT _live OR (_moved OR _advanced))) WHERE _act <> 'close') e WHERE h.rowid = e._rid;

INSERT INTO "j__now" ("id", "name", "seats", "_w0", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "seats", "_w0", "_t0", 3, 0, 0 FROM "temp"."j__merged" WHERE _live AND (_rid IS NULL OR (_moved OR _advanced));

UPDATE "j__mem" AS h SET _v_to = 3 FROM (
	SELECT r._rid FROM "temp"."j__oldmem" r JOIN "temp"."j__merged" x ON r."id" = x."id" WHERE x._buried AND r._kind = 'D') y WHERE h.rowid = y._rid;

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats")
SELECT n."id", n."_s0", 'D', 3, 0, n."name", n."seats" FROM "temp"."j__new" n JOIN "temp"."j__merged" x ON n."id" = x."id" AND x._bottom = n."_s0"
WHERE x._buried AND n._del;

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == late, without a column

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", NULL::VARCHAR AS "name", "seats"::INTEGER AS "seats", "name" AS "_was0", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), coalesce(bool_or(b."_s0" <= h."_s0"), false) FROM "temp"."j__batch" b, "j__state" h;

SELECT count(*) FROM "j__mem" WHERE _kind = 'T' AND _v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

CREATE OR REPLACE TEMP TABLE "temp"."j__twins" AS SELECT "id", "_s0" FROM "temp"."j__batch" SEMI JOIN (FROM "temp"."j__groups" WHERE _n > 1) k USING ("id") GROUP BY "id", "_s0" HAVING count(*) > 1;

SELECT count(*) FROM "temp"."j__twins";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h."_w0", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__oldmem" AS SELECT h.rowid AS _rid, h."id", h."_s0", h._kind, h."name", h."seats" FROM "j__mem" h JOIN (SELECT h.rowid AS _rid FROM "j__mem" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__known" AS SELECT * FROM (
	SELECT "id", "valid_from", false, "name", "seats" FROM "temp"."j__open"
	UNION ALL SELECT "id", "_s0", true, "name", "seats" FROM "temp"."j__oldmem" WHERE _kind = 'D') x("id", "_s0", _del, "name", "seats");

CREATE OR REPLACE TEMP TABLE "temp"."j__new" AS SELECT *, rowid AS _b FROM "temp"."j__batch";

DELETE FROM "temp"."j__new" AS n USING "temp"."j__known" k WHERE n."id" = k."id" AND n."_s0" = k."_s0" AND n._del = k._del AND ("n"."name" IS NULL OR "n"."name" IS NOT DISTINCT FROM "k"."name") AND ("n"."seats" IS NULL OR "n"."seats" IS NOT DISTINCT FROM "k"."seats");

DELETE FROM "temp"."j__new" AS n USING "temp"."j__oldmem" r WHERE r._kind = CASE WHEN n._del THEN 'RD' ELSE 'RE' END
	AND n."id" = r."id" AND n."_s0" = r."_s0" AND n."name" IS NOT DISTINCT FROM r."name" AND n."seats" IS NOT DISTINCT FROM r."seats";

CREATE OR REPLACE TEMP TABLE "temp"."j__conflict" AS SELECT * FROM "temp"."j__new" n WHERE n._second OR EXISTS (SELECT 1 FROM "temp"."j__known" k WHERE n."id" = k."id" AND n."_s0" = k."_s0");

SELECT count(*) FROM "temp"."j__conflict";

CREATE OR REPLACE TEMP TABLE "temp"."j__merged" AS WITH g AS (
		SELECT "id", max(n."_s0") FILTER (WHERE NOT _del) AS _top, max(n."_s0") FILTER (WHERE _del) AS _bottom , arg_max("seats", CASE WHEN NOT _del THEN n."_s0" END) AS "_f0", max(CASE WHEN NOT _del AND "seats" IS NOT NULL THEN n."_s0" END) AS "_l0"
		FROM "temp"."j__new" n GROUP BY "id"),
	d AS (SELECT "id", max(d."_s0") AS _last FROM "temp"."j__oldmem" d WHERE _kind = 'D' GROUP BY "id"),
	x AS (
		SELECT g.*, o._rid, CASE WHEN o._rid IS NOT NULL THEN o."valid_from" END AS _at , o."name" AS "_j0", o."seats" AS "_j1", CASE WHEN o._rid IS NOT NULL AND o."seats" IS NOT NULL THEN coalesce(o."_w0", o."valid_from") END AS "_o0", d._last
		FROM g LEFT JOIN "temp"."j__open" o ON o."id" = g."id" LEFT JOIN d ON d."id" = g."id"),
	y AS (
		SELECT *, CASE WHEN _at IS NULL OR _top > _at THEN _top ELSE _at END AS _up,
			CASE WHEN _last IS NULL OR _bottom > _last THEN _bottom ELSE _last END AS _down,
			_top IS NOT NULL AND (_at IS NULL OR _top > _at) AS _newer, _bottom IS NOT NULL
			AND (_last IS NULL OR _bottom > _last) AS _buried FROM x),
	z AS (
		SELECT y."id", y._rid, y._at, y._up, y._down, y._bottom, y._buried, y."_j0", y."_j1", y."_o0" , CASE WHEN y._down IS NULL OR y._at > y._down THEN "_j0" END AS "name", CASE WHEN "_o0" IS NULL OR "_l0" > "_o0" THEN CASE WHEN y._down IS NULL OR "_l0" > y._down THEN "_l0" END WHEN y._down IS NULL OR "_o0" > y._down THEN "_o0" END AS "_w0", CASE WHEN "_o0" IS NULL OR "_l0" > "_o0" THEN CASE WHEN y._down IS NULL OR "_l0" > y._down THEN "_f0" END WHEN y._down IS NULL OR "_o0" > y._down THEN "_j1" END AS "seats"
		FROM y LEFT JOIN "temp"."j__new" e ON NOT e._del AND e."id" = y."id" AND e."_s0" = y._top)
SELECT "id", "name", "seats", "_w0", _up AS "_t0", _bottom, _buried, _rid, _up IS NOT NULL AND (_down IS NULL OR _up > _down) AS _live,
	"name" IS DISTINCT FROM "_j0" OR "seats" IS DISTINCT FROM "_j1" AS _moved, _at IS DISTINCT FROM _up  OR "_w0" IS DISTINCT FROM "_o0" AS _advanced FROM z;

SELECT count(*) FILTER (WHERE _rid IS NULL AND _live), count(*) FILTER (WHERE _rid IS NOT NULL AND NOT _live),
	count(*) FILTER (WHERE _rid IS NOT NULL AND _live AND _moved),
	count(DISTINCT _rid // 2048) FILTER (WHERE NOT _live OR (_moved OR _advanced)), count(*) FILTER (WHERE _buried) FROM "temp"."j__merged";

INSERT INTO "j__now" ("id", "name", "seats", "_w0", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "seats", "_w0", "_t0", 4, 0, 0 FROM "temp"."j__merged" WHERE _live AND (_rid IS NULL OR (_moved OR _advanced));

UPDATE "j__mem" AS h SET _v_to = 4 FROM (
	SELECT r._rid FROM "temp"."j__oldmem" r JOIN "temp"."j__merged" x ON r."id" = x."id" WHERE x._buried AND r._kind = 'D') y WHERE h.rowid = y._rid;

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats")
SELECT n."id", n."_s0", 'D', 4, 0, n."name", n."seats" FROM "temp"."j__new" n JOIN "temp"."j__merged" x ON n."id" = x."id" AND x._bottom = n."_s0"
WHERE x._buried AND n._del;

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == TRUNCATE

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), coalesce(bool_or(b."_s0" <= h."_s0"), false) FROM "temp"."j__batch" b, "j__state" h;

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'j', 'ev', NULL, CASE WHEN _r."_s0" IS NULL THEN 'null_sequence: TRUNCATE, which ends all keys: ts is NULL (it can be made of what the event has beside the row: source, ts_ms, _meta)' END, NULL, NULL, to_json(struct_pack("id" := "_r"."id", "op" := "_r"."op", "name" := "_r"."name", "seats" := "_r"."seats", "ts" := "_r"."ts")), 5, NULL, NULL FROM (SELECT * FROM "temp"."j__batch" b WHERE (b."_s0" IS NULL)) _r;

DELETE FROM "temp"."j__batch" AS b WHERE (b."_s0" IS NULL);

CREATE OR REPLACE TEMP TABLE "temp"."j__truncates" AS SELECT DISTINCT "_s0" FROM "temp"."j__batch" b ANTI JOIN (FROM "j__mem" WHERE _kind = 'T' AND _v_to = 0) h ON b."_s0" = h."_s0";

INSERT INTO "j__mem" ("_s0", _kind, _v_from, _v_to) SELECT "_s0", 'T', 5, 0 FROM "temp"."j__truncates";

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

DELETE FROM "temp"."j__batch";

INSERT INTO "temp"."j__batch" ("id", "_s0", _del, _late, _second, _end)
SELECT DISTINCT "id", "_s0", true, false, false, false FROM (SELECT * FROM (SELECT h."id", t."_s0" FROM "j__now" h JOIN "temp"."j__truncates" t ON true WHERE h._v_to = 0) e("id", "_s0")) x;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h."_w0", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__oldmem" AS SELECT h.rowid AS _rid, h."id", h."_s0", h._kind, h."name", h."seats" FROM "j__mem" h JOIN (SELECT h.rowid AS _rid FROM "j__mem" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__known" AS SELECT * FROM (
	SELECT "id", "valid_from", false, "name", "seats" FROM "temp"."j__open"
	UNION ALL SELECT "id", "_s0", true, "name", "seats" FROM "temp"."j__oldmem" WHERE _kind = 'D') x("id", "_s0", _del, "name", "seats");

CREATE OR REPLACE TEMP TABLE "temp"."j__new" AS SELECT *, rowid AS _b FROM "temp"."j__batch";

CREATE OR REPLACE TEMP TABLE "temp"."j__merged" AS WITH g AS (
		SELECT "id", max(n."_s0") FILTER (WHERE NOT _del) AS _top, max(n."_s0") FILTER (WHERE _del) AS _bottom , arg_max("seats", CASE WHEN NOT _del THEN n."_s0" END) AS "_f0", max(CASE WHEN NOT _del AND "seats" IS NOT NULL THEN n."_s0" END) AS "_l0"
		FROM "temp"."j__new" n GROUP BY "id"),
	d AS (SELECT "id", max(d."_s0") AS _last FROM "temp"."j__oldmem" d WHERE _kind = 'D' GROUP BY "id"),
	x AS (
		SELECT g.*, o._rid, CASE WHEN o._rid IS NOT NULL THEN o."valid_from" END AS _at , o."name" AS "_j0", o."seats" AS "_j1", CASE WHEN o._rid IS NOT NULL AND o."seats" IS NOT NULL THEN coalesce(o."_w0", o."valid_from") END AS "_o0", d._last
		FROM g LEFT JOIN "temp"."j__open" o ON o."id" = g."id" LEFT JOIN d ON d."id" = g."id"),
	y AS (
		SELECT *, CASE WHEN _at IS NULL OR _top > _at THEN _top ELSE _at END AS _up,
			CASE WHEN _last IS NULL OR _bottom > _last THEN _bottom ELSE _last END AS _down,
			_top IS NOT NULL AND (_at IS NULL OR _top > _at) AS _newer, _bottom IS NOT NULL
			AND (_last IS NULL OR _bottom > _last) AS _buried FROM x),
	z AS (
		SELECT y."id", y._rid, y._at, y._up, y._down, y._bottom, y._buried, y."_j0", y."_j1", y."_o0" , CASE WHEN y._newer THEN e."name" ELSE "_j0" END AS "name", CASE WHEN "_o0" IS NULL OR "_l0" > "_o0" THEN CASE WHEN y._down IS NULL OR "_l0" > y._down THEN "_l0" END WHEN y._down IS NULL OR "_o0" > y._down THEN "_o0" END AS "_w0", CASE WHEN "_o0" IS NULL OR "_l0" > "_o0" THEN CASE WHEN y._down IS NULL OR "_l0" > y._down THEN "_f0" END WHEN y._down IS NULL OR "_o0" > y._down THEN "_j1" END AS "seats"
		FROM y LEFT JOIN "temp"."j__new" e ON NOT e._del AND e."id" = y."id" AND e."_s0" = y._top)
SELECT "id", "name", "seats", "_w0", _up AS "_t0", _bottom, _buried, _rid, _up IS NOT NULL AND (_down IS NULL OR _up > _down) AS _live,
	"name" IS DISTINCT FROM "_j0" OR "seats" IS DISTINCT FROM "_j1" AS _moved, _at IS DISTINCT FROM _up  OR "_w0" IS DISTINCT FROM "_o0" AS _advanced FROM z;

SELECT count(*) FILTER (WHERE _rid IS NULL AND _live), count(*) FILTER (WHERE _rid IS NOT NULL AND NOT _live),
	count(*) FILTER (WHERE _rid IS NOT NULL AND _live AND _moved),
	count(DISTINCT _rid // 2048) FILTER (WHERE NOT _live OR (_moved OR _advanced)), count(*) FILTER (WHERE _buried) FROM "temp"."j__merged";

UPDATE "j__now" AS h SET "valid_to" = e."_t0", _v_close = 5 FROM (SELECT * FROM (SELECT _rid, "_t0", 'kill' AS _act FROM "temp"."j__merged" WHERE _rid IS NOT NULL AND (NOT _live OR (_moved OR _advanced))) WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

UPDATE "j__now" AS h SET _v_to = 5 FROM (SELECT * FROM (SELECT _rid, "_t0", 'kill' AS _act FROM "temp"."j__merged" WHERE _rid IS NOT NULL AND (NOT _live OR (_moved OR _advanced))) WHERE _act <> 'close') e WHERE h.rowid = e._rid;

INSERT INTO "j__now" ("id", "name", "seats", "_w0", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "seats", "_w0", "_t0", 5, 0, 0 FROM "temp"."j__merged" WHERE _live AND (_rid IS NULL OR (_moved OR _advanced));

UPDATE "j__mem" AS h SET _v_to = 5 FROM (
	SELECT r._rid FROM "temp"."j__oldmem" r JOIN "temp"."j__merged" x ON r."id" = x."id" WHERE x._buried AND r._kind = 'D') y WHERE h.rowid = y._rid;

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats")
SELECT n."id", n."_s0", 'D', 5, 0, n."name", n."seats" FROM "temp"."j__new" n JOIN "temp"."j__merged" x ON n."id" = x."id" AND x._bottom = n."_s0"
WHERE x._buried AND n._del;

RESET dynamic_or_filter_threshold;

-- == what others read

(SELECT * FROM "j__changes"(3, 5));

SELECT "id", "change_type" FROM "j__changes"(3, 4) ORDER BY "_version", "id", "change_type" = 'update_after';

WITH r AS (
		SELECT "valid_from", "valid_to", "name", "seats", _v_from, _v_to FROM "j__now" WHERE "id" = '1'::BIGINT
		UNION ALL SELECT "valid_from", "valid_to", "name", "seats", _v_from, _v_to FROM "j__past" WHERE "id" = '1'::BIGINT),
	e AS (
		SELECT "_s0", _v_from AS _low, CASE WHEN _v_to = 0 THEN 9223372036854775807 ELSE _v_to END AS _high
		FROM (SELECT "valid_from", _v_from, _v_to FROM r
			UNION ALL SELECT "_s0", _v_from, _v_to FROM "j__mem" WHERE "id" = '1'::BIGINT AND _kind IN ('N', 'E')) x("_s0", _v_from, _v_to)),
	o AS (
		SELECT "_s0", max(_low) FILTER (WHERE _first) AS _opened FROM (
			SELECT *, coalesce(max(_high) OVER (PARTITION BY "_s0" ORDER BY _low, _high ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) < _low,
				true) AS _first FROM e)
		GROUP BY "_s0"),
	b AS (SELECT r.*, _opened, row_number() OVER (ORDER BY r."valid_from") AS _n FROM r JOIN o ON o."_s0" = r."valid_from" WHERE _v_to = 0)
SELECT "valid_from", "valid_to", CASE WHEN _n = 1 THEN 'first seen' ELSE array_to_string(list_filter([CASE WHEN lag("valid_to") OVER w IS DISTINCT FROM "valid_from" THEN 'came back' END, CASE
			WHEN _n > 1 AND "name" IS DISTINCT FROM lag("name") OVER w
			THEN 'name' || ': ' || coalesce(lag("name") OVER w::VARCHAR, 'NULL') || ' → ' || coalesce("name"::VARCHAR, 'NULL') END, CASE
			WHEN _n > 1 AND "seats" IS DISTINCT FROM lag("seats") OVER w
			THEN 'seats' || ': ' || coalesce(lag("seats") OVER w::VARCHAR, 'NULL') || ' → ' || coalesce("seats"::VARCHAR, 'NULL') END]::VARCHAR[],
		lambda x: x IS NOT NULL), ', ') END AS what, "name", "seats", _opened AS version
FROM b WINDOW w AS (ORDER BY _n) ORDER BY _n;

SELECT ['rows', 'column name', 'column seats'][_n] AS what, count(*) FILTER (_k = 1) AS added, count(*) FILTER (_k = 2) AS removed,
	count(*) FILTER (_k = 3) AS changed FROM (
		SELECT unnest(_k) AS _k, generate_subscripts(_k, 1) AS _n FROM (
			SELECT [CASE change_type WHEN 'insert' THEN 1 WHEN 'delete' THEN 2 WHEN 'update_after' THEN 3 ELSE 0 END, CASE
				WHEN change_type <> 'update_after' OR "name" IS NOT DISTINCT FROM _j0."name" THEN 0 WHEN _j0."name" IS NULL THEN 1
				WHEN "name" IS NULL THEN 2 ELSE 3 END, CASE
				WHEN change_type <> 'update_after' OR "seats" IS NOT DISTINCT FROM _j0."seats" THEN 0 WHEN _j0."seats" IS NULL THEN 1
				WHEN "seats" IS NULL THEN 2 ELSE 3 END] AS _k
			FROM (SELECT *, lag(_s0) OVER (PARTITION BY "id" ORDER BY change_type DESC) AS _j0 FROM x AS _s0))
		UNION ALL SELECT 0, 1)
	GROUP BY _n HAVING _n = 1 OR count(*) FILTER (_k > 0) > 0 ORDER BY _n;
