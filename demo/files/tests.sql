-- What pipeline.sql is to do, as tests: each runs it in memory, with these records in the place of its sources.
-- dsql test pipeline.sql tests.sql --coverage

CREATE TEST heartbeats_are_dropped
  GIVEN flight_events AS $$
{"flight_id": "UA1", "status": "departed", "origin": "EWR", "tailnum": "N1", "dep_delay": 5}
{"status": "heartbeat", "origin": "EWR"}$$
  EXPECT (SELECT flight_id FROM events) AS (VALUES ('UA1'))
  EXPECT (SELECT written, rejected, dropped FROM dsql.version_rows WHERE name = 'events') AS (VALUES (1, 0, 1));

CREATE TEST another_airport_stops_the_run
  GIVEN flight_events AS $$
{"flight_id": "UA1", "status": "departed", "origin": "EWR", "tailnum": "N1", "dep_delay": 5}
{"flight_id": "B61", "status": "departed", "origin": "JFK", "tailnum": "N2", "dep_delay": 5}$$
  EXPECT ERROR 'constraint'
  EXPECT (SELECT count(*) FROM events) AS (VALUES (0));

CREATE TEST flights_without_an_id_are_rejected
  GIVEN flight_events AS $$
{"status": "departed", "origin": "EWR", "tailnum": "N1", "seen_at": "2013-07-08"}
{"flight_id": "UA1", "status": "departed", "origin": "EWR", "tailnum": "N1", "seen_at": "2013-07-08"}$$
  EXPECT (SELECT rule, meta.line FROM dsql.rejects) AS (VALUES ('has_id', 1));

CREATE TEST impossible_delays_are_rejected
  GIVEN flight_events AS $$
{"flight_id": "UA1", "status": "departed", "origin": "EWR", "tailnum": "N1", "seen_at": "2013-07-08", "dep_delay": 3000}
{"flight_id": "UA2", "status": "departed", "origin": "EWR", "tailnum": "N1", "seen_at": "2013-07-08", "dep_delay": 3001}
{"flight_id": "UA3", "status": "departed", "origin": "EWR", "tailnum": "N1", "seen_at": "2013-07-08", "dep_delay": "soon"}$$
  EXPECT (SELECT flight_id FROM events) AS (VALUES ('UA1'))
  EXPECT (SELECT reason FROM dsql.rejects) AS (VALUES ('constraint: sane: dep_delay BETWEEN -120 AND 3000'),
    ('bad_record: dep_delay: "soon" is no DOUBLE'));

CREATE TEST flights_without_a_plane_are_kept
  GIVEN flight_events AS $$
{"flight_id": "UA1", "status": "cancelled", "origin": "EWR"}
{"flight_id": "UA2", "status": "departed", "origin": "EWR", "tailnum": "N1"}$$
  EXPECT (SELECT flight_id, tailnum FROM events) AS (VALUES ('UA1', NULL), ('UA2', 'N1'))
  EXPECT (SELECT verdict, failed_rows FROM dsql.checks WHERE name = 'has_plane') AS (VALUES ('warn', 1));

CREATE TEST carriers_are_in_capitals
  GIVEN flight_events AS $${"flight_id": "UA1", "status": "scheduled", "origin": "EWR", "tailnum": "N1", "carrier": " ua "}$$
  EXPECT (SELECT carrier FROM events) AS (VALUES ('UA'));

CREATE TEST a_day_of_heartbeats_is_not_published
  GIVEN flight_events AS $${"status": "heartbeat", "origin": "EWR"}$$
  EXPECT ERROR 'check'
  EXPECT (SELECT name, verdict FROM dsql.checks WHERE name = 'some_rows') AS (VALUES ('some_rows', 'fail'));

CREATE TEST many_cancellations_are_warned_of
  GIVEN flight_events AS (SELECT 'UA' || i AS flight_id, 'departed' AS status, 'EWR' AS origin, 'N1' AS tailnum FROM range(20) t(i))
  THEN GIVEN flight_events AS (SELECT 'AA' || i AS flight_id, if(i < 2, 'cancelled', 'departed') AS status, 'EWR' AS origin, 'N1' AS tailnum
    FROM range(22) t(i))
  EXPECT (SELECT verdict FROM dsql.checks WHERE name = 'cancellations' ORDER BY version) AS (VALUES ('pass'), ('warn'));

CREATE TEST late_news_of_a_plane_find_their_place
  GIVEN plane_events AS $$
tailnum,op,seats,air_minutes,updated_at
N1,i,100,10,2013-07-01
N1,u,120,20,2013-07-03$$
  THEN GIVEN plane_events AS $$
tailnum,op,seats,air_minutes,updated_at
N1,u,110,15,2013-07-02$$
  EXPECT (SELECT seats, valid_from FROM planes_history ORDER BY valid_from) AS (VALUES (100, TIMESTAMP '2013-07-01'),
    (110, TIMESTAMP '2013-07-02'), (120, TIMESTAMP '2013-07-03'));

CREATE TEST minutes_in_the_air_make_no_version
  GIVEN plane_events AS $$
tailnum,op,seats,air_minutes,updated_at
N1,i,100,10,2013-07-01
N1,u,100,90,2013-07-02$$
  EXPECT (SELECT seats, air_minutes, valid_to FROM planes_history) AS (VALUES (100, 90, NULL));

CREATE TEST planes_that_are_sold_go
  GIVEN plane_events AS $$
tailnum,op,seats,updated_at
N1,i,100,2013-07-01
N2,i,180,2013-07-01
N1,d,,2013-07-02$$
  EXPECT (SELECT tailnum FROM planes) AS (VALUES ('N2'))
  EXPECT (SELECT valid_to FROM planes_history WHERE tailnum = 'N1') AS (VALUES (TIMESTAMP '2013-07-02'));

CREATE TEST departures_are_scored_with_the_weather
  GIVEN plane_events AS (SELECT 'N1' AS tailnum, 'i' AS op, 100 AS seats, TIMESTAMP '2013-07-01' AS updated_at)
  GIVEN weather_in AS (SELECT 'EWR' AS origin, TIMESTAMP '2013-07-08 10:00:00' AS time_hour, 12.0 AS wind_speed, 0.3 AS precip, 2.0 AS visib)
  GIVEN flight_events AS $$
{"flight_id": "UA1", "status": "scheduled", "origin": "EWR", "tailnum": "N1", "sched_dep": "2013-07-08T10:30:00", "seen_at": "2013-07-08T09:00:00"}
{"flight_id": "UA1", "status": "departed", "origin": "EWR", "tailnum": "N1", "sched_dep": "2013-07-08T10:30:00", "dep_delay": 90,
  "distance": 700, "hour": 10, "seen_at": "2013-07-08T12:00:00"}$$
  EXPECT (SELECT seats FROM events) AS (VALUES (100), (100))
  EXPECT (SELECT flight_id, wind_speed, risk > 0.5 AND risk < 1 FROM scores) AS (VALUES ('UA1', 12.0, true));
