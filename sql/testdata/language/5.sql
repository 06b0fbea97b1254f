CREATE SINK scores_out INTO KAFKA (connection shop, topic 'scores', key flight_id, format json) FROM scores;   -- one key, one order
CREATE SINK lake INTO FILES ('lake/scores', format parquet, partition_by (day)) FROM scores;
CREATE ENDPOINT flight_risk (flight_id VARCHAR) AS
  SELECT flight_id, late_risk(dep_delay, distance, hour) AS risk FROM flights WHERE flight_id = $flight_id;
