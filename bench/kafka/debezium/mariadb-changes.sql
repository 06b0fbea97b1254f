-- Changes while the connector follows, a statement a line.
CREATE TEMPORARY TABLE copied AS SELECT * FROM types WHERE id <> 2
UPDATE copied SET id = id + 10
UPDATE copied SET y = 0 WHERE id = 13
INSERT INTO types SELECT * FROM copied
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
ALTER TABLE emptied ADD COLUMN more decimal(6,3) DEFAULT 1.5
INSERT INTO emptied VALUES (5, 'e', 2.125)
INSERT INTO zz_end VALUES (2)
