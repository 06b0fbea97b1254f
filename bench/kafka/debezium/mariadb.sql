-- What a database has when the connector comes: a row of each type, one of NULLs, and one at the edges.
CREATE TABLE types (
  id int PRIMARY KEY, b bool, bit1 bit(1), bit10 bit(10), i1 tinyint, u1 tinyint unsigned, i2 smallint, u2 smallint unsigned, i3 mediumint, u3 mediumint unsigned,
  i4 int, u4 int unsigned, zf int(6) zerofill, i8 bigint, u8 bigint unsigned, f4 float, f72 float(7,2), f8 double, num decimal(10,2), num0 decimal(20,0), big decimal(38,10), numu decimal(8,3) unsigned, huge decimal(65,30),
  c char(4), vc varchar(20), latin varchar(20) CHARACTER SET latin1, nc nchar(4), tt tinytext, t text, mt mediumtext, lt longtext,
  bin4 binary(4), vbin varbinary(20), tb tinyblob, raw blob, mb mediumblob, lb longblob,
  ts timestamp NULL, ts3 timestamp(3) NULL, ts6 timestamp(6) NULL, dt datetime, dt3 datetime(3), dt6 datetime(6), d date, ti time, ti3 time(3), ti6 time(6), y year,
  js json, e enum('sad','ok','happy'), st set('a','b','c'), u uuid,
  pt point, geo geometry, line linestring, poly polygon, mpt multipoint, coll geometrycollection,
  dz date NOT NULL DEFAULT '0000-00-00', dtz datetime NOT NULL DEFAULT '0000-00-00', dd int DEFAULT 7, nd decimal(5,2) DEFAULT 1.50);
INSERT INTO types VALUES (1, true, b'1', b'1000000011', -128, 255, -32768, 65535, -8388608, 16777215,
  2147483647, 4294967295, 42, -9223372036854775808, 9223372036854775807, 1.5, 12345.67, 2.25, -26588.24, 12345678901234567890, 1234567890123456789012345678.0123456789, 12345.678, 12345678901234567890123456789012345.012345678901234567890123456789,
  'ab', 'vär', 'vär', 'ñ', 'tiny', 'line\nnext "q"', 'medium', 'long',
  x'00ff', x'00ff10fbff', x'01', x'00ff10fbff', x'02', x'03',
  '2026-01-31 10:00:00', '2026-01-31 10:00:00.123', '2026-01-31 10:00:00.123456', '2026-01-31 10:00:00', '2026-01-31 10:00:00.123', '2026-01-31 10:00:00.123456', '2026-01-31', '10:30:15', '10:30:15.123', '10:30:15.123456', 2026,
  '{"a": [1, 2.50]}', 'happy', 'a,c', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  POINT(1.5, -2), POINT(1.5, -2), ST_GeomFromText('LINESTRING(0 0,1 1)'), ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'), ST_GeomFromText('MULTIPOINT(0 0,1 1)'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1))'),
  '2026-01-31', '2026-01-31 10:00:00', 8, 2.50);
INSERT INTO types (id, dd, nd) VALUES (2, NULL, NULL);
INSERT INTO types (id, b, u8, num, ts, dt, dt6, d, ti, ti6, t, raw, e, st, bin4, vc) VALUES (3, 2, 18446744073709551615, 0.00, '0000-00-00', '0000-00-00', '9999-12-31 23:59:59.999999', '0000-00-00', '-838:59:59', '-00:00:00.5', '', '', 'none', '', '', 'ends  ');
INSERT INTO types (id, ts, ts6, dt, d, ti, y, e) VALUES (4, '1970-01-01 00:00:01', '2038-01-19 03:14:07.999999', '1000-01-01 00:00:00', '1000-01-01', '838:59:59', 1901, 'sad');
CREATE TABLE keyed (id int, part varchar(9), v text, PRIMARY KEY (id, part));
CREATE TABLE whole (id int, v text);
CREATE TABLE emptied (id int PRIMARY KEY, v text);
INSERT INTO emptied VALUES (1, 'a'), (2, 'b');
CREATE TABLE zz_end (id int PRIMARY KEY);
INSERT INTO zz_end VALUES (1);
