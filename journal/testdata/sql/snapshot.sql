-- CREATE JOURNAL c KEYS (id) SNAPSHOT AT day COLUMNS * EXCEPT (day) TRACK (name) ON MISSING CLOSE IF REMOVED < 90 PERCENT FROM full

-- == declared

DESCRIBE SELECT (day) FROM (SELECT NULL::INTEGER AS "id", NULL::VARCHAR AS "name", NULL::DATE AS "day", NULL::VARCHAR AS "note", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (day) IS NULL;

DESCRIBE SELECT (day) FROM (SELECT NULL::INTEGER AS "id", NULL::VARCHAR AS "name", NULL::DATE AS "day", NULL::VARCHAR AS "note", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (day) IS NULL;

CREATE TABLE "c__now" ("id" INTEGER, "name" VARCHAR, "note" VARCHAR, "valid_from" DATE, "valid_to" DATE, _v_from BIGINT, _v_close BIGINT, _v_to BIGINT);

CREATE TABLE "c__past" ("id" INTEGER, "name" VARCHAR, "note" VARCHAR, "valid_from" DATE, "valid_to" DATE, _v_from BIGINT, _v_close BIGINT, _v_to BIGINT);

CREATE TABLE "c__mem" ("id" INTEGER, "_s0" DATE, _kind VARCHAR, "name" VARCHAR, "note" VARCHAR, _v_from BIGINT, _v_to BIGINT);

CREATE TABLE "c__state" (oldest BIGINT NOT NULL, "_s0" DATE);

INSERT INTO "c__state" (oldest) VALUES (0);

CREATE OR REPLACE MACRO "c__definition"() AS '{"feed":false,"scd":2,"keys":[{"Name":"id","Type":"INTEGER"}],"columns":[{"Name":"name","Type":"VARCHAR"},{"Name":"note","Type":"VARCHAR"}],"sequence":[{"name":"day","type":"DATE","text":"day"}],"sparse":null,"nulls":null,"words":null,"raw":false,"layout":1}';

CREATE OR REPLACE VIEW "c" AS SELECT "id", "name", "note", "valid_from" FROM "c__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE VIEW "c_history" AS
SELECT "id", "name", "note", "valid_from", "valid_to" FROM "c__now" WHERE _v_to = 0 UNION ALL SELECT "id", "name", "note", "valid_from", "valid_to" FROM "c__past" WHERE _v_to = 0;

CREATE OR REPLACE VIEW "c_bitemporal" AS
WITH _r AS (SELECT "id", "name", "note", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "c__now"
	UNION ALL SELECT "id", "name", "note", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "c__past")
SELECT "id", "name", "note", "valid_from", NULL AS "valid_to", _v_from AS "known_from", nullif(CASE
	WHEN _v_close <> 0 THEN _v_close ELSE _v_to END, 0) AS "known_to"
	FROM _r WHERE _v_close <> _v_from AND _v_to <> _v_from
UNION ALL SELECT "id", "name", "note", "valid_from", "valid_to", _v_close, nullif(_v_to, 0) FROM _r WHERE _v_close <> 0 AND _v_to <> _v_close;

CREATE OR REPLACE MACRO "c_at"("at_version") AS TABLE
SELECT "id", "name", "note", "valid_from" FROM "c__now"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "note", "valid_from" FROM "c__past"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "c_as_of"("at_time") AS TABLE
SELECT "id", "name", "note", "valid_from" FROM "c__now" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND ("valid_to" IS NULL OR "valid_to" > "at_time")
UNION ALL SELECT "id", "name", "note", "valid_from" FROM "c__past" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND "valid_to" > "at_time";

CREATE OR REPLACE MACRO "c_history_at"("at_version") AS TABLE
SELECT "id", "name", "note", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "c__now"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "note", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "c__past"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "c__changes"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "note", _v_close AS _version FROM "c__now" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "note", _v_to FROM "c__now" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from
	UNION ALL SELECT "id", "name", "note", _v_close FROM "c__past" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "note", _v_to FROM "c__past" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from),
_a AS (
	SELECT "id", "name", "note", _v_from AS _version FROM "c__now" WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from
	UNION ALL SELECT "id", "name", "note", _v_from FROM "c__past"
		WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."note" AS "_b2", _a."id" AS "_n0", _a."name" AS "_n1", _a."note" AS "_n2"
FROM _b FULL JOIN _a ON _b."id" = _a."id" AND _b._version = _a._version
	WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."note" IS DISTINCT FROM _a."note"))
SELECT CASE WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type, _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "note" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN _isb THEN 'update_after' ELSE 'insert' END, _version, "_n0" AS "id", "_n1" AS "name", "_n2" AS "note" FROM _c WHERE _isa;

CREATE OR REPLACE MACRO "c_changes"("from_version", "to_version") AS TABLE
SELECT * FROM "c__changes"("from_version", "to_version") UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN "from_version" < oldest  THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("from_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "c_diff"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "note", 1 AS _version FROM "c__now"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__now"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__past"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__past"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")),
_a AS (
	SELECT "id", "name", "note", 1 AS _version FROM "c__now" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__past" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."note" AS "_b2", _a."id" AS "_n0", _a."name" AS "_n1", _a."note" AS "_n2"
FROM _b FULL JOIN _a ON _b."id" = _a."id" WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."note" IS DISTINCT FROM _a."note"))
SELECT CASE WHEN "from_version" > "to_version" THEN CASE WHEN _isa THEN 'update_after' ELSE 'insert' END
	WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type,
	"to_version"::BIGINT AS _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "note" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN "from_version" > "to_version" THEN
	CASE WHEN _isb THEN 'update_before' ELSE 'delete' END WHEN _isb THEN 'update_after' ELSE 'insert' END,
	"to_version"::BIGINT, "_n0" AS "id", "_n1" AS "name", "_n2" AS "note" FROM _c WHERE _isa
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN least("from_version", "to_version") < oldest  THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || (least("from_version", "to_version")))::BOOLEAN ELSE false END;

-- == the first load

SELECT "c__definition"(), _s0 IS NOT NULL FROM "c__state";

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL)), min(_s0)::VARCHAR, max(_s0)::VARCHAR,
	count(*) <> count(_s0) OR coalesce(min(_s0) < max(_s0), false) FROM (SELECT *, (day)::DATE AS _s0 FROM (SELECT * FROM incoming)) b;

SELECT count(*) FROM "c__now" WHERE _v_close = 0 AND _v_to = 0;

SELECT count(*) FROM (SELECT 1 FROM (SELECT "id"::INTEGER AS "id", "name"::VARCHAR AS "name", "note"::VARCHAR AS "note" FROM (SELECT * FROM incoming) b WHERE NOT (b."id" IS NULL)) GROUP BY "id" HAVING count(*) > 1);

INSERT INTO "c__now" ("id", "name", "note", "valid_from", _v_from, _v_close, _v_to) SELECT "id", "name", "note", '2025-01-01'::DATE, 2, 0, 0 FROM (SELECT "id"::INTEGER AS "id", "name"::VARCHAR AS "name", "note"::VARCHAR AS "note" FROM (SELECT * FROM incoming) b WHERE NOT (b."id" IS NULL));

INSERT INTO "c__mem" (_s0, _kind, _v_from, _v_to) VALUES ('2025-01-01'::DATE, 'L', 2, 0);

UPDATE "c__state" SET _s0 = '2025-01-01'::DATE;

-- == the next one

SELECT "c__definition"(), _s0 IS NOT NULL FROM "c__state";

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL)), min(_s0)::VARCHAR, max(_s0)::VARCHAR,
	count(*) <> count(_s0) OR coalesce(min(_s0) < max(_s0), false) FROM (SELECT *, (day)::DATE AS _s0 FROM (SELECT * FROM incoming)) b;

SELECT '2025-01-02'::DATE > _s0 FROM "c__state";

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'c', 'full', NULL, CASE WHEN _r."id" IS NULL THEN 'null_key: id is NULL' END, NULL, NULL, to_json(struct_pack("id" := "_r"."id", "name" := "_r"."name", "day" := "_r"."day", "note" := "_r"."note")), 3, NULL, NULL FROM (SELECT * FROM (SELECT * FROM incoming) b WHERE (b."id" IS NULL)) _r;

SELECT count(*) FROM "c__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."c__diff" AS SELECT coalesce(s."id", j."id") AS "id", s."name", s."note", j."name" AS "_j0", j."note" AS "_j1", j."valid_from", j._rid, j._v_from,
	CASE WHEN s."id" IS NULL THEN 'G' WHEN j."id" IS NULL THEN 'I' WHEN (false OR  j."name" IS DISTINCT FROM s."name") THEN 'V' ELSE 'W' END AS _role
FROM (SELECT rowid AS _rid, "id", "name", "note", "valid_from", _v_from FROM "c__now" WHERE _v_close = 0 AND _v_to = 0) j
	FULL JOIN (SELECT "id"::INTEGER AS "id", "name"::VARCHAR AS "name", "note"::VARCHAR AS "note" FROM (SELECT * FROM incoming) b WHERE NOT (b."id" IS NULL)) s ON j."id" = s."id"
WHERE s."id" IS NULL OR j."id" IS NULL OR (false OR  j."name" IS DISTINCT FROM s."name") OR (false OR  j."note" IS DISTINCT FROM s."note");

SELECT count(*) FILTER (WHERE _role = 'I'), count(*) FILTER (WHERE _role = 'V'), count(*) FILTER (WHERE _role = 'W'),
	count(*) FILTER (WHERE _role = 'G'), count(DISTINCT _rid // 2048) FROM "temp"."c__diff";

SELECT count(*) FROM (SELECT 1 FROM "temp"."c__diff" WHERE _role = 'I' GROUP BY "id" HAVING count(*) > 1);

UPDATE "c__now" AS h SET "valid_to" = e."_t0", _v_close = 3 FROM (SELECT * FROM (SELECT _rid, '2025-01-02'::DATE AS _t0, CASE WHEN _role = 'W' THEN 'kill' ELSE 'close' END AS _act FROM "temp"."c__diff" WHERE _rid IS NOT NULL) WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

UPDATE "c__now" AS h SET _v_to = 3 FROM (SELECT * FROM (SELECT _rid, '2025-01-02'::DATE AS _t0, CASE WHEN _role = 'W' THEN 'kill' ELSE 'close' END AS _act FROM "temp"."c__diff" WHERE _rid IS NOT NULL) WHERE _act <> 'close') e WHERE h.rowid = e._rid;

INSERT INTO "c__now" ("id", "name", "note", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "note", CASE WHEN _role = 'W' THEN "valid_from" ELSE '2025-01-02'::DATE END, 3, 0, 0 FROM "temp"."c__diff" WHERE _role <> 'G';

INSERT INTO "c__mem" (_s0, _kind, _v_from, _v_to) VALUES ('2025-01-02'::DATE, 'L', 3, 0);

UPDATE "c__state" SET _s0 = '2025-01-02'::DATE;

-- == a key twice

SELECT "c__definition"(), _s0 IS NOT NULL FROM "c__state";

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL)), min(_s0)::VARCHAR, max(_s0)::VARCHAR,
	count(*) <> count(_s0) OR coalesce(min(_s0) < max(_s0), false) FROM (SELECT *, (day)::DATE AS _s0 FROM (SELECT * FROM incoming)) b;

SELECT '2025-01-03'::DATE > _s0 FROM "c__state";

SELECT count(*) FROM "c__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."c__diff" AS SELECT coalesce(s."id", j."id") AS "id", s."name", s."note", j."name" AS "_j0", j."note" AS "_j1", j."valid_from", j._rid, j._v_from,
	CASE WHEN s."id" IS NULL THEN 'G' WHEN j."id" IS NULL THEN 'I' WHEN (false OR  j."name" IS DISTINCT FROM s."name") THEN 'V' ELSE 'W' END AS _role
FROM (SELECT rowid AS _rid, "id", "name", "note", "valid_from", _v_from FROM "c__now" WHERE _v_close = 0 AND _v_to = 0) j
	FULL JOIN (SELECT "id"::INTEGER AS "id", "name"::VARCHAR AS "name", "note"::VARCHAR AS "note" FROM (SELECT * FROM incoming) b WHERE NOT (b."id" IS NULL)) s ON j."id" = s."id"
WHERE s."id" IS NULL OR j."id" IS NULL OR (false OR  j."name" IS DISTINCT FROM s."name") OR (false OR  j."note" IS DISTINCT FROM s."note");

SELECT count(*) FILTER (WHERE _role = 'I'), count(*) FILTER (WHERE _role = 'V'), count(*) FILTER (WHERE _role = 'W'),
	count(*) FILTER (WHERE _role = 'G'), count(DISTINCT _rid // 2048) FROM "temp"."c__diff";

CREATE OR REPLACE TEMP TABLE "temp"."c__distinct" AS SELECT DISTINCT * FROM (SELECT "id"::INTEGER AS "id", "name"::VARCHAR AS "name", "note"::VARCHAR AS "note" FROM (SELECT * FROM incoming) b WHERE NOT (b."id" IS NULL));

CREATE OR REPLACE TEMP TABLE "temp"."c__doubled" AS SELECT "id" FROM "temp"."c__distinct" GROUP BY "id" HAVING count(*) > 1;

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'c', 'full', NULL, 'duplicate_key: the load has different rows with this key', NULL, NULL, to_json(struct_pack("id" := "_r"."id", "name" := "_r"."name", "day" := "_r"."day", "note" := "_r"."note")), 4, NULL, NULL FROM (SELECT * FROM (SELECT * FROM incoming) b SEMI JOIN "temp"."c__doubled" k ON b."id" = k."id") _r;

CREATE OR REPLACE TEMP TABLE "temp"."c__diff" AS SELECT coalesce(s."id", j."id") AS "id", s."name", s."note", j."name" AS "_j0", j."note" AS "_j1", j."valid_from", j._rid, j._v_from,
	CASE WHEN s."id" IS NULL THEN 'G' WHEN j."id" IS NULL THEN 'I' WHEN (false OR  j."name" IS DISTINCT FROM s."name") THEN 'V' ELSE 'W' END AS _role
FROM (SELECT rowid AS _rid, "id", "name", "note", "valid_from", _v_from FROM "c__now" WHERE _v_close = 0 AND _v_to = 0) j
	FULL JOIN (SELECT * FROM "temp"."c__distinct" ANTI JOIN "temp"."c__doubled" USING ("id")) s ON j."id" = s."id"
WHERE s."id" IS NULL OR j."id" IS NULL OR (false OR  j."name" IS DISTINCT FROM s."name") OR (false OR  j."note" IS DISTINCT FROM s."note");

DELETE FROM "temp"."c__diff" AS d USING "temp"."c__doubled" k WHERE d._role = 'G' AND d."id" = k."id";

SELECT count(*) FILTER (WHERE _role = 'I'), count(*) FILTER (WHERE _role = 'V'), count(*) FILTER (WHERE _role = 'W'),
	count(*) FILTER (WHERE _role = 'G'), count(DISTINCT _rid // 2048) FROM "temp"."c__diff";

INSERT INTO "c__now" ("id", "name", "note", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "note", CASE WHEN _role = 'W' THEN "valid_from" ELSE '2025-01-03'::DATE END, 4, 0, 0 FROM "temp"."c__diff" WHERE _role <> 'G';

INSERT INTO "c__mem" (_s0, _kind, _v_from, _v_to) VALUES ('2025-01-03'::DATE, 'L', 4, 0);

UPDATE "c__state" SET _s0 = '2025-01-03'::DATE;

-- == an old one

SELECT "c__definition"(), _s0 IS NOT NULL FROM "c__state";

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL)), min(_s0)::VARCHAR, max(_s0)::VARCHAR,
	count(*) <> count(_s0) OR coalesce(min(_s0) < max(_s0), false) FROM (SELECT *, (day)::DATE AS _s0 FROM (SELECT * FROM incoming)) b;

SELECT '2025-01-02'::DATE > _s0 FROM "c__state";

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'c', 'full', NULL, 'too_late: this load, of 2025-01-02, is not newer than the last one, of ' || (SELECT _s0 FROM "c__state"), NULL, NULL, to_json(struct_pack("id" := "_r"."id", "name" := "_r"."name", "day" := "_r"."day", "note" := "_r"."note")), 5, NULL, NULL FROM (SELECT * FROM incoming) _r;

-- == ON MISSING KEEP

DESCRIBE SELECT (day) FROM (SELECT NULL::INTEGER AS "id", NULL::VARCHAR AS "name", NULL::DATE AS "day", NULL::VARCHAR AS "note", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (day) IS NULL;

DESCRIBE SELECT (day) FROM (SELECT NULL::INTEGER AS "id", NULL::VARCHAR AS "name", NULL::DATE AS "day", NULL::VARCHAR AS "note", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (day) IS NULL;

DESCRIBE SELECT * FROM "c__state";

SELECT "c__definition"(), _s0 IS NOT NULL FROM "c__state";

CREATE OR REPLACE MACRO "c__definition"() AS '{"feed":false,"scd":2,"keys":[{"Name":"id","Type":"INTEGER"}],"columns":[{"Name":"name","Type":"VARCHAR"},{"Name":"note","Type":"VARCHAR"}],"sequence":[{"name":"day","type":"DATE","text":"day"}],"sparse":null,"nulls":null,"words":null,"raw":false,"layout":1}';

CREATE OR REPLACE VIEW "c" AS SELECT "id", "name", "note", "valid_from" FROM "c__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE VIEW "c_history" AS
SELECT "id", "name", "note", "valid_from", "valid_to" FROM "c__now" WHERE _v_to = 0 UNION ALL SELECT "id", "name", "note", "valid_from", "valid_to" FROM "c__past" WHERE _v_to = 0;

CREATE OR REPLACE VIEW "c_bitemporal" AS
WITH _r AS (SELECT "id", "name", "note", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "c__now"
	UNION ALL SELECT "id", "name", "note", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "c__past")
SELECT "id", "name", "note", "valid_from", NULL AS "valid_to", _v_from AS "known_from", nullif(CASE
	WHEN _v_close <> 0 THEN _v_close ELSE _v_to END, 0) AS "known_to"
	FROM _r WHERE _v_close <> _v_from AND _v_to <> _v_from
UNION ALL SELECT "id", "name", "note", "valid_from", "valid_to", _v_close, nullif(_v_to, 0) FROM _r WHERE _v_close <> 0 AND _v_to <> _v_close;

CREATE OR REPLACE MACRO "c_at"("at_version") AS TABLE
SELECT "id", "name", "note", "valid_from" FROM "c__now"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "note", "valid_from" FROM "c__past"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "c_as_of"("at_time") AS TABLE
SELECT "id", "name", "note", "valid_from" FROM "c__now" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND ("valid_to" IS NULL OR "valid_to" > "at_time")
UNION ALL SELECT "id", "name", "note", "valid_from" FROM "c__past" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND "valid_to" > "at_time";

CREATE OR REPLACE MACRO "c_history_at"("at_version") AS TABLE
SELECT "id", "name", "note", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "c__now"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "note", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "c__past"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "c__changes"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "note", _v_close AS _version FROM "c__now" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "note", _v_to FROM "c__now" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from
	UNION ALL SELECT "id", "name", "note", _v_close FROM "c__past" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "note", _v_to FROM "c__past" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from),
_a AS (
	SELECT "id", "name", "note", _v_from AS _version FROM "c__now" WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from
	UNION ALL SELECT "id", "name", "note", _v_from FROM "c__past"
		WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."note" AS "_b2", _a."id" AS "_n0", _a."name" AS "_n1", _a."note" AS "_n2"
FROM _b FULL JOIN _a ON _b."id" = _a."id" AND _b._version = _a._version
	WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."note" IS DISTINCT FROM _a."note"))
SELECT CASE WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type, _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "note" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN _isb THEN 'update_after' ELSE 'insert' END, _version, "_n0" AS "id", "_n1" AS "name", "_n2" AS "note" FROM _c WHERE _isa;

CREATE OR REPLACE MACRO "c_changes"("from_version", "to_version") AS TABLE
SELECT * FROM "c__changes"("from_version", "to_version") UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN "from_version" < oldest  THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("from_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "c_diff"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "note", 1 AS _version FROM "c__now"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__now"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__past"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__past"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")),
_a AS (
	SELECT "id", "name", "note", 1 AS _version FROM "c__now" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__past" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."note" AS "_b2", _a."id" AS "_n0", _a."name" AS "_n1", _a."note" AS "_n2"
FROM _b FULL JOIN _a ON _b."id" = _a."id" WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."note" IS DISTINCT FROM _a."note"))
SELECT CASE WHEN "from_version" > "to_version" THEN CASE WHEN _isa THEN 'update_after' ELSE 'insert' END
	WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type,
	"to_version"::BIGINT AS _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "note" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN "from_version" > "to_version" THEN
	CASE WHEN _isb THEN 'update_before' ELSE 'delete' END WHEN _isb THEN 'update_after' ELSE 'insert' END,
	"to_version"::BIGINT, "_n0" AS "id", "_n1" AS "name", "_n2" AS "note" FROM _c WHERE _isa
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN least("from_version", "to_version") < oldest  THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || (least("from_version", "to_version")))::BOOLEAN ELSE false END;

-- == keys that are missing stay

SELECT "c__definition"(), _s0 IS NOT NULL FROM "c__state";

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL)), min(_s0)::VARCHAR, max(_s0)::VARCHAR,
	count(*) <> count(_s0) OR coalesce(min(_s0) < max(_s0), false) FROM (SELECT *, (day)::DATE AS _s0 FROM (SELECT * FROM incoming)) b;

SELECT '2025-01-04'::DATE > _s0 FROM "c__state";

SELECT count(*) FROM "c__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."c__diff" AS SELECT coalesce(s."id", j."id") AS "id", s."name", j."note", j."name" AS "_j0", j."note" AS "_j1", j."valid_from", j._rid, j._v_from,
	CASE WHEN s."id" IS NULL THEN 'G' WHEN j."id" IS NULL THEN 'I' WHEN (false OR  j."name" IS DISTINCT FROM s."name") THEN 'V' ELSE 'W' END AS _role
FROM (SELECT rowid AS _rid, "id", "name", "note", "valid_from", _v_from FROM "c__now" WHERE _v_close = 0 AND _v_to = 0) j
	FULL JOIN (SELECT "id"::INTEGER AS "id", "name"::VARCHAR AS "name" FROM (SELECT * FROM incoming) b WHERE NOT (b."id" IS NULL)) s ON j."id" = s."id"
WHERE s."id" IS NULL OR j."id" IS NULL OR (false OR  j."name" IS DISTINCT FROM s."name") OR (false);

SELECT count(*) FILTER (WHERE _role = 'I'), count(*) FILTER (WHERE _role = 'V'), count(*) FILTER (WHERE _role = 'W'),
	count(*) FILTER (WHERE _role = 'G'), count(DISTINCT _rid // 2048) FROM "temp"."c__diff";

SELECT count(*) FROM (SELECT 1 FROM "temp"."c__diff" WHERE _role = 'I' GROUP BY "id" HAVING count(*) > 1);

DELETE FROM "temp"."c__diff" WHERE _role = 'G';

SELECT count(*) FILTER (WHERE _role = 'I'), count(*) FILTER (WHERE _role = 'V'), count(*) FILTER (WHERE _role = 'W'),
	count(*) FILTER (WHERE _role = 'G'), count(DISTINCT _rid // 2048) FROM "temp"."c__diff";

UPDATE "c__now" AS h SET "valid_to" = e."_t0", _v_close = 7 FROM (SELECT * FROM (SELECT _rid, '2025-01-04'::DATE AS _t0, CASE WHEN _role = 'W' THEN 'kill' ELSE 'close' END AS _act FROM "temp"."c__diff" WHERE _rid IS NOT NULL) WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

INSERT INTO "c__now" ("id", "name", "note", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "note", CASE WHEN _role = 'W' THEN "valid_from" ELSE '2025-01-04'::DATE END, 7, 0, 0 FROM "temp"."c__diff" WHERE _role <> 'G';

INSERT INTO "c__mem" (_s0, _kind, _v_from, _v_to) VALUES ('2025-01-04'::DATE, 'L', 7, 0);

UPDATE "c__state" SET _s0 = '2025-01-04'::DATE;

-- == a file of several lacks a column

SELECT "c__definition"(), _s0 IS NOT NULL FROM "c__state";

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL)), min(_s0)::VARCHAR, max(_s0)::VARCHAR,
	count(*) <> count(_s0) OR coalesce(min(_s0) < max(_s0), false) FROM (SELECT *, (day)::DATE AS _s0 FROM (SELECT *, struct_pack(file := 'b.csv') AS _meta FROM incoming)) b;

SELECT '2025-01-05'::DATE > _s0 FROM "c__state";

SELECT count(*) FROM "c__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."c__diff" AS SELECT coalesce(s."id", j."id") AS "id", s."name", CASE WHEN s."_w0" THEN j."note" ELSE s."note" END AS "note", j."name" AS "_j0", j."note" AS "_j1", j."valid_from", j._rid, j._v_from,
	CASE WHEN s."id" IS NULL THEN 'G' WHEN j."id" IS NULL THEN 'I' WHEN (false OR  j."name" IS DISTINCT FROM s."name" OR NOT s."_w0" AND  j."note" IS DISTINCT FROM s."note") THEN 'V' ELSE 'W' END AS _role
FROM (SELECT rowid AS _rid, "id", "name", "note", "valid_from", _v_from FROM "c__now" WHERE _v_close = 0 AND _v_to = 0) j
	FULL JOIN (SELECT "id"::INTEGER AS "id", "name"::VARCHAR AS "name", "note"::VARCHAR AS "note", _meta.file IN ('a.csv', 'b.csv') AS "_w0" FROM (SELECT *, struct_pack(file := 'b.csv') AS _meta FROM incoming) b WHERE NOT (b."id" IS NULL)) s ON j."id" = s."id"
WHERE s."id" IS NULL OR j."id" IS NULL OR (false OR  j."name" IS DISTINCT FROM s."name" OR NOT s."_w0" AND  j."note" IS DISTINCT FROM s."note") OR (false);

SELECT count(*) FILTER (WHERE _role = 'I'), count(*) FILTER (WHERE _role = 'V'), count(*) FILTER (WHERE _role = 'W'),
	count(*) FILTER (WHERE _role = 'G'), count(DISTINCT _rid // 2048) FROM "temp"."c__diff";

SELECT count(*) FROM (SELECT 1 FROM "temp"."c__diff" WHERE _role = 'I' GROUP BY "id" HAVING count(*) > 1);

DELETE FROM "temp"."c__diff" WHERE _role = 'G';

SELECT count(*) FILTER (WHERE _role = 'I'), count(*) FILTER (WHERE _role = 'V'), count(*) FILTER (WHERE _role = 'W'),
	count(*) FILTER (WHERE _role = 'G'), count(DISTINCT _rid // 2048) FROM "temp"."c__diff";

UPDATE "c__now" AS h SET "valid_to" = e."_t0", _v_close = 8 FROM (SELECT * FROM (SELECT _rid, '2025-01-05'::DATE AS _t0, CASE WHEN _role = 'W' THEN 'kill' ELSE 'close' END AS _act FROM "temp"."c__diff" WHERE _rid IS NOT NULL) WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

INSERT INTO "c__now" ("id", "name", "note", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "note", CASE WHEN _role = 'W' THEN "valid_from" ELSE '2025-01-05'::DATE END, 8, 0, 0 FROM "temp"."c__diff" WHERE _role <> 'G';

INSERT INTO "c__mem" (_s0, _kind, _v_from, _v_to) VALUES ('2025-01-05'::DATE, 'L', 8, 0);

UPDATE "c__state" SET _s0 = '2025-01-05'::DATE;

-- == ON MISSING CLOSE

DESCRIBE SELECT (day) FROM (SELECT NULL::INTEGER AS "id", NULL::VARCHAR AS "name", NULL::DATE AS "day", NULL::VARCHAR AS "note", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (day) IS NULL;

DESCRIBE SELECT (day) FROM (SELECT NULL::INTEGER AS "id", NULL::VARCHAR AS "name", NULL::DATE AS "day", NULL::VARCHAR AS "note", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (day) IS NULL;

DESCRIBE SELECT * FROM "c__state";

SELECT "c__definition"(), _s0 IS NOT NULL FROM "c__state";

CREATE OR REPLACE MACRO "c__definition"() AS '{"feed":false,"scd":2,"keys":[{"Name":"id","Type":"INTEGER"}],"columns":[{"Name":"name","Type":"VARCHAR"},{"Name":"note","Type":"VARCHAR"}],"sequence":[{"name":"day","type":"DATE","text":"day"}],"sparse":null,"nulls":null,"words":null,"raw":false,"layout":1}';

CREATE OR REPLACE VIEW "c" AS SELECT "id", "name", "note", "valid_from" FROM "c__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE VIEW "c_history" AS
SELECT "id", "name", "note", "valid_from", "valid_to" FROM "c__now" WHERE _v_to = 0 UNION ALL SELECT "id", "name", "note", "valid_from", "valid_to" FROM "c__past" WHERE _v_to = 0;

CREATE OR REPLACE VIEW "c_bitemporal" AS
WITH _r AS (SELECT "id", "name", "note", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "c__now"
	UNION ALL SELECT "id", "name", "note", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "c__past")
SELECT "id", "name", "note", "valid_from", NULL AS "valid_to", _v_from AS "known_from", nullif(CASE
	WHEN _v_close <> 0 THEN _v_close ELSE _v_to END, 0) AS "known_to"
	FROM _r WHERE _v_close <> _v_from AND _v_to <> _v_from
UNION ALL SELECT "id", "name", "note", "valid_from", "valid_to", _v_close, nullif(_v_to, 0) FROM _r WHERE _v_close <> 0 AND _v_to <> _v_close;

CREATE OR REPLACE MACRO "c_at"("at_version") AS TABLE
SELECT "id", "name", "note", "valid_from" FROM "c__now"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "note", "valid_from" FROM "c__past"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "c_as_of"("at_time") AS TABLE
SELECT "id", "name", "note", "valid_from" FROM "c__now" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND ("valid_to" IS NULL OR "valid_to" > "at_time")
UNION ALL SELECT "id", "name", "note", "valid_from" FROM "c__past" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND "valid_to" > "at_time";

CREATE OR REPLACE MACRO "c_history_at"("at_version") AS TABLE
SELECT "id", "name", "note", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "c__now"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "note", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "c__past"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "c__changes"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "note", _v_close AS _version FROM "c__now" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "note", _v_to FROM "c__now" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from
	UNION ALL SELECT "id", "name", "note", _v_close FROM "c__past" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "note", _v_to FROM "c__past" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from),
_a AS (
	SELECT "id", "name", "note", _v_from AS _version FROM "c__now" WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from
	UNION ALL SELECT "id", "name", "note", _v_from FROM "c__past"
		WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."note" AS "_b2", _a."id" AS "_n0", _a."name" AS "_n1", _a."note" AS "_n2"
FROM _b FULL JOIN _a ON _b."id" = _a."id" AND _b._version = _a._version
	WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."note" IS DISTINCT FROM _a."note"))
SELECT CASE WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type, _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "note" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN _isb THEN 'update_after' ELSE 'insert' END, _version, "_n0" AS "id", "_n1" AS "name", "_n2" AS "note" FROM _c WHERE _isa;

CREATE OR REPLACE MACRO "c_changes"("from_version", "to_version") AS TABLE
SELECT * FROM "c__changes"("from_version", "to_version") UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN "from_version" < oldest  THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("from_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "c_diff"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "note", 1 AS _version FROM "c__now"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__now"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__past"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__past"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")),
_a AS (
	SELECT "id", "name", "note", 1 AS _version FROM "c__now" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))
	UNION ALL SELECT "id", "name", "note", 1 FROM "c__past" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."note" AS "_b2", _a."id" AS "_n0", _a."name" AS "_n1", _a."note" AS "_n2"
FROM _b FULL JOIN _a ON _b."id" = _a."id" WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."note" IS DISTINCT FROM _a."note"))
SELECT CASE WHEN "from_version" > "to_version" THEN CASE WHEN _isa THEN 'update_after' ELSE 'insert' END
	WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type,
	"to_version"::BIGINT AS _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "note" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN "from_version" > "to_version" THEN
	CASE WHEN _isb THEN 'update_before' ELSE 'delete' END WHEN _isb THEN 'update_after' ELSE 'insert' END,
	"to_version"::BIGINT, "_n0" AS "id", "_n1" AS "name", "_n2" AS "note" FROM _c WHERE _isa
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "c__state" WHERE CASE WHEN least("from_version", "to_version") < oldest  THEN error('journal c can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || (least("from_version", "to_version")))::BOOLEAN ELSE false END;

-- == an empty load

SELECT "c__definition"(), _s0 IS NOT NULL FROM "c__state";

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL)), min(_s0)::VARCHAR, max(_s0)::VARCHAR,
	count(*) <> count(_s0) OR coalesce(min(_s0) < max(_s0), false) FROM (SELECT *, (day)::DATE AS _s0 FROM (SELECT * FROM incoming)) b;

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL)), min(_s0)::VARCHAR, max(_s0)::VARCHAR,
	count(*) <> count(_s0) OR coalesce(min(_s0) < max(_s0), false) FROM (SELECT *, (day)::DATE AS _s0 FROM (SELECT NULL::INTEGER AS "id", NULL::VARCHAR AS "name", '2025-01-06'::DATE AS "day", NULL::VARCHAR AS "note", struct_pack(source := 'full', "timestamp" := '2025-03-01 12:00:00'::TIMESTAMP, file := '')::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS _meta)) b;

SELECT '2025-01-06'::DATE > _s0 FROM "c__state";

SELECT count(*) FROM "c__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."c__diff" AS SELECT coalesce(s."id", j."id") AS "id", s."name", s."note", j."name" AS "_j0", j."note" AS "_j1", j."valid_from", j._rid, j._v_from,
	CASE WHEN s."id" IS NULL THEN 'G' WHEN j."id" IS NULL THEN 'I' WHEN (false OR  j."name" IS DISTINCT FROM s."name" OR  j."note" IS DISTINCT FROM s."note") THEN 'V' ELSE 'W' END AS _role
FROM (SELECT rowid AS _rid, "id", "name", "note", "valid_from", _v_from FROM "c__now" WHERE _v_close = 0 AND _v_to = 0) j
	FULL JOIN (SELECT "id"::INTEGER AS "id", "name"::VARCHAR AS "name", "note"::VARCHAR AS "note" FROM (SELECT * FROM incoming) b WHERE NOT (b."id" IS NULL)) s ON j."id" = s."id"
WHERE s."id" IS NULL OR j."id" IS NULL OR (false OR  j."name" IS DISTINCT FROM s."name" OR  j."note" IS DISTINCT FROM s."note") OR (false);

SELECT count(*) FILTER (WHERE _role = 'I'), count(*) FILTER (WHERE _role = 'V'), count(*) FILTER (WHERE _role = 'W'),
	count(*) FILTER (WHERE _role = 'G'), count(DISTINCT _rid // 2048) FROM "temp"."c__diff";

SELECT count(*) FROM (SELECT 1 FROM "temp"."c__diff" WHERE _role = 'I' GROUP BY "id" HAVING count(*) > 1);

UPDATE "c__now" AS h SET "valid_to" = e."_t0", _v_close = 10 FROM (SELECT * FROM (SELECT _rid, '2025-01-06'::DATE AS _t0, CASE WHEN _role = 'W' THEN 'kill' ELSE 'close' END AS _act FROM "temp"."c__diff" WHERE _rid IS NOT NULL) WHERE _act <> 'kill') e WHERE h.rowid = e._rid;

INSERT INTO "c__now" ("id", "name", "note", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "note", CASE WHEN _role = 'W' THEN "valid_from" ELSE '2025-01-06'::DATE END, 10, 0, 0 FROM "temp"."c__diff" WHERE _role <> 'G';

INSERT INTO "c__mem" (_s0, _kind, _v_from, _v_to) VALUES ('2025-01-06'::DATE, 'L', 10, 0);

UPDATE "c__state" SET _s0 = '2025-01-06'::DATE;

-- == rollback

SELECT "c__definition"(), _s0 IS NOT NULL FROM "c__state";

SELECT oldest FROM "c__state";

CREATE OR REPLACE TEMP TABLE "temp"."c__back" AS SELECT "id", "name", "note", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= 1 THEN "valid_to" END AS "valid_to", _v_close <> 0
	AND _v_close <= 1 AS _closed
FROM "c__now" WHERE _v_from <= 1 AND (_v_to = 0 OR _v_to > 1) AND (_v_to <> 0 OR _v_close > 1)
UNION ALL SELECT "id", "name", "note", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= 1 THEN "valid_to" END AS "valid_to",
	_v_close <> 0 AND _v_close <= 1
FROM "c__past" WHERE _v_from <= 1 AND (_v_to = 0 OR _v_to > 1) AND (_v_to <> 0 OR _v_close > 1);

CREATE OR REPLACE TEMP TABLE "temp"."c__backmem" AS SELECT "id", "_s0", _kind, "name", "note" FROM "c__mem" WHERE _v_from <= 1 AND _v_to > 1;

UPDATE "c__now" SET _v_to = 11 WHERE _v_to = 0 AND (_v_from > 1 OR _v_close > 1);

UPDATE "c__past" SET _v_to = 11 WHERE _v_to = 0 AND (_v_from > 1 OR _v_close > 1);

UPDATE "c__mem" SET _v_to = 11 WHERE _v_to = 0 AND _v_from > 1;

INSERT INTO "c__now" ("id", "name", "note", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "note", "valid_from", 11, 0, 0 FROM "temp"."c__back" WHERE NOT _closed;

INSERT INTO "c__past" ("id", "name", "note", "valid_from", "valid_to", _v_from, _v_close, _v_to)
SELECT "id", "name", "note", "valid_from", "valid_to", 11, 11, 0 FROM "temp"."c__back" WHERE _closed;

INSERT INTO "c__mem" ("id", "_s0", _kind, "name", "note", _v_from, _v_to) SELECT "id", "_s0", _kind, "name", "note", 11, 0 FROM "temp"."c__backmem";

UPDATE "c__state" SET "_s0" = NULL;

UPDATE "c__state" SET "_s0" = m."_s0" FROM (SELECT * FROM (SELECT "_s0" FROM "c__mem" WHERE _v_to = 0) x("_s0") ORDER BY "_s0" DESC NULLS LAST LIMIT 1) m;

SELECT count(*) FILTER (WHERE change_type = 'insert'), count(*) FILTER (WHERE change_type = 'update_after'),
	count(*) FILTER (WHERE change_type = 'delete') FROM "c__changes"(10, 11);

-- == what others read

(SELECT * FROM "c__changes"(3, 5));

SELECT "id", "change_type" FROM "c__changes"(3, 4) ORDER BY "_version", "id", "change_type" = 'update_after';

WITH r AS (
		SELECT "valid_from", "valid_to", "name", "note", _v_from, _v_to FROM "c__now" WHERE "id" = '1'::INTEGER
		UNION ALL SELECT "valid_from", "valid_to", "name", "note", _v_from, _v_to FROM "c__past" WHERE "id" = '1'::INTEGER),
	e AS (
		SELECT "_s0", _v_from AS _low, CASE WHEN _v_to = 0 THEN 9223372036854775807 ELSE _v_to END AS _high
		FROM (SELECT "valid_from", _v_from, _v_to FROM r
			UNION ALL SELECT "_s0", _v_from, _v_to FROM "c__mem" WHERE "id" = '1'::INTEGER AND _kind IN ('N', 'E')) x("_s0", _v_from, _v_to)),
	o AS (
		SELECT "_s0", max(_low) FILTER (WHERE _first) AS _opened FROM (
			SELECT *, coalesce(max(_high) OVER (PARTITION BY "_s0" ORDER BY _low, _high ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) < _low,
				true) AS _first FROM e)
		GROUP BY "_s0"),
	b AS (SELECT r.*, _opened, row_number() OVER (ORDER BY r."valid_from") AS _n FROM r JOIN o ON o."_s0" = r."valid_from" WHERE _v_to = 0)
SELECT "valid_from", "valid_to", CASE WHEN _n = 1 THEN 'first seen' ELSE array_to_string(list_filter([CASE WHEN lag("valid_to") OVER w IS DISTINCT FROM "valid_from" THEN 'came back' END, CASE
			WHEN _n > 1 AND "name" IS DISTINCT FROM lag("name") OVER w
			THEN 'name' || ': ' || coalesce(lag("name") OVER w::VARCHAR, 'NULL') || ' → ' || coalesce("name"::VARCHAR, 'NULL') END, CASE
			WHEN _n > 1 AND "note" IS DISTINCT FROM lag("note") OVER w
			THEN 'note' || ': ' || coalesce(lag("note") OVER w::VARCHAR, 'NULL') || ' → ' || coalesce("note"::VARCHAR, 'NULL') END]::VARCHAR[],
		lambda x: x IS NOT NULL), ', ') END AS what, "name", "note", _opened AS version
FROM b WINDOW w AS (ORDER BY _n) ORDER BY _n;

SELECT ['rows', 'column name', 'column note'][_n] AS what, count(*) FILTER (_k = 1) AS added, count(*) FILTER (_k = 2) AS removed,
	count(*) FILTER (_k = 3) AS changed FROM (
		SELECT unnest(_k) AS _k, generate_subscripts(_k, 1) AS _n FROM (
			SELECT [CASE change_type WHEN 'insert' THEN 1 WHEN 'delete' THEN 2 WHEN 'update_after' THEN 3 ELSE 0 END, CASE
				WHEN change_type <> 'update_after' OR "name" IS NOT DISTINCT FROM _j0."name" THEN 0 WHEN _j0."name" IS NULL THEN 1
				WHEN "name" IS NULL THEN 2 ELSE 3 END, CASE
				WHEN change_type <> 'update_after' OR "note" IS NOT DISTINCT FROM _j0."note" THEN 0 WHEN _j0."note" IS NULL THEN 1
				WHEN "note" IS NULL THEN 2 ELSE 3 END] AS _k
			FROM (SELECT *, lag(_s0) OVER (PARTITION BY "id" ORDER BY change_type DESC) AS _j0 FROM x AS _s0))
		UNION ALL SELECT 0, 1)
	GROUP BY _n HAVING _n = 1 OR count(*) FILTER (_k > 0) > 0 ORDER BY _n;
