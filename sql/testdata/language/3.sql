CREATE JOURNAL planes_j
  KEYS (tailnum)
  SEQUENCE BY updated_at                     -- or (updated_at, _meta.offset)
  DELETE WHEN op = 'd'
  COLUMNS * EXCEPT (op)
  TRACK * EXCEPT (updated_at)                -- a change of other columns alone makes no version
  IGNORE NULL UPDATES ON (email)
  LATENESS INTERVAL 30 DAYS                  -- default: unlimited; an event older by more than this than the newest accepted before it is rejected (too_late)
  RULES (SET model = trim(model)) METRICS (n = count(*)) CHECKS (CHECK some EXPECT (n > 0))
  FROM plane_events;

CREATE JOURNAL customers KEYS (id) SNAPSHOT AT load_date ON MISSING CLOSE IF REMOVED < 20 PERCENT FROM customers_full;
