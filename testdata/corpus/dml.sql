CREATE TABLE kv (k INTEGER PRIMARY KEY, v VARCHAR, n INTEGER DEFAULT 0);
INSERT INTO kv VALUES (1, 'a', 1), (2, 'b', 2);
INSERT INTO kv (k, v) VALUES (3, 'c');
INSERT INTO kv BY NAME SELECT 'd' AS v, 4 AS k;
INSERT INTO kv SELECT k + 10, v, n FROM kv RETURNING *;
INSERT INTO kv VALUES (1, 'again', 9);
INSERT INTO kv VALUES (1, 'again', 9) ON CONFLICT DO NOTHING;
INSERT INTO kv VALUES (1, 'again', 9) ON CONFLICT (k) DO UPDATE SET v = excluded.v, n = n + excluded.n WHERE kv.n < 100 RETURNING k, v, n;
INSERT OR REPLACE INTO kv VALUES (2, 'replaced', 5);
INSERT OR IGNORE INTO kv VALUES (2, 'ignored', 6);
INSERT INTO kv DEFAULT VALUES;
INSERT INTO kv (k, v, n) VALUES (20, DEFAULT, DEFAULT);
UPDATE kv SET n = n + 1 WHERE k < 10;
UPDATE kv SET v = 'x;' || v, n = 0 WHERE k = 3 RETURNING v, n;
UPDATE kv SET v = src.name FROM (VALUES (1, 'one'), (2, 'two')) src(id, name) WHERE kv.k = src.id;
DELETE FROM kv WHERE k > 15;
DELETE FROM kv USING (VALUES (12), (13)) d(k) WHERE kv.k = d.k RETURNING kv.k;
WITH gone AS (SELECT 11 AS k) DELETE FROM kv WHERE k IN (SELECT k FROM gone);
SELECT * FROM kv ORDER BY k;
CREATE TABLE stock (item VARCHAR, qty INT);
CREATE TABLE buy (item VARCHAR, vol INT);
INSERT INTO stock VALUES ('hat', 10), ('bag', 5); INSERT INTO buy VALUES ('hat', 3), ('shoe', 7), ('hat', 1);
MERGE INTO stock AS s USING (SELECT item, sum(vol)::INT AS vol FROM buy GROUP BY item) AS b ON s.item = b.item
  WHEN MATCHED THEN UPDATE SET qty = s.qty + b.vol
  WHEN NOT MATCHED THEN INSERT VALUES (b.item, b.vol)
  WHEN NOT MATCHED BY SOURCE AND s.qty < 6 THEN DELETE;
SELECT * FROM stock ORDER BY item;
MERGE INTO stock USING buy USING (item) WHEN MATCHED AND qty > 1000 THEN DELETE WHEN MATCHED THEN DO NOTHING RETURNING merge_action, *;
WITH src AS (SELECT 'cap' AS item, 2 AS qty) INSERT INTO stock SELECT * FROM src;
FROM stock SELECT item, qty ORDER BY qty DESC, item;
INSERT INTO stock (item) FROM (VALUES ('z')) t(a) RETURNING item, qty IS NULL AS none;
DELETE FROM stock;
TRUNCATE TABLE buy;
SELECT (SELECT count(*) FROM stock) + (SELECT count(*) FROM buy);
CREATE TABLE s (st STRUCT(a INT, b VARCHAR));
INSERT INTO s VALUES ({'a': 1, 'b': 'x'}), (ROW(2, 'y')), (NULL);
UPDATE s SET st = {'a': st.a + 1, 'b': st.b || ';'} WHERE st IS NOT NULL;
SELECT st.a, st['b'], st FROM s ORDER BY st.a NULLS FIRST;
INSERT INTO s SELECT struct_pack(a := 7, b := 'z') RETURNING st
