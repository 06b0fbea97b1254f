SELECT 1 FROM {{ source('src', 'orders') }} HAVING avg((amount IS NULL)::INT) > 0.02
