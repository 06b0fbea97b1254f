CREATE SOURCE planes_in (tailnum VARCHAR, seats INTEGER, op VARCHAR, known TIMESTAMP) FROM FILES ('in/planes_*.csv');
CREATE SOURCE loads_in (id BIGINT, name VARCHAR, day DATE) FROM FILES ('in/load_{day}.csv', mode snapshot);
CREATE RULES tidy (SET COLUMNS('name|tailnum') = trim(_));
CREATE JOURNAL planes KEYS (tailnum) SEQUENCE BY known DELETE WHEN op = 'd' COLUMNS * EXCEPT (op, known)
  RULES (APPLY tidy, CONSTRAINT sane EXPECT (seats > 0)) FROM planes_in;
CREATE JOURNAL people KEYS (id) SNAPSHOT AT day ON MISSING CLOSE IF REMOVED < 60 PERCENT FROM loads_in;
CREATE STREAM seen
  RULES (APPLY tidy, CONSTRAINT named EXPECT (tailnum IS NOT NULL))
  METRICS (seats_mean = avg(seats))
  CHECKS (CHECK big EXPECT (count(*) < 4) ON FAILURE HOLD, CHECK drift EXPECT (seats_mean < 2 * previous(seats_mean)) ON FAILURE WARN)
  FROM planes_in;
CREATE STREAM moves AS SELECT tailnum, change_type FROM STREAM planes;
CREATE EXPERIMENT trial VARIANTS (a 50, b 50) SALT 'x';
CREATE FUNCTION is_big(n INTEGER) RETURNS BOOLEAN LANGUAGE expr AS $$ n > 100 $$;
