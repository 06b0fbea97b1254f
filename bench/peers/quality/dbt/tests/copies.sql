SELECT 1 FROM {{ source('src', 'orders') }} HAVING (count(*) - count(DISTINCT order_id)) / count(*) > 0.001
