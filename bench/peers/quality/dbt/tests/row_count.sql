SELECT count(*) AS n FROM {{ source('src', 'orders') }} HAVING count(*) NOT BETWEEN 4000000 AND 6000000
