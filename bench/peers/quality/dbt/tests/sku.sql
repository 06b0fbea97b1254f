SELECT * FROM {{ source('src', 'orders') }} WHERE NOT regexp_full_match(sku, 'SKU-[0-9]{5}')
