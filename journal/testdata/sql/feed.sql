-- CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op = 'd' COLUMNS * EXCEPT (op, ts) FROM ev

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

CREATE OR REPLACE MACRO "j__definition"() AS '{"feed":true,"scd":2,"keys":[{"Name":"id","Type":"BIGINT"}],"columns":[{"Name":"name","Type":"VARCHAR"},{"Name":"seats","Type":"INTEGER"}],"sequence":[{"name":"ts","type":"INTEGER","text":"ts"}],"sparse":null,"nulls":null,"words":null,"raw":false,"layout":1}';

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

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), false FROM "temp"."j__batch" b, "j__state" h;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b._del AND (b."name" IS NOT NULL OR b."seats" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."name" IS DISTINCT FROM o."name" OR b."seats" IS DISTINCT FROM o."seats") THEN 'V'  ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b  LEFT JOIN "temp"."j__open" o ON b."id" = o."id";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

INSERT INTO "j__now" ("id", "name", "seats", "valid_from", _v_from, _v_close, _v_to)
SELECT b."id", "b"."name", "b"."seats", b."_s0", 2, 0, 0 FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b  WHERE x._role IN ('V', 'W', 'S');

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == in order: changed, the same, deleted

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), coalesce(bool_or(b."_s0" <= h."_s0"), false) FROM "temp"."j__batch" b, "j__state" h;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b._del AND (b."name" IS NOT NULL OR b."seats" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."name" IS DISTINCT FROM o."name" OR b."seats" IS DISTINCT FROM o."seats") THEN 'V'  ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b  LEFT JOIN "temp"."j__open" o ON b."id" = o."id";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

UPDATE "j__now" AS h SET "valid_to" = e."_t0", _v_close = 3 FROM (SELECT * FROM (SELECT _rid, "_s0" AS "_t0", CASE WHEN _role IN ('W', 'S') THEN 'kill' ELSE 'close' END AS _act FROM "temp"."j__role"
	WHERE _rid IS NOT NULL AND _role <> 'N') WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

INSERT INTO "j__now" ("id", "name", "seats", "valid_from", _v_from, _v_close, _v_to)
SELECT b."id", "b"."name", "b"."seats", b."_s0", 3, 0, 0 FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b  WHERE x._role IN ('V', 'W', 'S');

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats")
SELECT b."id", b."_s0", CASE WHEN b._del THEN 'D' ELSE 'N' END, 3, 0, NULL, NULL
FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b WHERE x._role NOT IN ('V', 'C') OR x._image;

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == in order, of too many vectors to update in place

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "op", "ts", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), coalesce(bool_or(b."_s0" <= h."_s0"), false) FROM "temp"."j__batch" b, "j__state" h;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."valid_from", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b._del AND (b."name" IS NOT NULL OR b."seats" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."name" IS DISTINCT FROM o."name" OR b."seats" IS DISTINCT FROM o."seats") THEN 'V'  ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b  LEFT JOIN "temp"."j__open" o ON b."id" = o."id";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

INSERT INTO "j__past" ("id", "name", "seats", "valid_from", "valid_to", _v_from, _v_close, _v_to)
SELECT r."id", r."name", r."seats", r."valid_from", CASE WHEN e._act = 'kill' THEN r."valid_to" ELSE e."_t0" END, r._v_from,
	CASE WHEN e._act = 'kill' THEN r._v_close ELSE 4 END, CASE WHEN e._act = 'close' THEN 0 ELSE 4 END
FROM "temp"."j__open" r JOIN (SELECT _rid, "_s0" AS "_t0", CASE WHEN _role IN ('W', 'S') THEN 'kill' ELSE 'close' END AS _act FROM "temp"."j__role"
	WHERE _rid IS NOT NULL AND _role <> 'N') e ON r._rid = e._rid;

DELETE FROM "j__now" WHERE rowid IN (SELECT _rid FROM (SELECT _rid, "_s0" AS "_t0", CASE WHEN _role IN ('W', 'S') THEN 'kill' ELSE 'close' END AS _act FROM "temp"."j__role"
	WHERE _rid IS NOT NULL AND _role <> 'N'));

INSERT INTO "j__now" ("id", "name", "seats", "valid_from", _v_from, _v_close, _v_to)
SELECT b."id", "b"."name", "b"."seats", b."_s0", 4, 0, 0 FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b  WHERE x._role IN ('V', 'W', 'S');

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats")
SELECT b."id", b."_s0", CASE WHEN b._del THEN 'D' ELSE 'N' END, 4, 0, CASE WHEN b._del THEN b."name" END, CASE WHEN b._del THEN b."seats" END
FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b WHERE x._role NOT IN ('V', 'C') OR x._image;

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == rollback

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

SELECT oldest FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__back" AS SELECT "id", "name", "seats", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= 1 THEN "valid_to" END AS "valid_to", _v_close <> 0
	AND _v_close <= 1 AS _closed
FROM "j__now" WHERE _v_from <= 1 AND (_v_to = 0 OR _v_to > 1) AND (_v_to <> 0 OR _v_close > 1)
UNION ALL SELECT "id", "name", "seats", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= 1 THEN "valid_to" END AS "valid_to",
	_v_close <> 0 AND _v_close <= 1
FROM "j__past" WHERE _v_from <= 1 AND (_v_to = 0 OR _v_to > 1) AND (_v_to <> 0 OR _v_close > 1);

CREATE OR REPLACE TEMP TABLE "temp"."j__backmem" AS SELECT "id", "_s0", _kind, "name", "seats" FROM "j__mem" WHERE _v_from <= 1 AND _v_to > 1;

UPDATE "j__now" SET _v_to = 5 WHERE _v_to = 0 AND (_v_from > 1 OR _v_close > 1);

UPDATE "j__past" SET _v_to = 5 WHERE _v_to = 0 AND (_v_from > 1 OR _v_close > 1);

UPDATE "j__mem" SET _v_to = 5 WHERE _v_to = 0 AND _v_from > 1;

INSERT INTO "j__now" ("id", "name", "seats", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "seats", "valid_from", 5, 0, 0 FROM "temp"."j__back" WHERE NOT _closed;

INSERT INTO "j__past" ("id", "name", "seats", "valid_from", "valid_to", _v_from, _v_close, _v_to)
SELECT "id", "name", "seats", "valid_from", "valid_to", 5, 5, 0 FROM "temp"."j__back" WHERE _closed;

INSERT INTO "j__mem" ("id", "_s0", _kind, "name", "seats", _v_from, _v_to) SELECT "id", "_s0", _kind, "name", "seats", 5, 0 FROM "temp"."j__backmem";

UPDATE "j__state" SET "_s0" = NULL;

UPDATE "j__state" SET "_s0" = m."_s0" FROM (SELECT * FROM (SELECT "_s0" FROM "j__mem" WHERE _v_to = 0
UNION ALL SELECT "valid_from" FROM "j__now" WHERE _v_to = 0 UNION ALL SELECT "valid_to" FROM "j__now" WHERE _v_to = 0 AND "valid_to" IS NOT NULL
UNION ALL SELECT "valid_from" FROM "j__past" WHERE _v_to = 0 UNION ALL SELECT "valid_to" FROM "j__past" WHERE _v_to = 0) x("_s0") ORDER BY "_s0" DESC NULLS LAST LIMIT 1) m;

SELECT count(*) FILTER (WHERE change_type = 'insert'), count(*) FILTER (WHERE change_type = 'update_after'),
	count(*) FILTER (WHERE change_type = 'delete') FROM "j__changes"(4, 5);

-- == vacuum

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

DELETE FROM "j__now" WHERE _v_to <> 0 AND _v_to <= 5;

DELETE FROM "j__past" WHERE _v_to <> 0 AND _v_to <= 5;

DELETE FROM "j__mem" WHERE _v_to <> 0 AND _v_to <= 5;

INSERT INTO "j__past" ("id", "name", "seats", "valid_from", "valid_to", _v_from, _v_close, _v_to)
SELECT "id", "name", "seats", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "j__now" WHERE _v_close <> 0 OR _v_to <> 0;

DELETE FROM "j__now" WHERE _v_close <> 0 OR _v_to <> 0;

UPDATE "j__state" SET oldest = greatest(oldest, 5);

-- == empty

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

UPDATE "j__now" SET _v_to = 7 WHERE _v_to = 0;

UPDATE "j__past" SET _v_to = 7 WHERE _v_to = 0;

UPDATE "j__mem" SET _v_to = 7 WHERE _v_to = 0;

UPDATE "j__state" SET "_s0" = NULL;

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

-- == drop

DROP MACRO TABLE IF EXISTS "j_at";

DROP MACRO TABLE IF EXISTS "j_as_of";

DROP MACRO TABLE IF EXISTS "j_history_at";

DROP MACRO TABLE IF EXISTS "j_changes";

DROP MACRO TABLE IF EXISTS "j_diff";

DROP MACRO TABLE IF EXISTS "j__changes";

DROP VIEW IF EXISTS "j";

DROP VIEW IF EXISTS "j_history";

DROP VIEW IF EXISTS "j_bitemporal";

DROP MACRO IF EXISTS "j__definition";

DROP TABLE IF EXISTS "j__now";

DROP TABLE IF EXISTS "j__past";

DROP TABLE IF EXISTS "j__mem";

DROP TABLE IF EXISTS "j__state";
