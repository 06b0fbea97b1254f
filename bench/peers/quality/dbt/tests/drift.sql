SELECT 1 FROM {{ source('src', 'orders') }} HAVING abs(avg(amount) / (SELECT avg_amount FROM orders_prev) - 1) > 0.01
