SELECT 1 FROM information_schema.columns WHERE table_name = 'orders' HAVING count(*) <> 8
