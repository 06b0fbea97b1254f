-- What a database has when the connector comes: a row of each type, one of NULLs, and one at the edges.
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN cents AS numeric(8,2) CHECK (VALUE >= 0);
CREATE TABLE types (
  id int PRIMARY KEY, b bool, bit1 bit(1), bit10 bit(10), varbits bit varying(20), i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, oid_ oid,
  c char(4), vc varchar(20), t text, ci citext, num numeric(10,2), num0 numeric(20,0), big numeric(38,10), numv numeric, cash money, dom cents,
  ts timestamp, ts0 timestamp(0), ts3 timestamp(3), tstz timestamptz, d date, ti time, ti0 time(0), ti3 time(3), titz timetz, iv interval,
  raw bytea, js json, jsb jsonb, x xml, u uuid, e mood, hs hstore, lt ltree, pt point, ip inet, net cidr, mac macaddr, mac8 macaddr8,
  r4 int4range, r8 int8range, rn numrange, rts tsrange, rtstz tstzrange, rd daterange, tsv tsvector,
  ai int[], al bigint[], at_ text[], an numeric(10,2)[], ad date[], ats timestamp[], atz timestamptz[], au uuid[], ab bool[], aj jsonb[], abin bytea[], ae mood[]);
INSERT INTO types VALUES (1, true, B'1', B'1000000011', B'10110', -32768, 2147483647, -9223372036854775808, 1.5, 2.25, 4294967295,
  'ab', 'vär', E'line\nnext "q"', 'MixEd', -26588.24, 12345678901234567890, 1234567890123456789012345678.0123456789, 123.4500, 1234.56, 99.95,
  '2026-01-31 10:00:00.123456', '2026-01-31 10:00:00', '2026-01-31 10:00:00.123', '2026-01-31 12:00:00.123456+02', '2026-01-31', '10:30:15.123456', '10:30:15', '10:30:15.123', '10:30:15.5+02',
  '1 year 2 months 3 days 04:05:06.789', '\x00ff10fbff', '{"a": [1, 2.50]}', '{"a": [1, 2.50], "b": null}', '<a>1</a>', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'happy', 'a=>1, b=>NULL', 'top.sub', '(1.5,-2)',
  '192.168.1.5/24', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
  '[1,5)', '[1,5)', '[1.5,2.5]', '[2026-01-01 00:00, 2026-01-02 00:00)', '[2026-01-01 00:00+00, 2026-01-02 00:00+00)', '[2026-01-01,2026-02-01)', 'a fat cat',
  '{1,NULL,3}', '{9007199254740993}', '{"a,b",NULL,"q\"x"}', '{1.50,-2.25}', '{2026-01-31,1969-12-31}', '{2026-01-31 10:00:00.123456}', '{2026-01-31 10:00:00+00}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{t,f,NULL}',
  ARRAY['{"k": 1}'::jsonb], ARRAY['\x00ff'::bytea], '{sad,ok}');
INSERT INTO types (id) VALUES (2);
INSERT INTO types (id, f4, f8, num, numv, ts, tstz, d, ti, iv, raw, t, ai, cash) VALUES (3, 'NaN', '-Infinity', 0.00, 'NaN', 'infinity', '-infinity', 'infinity', '24:00:00', '-1 month', '', '', '{}', -0.01);
INSERT INTO types (id, ts, tstz, d, numv, num) VALUES (4, '0044-03-15 12:00:00 BC', '1500-01-01 00:00:00+00', '0044-03-15 BC', 1e30, 12345678.99);
-- Large values that PostgreSQL keeps aside, and doesn't log where an UPDATE leaves them alone.
CREATE TABLE large (id int PRIMARY KEY, n int, t text, raw bytea, js jsonb, at_ text[], ai int[], al bigint[], au uuid[], ad date[], num numeric, hs hstore);
ALTER TABLE large ALTER t SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL, ALTER js SET STORAGE EXTERNAL, ALTER at_ SET STORAGE EXTERNAL, ALTER ai SET STORAGE EXTERNAL, ALTER al SET STORAGE EXTERNAL, ALTER au SET STORAGE EXTERNAL, ALTER ad SET STORAGE EXTERNAL, ALTER num SET STORAGE EXTERNAL, ALTER hs SET STORAGE EXTERNAL;
CREATE TABLE keyed (id int, part text, v text, PRIMARY KEY (id, part));
CREATE TABLE whole (id int, v text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE emptied (id int PRIMARY KEY, v text);
INSERT INTO emptied VALUES (1, 'a'), (2, 'b');
CREATE TABLE zz_end (id int PRIMARY KEY);
INSERT INTO zz_end VALUES (1);
