SELECT 1 FROM {{ source('src', 'orders') }} HAVING max(created_at) < TIMESTAMP '2025-06-29'
