SELECT * FROM {{ source('src', 'orders') }} WHERE qty NOT BETWEEN 1 AND 9
