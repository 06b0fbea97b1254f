-- Changes while the connector follows, a statement a line.
INSERT INTO types SELECT (jsonb_populate_record(types, '{"id": 11}')).* FROM types WHERE id = 1
INSERT INTO types SELECT (jsonb_populate_record(types, '{"id": 13}')).* FROM types WHERE id = 3
INSERT INTO types SELECT (jsonb_populate_record(types, '{"id": 14}')).* FROM types WHERE id = 4
INSERT INTO large SELECT 1, 1, s, s::bytea, to_jsonb(s), ARRAY[s], array_fill(7, ARRAY[1000]), array_fill(7::bigint, ARRAY[1000]), array_fill('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, ARRAY[300]), array_fill(DATE '2026-01-31', ARRAY[1000]), repeat('1234567890', 1500)::numeric, hstore('k', s) FROM repeat('x', 3000) AS s
UPDATE large SET n = 2 WHERE id = 1
UPDATE large SET n = 3, t = NULL, at_ = NULL WHERE id = 1
INSERT INTO keyed VALUES (1, 'a', 'one'), (2, 'b', 'two')
UPDATE keyed SET id = 10, v = 'ten' WHERE id = 1
UPDATE keyed SET v = 'TWO' WHERE id = 2
DELETE FROM keyed WHERE id = 2
INSERT INTO whole VALUES (1, 'a')
UPDATE whole SET v = 'b'
DELETE FROM whole
INSERT INTO emptied VALUES (3, 'c')
TRUNCATE emptied
INSERT INTO emptied VALUES (4, 'd')
ALTER TABLE emptied ADD COLUMN more numeric(6,3) DEFAULT 1.5
INSERT INTO emptied VALUES (5, 'e', 2.125)
SELECT pg_logical_emit_message(true, 'prefix', 'content')
SELECT pg_logical_emit_message(false, 'prefix', 'content')
INSERT INTO zz_end VALUES (2)
