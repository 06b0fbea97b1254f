-- A bad week of flights out of Newark (July 2013): events from files, cleansed and checked, kept as journals, scored by a model.
-- dsql run pipeline.sql

-- Where rows come from. Conversion is strict: what can't be read without loss goes to dsql.rejects, with its bytes and its line.
CREATE SOURCE flight_events (
  flight_id VARCHAR, status VARCHAR, carrier VARCHAR, flight INTEGER, tailnum VARCHAR, origin VARCHAR, dest VARCHAR, sched_dep TIMESTAMP,
  dep_delay DOUBLE, arr_delay DOUBLE, distance INTEGER, hour INTEGER, seen_at TIMESTAMP
) FROM FILES ('in/flights/*.jsonl', format json);
CREATE SOURCE plane_events (
  tailnum VARCHAR, op VARCHAR, year INTEGER, manufacturer VARCHAR, model VARCHAR, seats INTEGER, engines INTEGER, air_minutes INTEGER,
  updated_at TIMESTAMP
) FROM FILES ('in/planes/*.csv', format csv, header true);
CREATE SOURCE weather_in FROM FILES ('in/weather/*.parquet', format parquet);      -- columns as the first file has them
CREATE OR REPLACE TABLE airports AS FROM 'airports.csv';                            -- plain DuckDB works too

-- Planes change: planes is how they are now, planes_history every version. Late, repeated and deleting events find their place;
-- minutes in the air go up every night, which alone makes no version.
CREATE JOURNAL planes
  KEYS (tailnum)
  SEQUENCE BY updated_at
  DELETE WHEN op = 'd'
  COLUMNS * EXCEPT (op, updated_at)
  TRACK * EXCEPT (air_minutes)
  FROM plane_events;
CREATE STREAM weather FROM weather_in;

-- Every event, cleansed, with the seats of its plane; what the day looked like is measured and checked before it is published.
CREATE STREAM events
  RULES (
    SET carrier = upper(trim(carrier)),
    CONSTRAINT no_heartbeat EXPECT (status <> 'heartbeat')             ON VIOLATION DROP,
    CONSTRAINT newark       EXPECT (origin = 'EWR')                    ON VIOLATION FAIL,    -- another airport's file: stop
    CONSTRAINT has_id       EXPECT (flight_id IS NOT NULL)             ON VIOLATION REJECT,
    CONSTRAINT sane         EXPECT (dep_delay BETWEEN -120 AND 3000)   ON VIOLATION REJECT,
    CONSTRAINT has_plane    EXPECT (tailnum IS NOT NULL)               ON VIOLATION WARN
  )
  METRICS (
    departed   = count(*) FILTER (status = 'departed'),
    cancelled  = count(*) FILTER (status = 'cancelled'),
    mean_delay = avg(dep_delay) FILTER (status = 'departed'),
    seats_late = sum(seats) FILTER (status = 'departed' AND dep_delay > 60)
  )
  CHECKS (
    CHECK some_rows     EXPECT (count(*) > 0)                          ON FAILURE FAIL,    -- nothing of such a batch is published
    CHECK cancellations EXPECT (cancelled <= 0.05 * departed)          ON FAILURE WARN
  )
  AS SELECT e.*, p.seats FROM flight_events e LEFT JOIN planes p USING (tailnum);

-- What is known of each flight now, and how it came to be known.
CREATE JOURNAL flights KEYS (flight_id) SEQUENCE BY seen_at COLUMNS * EXCEPT (seats, seen_at) FROM events;

-- A LightGBM model of "arrives more than 15 minutes late" as a SQL function; one score a flight, however often its departure is reported.
CREATE MODEL late_risk FROM 'models/late.txt' TAGS (trained 'May and June 2013');
CREATE JOURNAL scores KEYS (flight_id) SEQUENCE BY seen_at AS
  SELECT e.flight_id, e.seen_at, e.dep_delay, e.distance, e.hour, isodow(e.sched_dep) AS weekday, w.wind_speed, w.precip, w.visib,
    late_risk(e.dep_delay, e.distance, e.hour, isodow(e.sched_dep), w.wind_speed, w.precip, w.visib) AS risk
  FROM events e LEFT JOIN weather w ON w.origin = e.origin AND w.time_hour = date_trunc('hour', e.sched_dep)
  WHERE e.status = 'departed';

-- Does the model go on to be right? Each day's scores are set against the first day's, and against what came of the flights when they landed.
CREATE MONITOR late_risk_health ON MODEL late_risk FROM scores PREDICTION risk
  ACTUALS (SELECT flight_id, arr_delay > 15 AS late FROM flights WHERE arr_delay IS NOT NULL) ON (flight_id);

REFRESH;

-- What happened: the account of every destination, what was rejected and why, and the days as measured.
SELECT name, sum(rows_in) AS rows_in, sum(written) AS written, sum(rejected) AS rejected, sum(dropped) AS dropped, sum(bad) AS bad
FROM dsql.version_rows GROUP BY name ORDER BY name;
SELECT coalesce(destination, source) AS rejected_by, parse_filename(meta.file) AS file, meta.line, left(reason, 60) AS reason
FROM dsql.rejects ORDER BY id;
PIVOT (SELECT parse_filename(r.origin) AS day, m.metric, round(m.value, 1) AS value FROM dsql.metrics m
  JOIN dsql.version_rows r ON r.version = m.version AND r.name = m.destination) ON metric USING first(value) ORDER BY day;
-- One plane through time: fewer seats by an event that came a week late, then a rebuilt cabin.
SELECT seats, air_minutes, valid_from, valid_to FROM planes_history WHERE tailnum = 'N12996' ORDER BY valid_from;
-- In the air at noon on the 10th: those that left at most half an hour late and were the most likely to arrive late, and what came of it.
SELECT f.flight_id, a.name AS destination, f.dep_delay, round(s.risk, 3) AS risk, later.arr_delay
FROM flights_as_of(TIMESTAMP '2013-07-10 12:00:00') f JOIN scores s USING (flight_id) JOIN flights later USING (flight_id)
  LEFT JOIN airports a ON a.faa = f.dest
WHERE f.status = 'departed' AND f.dep_delay <= 30 ORDER BY s.risk DESC, f.flight_id LIMIT 5;
-- Was the model right, day by day? It goes stale in the storm: flights that left on time come late. Then the risks are others than they were.
SELECT parse_filename(r.origin) AS day, round(auc.value, 3) AS auc, round(brier.value, 3) AS brier, round(psi.value, 2) AS psi_score
FROM dsql.metrics auc JOIN dsql.metrics brier USING (destination, version) JOIN dsql.metrics psi USING (destination, version)
  JOIN dsql.version_rows r ON r.version = auc.version AND r.name = 'events'
WHERE destination = 'late_risk_health' AND auc.metric = 'auc' AND brier.metric = 'brier' AND psi.metric = 'psi_score' ORDER BY day;
-- And of the flights with a risk of about …, this share came late.
SELECT round(risk, 1) AS risk, count(*) AS flights, round(avg((arr_delay > 15)::INTEGER), 2) AS came_late
FROM scores JOIN flights USING (flight_id) WHERE arr_delay IS NOT NULL GROUP BY 1 ORDER BY 1;
