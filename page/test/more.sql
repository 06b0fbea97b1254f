-- What the demo has none of: experiments, one of them split otherwise than declared, and two versions of the model side by side.
CREATE TABLE exposed AS SELECT i AS unit, CASE WHEN hash(i) % 100 < 50 THEN 'control' WHEN hash(i) % 100 < 80 THEN 'offer' ELSE 'big offer' END AS variant,
  TIMESTAMP '2013-07-08' + INTERVAL (i) SECOND AS seen_at FROM range(6000) t(i);
CREATE TABLE bought AS SELECT unit, CASE variant WHEN 'control' THEN 20 WHEN 'offer' THEN 23 ELSE 21 END + hash(unit, 1) % 30 AS amount,
  seen_at + INTERVAL 1 HOUR AS ordered_at FROM exposed WHERE hash(unit, 2) % 100 < CASE variant WHEN 'control' THEN 10 WHEN 'offer' THEN 13 ELSE 11 END;
CREATE EXPERIMENT rebooking VARIANTS (control 50, offer 30, "big offer" 20)
  EXPOSURES (SELECT unit, variant, seen_at FROM exposed)
  METRIC bought (SELECT unit, amount > 0, ordered_at FROM bought)
  METRIC revenue (SELECT unit, amount, ordered_at FROM bought);
CREATE EXPERIMENT crooked VARIANTS (control 50, offer 50)
  EXPOSURES (SELECT unit, variant, seen_at FROM exposed WHERE variant <> 'big offer')
  METRIC bought (SELECT unit, amount > 0, ordered_at FROM bought);
CREATE EXPERIMENT planned VARIANTS (control 50, offer 50);
CREATE OR REPLACE MODEL late_risk FROM 'models/late2.txt' TAGS (trained 'May and June 2013', shrunk 'by half');
DROP MONITOR late_risk_health; -- so that all versions are measured anew
CREATE MONITOR late_risk_health ON MODEL late_risk FROM scores PREDICTION risk COMPARE (late_risk_v1, late_risk_v2)
  ACTUALS (SELECT flight_id, arr_delay > 15 AS late FROM flights WHERE arr_delay IS NOT NULL) ON (flight_id);
REFRESH;
