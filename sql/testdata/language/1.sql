CREATE CONNECTION shop TO KAFKA (brokers 'localhost:9092', sasl_mechanism 'SCRAM-SHA-512',
  sasl_username env('KAFKA_USER'), sasl_password env('KAFKA_PASSWORD'), tls true, schema_registry 'http://localhost:8081');

CREATE SOURCE flight_events (
  flight_id VARCHAR, status VARCHAR, dep_delay DOUBLE, seen_at TIMESTAMP,
  city VARCHAR FROM '$.address.city',         -- a JSON path, where it is not the column's name
  sent_at TIMESTAMP FORMAT epoch_ms           -- or epoch_s, epoch_us, a strptime pattern; without FORMAT a number is no time
) FROM KAFKA (connection shop, topic 'flights', format json, start earliest);

CREATE SOURCE airports_in FROM FILES ('in/airports/*.parquet');      -- columns may be left out: inferred, then pinned
CREATE SOURCE customers_full (id BIGINT, name VARCHAR, load_date DATE)
  FROM FILES ('in/customers_{load_date}.csv', format csv, mode snapshot);          -- a part of the path as a column
