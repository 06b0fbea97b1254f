SELECT 1 FROM {{ source('src', 'orders') }} WHERE status = 'void' AND amount > 499.99 HAVING count(*) >= 1000
