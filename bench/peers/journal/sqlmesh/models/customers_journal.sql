MODEL (name m.customers_journal, kind SCD_TYPE_2_BY_COLUMN (unique_key id, columns [name, email, city, tier, balance, score], invalidate_hard_deletes true));
SELECT id::BIGINT AS id, name::VARCHAR AS name, email::VARCHAR AS email, city::VARCHAR AS city, tier::VARCHAR AS tier, balance::DOUBLE AS balance, score::INT AS score, updated_at::TIMESTAMP AS updated_at
FROM main.customers
