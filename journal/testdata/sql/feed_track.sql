-- CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op = 'd' COLUMNS * EXCEPT (op, ts) TRACK (name) IGNORE NULL UPDATES ON (seats) FROM ev

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

ALTER TABLE "j__now" ADD COLUMN "_said0" BIGINT DEFAULT -1;

ALTER TABLE "j__past" ADD COLUMN "_said0" BIGINT DEFAULT -1;

ALTER TABLE "j__mem" ADD COLUMN "_said0" BIGINT DEFAULT -1;

ALTER TABLE "j__now" ADD COLUMN "_null0" BIGINT DEFAULT 0;

ALTER TABLE "j__past" ADD COLUMN "_null0" BIGINT DEFAULT 0;

ALTER TABLE "j__mem" ADD COLUMN "_null0" BIGINT DEFAULT 0;

ALTER TABLE "j__now" ADD COLUMN "_raw" TINYINT DEFAULT 1;

ALTER TABLE "j__past" ADD COLUMN "_raw" TINYINT DEFAULT 1;

CREATE OR REPLACE MACRO "j__definition"() AS '{"feed":true,"scd":2,"keys":[{"Name":"id","Type":"BIGINT"}],"columns":[{"Name":"name","Type":"VARCHAR"},{"Name":"seats","Type":"INTEGER"}],"sequence":[{"name":"ts","type":"INTEGER","text":"ts"}],"sparse":null,"nulls":["seats"],"words":null,"raw":true,"layout":1}';

CREATE OR REPLACE VIEW "j" AS SELECT "id", "name", "seats", "valid_from" FROM "j__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE VIEW "j_history" AS
SELECT "id", "name", "seats", "valid_from", "valid_to" FROM "j__now" WHERE _v_to = 0 UNION ALL SELECT "id", "name", "seats", "valid_from", "valid_to" FROM "j__past" WHERE _v_to = 0;

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
SELECT "id", "name", "seats", "valid_from" FROM "j__now" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND ("valid_to" IS NULL OR "valid_to" > "at_time")
UNION ALL SELECT "id", "name", "seats", "valid_from" FROM "j__past" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND "valid_to" > "at_time";

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

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end, 0::BIGINT + CASE WHEN "seats" IS NULL THEN 2::BIGINT ELSE 0 END AS "_null0" FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), false FROM "temp"."j__batch" b, "j__state" h;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h."_null0", h."_raw", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b._del AND (b."name" IS NOT NULL OR b."seats" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."name" IS DISTINCT FROM o."name") THEN 'V' WHEN (b."seats" IS NOT NULL AND b."seats" IS DISTINCT FROM o."seats") THEN 'W' WHEN (b."seats" IS NOT NULL AND b."seats" IS DISTINCT FROM o."seats") THEN 'S' ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b  LEFT JOIN "temp"."j__open" o ON b."id" = o."id";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

INSERT INTO "j__now" ("id", "name", "seats", "valid_from", _v_from, _v_close, _v_to, "_null0", "_raw")
SELECT b."id", "b"."name", coalesce(b."seats", o."seats"), CASE WHEN x._role = 'V' THEN b."_s0" ELSE o."valid_from" END, 2, 0, 0
	, CASE WHEN x._role = 'V' THEN b."_null0" ELSE o."_null0" END, CASE x._role WHEN 'V' THEN 1 WHEN 'S' THEN o._raw ELSE 0 END
FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b LEFT JOIN "temp"."j__open" o ON o._rid = x._rid WHERE x._role IN ('V', 'W', 'S');

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == in order: a version, moved columns, a NULL that is passed over, a delete with an image

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end, 0::BIGINT + CASE WHEN "seats" IS NULL THEN 2::BIGINT ELSE 0 END AS "_null0" FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), coalesce(bool_or(b."_s0" <= h."_s0"), false) FROM "temp"."j__batch" b, "j__state" h;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h."_null0", h."_raw", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b._del AND (b."name" IS NOT NULL OR b."seats" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."name" IS DISTINCT FROM o."name") THEN 'V' WHEN (b."seats" IS NOT NULL AND b."seats" IS DISTINCT FROM o."seats") THEN 'W' WHEN (b."seats" IS NOT NULL AND b."seats" IS DISTINCT FROM o."seats") THEN 'S' ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b  LEFT JOIN "temp"."j__open" o ON b."id" = o."id";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

UPDATE "j__now" AS h SET "valid_to" = e."_t0", _v_close = 3 FROM (SELECT * FROM (SELECT _rid, "_s0" AS "_t0", CASE WHEN _role IN ('W', 'S') THEN 'kill' ELSE 'close' END AS _act FROM "temp"."j__role"
	WHERE _rid IS NOT NULL AND _role <> 'N') WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

UPDATE "j__now" AS h SET _v_to = 3 FROM (SELECT * FROM (SELECT _rid, "_s0" AS "_t0", CASE WHEN _role IN ('W', 'S') THEN 'kill' ELSE 'close' END AS _act FROM "temp"."j__role"
	WHERE _rid IS NOT NULL AND _role <> 'N') WHERE _act <> 'close') e WHERE h.rowid = e._rid;

INSERT INTO "j__now" ("id", "name", "seats", "valid_from", _v_from, _v_close, _v_to, "_null0", "_raw")
SELECT b."id", "b"."name", coalesce(b."seats", o."seats"), CASE WHEN x._role = 'V' THEN b."_s0" ELSE o."valid_from" END, 3, 0, 0
	, CASE WHEN x._role = 'V' THEN b."_null0" ELSE o."_null0" END, CASE x._role WHEN 'V' THEN 1 WHEN 'S' THEN o._raw ELSE 0 END
FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b LEFT JOIN "temp"."j__open" o ON o._rid = x._rid WHERE x._role IN ('V', 'W', 'S');

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats", "_null0")
SELECT b."id", b."_s0", CASE WHEN b._del THEN 'D' ELSE 'E' END, 3, 0, b."name", b."seats", b."_null0"
FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b WHERE x._role NOT IN ('V', 'C') OR x._image;

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats", "_null0")
SELECT o."id", o."valid_from", 'E', 3, 0, o."name", CASE WHEN "o"."_null0" & 2 = 0 THEN o."seats" END, o."_null0"
FROM "temp"."j__open" o JOIN "temp"."j__role" x ON x._rid = o._rid WHERE x._role = 'W' AND o._raw = 1;

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == without a column

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE MACRO "j__definition"() AS '{"feed":true,"scd":2,"keys":[{"Name":"id","Type":"BIGINT"}],"columns":[{"Name":"name","Type":"VARCHAR"},{"Name":"seats","Type":"INTEGER"}],"sequence":[{"name":"ts","type":"INTEGER","text":"ts"}],"sparse":["name"],"nulls":["seats"],"words":null,"raw":true,"layout":1}';

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", NULL::VARCHAR AS "name", "seats"::INTEGER AS "seats", "name" AS "_was0", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end, -1::BIGINT + -1 AS "_said0", 0::BIGINT + CASE WHEN "seats" IS NULL THEN 2::BIGINT ELSE 0 END AS "_null0" FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), coalesce(bool_or(b."_s0" <= h."_s0"), false) FROM "temp"."j__batch" b, "j__state" h;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h."_said0", h."_null0", h."_raw", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b._del AND (b."name" IS NOT NULL OR b."seats" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR false THEN 'V' WHEN (b."seats" IS NOT NULL AND b."seats" IS DISTINCT FROM o."seats") THEN 'W' WHEN (b."seats" IS NOT NULL AND b."seats" IS DISTINCT FROM o."seats") THEN 'S' ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b  LEFT JOIN "temp"."j__open" o ON b."id" = o."id";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

UPDATE "j__now" AS h SET "valid_to" = e."_t0", _v_close = 4 FROM (SELECT * FROM (SELECT _rid, "_s0" AS "_t0", CASE WHEN _role IN ('W', 'S') THEN 'kill' ELSE 'close' END AS _act FROM "temp"."j__role"
	WHERE _rid IS NOT NULL AND _role <> 'N') WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

UPDATE "j__now" AS h SET _v_to = 4 FROM (SELECT * FROM (SELECT _rid, "_s0" AS "_t0", CASE WHEN _role IN ('W', 'S') THEN 'kill' ELSE 'close' END AS _act FROM "temp"."j__role"
	WHERE _rid IS NOT NULL AND _role <> 'N') WHERE _act <> 'close') e WHERE h.rowid = e._rid;

INSERT INTO "j__now" ("id", "name", "seats", "valid_from", _v_from, _v_close, _v_to, "_said0", "_null0", "_raw")
SELECT b."id", "o"."name", coalesce(b."seats", o."seats"), CASE WHEN x._role = 'V' THEN b."_s0" ELSE o."valid_from" END, 4, 0, 0
	, CASE WHEN x._role = 'V' THEN b."_said0" ELSE o."_said0" END, CASE WHEN x._role = 'V' THEN b."_null0" ELSE o."_null0" END, CASE x._role WHEN 'V' THEN 1 WHEN 'S' THEN o._raw ELSE 0 END
FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b LEFT JOIN "temp"."j__open" o ON o._rid = x._rid WHERE x._role IN ('V', 'W', 'S');

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats", "_said0", "_null0")
SELECT b."id", b."_s0", CASE WHEN b._del THEN 'D' ELSE 'E' END, 4, 0, b."name", b."seats", b."_said0", b."_null0"
FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b WHERE x._role NOT IN ('V', 'C') OR x._image;

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats", "_said0", "_null0")
SELECT o."id", o."valid_from", 'E', 4, 0, CASE WHEN "o"."_said0" & 1 <> 0 THEN o."name" END, CASE WHEN "o"."_null0" & 2 = 0 THEN o."seats" END, o."_said0", o."_null0"
FROM "temp"."j__open" o JOIN "temp"."j__role" x ON x._rid = o._rid WHERE x._role = 'W' AND o._raw = 1;

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == late

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end, -1::BIGINT AS "_said0", 0::BIGINT + CASE WHEN "seats" IS NULL THEN 2::BIGINT ELSE 0 END AS "_null0" FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), coalesce(bool_or(b."_s0" <= h."_s0"), false) FROM "temp"."j__batch" b, "j__state" h;

SELECT count(*) FROM "j__mem" WHERE _kind = 'T' AND _v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

CREATE OR REPLACE TEMP TABLE "temp"."j__twins" AS SELECT "id", "_s0" FROM "temp"."j__batch" SEMI JOIN (FROM "temp"."j__groups" WHERE _n > 1) k USING ("id") GROUP BY "id", "_s0" HAVING count(*) > 1;

SELECT count(*) FROM "temp"."j__twins";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h."_said0", h."_null0", h."_raw", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

SELECT min(_s0)::VARCHAR FROM "temp"."j__batch";

CREATE OR REPLACE TEMP TABLE "temp"."j__late" AS SELECT "id" FROM "temp"."j__groups" k SEMI JOIN (
	SELECT h."id" FROM "temp"."j__open" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h."valid_from" >= k._min
	UNION ALL SELECT h."id" FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id"
		WHERE h._v_to = 0 AND h._v_close <> 0 AND h."valid_to" >= '0'::INTEGER AND h."valid_to" >= k._min
	UNION ALL SELECT h."id" FROM "j__past" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_to = 0 AND h."valid_to" >= '0'::INTEGER AND h."valid_to" >= k._min
	UNION ALL SELECT h."id" FROM "j__mem" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_to = 0 AND h._s0 >= '0'::INTEGER AND h."_s0" >= k._min
	UNION ALL SELECT "id" FROM "temp"."j__batch" WHERE _late) x ON k."id" = x."id";

CREATE OR REPLACE TEMP TABLE "temp"."j__folded" AS SELECT "id", l."id" IS NOT NULL AS _is_late FROM "temp"."j__groups" k LEFT JOIN "temp"."j__late" l USING ("id") WHERE _n > 1 OR l."id" IS NOT NULL;

SELECT count(*), count(*) FILTER (WHERE _is_late) FROM "temp"."j__folded";

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b._del AND (b."name" IS NOT NULL OR b."seats" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."name" IS DISTINCT FROM o."name") THEN 'V' WHEN (b."seats" IS NOT NULL AND b."seats" IS DISTINCT FROM o."seats") THEN 'W' WHEN (b."seats" IS NOT NULL AND b."seats" IS DISTINCT FROM o."seats") THEN 'S' ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b ANTI JOIN "temp"."j__folded" f ON b."id" = f."id" LEFT JOIN "temp"."j__open" o ON b."id" = o."id";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

CREATE OR REPLACE TEMP TABLE "temp"."j__old" AS SELECT true AS _is_now, true AS _is_late, h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h."valid_to"
	, h."_said0", h."_null0", h."_raw", h._v_from, h._v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" WHERE h._v_to = 0) r ON h.rowid = r._rid UNION ALL SELECT false, true, h.rowid, h."id", h."name", h."seats", h."valid_from", h."valid_to", h."_said0", h."_null0", h."_raw", h._v_from, h._v_close FROM "j__past" h JOIN (SELECT h.rowid AS _rid FROM "j__past" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" WHERE h._v_to = 0) r ON h.rowid = r._rid UNION ALL SELECT true AS _is_now, false AS _is_late, h._rid, h."id", h."name", h."seats", h."valid_from", h."valid_to", h."_said0", h."_null0", h."_raw", h._v_from, h._v_close
FROM "temp"."j__open" h JOIN (FROM "temp"."j__folded" WHERE NOT _is_late) k ON h."id" = k."id";

CREATE OR REPLACE TEMP TABLE "temp"."j__oldmem" AS SELECT h.rowid AS _rid, h."id", h."_s0", h._kind, h."name", h."seats", h."_said0", h."_null0" FROM "j__mem" h JOIN (SELECT h.rowid AS _rid FROM "j__mem" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" WHERE h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__known" AS SELECT "id", "_s0", _del, "name", "seats", "_said0"  AS "_said0", "_null0"  | CASE WHEN "seats" IS NULL THEN 2::BIGINT ELSE 0 END AS "_null0" FROM (
	SELECT h."id", h."valid_from", false, CASE WHEN "h"."_said0" & 1 <> 0 THEN h."name" END AS "name", CASE WHEN "h"."_null0" & 2 = 0 THEN h."seats" END AS "seats", h."_said0", h."_null0" FROM "temp"."j__old" h WHERE h._is_late AND h._raw = 1
	UNION ALL SELECT h."id", h."valid_to", true, NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", -1, 0 FROM "temp"."j__old" h
		ANTI JOIN "temp"."j__old" n ON h."id" = n."id" AND h."valid_to" = n."valid_from"
		ANTI JOIN (FROM "temp"."j__oldmem" WHERE _kind = 'D') d ON h."id" = d."id" AND h."valid_to" = d."_s0" WHERE h._is_late AND NOT (h."valid_to" IS NULL)
	UNION ALL SELECT r."id", r."_s0", _kind = 'D', r."name", r."seats", r."_said0", r."_null0" FROM "temp"."j__oldmem" r WHERE _kind IN ('D', 'E')
	UNION ALL SELECT r."id", r."_s0", false, CASE WHEN "r"."_said0" & 1 <> 0 THEN h."name" END, CASE WHEN "r"."_null0" & 2 = 0 THEN h."seats" END, r."_said0", r."_null0" FROM (FROM "temp"."j__oldmem" WHERE _kind = 'N') r
		JOIN "temp"."j__old" h ON r."id" = h."id" AND r."_s0" >= h."valid_from" AND (h."valid_to" IS NULL OR r."_s0" < h."valid_to")
) x("id", "_s0", _del, "name", "seats", "_said0", "_null0");

CREATE OR REPLACE TEMP TABLE "temp"."j__new" AS SELECT *, b.rowid AS _b FROM "temp"."j__batch" b SEMI JOIN "temp"."j__folded" USING ("id");

DELETE FROM "temp"."j__new" AS n USING "temp"."j__known" k WHERE n."id" = k."id" AND n."_s0" = k."_s0" AND n._del IS NOT DISTINCT FROM k._del AND n."name" IS NOT DISTINCT FROM k."name" AND n."seats" IS NOT DISTINCT FROM k."seats";

DELETE FROM "temp"."j__new" AS n USING "temp"."j__oldmem" r WHERE r._kind = CASE WHEN n._del THEN 'RD' ELSE 'RE' END
	AND n."id" = r."id" AND n."_s0" = r."_s0" AND n."name" IS NOT DISTINCT FROM r."name" AND n."seats" IS NOT DISTINCT FROM r."seats";

CREATE OR REPLACE TEMP TABLE "temp"."j__conflict" AS SELECT * FROM "temp"."j__new" n WHERE n._second OR EXISTS (SELECT 1 FROM "temp"."j__known" k WHERE n."id" = k."id" AND n."_s0" = k."_s0");

SELECT count(*) FROM "temp"."j__conflict";

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'j', NULL, NULL, 'sequence_conflict: its key has an event with other values at ' || _r."_s0"::VARCHAR, NULL, NULL, to_json(struct_pack("id" := "_r"."id", "op" := "_r"."op", "name" := "_r"."name", "seats" := "_r"."seats", "ts" := "_r"."ts")), 5, NULL, NULL FROM "temp"."j__conflict" _r;

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats", "_said0", "_null0")
SELECT "id", "_s0", CASE WHEN _del THEN 'RD' ELSE 'RE' END, 5, 0, "name", "seats", "_said0", "_null0" FROM "temp"."j__conflict";

DELETE FROM "temp"."j__new" WHERE _b IN (SELECT _b FROM "temp"."j__conflict");

CREATE OR REPLACE TEMP TABLE "temp"."j__touched" AS SELECT DISTINCT "id" FROM "temp"."j__new";

CREATE OR REPLACE TEMP TABLE "temp"."j__line" AS SELECT *, count(*) FILTER (WHERE _changed) OVER (PARTITION BY "id" ORDER BY "_s0") AS _group FROM (
	SELECT *, NOT _del AND ("_f1" IS DISTINCT FROM lag("_f1") OVER w) AS _moved,
		CASE WHEN _del THEN coalesce(NOT lag(_del) OVER w, false)
			ELSE coalesce(lag(_del) OVER w, true) OR ("_f0" IS DISTINCT FROM lag("_f0") OVER w) END AS _changed
	FROM (SELECT *, (last_value(CASE WHEN NOT _del AND "_said0" & 1 <> 0 THEN struct_pack(v := "name") END IGNORE NULLS) OVER w).v AS "_f0", last_value(CASE WHEN NOT _del THEN "seats" END IGNORE NULLS) OVER w AS "_f1" FROM (
	SELECT *, count(*) FILTER (WHERE _del) OVER (PARTITION BY "id" ORDER BY "_s0") AS _run FROM (SELECT * FROM (
	SELECT "id", "valid_from", false, "name", "seats", -1, 0, false FROM "temp"."j__old"
		WHERE NOT _is_late UNION ALL SELECT "id", "_s0", _del, "name", "seats", "_said0", "_null0", false FROM "temp"."j__known" SEMI JOIN "temp"."j__touched" USING ("id") UNION ALL SELECT "id", "_s0", _del, "name", "seats", "_said0", "_null0", NOT _end FROM "temp"."j__new") x("id", "_s0", _del, "name", "seats", "_said0", "_null0", _new)))
	WINDOW w AS (PARTITION BY "id", _run ORDER BY "_s0")) WINDOW w AS (PARTITION BY "id" ORDER BY "_s0"));

CREATE OR REPLACE TEMP TABLE "temp"."j__built" AS SELECT * FROM (
	SELECT "id", "_s0", _del, "_l0" AS "seats", "_f0" AS "name", "_said0", "_null0", true AND (NOT ("x"."_null0" & 2 = 0) OR "_l0" IS NOT DISTINCT FROM "seats") AS _own,
		lead("_s0") OVER (PARTITION BY "id" ORDER BY "_s0") AS "_t0"
	FROM (SELECT *, last_value("_f1") OVER w AS "_l0" FROM "temp"."j__line"
	WINDOW w AS (PARTITION BY "id", _group ORDER BY "_s0" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) x WHERE _changed) WHERE NOT _del;

CREATE OR REPLACE TEMP TABLE "temp"."j__change" AS SELECT *, CASE WHEN _act IN ('keep', 'close') THEN _was_raw ELSE _own AND (_was_raw OR coalesce(_is_late, true)) END::TINYINT AS _raw FROM (
	SELECT o._rid, o._is_now, o._is_late, w."id", w."_s0", w."_t0", w."name", w."seats"
		, CASE WHEN NOT o._is_late THEN o."_said0" ELSE w."_said0" END AS "_said0", CASE WHEN NOT o._is_late THEN o."_null0" ELSE w."_null0" END AS "_null0",
		o._raw = 1 AS _was_raw, w._own,
		CASE WHEN o._rid IS NULL THEN 'add' WHEN w."id" IS NULL THEN 'kill' WHEN (o."name" IS DISTINCT FROM w."name" OR o."seats" IS DISTINCT FROM w."seats") THEN 'swap'
			WHEN o."valid_to" IS NOT DISTINCT FROM w."_t0" THEN 'keep' WHEN o."valid_to" IS NULL THEN 'close' ELSE 'swap' END AS _act
	FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__touched" USING ("id")) o FULL JOIN "temp"."j__built" w ON o."id" = w."id" AND o."valid_from" = w."_s0");

SELECT count(*) FILTER (WHERE o._rid IS NULL), count(*) FILTER (WHERE n._act IS NULL),
	count(*) FILTER (WHERE o._rid IS NOT NULL AND n._act IS NOT NULL AND (o."name" IS DISTINCT FROM n."name" OR o."seats" IS DISTINCT FROM n."seats"))
FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__touched" USING ("id") WHERE "valid_to" IS NULL) o
	FULL JOIN (FROM "temp"."j__change" WHERE _act <> 'kill' AND _t0 IS NULL) n ON o."id" = n."id";

SELECT count(DISTINCT _rid // 2048) FILTER (WHERE _is_now AND _act IN ('kill', 'swap', 'close')),
	count(*) FILTER (WHERE _is_now AND _act IN ('kill', 'swap')), count(*) FILTER (WHERE NOT _is_now AND _act IN ('kill', 'swap')),
	count(*) FILTER (WHERE _act IN ('add', 'swap') AND _t0 IS NULL), count(*) FILTER (WHERE _act IN ('add', 'swap')
		AND _t0 IS NOT NULL) FROM "temp"."j__change";

UPDATE "j__now" AS h SET "valid_to" = e."_t0", _v_close = 5 FROM (SELECT * FROM (SELECT _rid, "_t0", CASE WHEN _act = 'close' THEN 'close' ELSE 'kill' END AS _act FROM "temp"."j__change"
	WHERE _is_now AND _act IN ('kill', 'swap', 'close')) WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

INSERT INTO "j__now" ("id", "name", "seats", "valid_from", _v_from, _v_close, _v_to, "_said0", "_null0", "_raw")
SELECT "id", "name", "seats", "_s0", 5, 0, 0, "_said0", "_null0", "_raw" FROM "temp"."j__change" WHERE _act IN ('add', 'swap') AND _t0 IS NULL;

INSERT INTO "j__past" ("id", "name", "seats", "valid_from", "valid_to", _v_from, _v_close, _v_to, "_said0", "_null0", "_raw")
SELECT "id", "name", "seats", "_s0", "_t0", 5, 5, 0, "_said0", "_null0", "_raw" FROM "temp"."j__change" WHERE _act IN ('add', 'swap') AND _t0 IS NOT NULL;

CREATE OR REPLACE TEMP TABLE "temp"."j__wanted" AS SELECT * FROM (
	SELECT "id", "_s0", CASE WHEN _del THEN 'D' ELSE 'E' END, "name", "seats", "_said0", "_null0"
	FROM "temp"."j__line" f WHERE NOT _changed OR _del AND (f."name" IS NOT NULL OR f."seats" IS NOT NULL) UNION ALL SELECT f."id", f."_s0", 'E', CASE WHEN NOT d._is_late THEN CASE WHEN "o"."_said0" & 1 <> 0 THEN o."name" END ELSE f."name" END, CASE WHEN NOT d._is_late THEN CASE WHEN "o"."_null0" & 2 = 0 THEN o."seats" END ELSE f."seats" END, d."_said0", d."_null0"
FROM "temp"."j__change" d JOIN "temp"."j__line" f ON f."id" = d."id" AND f."_s0" = d."_s0"
	LEFT JOIN "temp"."j__old" o ON o._rid = d._rid AND o._is_now = d._is_now
WHERE d._raw = 0 AND d._act <> 'kill' AND (d._was_raw OR coalesce(d._is_late, true))) x("id", "_s0", _kind, "name", "seats", "_said0", "_null0");

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats", "_said0", "_null0")
SELECT t."id", t."_s0", t._kind, 5, 0, t."name", t."seats", t."_said0", t."_null0" FROM "temp"."j__wanted" t
ANTI JOIN "temp"."j__oldmem" r ON r."id" = t."id" AND r."_s0" = t."_s0" AND r._kind = t._kind AND r."_said0" IS NOT DISTINCT FROM t."_said0" AND r."_null0" IS NOT DISTINCT FROM t."_null0";

UPDATE "j__mem" AS h SET _v_to = 5 FROM (
	SELECT r._rid FROM "temp"."j__oldmem" r SEMI JOIN "temp"."j__touched" USING ("id") ANTI JOIN "temp"."j__wanted" t
		ON r."id" = t."id" AND r."_s0" = t."_s0" AND r._kind = t._kind AND r."_said0" IS NOT DISTINCT FROM t."_said0" AND r."_null0" IS NOT DISTINCT FROM t."_null0"
	WHERE r._kind IN ('N', 'E', 'D')) x WHERE h.rowid = x._rid;

SELECT count(*) FILTER (WHERE _new AND (_changed OR _moved)) FROM "temp"."j__line";

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == another TRACK, another column

DESCRIBE SELECT (ts) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::BIGINT AS "extra", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (ts) IS NULL;

DESCRIBE SELECT (ts) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::BIGINT AS "extra", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (ts) IS NULL;

DESCRIBE SELECT (op = 'd') FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::BIGINT AS "extra", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (op = 'd') IS NULL;

DESCRIBE SELECT (op = 'd') FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::BIGINT AS "extra", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (op = 'd') IS NULL;

DESCRIBE SELECT * FROM "j__state";

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

ALTER TABLE "j__now" ADD COLUMN "extra" BIGINT;

ALTER TABLE "j__past" ADD COLUMN "extra" BIGINT;

ALTER TABLE "j__mem" ADD COLUMN "extra" BIGINT;

SELECT count(*) FROM (SELECT 1 FROM "j__now" UNION ALL SELECT 1 FROM "j__past" UNION ALL SELECT 1 FROM "j__mem" LIMIT 1);

ALTER TABLE "j__now" ADD COLUMN "_said1" BIGINT DEFAULT 0;

ALTER TABLE "j__past" ADD COLUMN "_said1" BIGINT DEFAULT 0;

ALTER TABLE "j__mem" ADD COLUMN "_said1" BIGINT DEFAULT 0;

ALTER TABLE "j__now" ADD COLUMN "_null1" BIGINT DEFAULT 0;

ALTER TABLE "j__past" ADD COLUMN "_null1" BIGINT DEFAULT 0;

ALTER TABLE "j__mem" ADD COLUMN "_null1" BIGINT DEFAULT 0;

CREATE OR REPLACE MACRO "j__definition"() AS '{"feed":true,"scd":2,"keys":[{"Name":"id","Type":"BIGINT"}],"columns":[{"Name":"name","Type":"VARCHAR"},{"Name":"seats","Type":"INTEGER"},{"Name":"extra","Type":"BIGINT"}],"sequence":[{"name":"ts","type":"INTEGER","text":"ts"}],"sparse":["name","extra"],"nulls":["seats","name","extra"],"words":[0,2],"raw":true,"layout":1}';

SELECT count(*) FROM "j__mem" WHERE _kind = 'N';

CREATE OR REPLACE VIEW "j" AS SELECT "id", "name", "seats", "extra", "valid_from" FROM "j__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE VIEW "j_history" AS
SELECT "id", "name", "seats", "extra", "valid_from", "valid_to" FROM "j__now" WHERE _v_to = 0 UNION ALL SELECT "id", "name", "seats", "extra", "valid_from", "valid_to" FROM "j__past" WHERE _v_to = 0;

CREATE OR REPLACE VIEW "j_bitemporal" AS
WITH _r AS (SELECT "id", "name", "seats", "extra", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "j__now"
	UNION ALL SELECT "id", "name", "seats", "extra", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "j__past")
SELECT "id", "name", "seats", "extra", "valid_from", NULL AS "valid_to", _v_from AS "known_from", nullif(CASE
	WHEN _v_close <> 0 THEN _v_close ELSE _v_to END, 0) AS "known_to"
	FROM _r WHERE _v_close <> _v_from AND _v_to <> _v_from
UNION ALL SELECT "id", "name", "seats", "extra", "valid_from", "valid_to", _v_close, nullif(_v_to, 0) FROM _r WHERE _v_close <> 0 AND _v_to <> _v_close;

CREATE OR REPLACE MACRO "j_at"("at_version") AS TABLE
SELECT "id", "name", "seats", "extra", "valid_from" FROM "j__now"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "seats", "extra", "valid_from" FROM "j__past"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j_as_of"("at_time") AS TABLE
SELECT "id", "name", "seats", "extra", "valid_from" FROM "j__now" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND ("valid_to" IS NULL OR "valid_to" > "at_time")
UNION ALL SELECT "id", "name", "seats", "extra", "valid_from" FROM "j__past" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND "valid_to" > "at_time";

CREATE OR REPLACE MACRO "j_history_at"("at_version") AS TABLE
SELECT "id", "name", "seats", "extra", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "j__now"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "seats", "extra", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "j__past"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j__changes"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "seats", "extra", _v_close AS _version FROM "j__now" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "seats", "extra", _v_to FROM "j__now" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from
	UNION ALL SELECT "id", "name", "seats", "extra", _v_close FROM "j__past" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "seats", "extra", _v_to FROM "j__past" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from),
_a AS (
	SELECT "id", "name", "seats", "extra", _v_from AS _version FROM "j__now" WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from
	UNION ALL SELECT "id", "name", "seats", "extra", _v_from FROM "j__past"
		WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."seats" AS "_b2", _b."extra" AS "_b3", _a."id" AS "_n0", _a."name" AS "_n1", _a."seats" AS "_n2", _a."extra" AS "_n3"
FROM _b FULL JOIN _a ON _b."id" = _a."id" AND _b._version = _a._version
	WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."seats" IS DISTINCT FROM _a."seats" OR _b."extra" IS DISTINCT FROM _a."extra"))
SELECT CASE WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type, _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "seats", "_b3" AS "extra" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN _isb THEN 'update_after' ELSE 'insert' END, _version, "_n0" AS "id", "_n1" AS "name", "_n2" AS "seats", "_n3" AS "extra" FROM _c WHERE _isa;

CREATE OR REPLACE MACRO "j_changes"("from_version", "to_version") AS TABLE
SELECT * FROM "j__changes"("from_version", "to_version") UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "from_version" < oldest  THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("from_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j_diff"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "seats", "extra", 1 AS _version FROM "j__now"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", "extra", 1 FROM "j__now"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", "extra", 1 FROM "j__past"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", "extra", 1 FROM "j__past"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")),
_a AS (
	SELECT "id", "name", "seats", "extra", 1 AS _version FROM "j__now" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))
	UNION ALL SELECT "id", "name", "seats", "extra", 1 FROM "j__past" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."seats" AS "_b2", _b."extra" AS "_b3", _a."id" AS "_n0", _a."name" AS "_n1", _a."seats" AS "_n2", _a."extra" AS "_n3"
FROM _b FULL JOIN _a ON _b."id" = _a."id" WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."seats" IS DISTINCT FROM _a."seats" OR _b."extra" IS DISTINCT FROM _a."extra"))
SELECT CASE WHEN "from_version" > "to_version" THEN CASE WHEN _isa THEN 'update_after' ELSE 'insert' END
	WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type,
	"to_version"::BIGINT AS _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "seats", "_b3" AS "extra" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN "from_version" > "to_version" THEN
	CASE WHEN _isb THEN 'update_before' ELSE 'delete' END WHEN _isb THEN 'update_after' ELSE 'insert' END,
	"to_version"::BIGINT, "_n0" AS "id", "_n1" AS "name", "_n2" AS "seats", "_n3" AS "extra" FROM _c WHERE _isa
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN least("from_version", "to_version") < oldest  THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || (least("from_version", "to_version")))::BOOLEAN ELSE false END;

-- == rebuild

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__folded" AS SELECT DISTINCT "id", true AS _is_late FROM (
	SELECT "id" FROM "j__now" WHERE _v_to = 0 UNION ALL SELECT "id" FROM "j__past" WHERE _v_to = 0
	UNION ALL SELECT "id" FROM "j__mem" WHERE _v_to = 0 AND "id" IS NOT NULL);

SELECT count(*) FROM "temp"."j__folded";

CREATE OR REPLACE TEMP TABLE "temp"."j__old" AS SELECT true AS _is_now, true AS _is_late, h.rowid AS _rid, h."id", h."name", h."seats", h."extra", h."valid_from", h."valid_to"
	, h."_said0", h."_said1", h."_null0", h."_null1", h."_raw", h._v_from, h._v_close FROM "j__now" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" WHERE h._v_to = 0 UNION ALL SELECT false, true, h.rowid, h."id", h."name", h."seats", h."extra", h."valid_from", h."valid_to", h."_said0", h."_said1", h."_null0", h."_null1", h."_raw", h._v_from, h._v_close FROM "j__past" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" WHERE h._v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."j__oldmem" AS SELECT h.rowid AS _rid, h."id", h."_s0", h._kind, h."name", h."seats", h."extra", h."_said0", h."_said1", h."_null0", h."_null1" FROM "j__mem" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" WHERE h._v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."j__known" AS SELECT "id", "_s0", _del, "name", "seats", "extra", "_said0"  AS "_said0", "_said1"  AS "_said1", "_null0"  | CASE WHEN "name" IS NULL THEN 1::BIGINT ELSE 0 END | CASE WHEN "seats" IS NULL THEN 2::BIGINT ELSE 0 END AS "_null0", "_null1"  | CASE WHEN "extra" IS NULL THEN 1::BIGINT ELSE 0 END AS "_null1" FROM (
	SELECT h."id", h."valid_from", false, CASE WHEN "h"."_said0" & 1 <> 0 AND "h"."_null0" & 1 = 0 THEN h."name" END AS "name", CASE WHEN "h"."_null0" & 2 = 0 THEN h."seats" END AS "seats", CASE WHEN "h"."_said1" & 1 <> 0 AND "h"."_null1" & 1 = 0 THEN h."extra" END AS "extra", h."_said0", h."_said1", h."_null0", h."_null1" FROM "temp"."j__old" h WHERE h._is_late AND h._raw = 1
	UNION ALL SELECT h."id", h."valid_to", true, NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::BIGINT AS "extra", -1, -1, 0, 0 FROM "temp"."j__old" h
		ANTI JOIN "temp"."j__old" n ON h."id" = n."id" AND h."valid_to" = n."valid_from"
		ANTI JOIN (FROM "temp"."j__oldmem" WHERE _kind = 'D') d ON h."id" = d."id" AND h."valid_to" = d."_s0" WHERE h._is_late AND NOT (h."valid_to" IS NULL)
	UNION ALL SELECT r."id", r."_s0", _kind = 'D', r."name", r."seats", r."extra", r."_said0", r."_said1", r."_null0", r."_null1" FROM "temp"."j__oldmem" r WHERE _kind IN ('D', 'E')
	UNION ALL SELECT r."id", r."_s0", false, CASE WHEN "r"."_said0" & 1 <> 0 AND "r"."_null0" & 1 = 0 THEN h."name" END, CASE WHEN "r"."_null0" & 2 = 0 THEN h."seats" END, CASE WHEN "r"."_said1" & 1 <> 0 AND "r"."_null1" & 1 = 0 THEN h."extra" END, r."_said0", r."_said1", r."_null0", r."_null1" FROM (FROM "temp"."j__oldmem" WHERE _kind = 'N') r
		JOIN "temp"."j__old" h ON r."id" = h."id" AND r."_s0" >= h."valid_from" AND (h."valid_to" IS NULL OR r."_s0" < h."valid_to")
) x("id", "_s0", _del, "name", "seats", "extra", "_said0", "_said1", "_null0", "_null1");

CREATE OR REPLACE TEMP TABLE "temp"."j__line" AS SELECT *, count(*) FILTER (WHERE _changed) OVER (PARTITION BY "id" ORDER BY "_s0") AS _group FROM (
	SELECT *, NOT _del AND ("_f0" IS DISTINCT FROM lag("_f0") OVER w OR "_f2" IS DISTINCT FROM lag("_f2") OVER w) AS _moved,
		CASE WHEN _del THEN coalesce(NOT lag(_del) OVER w, false)
			ELSE coalesce(lag(_del) OVER w, true) OR ("_f1" IS DISTINCT FROM lag("_f1") OVER w) END AS _changed
	FROM (SELECT *, last_value(CASE WHEN NOT _del THEN "name" END IGNORE NULLS) OVER w AS "_f0", last_value(CASE WHEN NOT _del THEN "seats" END IGNORE NULLS) OVER w AS "_f1", last_value(CASE WHEN NOT _del THEN "extra" END IGNORE NULLS) OVER w AS "_f2" FROM (
	SELECT *, count(*) FILTER (WHERE _del) OVER (PARTITION BY "id" ORDER BY "_s0") AS _run FROM (SELECT * FROM (
	SELECT "id", "valid_from", false, "name", "seats", "extra", -1, -1, 0, 0, false FROM "temp"."j__old"
		WHERE NOT _is_late UNION ALL SELECT "id", "_s0", _del, "name", "seats", "extra", "_said0", "_said1", "_null0", "_null1", false FROM "temp"."j__known" SEMI JOIN "temp"."j__folded" USING ("id") ) x("id", "_s0", _del, "name", "seats", "extra", "_said0", "_said1", "_null0", "_null1", _new)))
	WINDOW w AS (PARTITION BY "id", _run ORDER BY "_s0")) WINDOW w AS (PARTITION BY "id" ORDER BY "_s0"));

CREATE OR REPLACE TEMP TABLE "temp"."j__built" AS SELECT * FROM (
	SELECT "id", "_s0", _del, "_l0" AS "name", "_l1" AS "extra", "_f1" AS "seats", "_said0", "_said1", "_null0", "_null1", true AND (NOT ("x"."_said0" & 1 <> 0 AND "x"."_null0" & 1 = 0) OR "_l0" IS NOT DISTINCT FROM "name") AND (NOT ("x"."_said1" & 1 <> 0 AND "x"."_null1" & 1 = 0) OR "_l1" IS NOT DISTINCT FROM "extra") AS _own,
		lead("_s0") OVER (PARTITION BY "id" ORDER BY "_s0") AS "_t0"
	FROM (SELECT *, last_value("_f0") OVER w AS "_l0", last_value("_f2") OVER w AS "_l1" FROM "temp"."j__line"
	WINDOW w AS (PARTITION BY "id", _group ORDER BY "_s0" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) x WHERE _changed) WHERE NOT _del;

CREATE OR REPLACE TEMP TABLE "temp"."j__change" AS SELECT *, CASE WHEN _act IN ('keep', 'close') THEN _was_raw ELSE _own AND (_was_raw OR coalesce(_is_late, true)) END::TINYINT AS _raw FROM (
	SELECT o._rid, o._is_now, o._is_late, w."id", w."_s0", w."_t0", w."name", w."seats", w."extra"
		, CASE WHEN NOT o._is_late THEN o."_said0" ELSE w."_said0" END AS "_said0", CASE WHEN NOT o._is_late THEN o."_said1" ELSE w."_said1" END AS "_said1", CASE WHEN NOT o._is_late THEN o."_null0" ELSE w."_null0" END AS "_null0", CASE WHEN NOT o._is_late THEN o."_null1" ELSE w."_null1" END AS "_null1",
		o._raw = 1 AS _was_raw, w._own,
		CASE WHEN o._rid IS NULL THEN 'add' WHEN w."id" IS NULL THEN 'kill' WHEN (o."name" IS DISTINCT FROM w."name" OR o."seats" IS DISTINCT FROM w."seats" OR o."extra" IS DISTINCT FROM w."extra") THEN 'swap'
			WHEN o."valid_to" IS NOT DISTINCT FROM w."_t0" THEN 'keep' WHEN o."valid_to" IS NULL THEN 'close' ELSE 'swap' END AS _act
	FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__folded" USING ("id")) o FULL JOIN "temp"."j__built" w ON o."id" = w."id" AND o."valid_from" = w."_s0");

SELECT count(*) FILTER (WHERE o._rid IS NULL), count(*) FILTER (WHERE n._act IS NULL),
	count(*) FILTER (WHERE o._rid IS NOT NULL AND n._act IS NOT NULL AND (o."name" IS DISTINCT FROM n."name" OR o."seats" IS DISTINCT FROM n."seats" OR o."extra" IS DISTINCT FROM n."extra"))
FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__folded" USING ("id") WHERE "valid_to" IS NULL) o
	FULL JOIN (FROM "temp"."j__change" WHERE _act <> 'kill' AND _t0 IS NULL) n ON o."id" = n."id";

SELECT count(DISTINCT _rid // 2048) FILTER (WHERE _is_now AND _act IN ('kill', 'swap', 'close')),
	count(*) FILTER (WHERE _is_now AND _act IN ('kill', 'swap')), count(*) FILTER (WHERE NOT _is_now AND _act IN ('kill', 'swap')),
	count(*) FILTER (WHERE _act IN ('add', 'swap') AND _t0 IS NULL), count(*) FILTER (WHERE _act IN ('add', 'swap')
		AND _t0 IS NOT NULL) FROM "temp"."j__change";

UPDATE "j__now" AS h SET "valid_to" = e."_t0", _v_close = 7 FROM (SELECT * FROM (SELECT _rid, "_t0", CASE WHEN _act = 'close' THEN 'close' ELSE 'kill' END AS _act FROM "temp"."j__change"
	WHERE _is_now AND _act IN ('kill', 'swap', 'close')) WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

UPDATE "j__now" AS h SET _v_to = 7 FROM (SELECT * FROM (SELECT _rid, "_t0", CASE WHEN _act = 'close' THEN 'close' ELSE 'kill' END AS _act FROM "temp"."j__change"
	WHERE _is_now AND _act IN ('kill', 'swap', 'close')) WHERE _act <> 'close') e WHERE h.rowid = e._rid;

UPDATE "j__past" AS h SET _v_to = 7 FROM (SELECT _rid FROM "temp"."j__change" WHERE NOT _is_now AND _act IN ('kill', 'swap')) c WHERE h.rowid = c._rid;

INSERT INTO "j__now" ("id", "name", "seats", "extra", "valid_from", _v_from, _v_close, _v_to, "_said0", "_said1", "_null0", "_null1", "_raw")
SELECT "id", "name", "seats", "extra", "_s0", 7, 0, 0, "_said0", "_said1", "_null0", "_null1", "_raw" FROM "temp"."j__change" WHERE _act IN ('add', 'swap') AND _t0 IS NULL;

INSERT INTO "j__past" ("id", "name", "seats", "extra", "valid_from", "valid_to", _v_from, _v_close, _v_to, "_said0", "_said1", "_null0", "_null1", "_raw")
SELECT "id", "name", "seats", "extra", "_s0", "_t0", 7, 7, 0, "_said0", "_said1", "_null0", "_null1", "_raw" FROM "temp"."j__change" WHERE _act IN ('add', 'swap') AND _t0 IS NOT NULL;

CREATE OR REPLACE TEMP TABLE "temp"."j__wanted" AS SELECT * FROM (
	SELECT "id", "_s0", CASE WHEN _del THEN 'D' ELSE 'E' END, "name", "seats", "extra", "_said0", "_said1", "_null0", "_null1"
	FROM "temp"."j__line" f WHERE NOT _changed OR _del AND (f."name" IS NOT NULL OR f."seats" IS NOT NULL OR f."extra" IS NOT NULL) UNION ALL SELECT f."id", f."_s0", 'E', CASE WHEN NOT d._is_late THEN CASE WHEN "o"."_said0" & 1 <> 0 AND "o"."_null0" & 1 = 0 THEN o."name" END ELSE f."name" END, CASE WHEN NOT d._is_late THEN CASE WHEN "o"."_null0" & 2 = 0 THEN o."seats" END ELSE f."seats" END, CASE WHEN NOT d._is_late THEN CASE WHEN "o"."_said1" & 1 <> 0 AND "o"."_null1" & 1 = 0 THEN o."extra" END ELSE f."extra" END, d."_said0", d."_said1", d."_null0", d."_null1"
FROM "temp"."j__change" d JOIN "temp"."j__line" f ON f."id" = d."id" AND f."_s0" = d."_s0"
	LEFT JOIN "temp"."j__old" o ON o._rid = d._rid AND o._is_now = d._is_now
WHERE d._raw = 0 AND d._act <> 'kill' AND (d._was_raw OR coalesce(d._is_late, true))) x("id", "_s0", _kind, "name", "seats", "extra", "_said0", "_said1", "_null0", "_null1");

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats", "extra", "_said0", "_said1", "_null0", "_null1")
SELECT t."id", t."_s0", t._kind, 7, 0, t."name", t."seats", t."extra", t."_said0", t."_said1", t."_null0", t."_null1" FROM "temp"."j__wanted" t
ANTI JOIN "temp"."j__oldmem" r ON r."id" = t."id" AND r."_s0" = t."_s0" AND r._kind = t._kind AND r."_said0" IS NOT DISTINCT FROM t."_said0" AND r."_said1" IS NOT DISTINCT FROM t."_said1" AND r."_null0" IS NOT DISTINCT FROM t."_null0" AND r."_null1" IS NOT DISTINCT FROM t."_null1";

UPDATE "j__mem" AS h SET _v_to = 7 FROM (
	SELECT r._rid FROM "temp"."j__oldmem" r SEMI JOIN "temp"."j__folded" USING ("id") ANTI JOIN "temp"."j__wanted" t
		ON r."id" = t."id" AND r."_s0" = t."_s0" AND r._kind = t._kind AND r."_said0" IS NOT DISTINCT FROM t."_said0" AND r."_said1" IS NOT DISTINCT FROM t."_said1" AND r."_null0" IS NOT DISTINCT FROM t."_null0" AND r."_null1" IS NOT DISTINCT FROM t."_null1"
	WHERE r._kind IN ('N', 'E', 'D')) x WHERE h.rowid = x._rid;

SELECT count(*) FILTER (WHERE _new AND (_changed OR _moved)) FROM "temp"."j__line";

UPDATE "j__state" SET "_s0" = NULL;

UPDATE "j__state" SET "_s0" = m."_s0" FROM (SELECT * FROM (SELECT "_s0" FROM "j__mem" WHERE _v_to = 0
UNION ALL SELECT "valid_from" FROM "j__now" WHERE _v_to = 0 UNION ALL SELECT "valid_to" FROM "j__now" WHERE _v_to = 0 AND "valid_to" IS NOT NULL
UNION ALL SELECT "valid_from" FROM "j__past" WHERE _v_to = 0 UNION ALL SELECT "valid_to" FROM "j__past" WHERE _v_to = 0) x("_s0") ORDER BY "_s0" DESC NULLS LAST LIMIT 1) m;

SELECT count(*) FILTER (WHERE change_type = 'insert'), count(*) FILTER (WHERE change_type = 'update_after'),
	count(*) FILTER (WHERE change_type = 'delete') FROM "j__changes"(6, 7);

-- == what others read

(SELECT * FROM "j__changes"(3, 5));

SELECT "id", "change_type" FROM "j__changes"(3, 4) ORDER BY "_version", "id", "change_type" = 'update_after';

WITH r AS (
		SELECT "valid_from", "valid_to", "name", "seats", "extra", _v_from, _v_to FROM "j__now" WHERE "id" = '1'::BIGINT
		UNION ALL SELECT "valid_from", "valid_to", "name", "seats", "extra", _v_from, _v_to FROM "j__past" WHERE "id" = '1'::BIGINT),
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
			THEN 'seats' || ': ' || coalesce(lag("seats") OVER w::VARCHAR, 'NULL') || ' → ' || coalesce("seats"::VARCHAR, 'NULL') END, CASE
			WHEN _n > 1 AND "extra" IS DISTINCT FROM lag("extra") OVER w
			THEN 'extra' || ': ' || coalesce(lag("extra") OVER w::VARCHAR, 'NULL') || ' → ' || coalesce("extra"::VARCHAR, 'NULL') END]::VARCHAR[],
		lambda x: x IS NOT NULL), ', ') END AS what, "name", "seats", "extra", _opened AS version
FROM b WINDOW w AS (ORDER BY _n) ORDER BY _n;

SELECT ['rows', 'column name', 'column seats', 'column extra'][_n] AS what, count(*) FILTER (_k = 1) AS added, count(*) FILTER (_k = 2) AS removed,
	count(*) FILTER (_k = 3) AS changed FROM (
		SELECT unnest(_k) AS _k, generate_subscripts(_k, 1) AS _n FROM (
			SELECT [CASE change_type WHEN 'insert' THEN 1 WHEN 'delete' THEN 2 WHEN 'update_after' THEN 3 ELSE 0 END, CASE
				WHEN change_type <> 'update_after' OR "name" IS NOT DISTINCT FROM _j0."name" THEN 0 WHEN _j0."name" IS NULL THEN 1
				WHEN "name" IS NULL THEN 2 ELSE 3 END, CASE
				WHEN change_type <> 'update_after' OR "seats" IS NOT DISTINCT FROM _j0."seats" THEN 0 WHEN _j0."seats" IS NULL THEN 1
				WHEN "seats" IS NULL THEN 2 ELSE 3 END, CASE
				WHEN change_type <> 'update_after' OR "extra" IS NOT DISTINCT FROM _j0."extra" THEN 0 WHEN _j0."extra" IS NULL THEN 1
				WHEN "extra" IS NULL THEN 2 ELSE 3 END] AS _k
			FROM (SELECT *, lag(_s0) OVER (PARTITION BY "id" ORDER BY change_type DESC) AS _j0 FROM x AS _s0))
		UNION ALL SELECT 0, 1)
	GROUP BY _n HAVING _n = 1 OR count(*) FILTER (_k > 0) > 0 ORDER BY _n;
