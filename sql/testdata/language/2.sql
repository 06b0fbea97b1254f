CREATE STREAM flights                        -- append only; the table flights, with a column _version
  RULES (
    SET carrier = upper(trim(carrier)),                                  -- SQL …
    SET tailnum = EXPR 'tailnum ?? "unknown"',                           -- … or expr-lang, compiled to SQL
    CONSTRAINT has_id    EXPECT (flight_id IS NOT NULL)                  ON VIOLATION REJECT,
    CONSTRAINT sane      EXPECT (dep_delay BETWEEN -120 AND 3000)        ON VIOLATION WARN,
    APPLY house_rules                                                    -- a named list, below
  )
  METRICS ( mean_delay = avg(dep_delay), late = count(*) FILTER (dep_delay > 15) )
  CHECKS (
    CHECK some_rows  EXPECT (count(*) > 0),
    CHECK ids        EXPECT (is_unique(flight_id))                       ON FAILURE HOLD,
    CHECK known      EXPECT (orphans(tailnum, planes.tailnum) <= 100)    ON FAILURE WARN,
    CHECK drift      EXPECT (abs(mean_delay / previous(mean_delay) - 1) < 0.5) ON FAILURE WARN
  )
  AS SELECT *, seen_at::DATE AS day FROM flight_events;                  -- or:  FROM flight_events

CREATE RULES house_rules (
  SET COLUMNS('.*_email') = lower(trim(_)), CONSTRAINT named EXPECT (name IS NOT NULL) ON VIOLATION FAIL );
CREATE CHECKS house_checks ( CHECK few EXPECT (count(*) < 1e6) );                                  -- CHECKS ( APPLY house_checks, CHECK … )
