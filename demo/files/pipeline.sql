-- A week of flights out of Newark (July 2013): events from files, cleansed and checked, kept as journals, scored by a model.
-- dsql run pipeline.sql

-- Where rows come from. Conversion is strict: what can't be read without loss goes to dsql.rejects with its bytes and line.
CREATE SOURCE flight_events (
  flight_id VARCHAR, status VARCHAR, carrier VARCHAR, tailnum VARCHAR, origin VARCHAR, dest VARCHAR,
  sched_dep TIMESTAMP, dep_delay DOUBLE, arr_delay DOUBLE, distance INTEGER, seen_at TIMESTAMP
) FROM FILES ('in/flights/*.jsonl', format json);
CREATE SOURCE plane_events (
  tailnum VARCHAR, op VARCHAR, year INTEGER, manufacturer VARCHAR, model VARCHAR, seats INTEGER, updated_at TIMESTAMP
) FROM FILES ('in/planes/*.csv', format csv, header true);
CREATE SOURCE weather_in FROM FILES ('in/weather/*.parquet');
CREATE OR REPLACE TABLE airports AS FROM read_csv('airports.csv');

-- Planes change: a row a plane now, and every version in planes_history. Late, repeated and deleting events are put right.
CREATE JOURNAL planes KEYS (tailnum) SEQUENCE BY updated_at DELETE WHEN op = 'd' COLUMNS * EXCEPT (op, updated_at) FROM plane_events;
CREATE STREAM weather FROM weather_in;

-- Every event, cleansed; joined with the plane as it is known.
CREATE STREAM events
  RULES (
    SET carrier = upper(trim(carrier)),
    CONSTRAINT has_id  EXPECT (flight_id IS NOT NULL),
    CONSTRAINT sane    EXPECT (dep_delay BETWEEN -120 AND 3000),
    CONSTRAINT tailnum EXPECT (tailnum IS NOT NULL) ON VIOLATION WARN
  )
  METRICS ( mean_delay = avg(dep_delay), late = count(*) FILTER (dep_delay > 15) )
  CHECKS (
    CHECK some_rows EXPECT (count(*) > 0),
    CHECK punctual  EXPECT (mean_delay < 60) ON FAILURE WARN
  )
  AS SELECT e.*, p.seats FROM flight_events e LEFT JOIN planes p USING (tailnum);

-- What is known of each flight now, and how it came to be known.
CREATE JOURNAL flights KEYS (flight_id) SEQUENCE BY seen_at COLUMNS * EXCEPT (seen_at, seats) FROM events;

-- A LightGBM model of "arrives more than 15 minutes late", as a SQL function; it scores each flight when it departs.
CREATE MODEL late_risk FROM 'models/late.txt' TAGS (trained 'May and June 2013');
CREATE STREAM scores AS
  SELECT e.flight_id, e.seen_at, e.dep_delay,
    late_risk(e.dep_delay, e.distance, hour(e.sched_dep), isodow(e.sched_dep), w.wind_speed, w.precip, w.visib) AS risk
  FROM events e LEFT JOIN weather w ON w.origin = e.origin AND w.time_hour = date_trunc('hour', e.sched_dep)
  WHERE e.status = 'departed';

REFRESH;

-- What happened.
SELECT name, sum(rows_in)::BIGINT AS rows_in, sum(written)::BIGINT AS written, sum(rejected)::BIGINT AS rejected, sum(bad)::BIGINT AS bad FROM dsql.version_rows GROUP BY name ORDER BY name;
SELECT coalesce(destination, source) AS rejected_by, left(reason, 70) AS reason, parse_filename(meta.file) AS file, meta.line FROM dsql.rejects ORDER BY id;
SELECT status, count(*) AS flights, round(avg(arr_delay), 1) AS mean_arr_delay FROM flights GROUP BY status ORDER BY status;
-- The riskiest flights that were still in the air at noon on the 10th.
SELECT f.flight_id, a.name AS destination, s.dep_delay, round(s.risk, 3) AS risk
FROM flights_as_of(TIMESTAMP '2013-07-10 12:00:00') f JOIN (SELECT DISTINCT ON (flight_id) * FROM scores ORDER BY flight_id, seen_at DESC) s USING (flight_id) LEFT JOIN airports a ON a.faa = f.dest
WHERE f.status = 'departed' ORDER BY risk DESC, f.flight_id LIMIT 5;
