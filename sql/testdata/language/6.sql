CREATE MONITOR late_risk_health ON MODEL late_risk FROM scores PREDICTION p
  ACTUALS (SELECT flight_id, arr_delay > 15 AS actual FROM flights) ON (flight_id) BASELINE (SELECT * FROM scores_at(10));
