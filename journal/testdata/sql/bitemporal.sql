-- CREATE JOURNAL j KEYS (id, part) SEQUENCE BY (ts, off) DELETE WHEN op = 'd' COLUMNS * EXCEPT (op, off) FROM ev

-- == declared

DESCRIBE SELECT (ts) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "part", NULL::VARCHAR AS "op", NULL::DOUBLE AS "v", NULL::TIMESTAMP AS "ts", NULL::INTEGER AS "off", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (ts) IS NULL;

DESCRIBE SELECT (ts) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "part", NULL::VARCHAR AS "op", NULL::DOUBLE AS "v", NULL::TIMESTAMP AS "ts", NULL::INTEGER AS "off", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (ts) IS NULL;

DESCRIBE SELECT (off) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "part", NULL::VARCHAR AS "op", NULL::DOUBLE AS "v", NULL::TIMESTAMP AS "ts", NULL::INTEGER AS "off", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (off) IS NULL;

DESCRIBE SELECT (off) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "part", NULL::VARCHAR AS "op", NULL::DOUBLE AS "v", NULL::TIMESTAMP AS "ts", NULL::INTEGER AS "off", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (off) IS NULL;

DESCRIBE SELECT (op = 'd') FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "part", NULL::VARCHAR AS "op", NULL::DOUBLE AS "v", NULL::TIMESTAMP AS "ts", NULL::INTEGER AS "off", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (op = 'd') IS NULL;

DESCRIBE SELECT (op = 'd') FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "part", NULL::VARCHAR AS "op", NULL::DOUBLE AS "v", NULL::TIMESTAMP AS "ts", NULL::INTEGER AS "off", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (op = 'd') IS NULL;

CREATE TABLE "j__now" ("id" BIGINT, "part" VARCHAR, "v" DOUBLE, "ts" TIMESTAMP, "valid_from_ts" TIMESTAMP, "valid_from_off" INTEGER, "valid_to_ts" TIMESTAMP, "valid_to_off" INTEGER, _v_from BIGINT, _v_close BIGINT, _v_to BIGINT);

CREATE TABLE "j__past" ("id" BIGINT, "part" VARCHAR, "v" DOUBLE, "ts" TIMESTAMP, "valid_from_ts" TIMESTAMP, "valid_from_off" INTEGER, "valid_to_ts" TIMESTAMP, "valid_to_off" INTEGER, _v_from BIGINT, _v_close BIGINT, _v_to BIGINT);

CREATE TABLE "j__mem" ("id" BIGINT, "part" VARCHAR, "_s0" TIMESTAMP, "_s1" INTEGER, _kind VARCHAR, "v" DOUBLE, "ts" TIMESTAMP, _v_from BIGINT, _v_to BIGINT);

CREATE TABLE "j__state" (oldest BIGINT NOT NULL, "_s0" TIMESTAMP, "_s1" INTEGER);

INSERT INTO "j__state" (oldest) VALUES (0);

ALTER TABLE "j__now" ADD COLUMN "_said0" BIGINT DEFAULT -1;

ALTER TABLE "j__past" ADD COLUMN "_said0" BIGINT DEFAULT -1;

ALTER TABLE "j__mem" ADD COLUMN "_said0" BIGINT DEFAULT -1;

CREATE OR REPLACE MACRO "j__definition"() AS '{"feed":true,"scd":2,"keys":[{"Name":"id","Type":"BIGINT"},{"Name":"part","Type":"VARCHAR"}],"columns":[{"Name":"v","Type":"DOUBLE"},{"Name":"ts","Type":"TIMESTAMP"}],"sequence":[{"name":"ts","type":"TIMESTAMP","text":"ts"},{"name":"off","type":"INTEGER","text":"off"}],"sparse":null,"nulls":null,"words":null,"raw":false,"layout":1}';

CREATE OR REPLACE VIEW "j" AS SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off" FROM "j__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE VIEW "j_history" AS
SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off", "valid_to_ts", "valid_to_off" FROM "j__now" WHERE _v_to = 0 UNION ALL SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off", "valid_to_ts", "valid_to_off" FROM "j__past" WHERE _v_to = 0;

CREATE OR REPLACE VIEW "j_bitemporal" AS
WITH _r AS (SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off", "valid_to_ts", "valid_to_off", _v_from, _v_close, _v_to FROM "j__now"
	UNION ALL SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off", "valid_to_ts", "valid_to_off", _v_from, _v_close, _v_to FROM "j__past")
SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off", NULL AS "valid_to_ts", NULL AS "valid_to_off", _v_from AS "known_from", nullif(CASE
	WHEN _v_close <> 0 THEN _v_close ELSE _v_to END, 0) AS "known_to"
	FROM _r WHERE _v_close <> _v_from AND _v_to <> _v_from
UNION ALL SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off", "valid_to_ts", "valid_to_off", _v_close, nullif(_v_to, 0) FROM _r WHERE _v_close <> 0 AND _v_to <> _v_close;

CREATE OR REPLACE MACRO "j_at"("at_version") AS TABLE
SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off" FROM "j__now"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off" FROM "j__past"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j_as_of"("at_time") AS TABLE
SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off" FROM "j__now" WHERE _v_to = 0 AND "valid_from_ts" <= "at_time" AND ("valid_to_ts" IS NULL OR "valid_to_ts" > "at_time")
UNION ALL SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off" FROM "j__past" WHERE _v_to = 0 AND "valid_from_ts" <= "at_time" AND "valid_to_ts" > "at_time";

CREATE OR REPLACE MACRO "j_history_at"("at_version") AS TABLE
SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to_ts" END AS "valid_to_ts", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to_off" END AS "valid_to_off" FROM "j__now"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "part", "v", "ts", "valid_from_ts", "valid_from_off", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to_ts" END AS "valid_to_ts", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to_off" END AS "valid_to_off" FROM "j__past"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j__changes"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "part", "v", "ts", _v_close AS _version FROM "j__now" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "part", "v", "ts", _v_to FROM "j__now" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from
	UNION ALL SELECT "id", "part", "v", "ts", _v_close FROM "j__past" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "part", "v", "ts", _v_to FROM "j__past" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from),
_a AS (
	SELECT "id", "part", "v", "ts", _v_from AS _version FROM "j__now" WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from
	UNION ALL SELECT "id", "part", "v", "ts", _v_from FROM "j__past"
		WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."part" AS "_b1", _b."v" AS "_b2", _b."ts" AS "_b3", _a."id" AS "_n0", _a."part" AS "_n1", _a."v" AS "_n2", _a."ts" AS "_n3"
FROM _b FULL JOIN _a ON _b."id" = _a."id" AND _b."part" = _a."part" AND _b._version = _a._version
	WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."v" IS DISTINCT FROM _a."v" OR _b."ts" IS DISTINCT FROM _a."ts"))
SELECT CASE WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type, _version, "_b0" AS "id", "_b1" AS "part", "_b2" AS "v", "_b3" AS "ts" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN _isb THEN 'update_after' ELSE 'insert' END, _version, "_n0" AS "id", "_n1" AS "part", "_n2" AS "v", "_n3" AS "ts" FROM _c WHERE _isa;

CREATE OR REPLACE MACRO "j_changes"("from_version", "to_version") AS TABLE
SELECT * FROM "j__changes"("from_version", "to_version") UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "from_version" < oldest  THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("from_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j_diff"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "part", "v", "ts", 1 AS _version FROM "j__now"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "part", "v", "ts", 1 FROM "j__now"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "part", "v", "ts", 1 FROM "j__past"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "part", "v", "ts", 1 FROM "j__past"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")),
_a AS (
	SELECT "id", "part", "v", "ts", 1 AS _version FROM "j__now" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))
	UNION ALL SELECT "id", "part", "v", "ts", 1 FROM "j__past" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."part" AS "_b1", _b."v" AS "_b2", _b."ts" AS "_b3", _a."id" AS "_n0", _a."part" AS "_n1", _a."v" AS "_n2", _a."ts" AS "_n3"
FROM _b FULL JOIN _a ON _b."id" = _a."id" AND _b."part" = _a."part" WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."v" IS DISTINCT FROM _a."v" OR _b."ts" IS DISTINCT FROM _a."ts"))
SELECT CASE WHEN "from_version" > "to_version" THEN CASE WHEN _isa THEN 'update_after' ELSE 'insert' END
	WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type,
	"to_version"::BIGINT AS _version, "_b0" AS "id", "_b1" AS "part", "_b2" AS "v", "_b3" AS "ts" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN "from_version" > "to_version" THEN
	CASE WHEN _isb THEN 'update_before' ELSE 'delete' END WHEN _isb THEN 'update_after' ELSE 'insert' END,
	"to_version"::BIGINT, "_n0" AS "id", "_n1" AS "part", "_n2" AS "v", "_n3" AS "ts" FROM _c WHERE _isa
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN least("from_version", "to_version") < oldest  THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || (least("from_version", "to_version")))::BOOLEAN ELSE false END;

-- == new keys

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "part"::VARCHAR AS "part", "v"::DOUBLE AS "v", "ts"::TIMESTAMP AS "ts", "op", "off", _row, (ts)::TIMESTAMP AS "_s0", (off)::INTEGER AS "_s1", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT *, row_number() OVER () AS _row FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL OR b."part" IS NULL) OR (b."_s0" IS NULL OR b."_s1" IS NULL)), false FROM "temp"."j__batch" b, "j__state" h;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", "part", count(*) AS _n, min(struct_pack("_0" := b."_s0", "_1" := b."_s1")) AS _min FROM "temp"."j__batch" b GROUP BY "id", "part";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h._v_from, NULL::TIMESTAMP AS "valid_to_ts", NULL::INTEGER AS "valid_to_off", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b."_s1", b._del AND (b."v" IS NOT NULL OR b."ts" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."v" IS DISTINCT FROM o."v") THEN 'V' WHEN false THEN 'W' WHEN (b."ts" IS DISTINCT FROM o."ts") THEN 'S' ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b  LEFT JOIN "temp"."j__open" o ON b."id" = o."id" AND b."part" = o."part";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

INSERT INTO "j__now" ("id", "part", "v", "ts", "valid_from_ts", "valid_from_off", _v_from, _v_close, _v_to)
SELECT b."id", b."part", "b"."v", "b"."ts", CASE WHEN x._role = 'V' THEN b."_s0" ELSE o."valid_from_ts" END, CASE WHEN x._role = 'V' THEN b."_s1" ELSE o."valid_from_off" END, 2, 0, 0
	
FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b LEFT JOIN "temp"."j__open" o ON o._rid = x._rid WHERE x._role IN ('V', 'W', 'S');

UPDATE "j__state" AS h SET "_s0" = m."_s0", "_s1" = m."_s1" FROM (SELECT "_s0", "_s1" FROM "temp"."j__batch" ORDER BY "_s0" DESC, "_s1" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR struct_pack("_0" := m."_s0", "_1" := m."_s1") > struct_pack("_0" := h."_s0", "_1" := h."_s1");

RESET dynamic_or_filter_threshold;

-- == TRUNCATE

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "part"::VARCHAR AS "part", "v"::DOUBLE AS "v", "ts"::TIMESTAMP AS "ts", "op", "off", (ts)::TIMESTAMP AS "_s0", (off)::INTEGER AS "_s1", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL OR b."part" IS NULL) OR (b."_s0" IS NULL OR b."_s1" IS NULL)), coalesce(bool_or(struct_pack("_0" := b."_s0", "_1" := b."_s1") <= struct_pack("_0" := h."_s0", "_1" := h."_s1")), false) FROM "temp"."j__batch" b, "j__state" h;

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'j', 'ev', NULL, CASE WHEN _r."_s0" IS NULL THEN 'null_sequence: TRUNCATE, which ends all keys: ts is NULL (it can be made of what the event has beside the row: source, ts_ms, _meta)' WHEN _r."_s1" IS NULL THEN 'null_sequence: TRUNCATE, which ends all keys: off is NULL (it can be made of what the event has beside the row: source, ts_ms, _meta)' END, NULL, NULL, to_json(struct_pack("id" := "_r"."id", "part" := "_r"."part", "op" := "_r"."op", "v" := "_r"."v", "ts" := "_r"."ts", "off" := "_r"."off")), 3, NULL, NULL FROM (SELECT * FROM "temp"."j__batch" b WHERE (b."_s0" IS NULL OR b."_s1" IS NULL)) _r;

DELETE FROM "temp"."j__batch" AS b WHERE (b."_s0" IS NULL OR b."_s1" IS NULL);

CREATE OR REPLACE TEMP TABLE "temp"."j__truncates" AS SELECT DISTINCT "_s0", "_s1" FROM "temp"."j__batch" b ANTI JOIN (FROM "j__mem" WHERE _kind = 'T' AND _v_to = 0) h ON b."_s0" = h."_s0" AND b."_s1" = h."_s1";

INSERT INTO "j__mem" ("_s0", "_s1", _kind, _v_from, _v_to) SELECT "_s0", "_s1", 'T', 3, 0 FROM "temp"."j__truncates";

UPDATE "j__state" AS h SET "_s0" = m."_s0", "_s1" = m."_s1" FROM (SELECT "_s0", "_s1" FROM "temp"."j__batch" ORDER BY "_s0" DESC, "_s1" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR struct_pack("_0" := m."_s0", "_1" := m."_s1") > struct_pack("_0" := h."_s0", "_1" := h."_s1");

DELETE FROM "temp"."j__batch";

INSERT INTO "temp"."j__batch" ("id", "part", "_s0", "_s1", _del, _late, _second, _end)
SELECT DISTINCT "id", "part", "_s0", "_s1", true, false, false, false FROM (SELECT * FROM (SELECT h."id", h."part", t."_s0", t."_s1" FROM "j__now" h JOIN "temp"."j__truncates" t ON (struct_pack("_0" := h."valid_from_ts", "_1" := h."valid_from_off") < struct_pack("_0" := t."_s0", "_1" := t."_s1") AND (h."valid_to_ts" IS NULL OR struct_pack("_0" := h."valid_to_ts", "_1" := h."valid_to_off") > struct_pack("_0" := t."_s0", "_1" := t."_s1"))) WHERE h._v_to = 0) e("id", "part", "_s0", "_s1")) x;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", "part", count(*) AS _n, min(struct_pack("_0" := b."_s0", "_1" := b."_s1")) AS _min FROM "temp"."j__batch" b GROUP BY "id", "part";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h._v_from, NULL::TIMESTAMP AS "valid_to_ts", NULL::INTEGER AS "valid_to_off", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b."_s1", b._del AND (b."v" IS NOT NULL OR b."ts" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."v" IS DISTINCT FROM o."v") THEN 'V' WHEN false THEN 'W' WHEN (b."ts" IS DISTINCT FROM o."ts") THEN 'S' ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b  LEFT JOIN "temp"."j__open" o ON b."id" = o."id" AND b."part" = o."part";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

UPDATE "j__now" AS h SET "valid_to_ts" = e."_t0", "valid_to_off" = e."_t1", _v_close = 3 FROM (SELECT * FROM (SELECT _rid, "_s0" AS "_t0", "_s1" AS "_t1", CASE WHEN _role IN ('W', 'S') THEN 'kill' ELSE 'close' END AS _act FROM "temp"."j__role"
	WHERE _rid IS NOT NULL AND _role <> 'N') WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

RESET dynamic_or_filter_threshold;

-- == before and behind it

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "part"::VARCHAR AS "part", "v"::DOUBLE AS "v", "ts"::TIMESTAMP AS "ts", "op", "off", (ts)::TIMESTAMP AS "_s0", (off)::INTEGER AS "_s1", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL OR b."part" IS NULL) OR (b."_s0" IS NULL OR b."_s1" IS NULL)), coalesce(bool_or(struct_pack("_0" := b."_s0", "_1" := b."_s1") <= struct_pack("_0" := h."_s0", "_1" := h."_s1")), false) FROM "temp"."j__batch" b, "j__state" h;

SELECT count(*) FROM "j__mem" WHERE _kind = 'T' AND _v_to = 0;

INSERT INTO "temp"."j__batch" ("id", "part", "_s0", "_s1", _del, _late, _second, _end)
SELECT DISTINCT "id", "part", "_s0", "_s1", true, false, false, true FROM (SELECT * FROM (SELECT "id", "part", (_next)."_0", (_next)."_1" FROM (
	SELECT b."id", b."part", min(struct_pack("_0" := t."_s0", "_1" := t."_s1")) AS _next FROM "temp"."j__batch" b JOIN (FROM "j__mem" WHERE _kind = 'T' AND _v_to = 0) t ON struct_pack("_0" := t."_s0", "_1" := t."_s1") > struct_pack("_0" := b."_s0", "_1" := b."_s1")
	WHERE NOT b._del AND NOT b._late GROUP BY b.rowid, b."id", b."part")) e("id", "part", "_s0", "_s1")) x ANTI JOIN "temp"."j__batch" b ON x."id" = b."id" AND x."part" = b."part" AND x."_s0" = b."_s0" AND x."_s1" = b."_s1"
	ANTI JOIN "j__now" h ON h._v_to = 0 AND x."id" = h."id" AND x."part" = h."part" AND x."_s0" = h."valid_from_ts" AND x."_s1" = h."valid_from_off"
ANTI JOIN "j__past" h ON h._v_to = 0 AND x."id" = h."id" AND x."part" = h."part" AND x."_s0" = h."valid_from_ts" AND x."_s1" = h."valid_from_off"
ANTI JOIN "j__mem" m ON m._v_to = 0 AND m._kind IN ('N', 'E', 'D') AND x."id" = m."id" AND x."part" = m."part" AND x."_s0" = m."_s0" AND x."_s1" = m."_s1";

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", "part", count(*) AS _n, min(struct_pack("_0" := b."_s0", "_1" := b."_s1")) AS _min FROM "temp"."j__batch" b GROUP BY "id", "part";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

CREATE OR REPLACE TEMP TABLE "temp"."j__twins" AS SELECT "id", "part", "_s0", "_s1" FROM "temp"."j__batch" SEMI JOIN (FROM "temp"."j__groups" WHERE _n > 1) k USING ("id", "part") GROUP BY "id", "part", "_s0", "_s1" HAVING count(*) > 1;

SELECT count(*) FROM "temp"."j__twins";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h._v_from, NULL::TIMESTAMP AS "valid_to_ts", NULL::INTEGER AS "valid_to_off", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

SELECT min(_s0)::VARCHAR FROM "temp"."j__batch";

CREATE OR REPLACE TEMP TABLE "temp"."j__late" AS SELECT "id", "part" FROM "temp"."j__groups" k SEMI JOIN (
	SELECT h."id", h."part" FROM "temp"."j__open" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part" WHERE struct_pack("_0" := h."valid_from_ts", "_1" := h."valid_from_off") >= k._min
	UNION ALL SELECT h."id", h."part" FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part"
		WHERE h._v_to = 0 AND h._v_close <> 0 AND h."valid_to_ts" >= '2025-01-04 00:00:00'::TIMESTAMP AND struct_pack("_0" := h."valid_to_ts", "_1" := h."valid_to_off") >= k._min
	UNION ALL SELECT h."id", h."part" FROM "j__past" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0 AND h."valid_to_ts" >= '2025-01-04 00:00:00'::TIMESTAMP AND struct_pack("_0" := h."valid_to_ts", "_1" := h."valid_to_off") >= k._min
	UNION ALL SELECT h."id", h."part" FROM "j__mem" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0 AND h._s0 >= '2025-01-04 00:00:00'::TIMESTAMP AND struct_pack("_0" := h."_s0", "_1" := h."_s1") >= k._min
	UNION ALL SELECT "id", "part" FROM "temp"."j__batch" WHERE _late) x ON k."id" = x."id" AND k."part" = x."part";

CREATE OR REPLACE TEMP TABLE "temp"."j__folded" AS SELECT "id", "part", l."id" IS NOT NULL AS _is_late FROM "temp"."j__groups" k LEFT JOIN "temp"."j__late" l USING ("id", "part") WHERE _n > 1 OR l."id" IS NOT NULL;

SELECT count(*), count(*) FILTER (WHERE _is_late) FROM "temp"."j__folded";

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b."_s1", b._del AND (b."v" IS NOT NULL OR b."ts" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."v" IS DISTINCT FROM o."v") THEN 'V' WHEN false THEN 'W' WHEN (b."ts" IS DISTINCT FROM o."ts") THEN 'S' ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b ANTI JOIN "temp"."j__folded" f ON b."id" = f."id" AND b."part" = f."part" LEFT JOIN "temp"."j__open" o ON b."id" = o."id" AND b."part" = o."part";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

CREATE OR REPLACE TEMP TABLE "temp"."j__old" AS SELECT true AS _is_now, true AS _is_late, h.rowid AS _rid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h."valid_to_ts", h."valid_to_off"
	, h._v_from, h._v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0) r ON h.rowid = r._rid UNION ALL SELECT false, true, h.rowid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h."valid_to_ts", h."valid_to_off", h._v_from, h._v_close FROM "j__past" h JOIN (SELECT h.rowid AS _rid FROM "j__past" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0) r ON h.rowid = r._rid UNION ALL SELECT true AS _is_now, false AS _is_late, h._rid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h."valid_to_ts", h."valid_to_off", h._v_from, h._v_close
FROM "temp"."j__open" h JOIN (FROM "temp"."j__folded" WHERE NOT _is_late) k ON h."id" = k."id" AND h."part" = k."part";

CREATE OR REPLACE TEMP TABLE "temp"."j__oldmem" AS SELECT h.rowid AS _rid, h."id", h."part", h."_s0", h."_s1", h._kind, h."v", h."ts" FROM "j__mem" h JOIN (SELECT h.rowid AS _rid FROM "j__mem" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__known" AS SELECT "id", "part", "_s0", "_s1", _del, "v", "ts" FROM (
	SELECT h."id", h."part", h."valid_from_ts", h."valid_from_off", false, h."v" AS "v", h."valid_from_ts" AS "ts" FROM "temp"."j__old" h WHERE h._is_late 
	UNION ALL SELECT h."id", h."part", h."valid_to_ts", h."valid_to_off", true, NULL::DOUBLE AS "v", NULL::TIMESTAMP AS "ts" FROM "temp"."j__old" h
		ANTI JOIN "temp"."j__old" n ON h."id" = n."id" AND h."part" = n."part" AND h."valid_to_ts" = n."valid_from_ts" AND h."valid_to_off" = n."valid_from_off"
		ANTI JOIN (FROM "temp"."j__oldmem" WHERE _kind = 'D') d ON h."id" = d."id" AND h."part" = d."part" AND h."valid_to_ts" = d."_s0" AND h."valid_to_off" = d."_s1" WHERE h._is_late AND NOT (h."valid_to_ts" IS NULL)
	UNION ALL SELECT r."id", r."part", r."_s0", r."_s1", _kind = 'D', r."v", r."ts" FROM "temp"."j__oldmem" r WHERE _kind IN ('D', 'E')
	UNION ALL SELECT r."id", r."part", r."_s0", r."_s1", false, h."v", r."_s0" FROM (FROM "temp"."j__oldmem" WHERE _kind = 'N') r
		JOIN "temp"."j__old" h ON r."id" = h."id" AND r."part" = h."part" AND struct_pack("_0" := r."_s0", "_1" := r."_s1") >= struct_pack("_0" := h."valid_from_ts", "_1" := h."valid_from_off") AND (h."valid_to_ts" IS NULL OR struct_pack("_0" := r."_s0", "_1" := r."_s1") < struct_pack("_0" := h."valid_to_ts", "_1" := h."valid_to_off"))
) x("id", "part", "_s0", "_s1", _del, "v", "ts");

CREATE OR REPLACE TEMP TABLE "temp"."j__new" AS SELECT *, b.rowid AS _b FROM "temp"."j__batch" b SEMI JOIN "temp"."j__folded" USING ("id", "part");

DELETE FROM "temp"."j__new" AS n USING "temp"."j__known" k WHERE n."id" = k."id" AND n."part" = k."part" AND n."_s0" = k."_s0" AND n."_s1" = k."_s1" AND n._del IS NOT DISTINCT FROM k._del AND n."v" IS NOT DISTINCT FROM k."v" AND n."ts" IS NOT DISTINCT FROM k."ts";

DELETE FROM "temp"."j__new" AS n USING "temp"."j__oldmem" r WHERE r._kind = CASE WHEN n._del THEN 'RD' ELSE 'RE' END
	AND n."id" = r."id" AND n."part" = r."part" AND n."_s0" = r."_s0" AND n."_s1" = r."_s1" AND n."v" IS NOT DISTINCT FROM r."v" AND n."ts" IS NOT DISTINCT FROM r."ts";

CREATE OR REPLACE TEMP TABLE "temp"."j__conflict" AS SELECT * FROM "temp"."j__new" n WHERE n._second OR EXISTS (SELECT 1 FROM "temp"."j__known" k WHERE n."id" = k."id" AND n."part" = k."part" AND n."_s0" = k."_s0" AND n."_s1" = k."_s1");

SELECT count(*) FROM "temp"."j__conflict";

CREATE OR REPLACE TEMP TABLE "temp"."j__touched" AS SELECT DISTINCT "id", "part" FROM "temp"."j__new";

CREATE OR REPLACE TEMP TABLE "temp"."j__line" AS SELECT *, count(*) FILTER (WHERE _changed) OVER (PARTITION BY "id", "part" ORDER BY "_s0", "_s1") AS _group FROM (
	SELECT *, NOT _del AND ("ts" IS DISTINCT FROM lag("ts") OVER w) AS _moved,
		CASE WHEN _del THEN coalesce(NOT lag(_del) OVER w, false)
			ELSE coalesce(lag(_del) OVER w, true) OR ("v" IS DISTINCT FROM lag("v") OVER w) END AS _changed
	FROM (SELECT * FROM (
	SELECT "id", "part", "valid_from_ts", "valid_from_off", false, "v", "ts", false FROM "temp"."j__old"
		WHERE NOT _is_late UNION ALL SELECT "id", "part", "_s0", "_s1", _del, "v", "ts", false FROM "temp"."j__known" SEMI JOIN "temp"."j__touched" USING ("id", "part") UNION ALL SELECT "id", "part", "_s0", "_s1", _del, "v", "ts", NOT _end FROM "temp"."j__new") x("id", "part", "_s0", "_s1", _del, "v", "ts", _new)) WINDOW w AS (PARTITION BY "id", "part" ORDER BY "_s0", "_s1"));

CREATE OR REPLACE TEMP TABLE "temp"."j__built" AS SELECT * FROM (
	SELECT "id", "part", "_s0", "_s1", _del, "_l0" AS "ts", "v" AS "v", true AS _own,
		lead("_s0") OVER (PARTITION BY "id", "part" ORDER BY "_s0", "_s1") AS "_t0", lead("_s1") OVER (PARTITION BY "id", "part" ORDER BY "_s0", "_s1") AS "_t1"
	FROM (SELECT *, last_value("ts") OVER w AS "_l0" FROM "temp"."j__line"
	WINDOW w AS (PARTITION BY "id", "part", _group ORDER BY "_s0", "_s1" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) x WHERE _changed) WHERE NOT _del;

CREATE OR REPLACE TEMP TABLE "temp"."j__change" AS SELECT *, CASE WHEN _act IN ('keep', 'close') THEN _was_raw ELSE _own AND (_was_raw OR coalesce(_is_late, true)) END::TINYINT AS _raw FROM (
	SELECT o._rid, o._is_now, o._is_late, w."id", w."part", w."_s0", w."_s1", w."_t0", w."_t1", w."v", w."ts"
		,
		true AS _was_raw, w._own,
		CASE WHEN o._rid IS NULL THEN 'add' WHEN w."id" IS NULL THEN 'kill' WHEN (o."v" IS DISTINCT FROM w."v" OR o."ts" IS DISTINCT FROM w."ts") THEN 'swap'
			WHEN o."valid_to_ts" IS NOT DISTINCT FROM w."_t0" AND o."valid_to_off" IS NOT DISTINCT FROM w."_t1" THEN 'keep' WHEN o."valid_to_ts" IS NULL THEN 'close' ELSE 'swap' END AS _act
	FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__touched" USING ("id", "part")) o FULL JOIN "temp"."j__built" w ON o."id" = w."id" AND o."part" = w."part" AND o."valid_from_ts" = w."_s0" AND o."valid_from_off" = w."_s1");

SELECT count(*) FILTER (WHERE o._rid IS NULL), count(*) FILTER (WHERE n._act IS NULL),
	count(*) FILTER (WHERE o._rid IS NOT NULL AND n._act IS NOT NULL AND (o."v" IS DISTINCT FROM n."v" OR o."ts" IS DISTINCT FROM n."ts"))
FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__touched" USING ("id", "part") WHERE "valid_to_ts" IS NULL) o
	FULL JOIN (FROM "temp"."j__change" WHERE _act <> 'kill' AND _t0 IS NULL) n ON o."id" = n."id" AND o."part" = n."part";

SELECT count(DISTINCT _rid // 2048) FILTER (WHERE _is_now AND _act IN ('kill', 'swap', 'close')),
	count(*) FILTER (WHERE _is_now AND _act IN ('kill', 'swap')), count(*) FILTER (WHERE NOT _is_now AND _act IN ('kill', 'swap')),
	count(*) FILTER (WHERE _act IN ('add', 'swap') AND _t0 IS NULL), count(*) FILTER (WHERE _act IN ('add', 'swap')
		AND _t0 IS NOT NULL) FROM "temp"."j__change";

UPDATE "j__now" AS h SET "valid_to_ts" = e."_t0", "valid_to_off" = e."_t1", _v_close = 4 FROM (SELECT * FROM (SELECT _rid, "_t0", "_t1", CASE WHEN _act = 'close' THEN 'close' ELSE 'kill' END AS _act FROM "temp"."j__change"
	WHERE _is_now AND _act IN ('kill', 'swap', 'close')) WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

UPDATE "j__now" AS h SET _v_to = 4 FROM (SELECT * FROM (SELECT _rid, "_t0", "_t1", CASE WHEN _act = 'close' THEN 'close' ELSE 'kill' END AS _act FROM "temp"."j__change"
	WHERE _is_now AND _act IN ('kill', 'swap', 'close')) WHERE _act <> 'close') e WHERE h.rowid = e._rid;

INSERT INTO "j__now" ("id", "part", "v", "ts", "valid_from_ts", "valid_from_off", _v_from, _v_close, _v_to)
SELECT "id", "part", "v", "ts", "_s0", "_s1", 4, 0, 0 FROM "temp"."j__change" WHERE _act IN ('add', 'swap') AND _t0 IS NULL;

INSERT INTO "j__past" ("id", "part", "v", "ts", "valid_from_ts", "valid_from_off", "valid_to_ts", "valid_to_off", _v_from, _v_close, _v_to)
SELECT "id", "part", "v", "ts", "_s0", "_s1", "_t0", "_t1", 4, 4, 0 FROM "temp"."j__change" WHERE _act IN ('add', 'swap') AND _t0 IS NOT NULL;

CREATE OR REPLACE TEMP TABLE "temp"."j__wanted" AS SELECT * FROM (
	SELECT "id", "part", "_s0", "_s1", CASE WHEN _del THEN 'D' ELSE 'N' END, CASE WHEN _del THEN "v" END, CASE WHEN _del THEN "ts" END
	FROM "temp"."j__line" f WHERE NOT _changed OR _del AND (f."v" IS NOT NULL OR f."ts" IS NOT NULL) ) x("id", "part", "_s0", "_s1", _kind, "v", "ts");

INSERT INTO "j__mem" ("id", "part", "_s0", "_s1", _kind, _v_from, _v_to, "v", "ts")
SELECT t."id", t."part", t."_s0", t."_s1", t._kind, 4, 0, t."v", t."ts" FROM "temp"."j__wanted" t
ANTI JOIN "temp"."j__oldmem" r ON r."id" = t."id" AND r."part" = t."part" AND r."_s0" = t."_s0" AND r."_s1" = t."_s1" AND r._kind = t._kind AND true;

UPDATE "j__mem" AS h SET _v_to = 4 FROM (
	SELECT r._rid FROM "temp"."j__oldmem" r SEMI JOIN "temp"."j__touched" USING ("id", "part") ANTI JOIN "temp"."j__wanted" t
		ON r."id" = t."id" AND r."part" = t."part" AND r."_s0" = t."_s0" AND r."_s1" = t."_s1" AND r._kind = t._kind AND true
	WHERE r._kind IN ('N', 'E', 'D')) x WHERE h.rowid = x._rid;

SELECT count(*) FILTER (WHERE _new AND (_changed OR _moved)) FROM "temp"."j__line";

UPDATE "j__state" AS h SET "_s0" = m."_s0", "_s1" = m."_s1" FROM (SELECT "_s0", "_s1" FROM "temp"."j__batch" ORDER BY "_s0" DESC, "_s1" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR struct_pack("_0" := m."_s0", "_1" := m."_s1") > struct_pack("_0" := h."_s0", "_1" := h."_s1");

RESET dynamic_or_filter_threshold;

-- == a late TRUNCATE

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "part"::VARCHAR AS "part", "v"::DOUBLE AS "v", "ts"::TIMESTAMP AS "ts", "op", "off", (ts)::TIMESTAMP AS "_s0", (off)::INTEGER AS "_s1", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL OR b."part" IS NULL) OR (b."_s0" IS NULL OR b."_s1" IS NULL)), coalesce(bool_or(struct_pack("_0" := b."_s0", "_1" := b."_s1") <= struct_pack("_0" := h."_s0", "_1" := h."_s1")), false) FROM "temp"."j__batch" b, "j__state" h;

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'j', 'ev', NULL, CASE WHEN _r."_s0" IS NULL THEN 'null_sequence: TRUNCATE, which ends all keys: ts is NULL (it can be made of what the event has beside the row: source, ts_ms, _meta)' WHEN _r."_s1" IS NULL THEN 'null_sequence: TRUNCATE, which ends all keys: off is NULL (it can be made of what the event has beside the row: source, ts_ms, _meta)' END, NULL, NULL, to_json(struct_pack("id" := "_r"."id", "part" := "_r"."part", "op" := "_r"."op", "v" := "_r"."v", "ts" := "_r"."ts", "off" := "_r"."off")), 5, NULL, NULL FROM (SELECT * FROM "temp"."j__batch" b WHERE (b."_s0" IS NULL OR b."_s1" IS NULL)) _r;

DELETE FROM "temp"."j__batch" AS b WHERE (b."_s0" IS NULL OR b."_s1" IS NULL);

CREATE OR REPLACE TEMP TABLE "temp"."j__truncates" AS SELECT DISTINCT "_s0", "_s1" FROM "temp"."j__batch" b ANTI JOIN (FROM "j__mem" WHERE _kind = 'T' AND _v_to = 0) h ON b."_s0" = h."_s0" AND b."_s1" = h."_s1";

INSERT INTO "j__mem" ("_s0", "_s1", _kind, _v_from, _v_to) SELECT "_s0", "_s1", 'T', 5, 0 FROM "temp"."j__truncates";

UPDATE "j__state" AS h SET "_s0" = m."_s0", "_s1" = m."_s1" FROM (SELECT "_s0", "_s1" FROM "temp"."j__batch" ORDER BY "_s0" DESC, "_s1" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR struct_pack("_0" := m."_s0", "_1" := m."_s1") > struct_pack("_0" := h."_s0", "_1" := h."_s1");

DELETE FROM "temp"."j__batch";

INSERT INTO "temp"."j__batch" ("id", "part", "_s0", "_s1", _del, _late, _second, _end)
SELECT DISTINCT "id", "part", "_s0", "_s1", true, false, false, false FROM (SELECT * FROM (SELECT h."id", h."part", t."_s0", t."_s1" FROM "j__now" h JOIN "temp"."j__truncates" t ON (struct_pack("_0" := h."valid_from_ts", "_1" := h."valid_from_off") < struct_pack("_0" := t."_s0", "_1" := t."_s1") AND (h."valid_to_ts" IS NULL OR struct_pack("_0" := h."valid_to_ts", "_1" := h."valid_to_off") > struct_pack("_0" := t."_s0", "_1" := t."_s1"))) WHERE h._v_to = 0 UNION SELECT h."id", h."part", t."_s0", t."_s1" FROM "j__past" h JOIN "temp"."j__truncates" t ON (struct_pack("_0" := h."valid_from_ts", "_1" := h."valid_from_off") < struct_pack("_0" := t."_s0", "_1" := t."_s1") AND (h."valid_to_ts" IS NULL OR struct_pack("_0" := h."valid_to_ts", "_1" := h."valid_to_off") > struct_pack("_0" := t."_s0", "_1" := t."_s1"))) WHERE h._v_to = 0) e("id", "part", "_s0", "_s1")) x ANTI JOIN "temp"."j__batch" b ON x."id" = b."id" AND x."part" = b."part" AND x."_s0" = b."_s0" AND x."_s1" = b."_s1"
	ANTI JOIN "j__now" h ON h._v_to = 0 AND x."id" = h."id" AND x."part" = h."part" AND x."_s0" = h."valid_from_ts" AND x."_s1" = h."valid_from_off"
ANTI JOIN "j__past" h ON h._v_to = 0 AND x."id" = h."id" AND x."part" = h."part" AND x."_s0" = h."valid_from_ts" AND x."_s1" = h."valid_from_off"
ANTI JOIN "j__mem" m ON m._v_to = 0 AND m._kind IN ('N', 'E', 'D') AND x."id" = m."id" AND x."part" = m."part" AND x."_s0" = m."_s0" AND x."_s1" = m."_s1";

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", "part", count(*) AS _n, min(struct_pack("_0" := b."_s0", "_1" := b."_s1")) AS _min FROM "temp"."j__batch" b GROUP BY "id", "part";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h._v_from, NULL::TIMESTAMP AS "valid_to_ts", NULL::INTEGER AS "valid_to_off", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

SELECT min(_s0)::VARCHAR FROM "temp"."j__batch";

CREATE OR REPLACE TEMP TABLE "temp"."j__late" AS SELECT "id", "part" FROM "temp"."j__groups" k SEMI JOIN (
	SELECT h."id", h."part" FROM "temp"."j__open" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part" WHERE struct_pack("_0" := h."valid_from_ts", "_1" := h."valid_from_off") >= k._min
	UNION ALL SELECT h."id", h."part" FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part"
		WHERE h._v_to = 0 AND h._v_close <> 0 AND h."valid_to_ts" >= '2025-01-03 00:00:00'::TIMESTAMP AND struct_pack("_0" := h."valid_to_ts", "_1" := h."valid_to_off") >= k._min
	UNION ALL SELECT h."id", h."part" FROM "j__past" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0 AND h."valid_to_ts" >= '2025-01-03 00:00:00'::TIMESTAMP AND struct_pack("_0" := h."valid_to_ts", "_1" := h."valid_to_off") >= k._min
	UNION ALL SELECT h."id", h."part" FROM "j__mem" h JOIN "temp"."j__groups" k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0 AND h._s0 >= '2025-01-03 00:00:00'::TIMESTAMP AND struct_pack("_0" := h."_s0", "_1" := h."_s1") >= k._min
	UNION ALL SELECT "id", "part" FROM "temp"."j__batch" WHERE _late) x ON k."id" = x."id" AND k."part" = x."part";

CREATE OR REPLACE TEMP TABLE "temp"."j__folded" AS SELECT "id", "part", l."id" IS NOT NULL AS _is_late FROM "temp"."j__groups" k LEFT JOIN "temp"."j__late" l USING ("id", "part") WHERE _n > 1 OR l."id" IS NOT NULL;

SELECT count(*), count(*) FILTER (WHERE _is_late) FROM "temp"."j__folded";

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b."_s1", b._del AND (b."v" IS NOT NULL OR b."ts" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."v" IS DISTINCT FROM o."v") THEN 'V' WHEN false THEN 'W' WHEN (b."ts" IS DISTINCT FROM o."ts") THEN 'S' ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b ANTI JOIN "temp"."j__folded" f ON b."id" = f."id" AND b."part" = f."part" LEFT JOIN "temp"."j__open" o ON b."id" = o."id" AND b."part" = o."part";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

CREATE OR REPLACE TEMP TABLE "temp"."j__old" AS SELECT true AS _is_now, true AS _is_late, h.rowid AS _rid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h."valid_to_ts", h."valid_to_off"
	, h._v_from, h._v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0) r ON h.rowid = r._rid UNION ALL SELECT false, true, h.rowid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h."valid_to_ts", h."valid_to_off", h._v_from, h._v_close FROM "j__past" h JOIN (SELECT h.rowid AS _rid FROM "j__past" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0) r ON h.rowid = r._rid UNION ALL SELECT true AS _is_now, false AS _is_late, h._rid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h."valid_to_ts", h."valid_to_off", h._v_from, h._v_close
FROM "temp"."j__open" h JOIN (FROM "temp"."j__folded" WHERE NOT _is_late) k ON h."id" = k."id" AND h."part" = k."part";

CREATE OR REPLACE TEMP TABLE "temp"."j__oldmem" AS SELECT h.rowid AS _rid, h."id", h."part", h."_s0", h."_s1", h._kind, h."v", h."ts" FROM "j__mem" h JOIN (SELECT h.rowid AS _rid FROM "j__mem" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__known" AS SELECT "id", "part", "_s0", "_s1", _del, "v", "ts" FROM (
	SELECT h."id", h."part", h."valid_from_ts", h."valid_from_off", false, h."v" AS "v", h."valid_from_ts" AS "ts" FROM "temp"."j__old" h WHERE h._is_late 
	UNION ALL SELECT h."id", h."part", h."valid_to_ts", h."valid_to_off", true, NULL::DOUBLE AS "v", NULL::TIMESTAMP AS "ts" FROM "temp"."j__old" h
		ANTI JOIN "temp"."j__old" n ON h."id" = n."id" AND h."part" = n."part" AND h."valid_to_ts" = n."valid_from_ts" AND h."valid_to_off" = n."valid_from_off"
		ANTI JOIN (FROM "temp"."j__oldmem" WHERE _kind = 'D') d ON h."id" = d."id" AND h."part" = d."part" AND h."valid_to_ts" = d."_s0" AND h."valid_to_off" = d."_s1" WHERE h._is_late AND NOT (h."valid_to_ts" IS NULL)
	UNION ALL SELECT r."id", r."part", r."_s0", r."_s1", _kind = 'D', r."v", r."ts" FROM "temp"."j__oldmem" r WHERE _kind IN ('D', 'E')
	UNION ALL SELECT r."id", r."part", r."_s0", r."_s1", false, h."v", r."_s0" FROM (FROM "temp"."j__oldmem" WHERE _kind = 'N') r
		JOIN "temp"."j__old" h ON r."id" = h."id" AND r."part" = h."part" AND struct_pack("_0" := r."_s0", "_1" := r."_s1") >= struct_pack("_0" := h."valid_from_ts", "_1" := h."valid_from_off") AND (h."valid_to_ts" IS NULL OR struct_pack("_0" := r."_s0", "_1" := r."_s1") < struct_pack("_0" := h."valid_to_ts", "_1" := h."valid_to_off"))
) x("id", "part", "_s0", "_s1", _del, "v", "ts");

CREATE OR REPLACE TEMP TABLE "temp"."j__new" AS SELECT *, b.rowid AS _b FROM "temp"."j__batch" b SEMI JOIN "temp"."j__folded" USING ("id", "part");

DELETE FROM "temp"."j__new" AS n USING "temp"."j__known" k WHERE n."id" = k."id" AND n."part" = k."part" AND n."_s0" = k."_s0" AND n."_s1" = k."_s1" AND n._del IS NOT DISTINCT FROM k._del AND n."v" IS NOT DISTINCT FROM k."v" AND n."ts" IS NOT DISTINCT FROM k."ts";

DELETE FROM "temp"."j__new" AS n USING "temp"."j__oldmem" r WHERE r._kind = CASE WHEN n._del THEN 'RD' ELSE 'RE' END
	AND n."id" = r."id" AND n."part" = r."part" AND n."_s0" = r."_s0" AND n."_s1" = r."_s1" AND n."v" IS NOT DISTINCT FROM r."v" AND n."ts" IS NOT DISTINCT FROM r."ts";

CREATE OR REPLACE TEMP TABLE "temp"."j__conflict" AS SELECT * FROM "temp"."j__new" n WHERE n._second OR EXISTS (SELECT 1 FROM "temp"."j__known" k WHERE n."id" = k."id" AND n."part" = k."part" AND n."_s0" = k."_s0" AND n."_s1" = k."_s1");

SELECT count(*) FROM "temp"."j__conflict";

CREATE OR REPLACE TEMP TABLE "temp"."j__touched" AS SELECT DISTINCT "id", "part" FROM "temp"."j__new";

CREATE OR REPLACE TEMP TABLE "temp"."j__line" AS SELECT *, count(*) FILTER (WHERE _changed) OVER (PARTITION BY "id", "part" ORDER BY "_s0", "_s1") AS _group FROM (
	SELECT *, NOT _del AND ("ts" IS DISTINCT FROM lag("ts") OVER w) AS _moved,
		CASE WHEN _del THEN coalesce(NOT lag(_del) OVER w, false)
			ELSE coalesce(lag(_del) OVER w, true) OR ("v" IS DISTINCT FROM lag("v") OVER w) END AS _changed
	FROM (SELECT * FROM (
	SELECT "id", "part", "valid_from_ts", "valid_from_off", false, "v", "ts", false FROM "temp"."j__old"
		WHERE NOT _is_late UNION ALL SELECT "id", "part", "_s0", "_s1", _del, "v", "ts", false FROM "temp"."j__known" SEMI JOIN "temp"."j__touched" USING ("id", "part") UNION ALL SELECT "id", "part", "_s0", "_s1", _del, "v", "ts", NOT _end FROM "temp"."j__new") x("id", "part", "_s0", "_s1", _del, "v", "ts", _new)) WINDOW w AS (PARTITION BY "id", "part" ORDER BY "_s0", "_s1"));

CREATE OR REPLACE TEMP TABLE "temp"."j__built" AS SELECT * FROM (
	SELECT "id", "part", "_s0", "_s1", _del, "_l0" AS "ts", "v" AS "v", true AS _own,
		lead("_s0") OVER (PARTITION BY "id", "part" ORDER BY "_s0", "_s1") AS "_t0", lead("_s1") OVER (PARTITION BY "id", "part" ORDER BY "_s0", "_s1") AS "_t1"
	FROM (SELECT *, last_value("ts") OVER w AS "_l0" FROM "temp"."j__line"
	WINDOW w AS (PARTITION BY "id", "part", _group ORDER BY "_s0", "_s1" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) x WHERE _changed) WHERE NOT _del;

CREATE OR REPLACE TEMP TABLE "temp"."j__change" AS SELECT *, CASE WHEN _act IN ('keep', 'close') THEN _was_raw ELSE _own AND (_was_raw OR coalesce(_is_late, true)) END::TINYINT AS _raw FROM (
	SELECT o._rid, o._is_now, o._is_late, w."id", w."part", w."_s0", w."_s1", w."_t0", w."_t1", w."v", w."ts"
		,
		true AS _was_raw, w._own,
		CASE WHEN o._rid IS NULL THEN 'add' WHEN w."id" IS NULL THEN 'kill' WHEN (o."v" IS DISTINCT FROM w."v" OR o."ts" IS DISTINCT FROM w."ts") THEN 'swap'
			WHEN o."valid_to_ts" IS NOT DISTINCT FROM w."_t0" AND o."valid_to_off" IS NOT DISTINCT FROM w."_t1" THEN 'keep' WHEN o."valid_to_ts" IS NULL THEN 'close' ELSE 'swap' END AS _act
	FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__touched" USING ("id", "part")) o FULL JOIN "temp"."j__built" w ON o."id" = w."id" AND o."part" = w."part" AND o."valid_from_ts" = w."_s0" AND o."valid_from_off" = w."_s1");

SELECT count(*) FILTER (WHERE o._rid IS NULL), count(*) FILTER (WHERE n._act IS NULL),
	count(*) FILTER (WHERE o._rid IS NOT NULL AND n._act IS NOT NULL AND (o."v" IS DISTINCT FROM n."v" OR o."ts" IS DISTINCT FROM n."ts"))
FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__touched" USING ("id", "part") WHERE "valid_to_ts" IS NULL) o
	FULL JOIN (FROM "temp"."j__change" WHERE _act <> 'kill' AND _t0 IS NULL) n ON o."id" = n."id" AND o."part" = n."part";

SELECT count(DISTINCT _rid // 2048) FILTER (WHERE _is_now AND _act IN ('kill', 'swap', 'close')),
	count(*) FILTER (WHERE _is_now AND _act IN ('kill', 'swap')), count(*) FILTER (WHERE NOT _is_now AND _act IN ('kill', 'swap')),
	count(*) FILTER (WHERE _act IN ('add', 'swap') AND _t0 IS NULL), count(*) FILTER (WHERE _act IN ('add', 'swap')
		AND _t0 IS NOT NULL) FROM "temp"."j__change";

UPDATE "j__now" AS h SET "valid_to_ts" = e."_t0", "valid_to_off" = e."_t1", _v_close = 5 FROM (SELECT * FROM (SELECT _rid, "_t0", "_t1", CASE WHEN _act = 'close' THEN 'close' ELSE 'kill' END AS _act FROM "temp"."j__change"
	WHERE _is_now AND _act IN ('kill', 'swap', 'close')) WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

UPDATE "j__now" AS h SET _v_to = 5 FROM (SELECT * FROM (SELECT _rid, "_t0", "_t1", CASE WHEN _act = 'close' THEN 'close' ELSE 'kill' END AS _act FROM "temp"."j__change"
	WHERE _is_now AND _act IN ('kill', 'swap', 'close')) WHERE _act <> 'close') e WHERE h.rowid = e._rid;

UPDATE "j__past" AS h SET _v_to = 5 FROM (SELECT _rid FROM "temp"."j__change" WHERE NOT _is_now AND _act IN ('kill', 'swap')) c WHERE h.rowid = c._rid;

INSERT INTO "j__past" ("id", "part", "v", "ts", "valid_from_ts", "valid_from_off", "valid_to_ts", "valid_to_off", _v_from, _v_close, _v_to)
SELECT "id", "part", "v", "ts", "_s0", "_s1", "_t0", "_t1", 5, 5, 0 FROM "temp"."j__change" WHERE _act IN ('add', 'swap') AND _t0 IS NOT NULL;

CREATE OR REPLACE TEMP TABLE "temp"."j__wanted" AS SELECT * FROM (
	SELECT "id", "part", "_s0", "_s1", CASE WHEN _del THEN 'D' ELSE 'N' END, CASE WHEN _del THEN "v" END, CASE WHEN _del THEN "ts" END
	FROM "temp"."j__line" f WHERE NOT _changed OR _del AND (f."v" IS NOT NULL OR f."ts" IS NOT NULL) ) x("id", "part", "_s0", "_s1", _kind, "v", "ts");

INSERT INTO "j__mem" ("id", "part", "_s0", "_s1", _kind, _v_from, _v_to, "v", "ts")
SELECT t."id", t."part", t."_s0", t."_s1", t._kind, 5, 0, t."v", t."ts" FROM "temp"."j__wanted" t
ANTI JOIN "temp"."j__oldmem" r ON r."id" = t."id" AND r."part" = t."part" AND r."_s0" = t."_s0" AND r."_s1" = t."_s1" AND r._kind = t._kind AND true;

UPDATE "j__mem" AS h SET _v_to = 5 FROM (
	SELECT r._rid FROM "temp"."j__oldmem" r SEMI JOIN "temp"."j__touched" USING ("id", "part") ANTI JOIN "temp"."j__wanted" t
		ON r."id" = t."id" AND r."part" = t."part" AND r."_s0" = t."_s0" AND r."_s1" = t."_s1" AND r._kind = t._kind AND true
	WHERE r._kind IN ('N', 'E', 'D')) x WHERE h.rowid = x._rid;

SELECT count(*) FILTER (WHERE _new AND (_changed OR _moved)) FROM "temp"."j__line";

RESET dynamic_or_filter_threshold;

-- == rebuild

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__folded" AS SELECT DISTINCT "id", "part", true AS _is_late FROM (
	SELECT "id", "part" FROM "j__now" WHERE _v_to = 0 UNION ALL SELECT "id", "part" FROM "j__past" WHERE _v_to = 0
	UNION ALL SELECT "id", "part" FROM "j__mem" WHERE _v_to = 0 AND "id" IS NOT NULL);

SELECT count(*) FROM "temp"."j__folded";

CREATE OR REPLACE TEMP TABLE "temp"."j__old" AS SELECT true AS _is_now, true AS _is_late, h.rowid AS _rid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h."valid_to_ts", h."valid_to_off"
	, h._v_from, h._v_close FROM "j__now" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0 UNION ALL SELECT false, true, h.rowid, h."id", h."part", h."v", h."ts", h."valid_from_ts", h."valid_from_off", h."valid_to_ts", h."valid_to_off", h._v_from, h._v_close FROM "j__past" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."j__oldmem" AS SELECT h.rowid AS _rid, h."id", h."part", h."_s0", h."_s1", h._kind, h."v", h."ts" FROM "j__mem" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" AND h."part" = k."part" WHERE h._v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."j__known" AS SELECT "id", "part", "_s0", "_s1", _del, "v", "ts" FROM (
	SELECT h."id", h."part", h."valid_from_ts", h."valid_from_off", false, h."v" AS "v", h."valid_from_ts" AS "ts" FROM "temp"."j__old" h WHERE h._is_late 
	UNION ALL SELECT h."id", h."part", h."valid_to_ts", h."valid_to_off", true, NULL::DOUBLE AS "v", NULL::TIMESTAMP AS "ts" FROM "temp"."j__old" h
		ANTI JOIN "temp"."j__old" n ON h."id" = n."id" AND h."part" = n."part" AND h."valid_to_ts" = n."valid_from_ts" AND h."valid_to_off" = n."valid_from_off"
		ANTI JOIN (FROM "temp"."j__oldmem" WHERE _kind = 'D') d ON h."id" = d."id" AND h."part" = d."part" AND h."valid_to_ts" = d."_s0" AND h."valid_to_off" = d."_s1" WHERE h._is_late AND NOT (h."valid_to_ts" IS NULL)
	UNION ALL SELECT r."id", r."part", r."_s0", r."_s1", _kind = 'D', r."v", r."ts" FROM "temp"."j__oldmem" r WHERE _kind IN ('D', 'E')
	UNION ALL SELECT r."id", r."part", r."_s0", r."_s1", false, h."v", r."_s0" FROM (FROM "temp"."j__oldmem" WHERE _kind = 'N') r
		JOIN "temp"."j__old" h ON r."id" = h."id" AND r."part" = h."part" AND struct_pack("_0" := r."_s0", "_1" := r."_s1") >= struct_pack("_0" := h."valid_from_ts", "_1" := h."valid_from_off") AND (h."valid_to_ts" IS NULL OR struct_pack("_0" := r."_s0", "_1" := r."_s1") < struct_pack("_0" := h."valid_to_ts", "_1" := h."valid_to_off"))
) x("id", "part", "_s0", "_s1", _del, "v", "ts");

CREATE OR REPLACE TEMP TABLE "temp"."j__line" AS SELECT *, count(*) FILTER (WHERE _changed) OVER (PARTITION BY "id", "part" ORDER BY "_s0", "_s1") AS _group FROM (
	SELECT *, NOT _del AND ("ts" IS DISTINCT FROM lag("ts") OVER w) AS _moved,
		CASE WHEN _del THEN coalesce(NOT lag(_del) OVER w, false)
			ELSE coalesce(lag(_del) OVER w, true) OR ("v" IS DISTINCT FROM lag("v") OVER w) END AS _changed
	FROM (SELECT * FROM (
	SELECT "id", "part", "valid_from_ts", "valid_from_off", false, "v", "ts", false FROM "temp"."j__old"
		WHERE NOT _is_late UNION ALL SELECT "id", "part", "_s0", "_s1", _del, "v", "ts", false FROM "temp"."j__known" SEMI JOIN "temp"."j__folded" USING ("id", "part") ) x("id", "part", "_s0", "_s1", _del, "v", "ts", _new)) WINDOW w AS (PARTITION BY "id", "part" ORDER BY "_s0", "_s1"));

CREATE OR REPLACE TEMP TABLE "temp"."j__built" AS SELECT * FROM (
	SELECT "id", "part", "_s0", "_s1", _del, "_l0" AS "ts", "v" AS "v", true AS _own,
		lead("_s0") OVER (PARTITION BY "id", "part" ORDER BY "_s0", "_s1") AS "_t0", lead("_s1") OVER (PARTITION BY "id", "part" ORDER BY "_s0", "_s1") AS "_t1"
	FROM (SELECT *, last_value("ts") OVER w AS "_l0" FROM "temp"."j__line"
	WINDOW w AS (PARTITION BY "id", "part", _group ORDER BY "_s0", "_s1" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) x WHERE _changed) WHERE NOT _del;

CREATE OR REPLACE TEMP TABLE "temp"."j__change" AS SELECT *, CASE WHEN _act IN ('keep', 'close') THEN _was_raw ELSE _own AND (_was_raw OR coalesce(_is_late, true)) END::TINYINT AS _raw FROM (
	SELECT o._rid, o._is_now, o._is_late, w."id", w."part", w."_s0", w."_s1", w."_t0", w."_t1", w."v", w."ts"
		,
		true AS _was_raw, w._own,
		CASE WHEN o._rid IS NULL THEN 'add' WHEN w."id" IS NULL THEN 'kill' WHEN (o."v" IS DISTINCT FROM w."v" OR o."ts" IS DISTINCT FROM w."ts") THEN 'swap'
			WHEN o."valid_to_ts" IS NOT DISTINCT FROM w."_t0" AND o."valid_to_off" IS NOT DISTINCT FROM w."_t1" THEN 'keep' WHEN o."valid_to_ts" IS NULL THEN 'close' ELSE 'swap' END AS _act
	FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__folded" USING ("id", "part")) o FULL JOIN "temp"."j__built" w ON o."id" = w."id" AND o."part" = w."part" AND o."valid_from_ts" = w."_s0" AND o."valid_from_off" = w."_s1");

SELECT count(*) FILTER (WHERE o._rid IS NULL), count(*) FILTER (WHERE n._act IS NULL),
	count(*) FILTER (WHERE o._rid IS NOT NULL AND n._act IS NOT NULL AND (o."v" IS DISTINCT FROM n."v" OR o."ts" IS DISTINCT FROM n."ts"))
FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__folded" USING ("id", "part") WHERE "valid_to_ts" IS NULL) o
	FULL JOIN (FROM "temp"."j__change" WHERE _act <> 'kill' AND _t0 IS NULL) n ON o."id" = n."id" AND o."part" = n."part";

SELECT count(DISTINCT _rid // 2048) FILTER (WHERE _is_now AND _act IN ('kill', 'swap', 'close')),
	count(*) FILTER (WHERE _is_now AND _act IN ('kill', 'swap')), count(*) FILTER (WHERE NOT _is_now AND _act IN ('kill', 'swap')),
	count(*) FILTER (WHERE _act IN ('add', 'swap') AND _t0 IS NULL), count(*) FILTER (WHERE _act IN ('add', 'swap')
		AND _t0 IS NOT NULL) FROM "temp"."j__change";

CREATE OR REPLACE TEMP TABLE "temp"."j__wanted" AS SELECT * FROM (
	SELECT "id", "part", "_s0", "_s1", CASE WHEN _del THEN 'D' ELSE 'N' END, CASE WHEN _del THEN "v" END, CASE WHEN _del THEN "ts" END
	FROM "temp"."j__line" f WHERE NOT _changed OR _del AND (f."v" IS NOT NULL OR f."ts" IS NOT NULL) ) x("id", "part", "_s0", "_s1", _kind, "v", "ts");

INSERT INTO "j__mem" ("id", "part", "_s0", "_s1", _kind, _v_from, _v_to, "v", "ts")
SELECT t."id", t."part", t."_s0", t."_s1", t._kind, 6, 0, t."v", t."ts" FROM "temp"."j__wanted" t
ANTI JOIN "temp"."j__oldmem" r ON r."id" = t."id" AND r."part" = t."part" AND r."_s0" = t."_s0" AND r."_s1" = t."_s1" AND r._kind = t._kind AND true;

UPDATE "j__mem" AS h SET _v_to = 6 FROM (
	SELECT r._rid FROM "temp"."j__oldmem" r SEMI JOIN "temp"."j__folded" USING ("id", "part") ANTI JOIN "temp"."j__wanted" t
		ON r."id" = t."id" AND r."part" = t."part" AND r."_s0" = t."_s0" AND r."_s1" = t."_s1" AND r._kind = t._kind AND true
	WHERE r._kind IN ('N', 'E', 'D')) x WHERE h.rowid = x._rid;

SELECT count(*) FILTER (WHERE _new AND (_changed OR _moved)) FROM "temp"."j__line";

UPDATE "j__state" SET "_s0" = NULL, "_s1" = NULL;

UPDATE "j__state" SET "_s0" = m."_s0", "_s1" = m."_s1" FROM (SELECT * FROM (SELECT "_s0", "_s1" FROM "j__mem" WHERE _v_to = 0
UNION ALL SELECT "valid_from_ts", "valid_from_off" FROM "j__now" WHERE _v_to = 0 UNION ALL SELECT "valid_to_ts", "valid_to_off" FROM "j__now" WHERE _v_to = 0 AND "valid_to_ts" IS NOT NULL
UNION ALL SELECT "valid_from_ts", "valid_from_off" FROM "j__past" WHERE _v_to = 0 UNION ALL SELECT "valid_to_ts", "valid_to_off" FROM "j__past" WHERE _v_to = 0) x("_s0", "_s1") ORDER BY "_s0" DESC NULLS LAST, "_s1" DESC NULLS LAST LIMIT 1) m;

SELECT count(*) FILTER (WHERE change_type = 'insert'), count(*) FILTER (WHERE change_type = 'update_after'),
	count(*) FILTER (WHERE change_type = 'delete') FROM "j__changes"(5, 6);

-- == what others read

(SELECT c.* REPLACE (CASE WHEN change_type = 'delete' AND d."_t0" IS NOT NULL THEN d."_t0" ELSE c."ts" END AS "ts")
	FROM "j__changes"(3, 5) c
	LEFT JOIN (SELECT "id", "part", _v_close AS _v, arg_max("valid_to_ts", struct_pack("_0" := z."valid_to_ts", "_1" := z."valid_to_off")) AS "_t0" FROM (SELECT "id", "part", "valid_to_ts", "valid_to_off", _v_close FROM "j__now" WHERE _v_close > 3 AND _v_close <= 5
UNION ALL SELECT "id", "part", "valid_to_ts", "valid_to_off", _v_close FROM "j__past" WHERE _v_close > 3 AND _v_close <= 5) z GROUP BY ALL) d
		ON c."id" = d."id" AND c."part" = d."part" AND d._v = c._version);

SELECT "id", "change_type" FROM "j__changes"(3, 4) ORDER BY "_version", "id", "part", "change_type" = 'update_after';

WITH r AS (
		SELECT "valid_from_ts", "valid_from_off", "valid_to_ts", "valid_to_off", "v", "ts", _v_from, _v_to FROM "j__now" WHERE "id" = '1'::BIGINT AND "part" = '1'::VARCHAR
		UNION ALL SELECT "valid_from_ts", "valid_from_off", "valid_to_ts", "valid_to_off", "v", "ts", _v_from, _v_to FROM "j__past" WHERE "id" = '1'::BIGINT AND "part" = '1'::VARCHAR),
	e AS (
		SELECT "_s0", "_s1", _v_from AS _low, CASE WHEN _v_to = 0 THEN 9223372036854775807 ELSE _v_to END AS _high
		FROM (SELECT "valid_from_ts", "valid_from_off", _v_from, _v_to FROM r
			UNION ALL SELECT "_s0", "_s1", _v_from, _v_to FROM "j__mem" WHERE "id" = '1'::BIGINT AND "part" = '1'::VARCHAR AND _kind IN ('N', 'E')) x("_s0", "_s1", _v_from, _v_to)),
	o AS (
		SELECT "_s0", "_s1", max(_low) FILTER (WHERE _first) AS _opened FROM (
			SELECT *, coalesce(max(_high) OVER (PARTITION BY "_s0", "_s1" ORDER BY _low, _high ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) < _low,
				true) AS _first FROM e)
		GROUP BY "_s0", "_s1"),
	b AS (SELECT r.*, _opened, row_number() OVER (ORDER BY r."valid_from_ts", r."valid_from_off") AS _n FROM r JOIN o ON o."_s0" = r."valid_from_ts" AND o."_s1" = r."valid_from_off" WHERE _v_to = 0)
SELECT "valid_from_ts", "valid_from_off", "valid_to_ts", "valid_to_off", CASE WHEN _n = 1 THEN 'first seen' ELSE array_to_string(list_filter([CASE WHEN lag("valid_to_ts") OVER w IS DISTINCT FROM "valid_from_ts" OR lag("valid_to_off") OVER w IS DISTINCT FROM "valid_from_off" THEN 'came back' END, CASE
			WHEN _n > 1 AND "v" IS DISTINCT FROM lag("v") OVER w
			THEN 'v' || ': ' || coalesce(lag("v") OVER w::VARCHAR, 'NULL') || ' → ' || coalesce("v"::VARCHAR, 'NULL') END, CASE
			WHEN _n > 1 AND "ts" IS DISTINCT FROM lag("ts") OVER w
			THEN 'ts' || ': ' || coalesce(lag("ts") OVER w::VARCHAR, 'NULL') || ' → ' || coalesce("ts"::VARCHAR, 'NULL') END]::VARCHAR[],
		lambda x: x IS NOT NULL), ', ') END AS what, "v", "ts", _opened AS version
FROM b WINDOW w AS (ORDER BY _n) ORDER BY _n;

SELECT ['rows', 'column v', 'column ts'][_n] AS what, count(*) FILTER (_k = 1) AS added, count(*) FILTER (_k = 2) AS removed,
	count(*) FILTER (_k = 3) AS changed FROM (
		SELECT unnest(_k) AS _k, generate_subscripts(_k, 1) AS _n FROM (
			SELECT [CASE change_type WHEN 'insert' THEN 1 WHEN 'delete' THEN 2 WHEN 'update_after' THEN 3 ELSE 0 END, CASE
				WHEN change_type <> 'update_after' OR "v" IS NOT DISTINCT FROM _j0."v" THEN 0 WHEN _j0."v" IS NULL THEN 1
				WHEN "v" IS NULL THEN 2 ELSE 3 END, CASE
				WHEN change_type <> 'update_after' OR "ts" IS NOT DISTINCT FROM _j0."ts" THEN 0 WHEN _j0."ts" IS NULL THEN 1
				WHEN "ts" IS NULL THEN 2 ELSE 3 END] AS _k
			FROM (SELECT *, lag(_s0) OVER (PARTITION BY "id", "part" ORDER BY change_type DESC) AS _j0 FROM x AS _s0))
		UNION ALL SELECT 0, 1)
	GROUP BY _n HAVING _n = 1 OR count(*) FILTER (_k > 0) > 0 ORDER BY _n;
