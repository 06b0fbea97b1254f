-- Spaces that DuckDB takes for blanks. In a file of their own: a quote in a comment makes DuckDB stop looking for them.
SELECT 2 AS　wide;
SELECT 3 AS em, 4 AS narrow, 5⁠AS​zero;
SELECT ' ;　' AS kept, "a b" FROM (SELECT 1 AS "a b");
SELECT 1 AS é ; SELECT 2　;　SELECT 3;
SELECT 'Ünï;cødé' AS ключ, 'ß' AS "ẞ;", upper('ß'), length('🦆é'), 'é' = 'é';
CREATE TABLE 表 (列 INTEGER, "колонка;" VARCHAR);
INSERT INTO 表 VALUES (1, '値;');
SELECT 列, "колонка;" FROM 表;
SELECT É, é FROM (SELECT 1 AS É, 2 AS é);
SELECT 1 AS a b
