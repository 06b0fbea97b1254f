CREATE MODEL late_risk FROM 'models/late_risk.txt'                 -- the format is recognised: lightgbm, xgboost (json, ubj), onnx
  INPUT (dep_delay DOUBLE, distance DOUBLE, hour INTEGER)          -- default: from the file
  OUTPUT prediction                                                -- or raw, label
  TAGS (owner 'ops', stage 'production');
SELECT flight_id, late_risk(dep_delay, distance, hour) FROM flights;

CREATE FUNCTION is_late(delay DOUBLE) RETURNS BOOLEAN LANGUAGE expr AS $$ delay > 15 $$;
CREATE FUNCTION haversine(a DOUBLE, b DOUBLE, c DOUBLE, d DOUBLE) RETURNS DOUBLE LANGUAGE python AS $$ … $$;   -- a batch at a time
CREATE FUNCTION km(a DOUBLE, b DOUBLE) RETURNS DOUBLE LANGUAGE python FROM 'features.py:km' (python '.venv/bin/python');
CREATE MODEL churn FROM 'models/churn/' FORMAT python;                                                       -- model.py with predict(batch); also FORMAT onnx (onnxruntime '/path/lib.so')
CREATE EXPERIMENT rebooking VARIANTS (control 50, offer 50) SALT '2026-11';                                  -- rebooking(user_id) → 'control' | 'offer'
