-- CREATE JOURNAL j KEYS (id) SEQUENCE BY ts DELETE WHEN op = 'd' COLUMNS * EXCEPT (op) LATENESS 5 FROM ev

-- == declared

DESCRIBE SELECT (ts) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (ts) IS NULL;

DESCRIBE SELECT (ts) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (ts) IS NULL;

DESCRIBE SELECT (op = 'd') FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (op = 'd') IS NULL;

DESCRIBE SELECT (op = 'd') FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (op = 'd') IS NULL;

DESCRIBE SELECT _s0 - (5) < _s0 FROM (SELECT NULL::INTEGER AS _s0);

DESCRIBE SELECT _s0 - (5) < _s0 FROM (SELECT NULL::INTEGER AS _s0);

SELECT coalesce((5) < (5) - (5), true);

CREATE TABLE "j__now" ("id" BIGINT, "name" VARCHAR, "seats" INTEGER, "ts" INTEGER, "valid_from" INTEGER, "valid_to" INTEGER, _v_from BIGINT, _v_close BIGINT, _v_to BIGINT);

CREATE TABLE "j__past" ("id" BIGINT, "name" VARCHAR, "seats" INTEGER, "ts" INTEGER, "valid_from" INTEGER, "valid_to" INTEGER, _v_from BIGINT, _v_close BIGINT, _v_to BIGINT);

CREATE TABLE "j__mem" ("id" BIGINT, "_s0" INTEGER, _kind VARCHAR, "name" VARCHAR, "seats" INTEGER, "ts" INTEGER, _v_from BIGINT, _v_to BIGINT);

CREATE TABLE "j__state" (oldest BIGINT NOT NULL, "_s0" INTEGER);

INSERT INTO "j__state" (oldest) VALUES (0);

ALTER TABLE "j__now" ADD COLUMN "_said0" BIGINT DEFAULT -1;

ALTER TABLE "j__past" ADD COLUMN "_said0" BIGINT DEFAULT -1;

ALTER TABLE "j__mem" ADD COLUMN "_said0" BIGINT DEFAULT -1;

CREATE OR REPLACE MACRO "j__definition"() AS '{"feed":true,"scd":2,"keys":[{"Name":"id","Type":"BIGINT"}],"columns":[{"Name":"name","Type":"VARCHAR"},{"Name":"seats","Type":"INTEGER"},{"Name":"ts","Type":"INTEGER"}],"sequence":[{"name":"ts","type":"INTEGER","text":"ts"}],"sparse":null,"nulls":null,"words":null,"raw":false,"layout":1}';

CREATE OR REPLACE VIEW "j" AS SELECT "id", "name", "seats", "ts", "valid_from" FROM "j__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE VIEW "j_history" AS
SELECT "id", "name", "seats", "ts", "valid_from", "valid_to" FROM "j__now" WHERE _v_to = 0 UNION ALL SELECT "id", "name", "seats", "ts", "valid_from", "valid_to" FROM "j__past" WHERE _v_to = 0;

CREATE OR REPLACE VIEW "j_bitemporal" AS
WITH _r AS (SELECT "id", "name", "seats", "ts", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "j__now"
	UNION ALL SELECT "id", "name", "seats", "ts", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "j__past")
SELECT "id", "name", "seats", "ts", "valid_from", NULL AS "valid_to", _v_from AS "known_from", nullif(CASE
	WHEN _v_close <> 0 THEN _v_close ELSE _v_to END, 0) AS "known_to"
	FROM _r WHERE _v_close <> _v_from AND _v_to <> _v_from
UNION ALL SELECT "id", "name", "seats", "ts", "valid_from", "valid_to", _v_close, nullif(_v_to, 0) FROM _r WHERE _v_close <> 0 AND _v_to <> _v_close;

CREATE OR REPLACE MACRO "j_at"("at_version") AS TABLE
SELECT "id", "name", "seats", "ts", "valid_from" FROM "j__now"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "seats", "ts", "valid_from" FROM "j__past"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j_as_of"("at_time") AS TABLE
SELECT "id", "name", "seats", "ts", "valid_from" FROM "j__now" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND ("valid_to" IS NULL OR "valid_to" > "at_time")
UNION ALL SELECT "id", "name", "seats", "ts", "valid_from" FROM "j__past" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND "valid_to" > "at_time";

CREATE OR REPLACE MACRO "j_history_at"("at_version") AS TABLE
SELECT "id", "name", "seats", "ts", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "j__now"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "seats", "ts", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "j__past"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j__changes"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "seats", "ts", _v_close AS _version FROM "j__now" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "seats", "ts", _v_to FROM "j__now" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from
	UNION ALL SELECT "id", "name", "seats", "ts", _v_close FROM "j__past" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "seats", "ts", _v_to FROM "j__past" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from),
_a AS (
	SELECT "id", "name", "seats", "ts", _v_from AS _version FROM "j__now" WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from
	UNION ALL SELECT "id", "name", "seats", "ts", _v_from FROM "j__past"
		WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."seats" AS "_b2", _b."ts" AS "_b3", _a."id" AS "_n0", _a."name" AS "_n1", _a."seats" AS "_n2", _a."ts" AS "_n3"
FROM _b FULL JOIN _a ON _b."id" = _a."id" AND _b._version = _a._version
	WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."seats" IS DISTINCT FROM _a."seats" OR _b."ts" IS DISTINCT FROM _a."ts"))
SELECT CASE WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type, _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "seats", "_b3" AS "ts" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN _isb THEN 'update_after' ELSE 'insert' END, _version, "_n0" AS "id", "_n1" AS "name", "_n2" AS "seats", "_n3" AS "ts" FROM _c WHERE _isa;

CREATE OR REPLACE MACRO "j_changes"("from_version", "to_version") AS TABLE
SELECT * FROM "j__changes"("from_version", "to_version") UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "from_version" < oldest  THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("from_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j_diff"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "seats", "ts", 1 AS _version FROM "j__now"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", "ts", 1 FROM "j__now"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", "ts", 1 FROM "j__past"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", "ts", 1 FROM "j__past"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")),
_a AS (
	SELECT "id", "name", "seats", "ts", 1 AS _version FROM "j__now" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))
	UNION ALL SELECT "id", "name", "seats", "ts", 1 FROM "j__past" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."seats" AS "_b2", _b."ts" AS "_b3", _a."id" AS "_n0", _a."name" AS "_n1", _a."seats" AS "_n2", _a."ts" AS "_n3"
FROM _b FULL JOIN _a ON _b."id" = _a."id" WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."seats" IS DISTINCT FROM _a."seats" OR _b."ts" IS DISTINCT FROM _a."ts"))
SELECT CASE WHEN "from_version" > "to_version" THEN CASE WHEN _isa THEN 'update_after' ELSE 'insert' END
	WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type,
	"to_version"::BIGINT AS _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "seats", "_b3" AS "ts" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN "from_version" > "to_version" THEN
	CASE WHEN _isb THEN 'update_before' ELSE 'delete' END WHEN _isb THEN 'update_after' ELSE 'insert' END,
	"to_version"::BIGINT, "_n0" AS "id", "_n1" AS "name", "_n2" AS "seats", "_n3" AS "ts" FROM _c WHERE _isa
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN least("from_version", "to_version") < oldest  THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || (least("from_version", "to_version")))::BOOLEAN ELSE false END;

-- == several events of a key, a repeat, a conflict, no key

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "ts"::INTEGER AS "ts", "op", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), false FROM "temp"."j__batch" b, "j__state" h;

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'j', NULL, NULL, CASE WHEN _r."id" IS NULL THEN 'null_key: id is NULL' WHEN _r."_s0" IS NULL THEN 'null_sequence: ts is NULL' END, NULL, NULL, to_json(struct_pack("id" := "_r"."id", "op" := "_r"."op", "name" := "_r"."name", "seats" := "_r"."seats", "ts" := "_r"."ts")), 2, NULL, NULL FROM (SELECT * FROM "temp"."j__batch" b WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)) _r;

DELETE FROM "temp"."j__batch" AS b WHERE (b."id" IS NULL) OR (b."_s0" IS NULL);

SELECT coalesce(_min < TRY(_max - (5)), false)
FROM (SELECT min(b._s0) AS _min, greatest(max(b._s0), max(h._s0)) AS _max FROM "temp"."j__batch" b, "j__state" h);

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

CREATE OR REPLACE TEMP TABLE "temp"."j__twins" AS SELECT "id", "_s0" FROM "temp"."j__batch" SEMI JOIN (FROM "temp"."j__groups" WHERE _n > 1) k USING ("id") GROUP BY "id", "_s0" HAVING count(*) > 1;

SELECT count(*) FROM "temp"."j__twins";

CREATE OR REPLACE TEMP TABLE "temp"."j__again" AS SELECT _b, _n > 1 AND NOT _old AS _repeat FROM (
	SELECT _b, row_number() OVER w AS _n, first_value(_late) OVER w AS _old, min(_at) OVER (PARTITION BY "id", "_s0", _del, "name", "seats", "ts") AS _min
	FROM (SELECT *, b.rowid AS _b, row_number() OVER (PARTITION BY "id", "_s0" ORDER BY b.rowid) AS _at
		FROM "temp"."j__batch" b SEMI JOIN "temp"."j__twins" USING ("id", "_s0"))
	WINDOW w AS (PARTITION BY "id", "_s0", _del, "name", "seats", "ts" ORDER BY _at))
WHERE _n > 1 AND NOT _old OR _min > 1;

UPDATE "temp"."j__batch" AS b SET _second = true FROM "temp"."j__again" x WHERE b.rowid = x._b AND NOT x._repeat;

DELETE FROM "temp"."j__batch" WHERE rowid IN (SELECT _b FROM "temp"."j__again" WHERE _repeat);

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."ts", h."valid_from", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__folded" AS SELECT "id", false AS _is_late FROM "temp"."j__groups" WHERE _n > 1;

SELECT count(*), count(*) FILTER (WHERE _is_late) FROM "temp"."j__folded";

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b._del AND (b."name" IS NOT NULL OR b."seats" IS NOT NULL OR b."ts" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."name" IS DISTINCT FROM o."name" OR b."seats" IS DISTINCT FROM o."seats") THEN 'V' WHEN false THEN 'W' WHEN (b."ts" IS DISTINCT FROM o."ts") THEN 'S' ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b ANTI JOIN "temp"."j__folded" f ON b."id" = f."id" LEFT JOIN "temp"."j__open" o ON b."id" = o."id";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

CREATE OR REPLACE TEMP TABLE "temp"."j__old" AS SELECT true AS _is_now, false AS _is_late, h._rid, h."id", h."name", h."seats", h."ts", h."valid_from", h."valid_to", h._v_from, h._v_close
FROM "temp"."j__open" h JOIN (FROM "temp"."j__folded" WHERE NOT _is_late) k ON h."id" = k."id";

CREATE OR REPLACE TEMP TABLE "temp"."j__new" AS SELECT *, b.rowid AS _b FROM "temp"."j__batch" b SEMI JOIN "temp"."j__folded" USING ("id");

CREATE OR REPLACE TEMP TABLE "temp"."j__conflict" AS SELECT * FROM "temp"."j__new" n WHERE n._second;

SELECT count(*) FROM "temp"."j__conflict";

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'j', NULL, NULL, 'sequence_conflict: its key has an event with other values at ' || _r."_s0"::VARCHAR, NULL, NULL, to_json(struct_pack("id" := "_r"."id", "op" := "_r"."op", "name" := "_r"."name", "seats" := "_r"."seats", "ts" := "_r"."ts")), 2, NULL, NULL FROM "temp"."j__conflict" _r;

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats", "ts")
SELECT "id", "_s0", CASE WHEN _del THEN 'RD' ELSE 'RE' END, 2, 0, "name", "seats", "ts" FROM "temp"."j__conflict";

DELETE FROM "temp"."j__new" WHERE _b IN (SELECT _b FROM "temp"."j__conflict");

CREATE OR REPLACE TEMP TABLE "temp"."j__line" AS SELECT *, count(*) FILTER (WHERE _changed) OVER (PARTITION BY "id" ORDER BY "_s0") AS _group FROM (
	SELECT *, NOT _del AND ("ts" IS DISTINCT FROM lag("ts") OVER w) AS _moved,
		CASE WHEN _del THEN coalesce(NOT lag(_del) OVER w, false)
			ELSE coalesce(lag(_del) OVER w, true) OR ("name" IS DISTINCT FROM lag("name") OVER w OR "seats" IS DISTINCT FROM lag("seats") OVER w) END AS _changed
	FROM (SELECT * FROM (
	SELECT "id", "valid_from", false, "name", "seats", "ts", false FROM "temp"."j__old"
		WHERE NOT _is_late  UNION ALL SELECT "id", "_s0", _del, "name", "seats", "ts", NOT _end FROM "temp"."j__new") x("id", "_s0", _del, "name", "seats", "ts", _new)) WINDOW w AS (PARTITION BY "id" ORDER BY "_s0"));

CREATE OR REPLACE TEMP TABLE "temp"."j__built" AS SELECT * FROM (
	SELECT "id", "_s0", _del, "_l0" AS "ts", "name" AS "name", "seats" AS "seats", true AS _own,
		lead("_s0") OVER (PARTITION BY "id" ORDER BY "_s0") AS "_t0"
	FROM (SELECT *, last_value("ts") OVER w AS "_l0" FROM "temp"."j__line"
	WINDOW w AS (PARTITION BY "id", _group ORDER BY "_s0" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) x WHERE _changed) WHERE NOT _del;

CREATE OR REPLACE TEMP TABLE "temp"."j__change" AS SELECT *, CASE WHEN _act IN ('keep', 'close') THEN _was_raw ELSE _own AND (_was_raw OR coalesce(_is_late, true)) END::TINYINT AS _raw FROM (
	SELECT o._rid, o._is_now, o._is_late, w."id", w."_s0", w."_t0", w."name", w."seats", w."ts"
		,
		true AS _was_raw, w._own,
		CASE WHEN o._rid IS NULL THEN 'add' WHEN w."id" IS NULL THEN 'kill' WHEN (o."name" IS DISTINCT FROM w."name" OR o."seats" IS DISTINCT FROM w."seats" OR o."ts" IS DISTINCT FROM w."ts") THEN 'swap'
			WHEN o."valid_to" IS NOT DISTINCT FROM w."_t0" THEN 'keep' WHEN o."valid_to" IS NULL THEN 'close' ELSE 'swap' END AS _act
	FROM "temp"."j__old" o FULL JOIN "temp"."j__built" w ON o."id" = w."id" AND o."valid_from" = w."_s0");

SELECT count(*) FILTER (WHERE o._rid IS NULL), count(*) FILTER (WHERE n._act IS NULL),
	count(*) FILTER (WHERE o._rid IS NOT NULL AND n._act IS NOT NULL AND (o."name" IS DISTINCT FROM n."name" OR o."seats" IS DISTINCT FROM n."seats" OR o."ts" IS DISTINCT FROM n."ts"))
FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__folded" USING ("id") WHERE "valid_to" IS NULL) o
	FULL JOIN (FROM "temp"."j__change" WHERE _act <> 'kill' AND _t0 IS NULL) n ON o."id" = n."id";

SELECT count(DISTINCT _rid // 2048) FILTER (WHERE _is_now AND _act IN ('kill', 'swap', 'close')),
	count(*) FILTER (WHERE _is_now AND _act IN ('kill', 'swap')), count(*) FILTER (WHERE NOT _is_now AND _act IN ('kill', 'swap')),
	count(*) FILTER (WHERE _act IN ('add', 'swap') AND _t0 IS NULL), count(*) FILTER (WHERE _act IN ('add', 'swap')
		AND _t0 IS NOT NULL) FROM "temp"."j__change";

INSERT INTO "j__now" ("id", "name", "seats", "ts", "valid_from", _v_from, _v_close, _v_to)
SELECT "id", "name", "seats", "ts", "_s0", 2, 0, 0 FROM "temp"."j__change" WHERE _act IN ('add', 'swap') AND _t0 IS NULL;

INSERT INTO "j__past" ("id", "name", "seats", "ts", "valid_from", "valid_to", _v_from, _v_close, _v_to)
SELECT "id", "name", "seats", "ts", "_s0", "_t0", 2, 2, 0 FROM "temp"."j__change" WHERE _act IN ('add', 'swap') AND _t0 IS NOT NULL;

CREATE OR REPLACE TEMP TABLE "temp"."j__wanted" AS SELECT * FROM (
	SELECT "id", "_s0", CASE WHEN _del THEN 'D' ELSE 'N' END, CASE WHEN _del THEN "name" END, CASE WHEN _del THEN "seats" END, CASE WHEN _del THEN "ts" END
	FROM "temp"."j__line" f WHERE NOT _changed OR _del AND (f."name" IS NOT NULL OR f."seats" IS NOT NULL OR f."ts" IS NOT NULL) ) x("id", "_s0", _kind, "name", "seats", "ts");

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats", "ts")
	SELECT t."id", t."_s0", t._kind, 2, 0, t."name", t."seats", t."ts" FROM "temp"."j__wanted" t;

SELECT count(*) FILTER (WHERE _new AND (_changed OR _moved)) FROM "temp"."j__line";

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == late, too late, repeated

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "ts"::INTEGER AS "ts", "op", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), coalesce(bool_or(b."_s0" <= h."_s0"), false) FROM "temp"."j__batch" b, "j__state" h;

SELECT coalesce(_min < TRY(_max - (5)), false)
FROM (SELECT min(b._s0) AS _min, greatest(max(b._s0), max(h._s0)) AS _max FROM "temp"."j__batch" b, "j__state" h);

UPDATE "temp"."j__batch" AS b SET _late = true FROM (
	SELECT _b, _s0 < TRY(_max - (5)) AS _old FROM (
		SELECT b.rowid AS _b, b._s0,
			greatest(max(b._s0) OVER (ORDER BY b.rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), h._s0) AS _max
		FROM "temp"."j__batch" b, "j__state" h)) x
WHERE b.rowid = x._b AND x._old;

SELECT count(*) FROM "j__mem" WHERE _kind = 'T' AND _v_to = 0;

CREATE OR REPLACE TEMP TABLE "temp"."j__groups" AS SELECT "id", count(*) AS _n, min(b."_s0") AS _min FROM "temp"."j__batch" b GROUP BY "id";

SELECT count(*) FILTER (WHERE _n > 1), count(*) FROM "temp"."j__groups";

CREATE OR REPLACE TEMP TABLE "temp"."j__twins" AS SELECT "id", "_s0" FROM "temp"."j__batch" SEMI JOIN (FROM "temp"."j__groups" WHERE _n > 1) k USING ("id") GROUP BY "id", "_s0" HAVING count(*) > 1;

SELECT count(*) FROM "temp"."j__twins";

SET dynamic_or_filter_threshold = 2500;

CREATE OR REPLACE TEMP TABLE "temp"."j__open" AS SELECT h.rowid AS _rid, h."id", h."name", h."seats", h."ts", h."valid_from", h._v_from, NULL::INTEGER AS "valid_to", 0::BIGINT AS _v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_close = 0 AND h._v_to = 0) r ON h.rowid = r._rid;

SELECT min(_s0)::VARCHAR FROM "temp"."j__batch";

CREATE OR REPLACE TEMP TABLE "temp"."j__late" AS SELECT "id" FROM "temp"."j__groups" k SEMI JOIN (
	SELECT h."id" FROM "temp"."j__open" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h."valid_from" >= k._min
	UNION ALL SELECT h."id" FROM "j__now" h JOIN "temp"."j__groups" k ON h."id" = k."id"
		WHERE h._v_to = 0 AND h._v_close <> 0 AND h."valid_to" >= '1'::INTEGER AND h."valid_to" >= k._min
	UNION ALL SELECT h."id" FROM "j__past" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_to = 0 AND h."valid_to" >= '1'::INTEGER AND h."valid_to" >= k._min
	UNION ALL SELECT h."id" FROM "j__mem" h JOIN "temp"."j__groups" k ON h."id" = k."id" WHERE h._v_to = 0 AND h._s0 >= '1'::INTEGER AND h."_s0" >= k._min
	UNION ALL SELECT "id" FROM "temp"."j__batch" WHERE _late) x ON k."id" = x."id";

CREATE OR REPLACE TEMP TABLE "temp"."j__folded" AS SELECT "id", l."id" IS NOT NULL AS _is_late FROM "temp"."j__groups" k LEFT JOIN "temp"."j__late" l USING ("id") WHERE _n > 1 OR l."id" IS NOT NULL;

SELECT count(*), count(*) FILTER (WHERE _is_late) FROM "temp"."j__folded";

CREATE OR REPLACE TEMP TABLE "temp"."j__role" AS SELECT b._b, o._rid, b."_s0", b._del AND (b."name" IS NOT NULL OR b."seats" IS NOT NULL OR b."ts" IS NOT NULL) AS _image,
	CASE WHEN b._del THEN CASE WHEN o._rid IS NULL THEN 'D' ELSE 'C' END
		WHEN o._rid IS NULL OR (b."name" IS DISTINCT FROM o."name" OR b."seats" IS DISTINCT FROM o."seats") THEN 'V' WHEN false THEN 'W' WHEN (b."ts" IS DISTINCT FROM o."ts") THEN 'S' ELSE 'N' END AS _role
FROM (SELECT *, rowid AS _b FROM "temp"."j__batch") b ANTI JOIN "temp"."j__folded" f ON b."id" = f."id" LEFT JOIN "temp"."j__open" o ON b."id" = o."id";

SELECT count(*), count(*) FILTER (WHERE _role = 'V' AND _rid IS NULL), count(*) FILTER (WHERE _role = 'V' AND _rid IS NOT NULL),
	count(*) FILTER (WHERE _role = 'C'), count(*) FILTER (WHERE _role IN ('W', 'S')), count(*) FILTER (WHERE _image),
	count(DISTINCT _rid // 2048) FILTER (WHERE _role <> 'N') FROM "temp"."j__role";

INSERT INTO "j__now" ("id", "name", "seats", "ts", "valid_from", _v_from, _v_close, _v_to)
SELECT b."id", "b"."name", "b"."seats", "b"."ts", CASE WHEN x._role = 'V' THEN b."_s0" ELSE o."valid_from" END, 3, 0, 0
	
FROM "temp"."j__batch" b JOIN "temp"."j__role" x ON b.rowid = x._b LEFT JOIN "temp"."j__open" o ON o._rid = x._rid WHERE x._role IN ('V', 'W', 'S');

CREATE OR REPLACE TEMP TABLE "temp"."j__old" AS SELECT true AS _is_now, true AS _is_late, h.rowid AS _rid, h."id", h."name", h."seats", h."ts", h."valid_from", h."valid_to"
	, h._v_from, h._v_close FROM "j__now" h JOIN (SELECT h.rowid AS _rid FROM "j__now" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" WHERE h._v_to = 0) r ON h.rowid = r._rid UNION ALL SELECT false, true, h.rowid, h."id", h."name", h."seats", h."ts", h."valid_from", h."valid_to", h._v_from, h._v_close FROM "j__past" h JOIN (SELECT h.rowid AS _rid FROM "j__past" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" WHERE h._v_to = 0) r ON h.rowid = r._rid UNION ALL SELECT true AS _is_now, false AS _is_late, h._rid, h."id", h."name", h."seats", h."ts", h."valid_from", h."valid_to", h._v_from, h._v_close
FROM "temp"."j__open" h JOIN (FROM "temp"."j__folded" WHERE NOT _is_late) k ON h."id" = k."id";

CREATE OR REPLACE TEMP TABLE "temp"."j__oldmem" AS SELECT h.rowid AS _rid, h."id", h."_s0", h._kind, h."name", h."seats", h."ts" FROM "j__mem" h JOIN (SELECT h.rowid AS _rid FROM "j__mem" h JOIN (FROM "temp"."j__folded" WHERE _is_late) k ON h."id" = k."id" WHERE h._v_to = 0) r ON h.rowid = r._rid;

CREATE OR REPLACE TEMP TABLE "temp"."j__known" AS SELECT "id", "_s0", _del, "name", "seats", "ts" FROM (
	SELECT h."id", h."valid_from", false, h."name" AS "name", h."seats" AS "seats", h."valid_from" AS "ts" FROM "temp"."j__old" h WHERE h._is_late 
	UNION ALL SELECT h."id", h."valid_to", true, NULL::VARCHAR AS "name", NULL::INTEGER AS "seats", NULL::INTEGER AS "ts" FROM "temp"."j__old" h
		ANTI JOIN "temp"."j__old" n ON h."id" = n."id" AND h."valid_to" = n."valid_from"
		ANTI JOIN (FROM "temp"."j__oldmem" WHERE _kind = 'D') d ON h."id" = d."id" AND h."valid_to" = d."_s0" WHERE h._is_late AND NOT (h."valid_to" IS NULL)
	UNION ALL SELECT r."id", r."_s0", _kind = 'D', r."name", r."seats", r."ts" FROM "temp"."j__oldmem" r WHERE _kind IN ('D', 'E')
	UNION ALL SELECT r."id", r."_s0", false, h."name", h."seats", r."_s0" FROM (FROM "temp"."j__oldmem" WHERE _kind = 'N') r
		JOIN "temp"."j__old" h ON r."id" = h."id" AND r."_s0" >= h."valid_from" AND (h."valid_to" IS NULL OR r."_s0" < h."valid_to")
) x("id", "_s0", _del, "name", "seats", "ts");

CREATE OR REPLACE TEMP TABLE "temp"."j__new" AS SELECT *, b.rowid AS _b FROM "temp"."j__batch" b SEMI JOIN "temp"."j__folded" USING ("id");

DELETE FROM "temp"."j__new" AS n USING "temp"."j__known" k WHERE n."id" = k."id" AND n."_s0" = k."_s0" AND n._del IS NOT DISTINCT FROM k._del AND n."name" IS NOT DISTINCT FROM k."name" AND n."seats" IS NOT DISTINCT FROM k."seats" AND n."ts" IS NOT DISTINCT FROM k."ts";

DELETE FROM "temp"."j__new" AS n USING "temp"."j__oldmem" r WHERE r._kind = CASE WHEN n._del THEN 'RD' ELSE 'RE' END
	AND n."id" = r."id" AND n."_s0" = r."_s0" AND n."name" IS NOT DISTINCT FROM r."name" AND n."seats" IS NOT DISTINCT FROM r."seats" AND n."ts" IS NOT DISTINCT FROM r."ts";

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'j', 'ev', NULL, 'too_late: ' || _r._s0 || ' is older by more than ' || '5' || ' than the newest event before it', NULL, NULL, to_json(struct_pack("id" := "_r"."id", "op" := "_r"."op", "name" := "_r"."name", "seats" := "_r"."seats", "ts" := "_r"."ts")), 3, NULL, NULL FROM (SELECT * FROM "temp"."j__new" WHERE _late) _r;

DELETE FROM "temp"."j__new" WHERE _late;

CREATE OR REPLACE TEMP TABLE "temp"."j__conflict" AS SELECT * FROM "temp"."j__new" n WHERE n._second OR EXISTS (SELECT 1 FROM "temp"."j__known" k WHERE n."id" = k."id" AND n."_s0" = k."_s0");

SELECT count(*) FROM "temp"."j__conflict";

CREATE OR REPLACE TEMP TABLE "temp"."j__touched" AS SELECT DISTINCT "id" FROM "temp"."j__new";

CREATE OR REPLACE TEMP TABLE "temp"."j__line" AS SELECT *, count(*) FILTER (WHERE _changed) OVER (PARTITION BY "id" ORDER BY "_s0") AS _group FROM (
	SELECT *, NOT _del AND ("ts" IS DISTINCT FROM lag("ts") OVER w) AS _moved,
		CASE WHEN _del THEN coalesce(NOT lag(_del) OVER w, false)
			ELSE coalesce(lag(_del) OVER w, true) OR ("name" IS DISTINCT FROM lag("name") OVER w OR "seats" IS DISTINCT FROM lag("seats") OVER w) END AS _changed
	FROM (SELECT * FROM (
	SELECT "id", "valid_from", false, "name", "seats", "ts", false FROM "temp"."j__old"
		WHERE NOT _is_late UNION ALL SELECT "id", "_s0", _del, "name", "seats", "ts", false FROM "temp"."j__known" SEMI JOIN "temp"."j__touched" USING ("id") UNION ALL SELECT "id", "_s0", _del, "name", "seats", "ts", NOT _end FROM "temp"."j__new") x("id", "_s0", _del, "name", "seats", "ts", _new)) WINDOW w AS (PARTITION BY "id" ORDER BY "_s0"));

CREATE OR REPLACE TEMP TABLE "temp"."j__built" AS SELECT * FROM (
	SELECT "id", "_s0", _del, "_l0" AS "ts", "name" AS "name", "seats" AS "seats", true AS _own,
		lead("_s0") OVER (PARTITION BY "id" ORDER BY "_s0") AS "_t0"
	FROM (SELECT *, last_value("ts") OVER w AS "_l0" FROM "temp"."j__line"
	WINDOW w AS (PARTITION BY "id", _group ORDER BY "_s0" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) x WHERE _changed) WHERE NOT _del;

CREATE OR REPLACE TEMP TABLE "temp"."j__change" AS SELECT *, CASE WHEN _act IN ('keep', 'close') THEN _was_raw ELSE _own AND (_was_raw OR coalesce(_is_late, true)) END::TINYINT AS _raw FROM (
	SELECT o._rid, o._is_now, o._is_late, w."id", w."_s0", w."_t0", w."name", w."seats", w."ts"
		,
		true AS _was_raw, w._own,
		CASE WHEN o._rid IS NULL THEN 'add' WHEN w."id" IS NULL THEN 'kill' WHEN (o."name" IS DISTINCT FROM w."name" OR o."seats" IS DISTINCT FROM w."seats" OR o."ts" IS DISTINCT FROM w."ts") THEN 'swap'
			WHEN o."valid_to" IS NOT DISTINCT FROM w."_t0" THEN 'keep' WHEN o."valid_to" IS NULL THEN 'close' ELSE 'swap' END AS _act
	FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__touched" USING ("id")) o FULL JOIN "temp"."j__built" w ON o."id" = w."id" AND o."valid_from" = w."_s0");

SELECT count(*) FILTER (WHERE o._rid IS NULL), count(*) FILTER (WHERE n._act IS NULL),
	count(*) FILTER (WHERE o._rid IS NOT NULL AND n._act IS NOT NULL AND (o."name" IS DISTINCT FROM n."name" OR o."seats" IS DISTINCT FROM n."seats" OR o."ts" IS DISTINCT FROM n."ts"))
FROM (SELECT * FROM "temp"."j__old" SEMI JOIN "temp"."j__touched" USING ("id") WHERE "valid_to" IS NULL) o
	FULL JOIN (FROM "temp"."j__change" WHERE _act <> 'kill' AND _t0 IS NULL) n ON o."id" = n."id";

SELECT count(DISTINCT _rid // 2048) FILTER (WHERE _is_now AND _act IN ('kill', 'swap', 'close')),
	count(*) FILTER (WHERE _is_now AND _act IN ('kill', 'swap')), count(*) FILTER (WHERE NOT _is_now AND _act IN ('kill', 'swap')),
	count(*) FILTER (WHERE _act IN ('add', 'swap') AND _t0 IS NULL), count(*) FILTER (WHERE _act IN ('add', 'swap')
		AND _t0 IS NOT NULL) FROM "temp"."j__change";

INSERT INTO "j__past" ("id", "name", "seats", "ts", "valid_from", "valid_to", _v_from, _v_close, _v_to)
SELECT "id", "name", "seats", "ts", "_s0", "_t0", 3, 3, 0 FROM "temp"."j__change" WHERE _act IN ('add', 'swap') AND _t0 IS NOT NULL;

CREATE OR REPLACE TEMP TABLE "temp"."j__wanted" AS SELECT * FROM (
	SELECT "id", "_s0", CASE WHEN _del THEN 'D' ELSE 'N' END, CASE WHEN _del THEN "name" END, CASE WHEN _del THEN "seats" END, CASE WHEN _del THEN "ts" END
	FROM "temp"."j__line" f WHERE NOT _changed OR _del AND (f."name" IS NOT NULL OR f."seats" IS NOT NULL OR f."ts" IS NOT NULL) ) x("id", "_s0", _kind, "name", "seats", "ts");

INSERT INTO "j__mem" ("id", "_s0", _kind, _v_from, _v_to, "name", "seats", "ts")
SELECT t."id", t."_s0", t._kind, 3, 0, t."name", t."seats", t."ts" FROM "temp"."j__wanted" t
ANTI JOIN "temp"."j__oldmem" r ON r."id" = t."id" AND r."_s0" = t."_s0" AND r._kind = t._kind AND true;

UPDATE "j__mem" AS h SET _v_to = 3 FROM (
	SELECT r._rid FROM "temp"."j__oldmem" r SEMI JOIN "temp"."j__touched" USING ("id") ANTI JOIN "temp"."j__wanted" t
		ON r."id" = t."id" AND r."_s0" = t."_s0" AND r._kind = t._kind AND true
	WHERE r._kind IN ('N', 'E', 'D')) x WHERE h.rowid = x._rid;

SELECT count(*) FILTER (WHERE _new AND (_changed OR _moved)) FROM "temp"."j__line";

UPDATE "j__state" AS h SET "_s0" = m."_s0" FROM (SELECT "_s0" FROM "temp"."j__batch" ORDER BY "_s0" DESC LIMIT 1) m
WHERE h._s0 IS NULL OR m."_s0" > h."_s0";

RESET dynamic_or_filter_threshold;

-- == a TRUNCATE that is too late

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

CREATE OR REPLACE TEMP TABLE "temp"."j__batch" AS SELECT "id"::BIGINT AS "id", "name"::VARCHAR AS "name", "seats"::INTEGER AS "seats", "ts"::INTEGER AS "ts", "op", (ts)::INTEGER AS "_s0", coalesce((op = 'd'), false) AS _del, false AS _late, false AS _second, false AS _end FROM (SELECT * FROM incoming);

SELECT count(*), count(*) FILTER (WHERE (b."id" IS NULL) OR (b."_s0" IS NULL)), coalesce(bool_or(b."_s0" <= h."_s0"), false) FROM "temp"."j__batch" b, "j__state" h;

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'j', 'ev', NULL, CASE WHEN _r."_s0" IS NULL THEN 'null_sequence: TRUNCATE, which ends all keys: ts is NULL (it can be made of what the event has beside the row: source, ts_ms, _meta)' END, NULL, NULL, to_json(struct_pack("id" := "_r"."id", "op" := "_r"."op", "name" := "_r"."name", "seats" := "_r"."seats", "ts" := "_r"."ts")), 4, NULL, NULL FROM (SELECT * FROM "temp"."j__batch" b WHERE (b."_s0" IS NULL)) _r;

DELETE FROM "temp"."j__batch" AS b WHERE (b."_s0" IS NULL);

SELECT coalesce(_min < TRY(_max - (5)), false)
FROM (SELECT min(b._s0) AS _min, greatest(max(b._s0), max(h._s0)) AS _max FROM "temp"."j__batch" b, "j__state" h);

UPDATE "temp"."j__batch" AS b SET _late = true FROM (
	SELECT _b, _s0 < TRY(_max - (5)) AS _old FROM (
		SELECT b.rowid AS _b, b._s0,
			greatest(max(b._s0) OVER (ORDER BY b.rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), h._s0) AS _max
		FROM "temp"."j__batch" b, "j__state" h)) x
WHERE b.rowid = x._b AND x._old;

INSERT INTO dsql.rejects (rejected_at, destination, source, rule, reason, meta, payload, data, version, original, exact)
		SELECT make_timestamp(epoch_us(now())), 'j', 'ev', NULL, 'too_late: TRUNCATE, which ends all keys: ' || _r._s0 || ' is older by more than ' || '5' || ' than the newest event before it', NULL, NULL, to_json(struct_pack("id" := "_r"."id", "op" := "_r"."op", "name" := "_r"."name", "seats" := "_r"."seats", "ts" := "_r"."ts")), 4, NULL, NULL FROM (SELECT * FROM "temp"."j__batch" b WHERE b._late AND NOT EXISTS (SELECT 1 FROM "j__mem" h WHERE h._kind = 'T' AND h._v_to = 0 AND b."_s0" = h."_s0")) _r;

DELETE FROM "temp"."j__batch" AS b WHERE b._late AND NOT EXISTS (SELECT 1 FROM "j__mem" h WHERE h._kind = 'T' AND h._v_to = 0 AND b."_s0" = h."_s0");

CREATE OR REPLACE TEMP TABLE "temp"."j__truncates" AS SELECT DISTINCT "_s0" FROM "temp"."j__batch" b ANTI JOIN (FROM "j__mem" WHERE _kind = 'T' AND _v_to = 0) h ON b."_s0" = h."_s0";

INSERT INTO "j__mem" ("_s0", _kind, _v_from, _v_to) SELECT "_s0", 'T', 4, 0 FROM "temp"."j__truncates";

-- == wider types, and a TRACK that needs images

DESCRIBE SELECT (ts) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::BIGINT AS "seats", NULL::BIGINT AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (ts) IS NULL;

DESCRIBE SELECT (ts) FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::BIGINT AS "seats", NULL::BIGINT AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (ts) IS NULL;

DESCRIBE SELECT (op = 'd') FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::BIGINT AS "seats", NULL::BIGINT AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (op = 'd') IS NULL;

DESCRIBE SELECT (op = 'd') FROM (SELECT NULL::BIGINT AS "id", NULL::VARCHAR AS "op", NULL::VARCHAR AS "name", NULL::BIGINT AS "seats", NULL::BIGINT AS "ts", NULL::STRUCT(source VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "timestamp" TIMESTAMP, "key" BLOB, headers STRUCT("key" VARCHAR, "value" BLOB)[], tombstone BOOLEAN, file VARCHAR, line BIGINT) AS "_meta", NULL::BIGINT AS "_version" WHERE false) WHERE (op = 'd') IS NULL;

DESCRIBE SELECT _s0 - (5) < _s0 FROM (SELECT NULL::BIGINT AS _s0);

DESCRIBE SELECT _s0 - (5) < _s0 FROM (SELECT NULL::BIGINT AS _s0);

SELECT coalesce((5) < (5) - (5), true);

DESCRIBE SELECT * FROM "j__state";

SELECT "j__definition"(), _s0 IS NOT NULL FROM "j__state";

ALTER TABLE "j__now" ALTER COLUMN "seats" SET DATA TYPE BIGINT;

ALTER TABLE "j__past" ALTER COLUMN "seats" SET DATA TYPE BIGINT;

ALTER TABLE "j__mem" ALTER COLUMN "seats" SET DATA TYPE BIGINT;

ALTER TABLE "j__now" ALTER COLUMN "ts" SET DATA TYPE BIGINT;

ALTER TABLE "j__past" ALTER COLUMN "ts" SET DATA TYPE BIGINT;

ALTER TABLE "j__mem" ALTER COLUMN "ts" SET DATA TYPE BIGINT;

ALTER TABLE "j__now" ALTER COLUMN "valid_from" SET DATA TYPE BIGINT;

ALTER TABLE "j__past" ALTER COLUMN "valid_from" SET DATA TYPE BIGINT;

ALTER TABLE "j__now" ALTER COLUMN "valid_to" SET DATA TYPE BIGINT;

ALTER TABLE "j__past" ALTER COLUMN "valid_to" SET DATA TYPE BIGINT;

ALTER TABLE "j__mem" ALTER COLUMN "_s0" SET DATA TYPE BIGINT;

ALTER TABLE "j__state" ALTER COLUMN "_s0" SET DATA TYPE BIGINT;

ALTER TABLE "j__now" ADD COLUMN "_raw" TINYINT DEFAULT 1;

ALTER TABLE "j__past" ADD COLUMN "_raw" TINYINT DEFAULT 1;

CREATE OR REPLACE MACRO "j__definition"() AS '{"feed":true,"scd":2,"keys":[{"Name":"id","Type":"BIGINT"}],"columns":[{"Name":"name","Type":"VARCHAR"},{"Name":"seats","Type":"BIGINT"},{"Name":"ts","Type":"BIGINT"}],"sequence":[{"name":"ts","type":"BIGINT","text":"ts"}],"sparse":null,"nulls":null,"words":null,"raw":true,"layout":1}';

SELECT count(*) FROM "j__mem" WHERE _kind = 'N';

UPDATE "j__mem" AS m SET _kind = 'E', "name" = h."name", "seats" = h."seats", "ts" = m."_s0"
FROM (SELECT "id", "name", "seats", "ts", "valid_from", "valid_to", _v_from, _v_to FROM "j__now"
	UNION ALL SELECT "id", "name", "seats", "ts", "valid_from", "valid_to", _v_from, _v_to FROM "j__past") h
WHERE m._kind = 'N' AND m."id" = h."id" AND h._v_from <= m._v_from AND (h._v_to = 0 OR h._v_to > m._v_from)
	AND m."_s0" >= h."valid_from" AND (h."valid_to" IS NULL OR m."_s0" < h."valid_to");

CREATE OR REPLACE VIEW "j" AS SELECT "id", "name", "seats", "ts", "valid_from" FROM "j__now" WHERE _v_close = 0 AND _v_to = 0;

CREATE OR REPLACE VIEW "j_history" AS
SELECT "id", "name", "seats", "ts", "valid_from", "valid_to" FROM "j__now" WHERE _v_to = 0 UNION ALL SELECT "id", "name", "seats", "ts", "valid_from", "valid_to" FROM "j__past" WHERE _v_to = 0;

CREATE OR REPLACE VIEW "j_bitemporal" AS
WITH _r AS (SELECT "id", "name", "seats", "ts", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "j__now"
	UNION ALL SELECT "id", "name", "seats", "ts", "valid_from", "valid_to", _v_from, _v_close, _v_to FROM "j__past")
SELECT "id", "name", "seats", "ts", "valid_from", NULL AS "valid_to", _v_from AS "known_from", nullif(CASE
	WHEN _v_close <> 0 THEN _v_close ELSE _v_to END, 0) AS "known_to"
	FROM _r WHERE _v_close <> _v_from AND _v_to <> _v_from
UNION ALL SELECT "id", "name", "seats", "ts", "valid_from", "valid_to", _v_close, nullif(_v_to, 0) FROM _r WHERE _v_close <> 0 AND _v_to <> _v_close;

CREATE OR REPLACE MACRO "j_at"("at_version") AS TABLE
SELECT "id", "name", "seats", "ts", "valid_from" FROM "j__now"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "seats", "ts", "valid_from" FROM "j__past"
	WHERE _v_from <= "at_version" AND (_v_close = 0 OR _v_close > "at_version") AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j_as_of"("at_time") AS TABLE
SELECT "id", "name", "seats", "ts", "valid_from" FROM "j__now" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND ("valid_to" IS NULL OR "valid_to" > "at_time")
UNION ALL SELECT "id", "name", "seats", "ts", "valid_from" FROM "j__past" WHERE _v_to = 0 AND "valid_from" <= "at_time" AND "valid_to" > "at_time";

CREATE OR REPLACE MACRO "j_history_at"("at_version") AS TABLE
SELECT "id", "name", "seats", "ts", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "j__now"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT "id", "name", "seats", "ts", "valid_from", CASE WHEN _v_close <> 0 AND _v_close <= "at_version" THEN "valid_to" END AS "valid_to" FROM "j__past"
	WHERE _v_from <= "at_version" AND (_v_to = 0 OR _v_to > "at_version")
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "at_version" < oldest OR "at_version" > (SELECT coalesce(max(version), 0) FROM dsql.versions) AND getvariable('dsql_baseline') IS NULL THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("at_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j__changes"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "seats", "ts", _v_close AS _version FROM "j__now" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "seats", "ts", _v_to FROM "j__now" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from
	UNION ALL SELECT "id", "name", "seats", "ts", _v_close FROM "j__past" WHERE _v_close > "from_version" AND _v_close <= "to_version" AND _v_close > _v_from
	UNION ALL SELECT "id", "name", "seats", "ts", _v_to FROM "j__past" WHERE _v_to > "from_version" AND _v_to <= "to_version" AND _v_close = 0 AND _v_to > _v_from),
_a AS (
	SELECT "id", "name", "seats", "ts", _v_from AS _version FROM "j__now" WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from
	UNION ALL SELECT "id", "name", "seats", "ts", _v_from FROM "j__past"
		WHERE _v_from > "from_version" AND _v_from <= "to_version" AND _v_close <> _v_from AND _v_to <> _v_from),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."seats" AS "_b2", _b."ts" AS "_b3", _a."id" AS "_n0", _a."name" AS "_n1", _a."seats" AS "_n2", _a."ts" AS "_n3"
FROM _b FULL JOIN _a ON _b."id" = _a."id" AND _b._version = _a._version
	WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."seats" IS DISTINCT FROM _a."seats" OR _b."ts" IS DISTINCT FROM _a."ts"))
SELECT CASE WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type, _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "seats", "_b3" AS "ts" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN _isb THEN 'update_after' ELSE 'insert' END, _version, "_n0" AS "id", "_n1" AS "name", "_n2" AS "seats", "_n3" AS "ts" FROM _c WHERE _isa;

CREATE OR REPLACE MACRO "j_changes"("from_version", "to_version") AS TABLE
SELECT * FROM "j__changes"("from_version", "to_version") UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN "from_version" < oldest  THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || ("from_version"))::BOOLEAN ELSE false END;

CREATE OR REPLACE MACRO "j_diff"("from_version", "to_version") AS TABLE
WITH _b AS (
	SELECT "id", "name", "seats", "ts", 1 AS _version FROM "j__now"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", "ts", 1 FROM "j__now"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", "ts", 1 FROM "j__past"
		WHERE _v_close > least("from_version", "to_version") AND _v_close <= greatest("from_version", "to_version") AND _v_from <= least("from_version", "to_version")
	UNION ALL SELECT "id", "name", "seats", "ts", 1 FROM "j__past"
		WHERE _v_to > least("from_version", "to_version") AND _v_to <= greatest("from_version", "to_version") AND _v_close = 0 AND _v_from <= least("from_version", "to_version")),
_a AS (
	SELECT "id", "name", "seats", "ts", 1 AS _version FROM "j__now" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))
	UNION ALL SELECT "id", "name", "seats", "ts", 1 FROM "j__past" WHERE _v_from > least("from_version", "to_version") AND _v_from <= greatest("from_version", "to_version")
		AND (_v_close = 0 OR _v_close > greatest("from_version", "to_version")) AND (_v_to = 0 OR _v_to > greatest("from_version", "to_version"))),
_c AS (SELECT coalesce(_b._version, _a._version) AS _version, _b._version IS NOT NULL AS _isb, _a._version IS NOT NULL AS _isa,
	_b."id" AS "_b0", _b."name" AS "_b1", _b."seats" AS "_b2", _b."ts" AS "_b3", _a."id" AS "_n0", _a."name" AS "_n1", _a."seats" AS "_n2", _a."ts" AS "_n3"
FROM _b FULL JOIN _a ON _b."id" = _a."id" WHERE _b._version IS NULL OR _a._version IS NULL OR (_b."name" IS DISTINCT FROM _a."name" OR _b."seats" IS DISTINCT FROM _a."seats" OR _b."ts" IS DISTINCT FROM _a."ts"))
SELECT CASE WHEN "from_version" > "to_version" THEN CASE WHEN _isa THEN 'update_after' ELSE 'insert' END
	WHEN _isa THEN 'update_before' ELSE 'delete' END AS change_type,
	"to_version"::BIGINT AS _version, "_b0" AS "id", "_b1" AS "name", "_b2" AS "seats", "_b3" AS "ts" FROM _c WHERE _isb
UNION ALL SELECT CASE WHEN "from_version" > "to_version" THEN
	CASE WHEN _isb THEN 'update_before' ELSE 'delete' END WHEN _isb THEN 'update_after' ELSE 'insert' END,
	"to_version"::BIGINT, "_n0" AS "id", "_n1" AS "name", "_n2" AS "seats", "_n3" AS "ts" FROM _c WHERE _isa
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM "j__state" WHERE CASE WHEN least("from_version", "to_version") < oldest  THEN error('journal j can be read at versions ' || oldest || ' to ' || (SELECT coalesce(max(version), 0) FROM dsql.versions)
	|| ', and this is ' || (least("from_version", "to_version")))::BOOLEAN ELSE false END;

-- == what others read

(SELECT c.* REPLACE (CASE WHEN change_type = 'delete' AND d."_t0" IS NOT NULL THEN d."_t0" ELSE c."ts" END AS "ts")
	FROM "j__changes"(3, 5) c
	LEFT JOIN (SELECT "id", _v_close AS _v, arg_max("valid_to", z."valid_to") AS "_t0" FROM (SELECT "id", "valid_to", _v_close FROM "j__now" WHERE _v_close > 3 AND _v_close <= 5
UNION ALL SELECT "id", "valid_to", _v_close FROM "j__past" WHERE _v_close > 3 AND _v_close <= 5) z GROUP BY ALL) d
		ON c."id" = d."id" AND d._v = c._version);

SELECT "id", "change_type" FROM "j__changes"(3, 4) ORDER BY "_version", "id", "change_type" = 'update_after';

WITH r AS (
		SELECT "valid_from", "valid_to", "name", "seats", "ts", _v_from, _v_to FROM "j__now" WHERE "id" = '1'::BIGINT
		UNION ALL SELECT "valid_from", "valid_to", "name", "seats", "ts", _v_from, _v_to FROM "j__past" WHERE "id" = '1'::BIGINT),
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
			WHEN _n > 1 AND "ts" IS DISTINCT FROM lag("ts") OVER w
			THEN 'ts' || ': ' || coalesce(lag("ts") OVER w::VARCHAR, 'NULL') || ' → ' || coalesce("ts"::VARCHAR, 'NULL') END]::VARCHAR[],
		lambda x: x IS NOT NULL), ', ') END AS what, "name", "seats", "ts", _opened AS version
FROM b WINDOW w AS (ORDER BY _n) ORDER BY _n;

SELECT ['rows', 'column name', 'column seats', 'column ts'][_n] AS what, count(*) FILTER (_k = 1) AS added, count(*) FILTER (_k = 2) AS removed,
	count(*) FILTER (_k = 3) AS changed FROM (
		SELECT unnest(_k) AS _k, generate_subscripts(_k, 1) AS _n FROM (
			SELECT [CASE change_type WHEN 'insert' THEN 1 WHEN 'delete' THEN 2 WHEN 'update_after' THEN 3 ELSE 0 END, CASE
				WHEN change_type <> 'update_after' OR "name" IS NOT DISTINCT FROM _j0."name" THEN 0 WHEN _j0."name" IS NULL THEN 1
				WHEN "name" IS NULL THEN 2 ELSE 3 END, CASE
				WHEN change_type <> 'update_after' OR "seats" IS NOT DISTINCT FROM _j0."seats" THEN 0 WHEN _j0."seats" IS NULL THEN 1
				WHEN "seats" IS NULL THEN 2 ELSE 3 END, CASE
				WHEN change_type <> 'update_after' OR "ts" IS NOT DISTINCT FROM _j0."ts" THEN 0 WHEN _j0."ts" IS NULL THEN 1
				WHEN "ts" IS NULL THEN 2 ELSE 3 END] AS _k
			FROM (SELECT *, lag(_s0) OVER (PARTITION BY "id" ORDER BY change_type DESC) AS _j0 FROM x AS _s0))
		UNION ALL SELECT 0, 1)
	GROUP BY _n HAVING _n = 1 OR count(*) FILTER (_k > 0) > 0 ORDER BY _n;
