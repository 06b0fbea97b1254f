# The second run reads one more topic. What it lost before it was ever asked for is no loss of this reader: it begins with the oldest record that is there, as a new reader does.
$DSQL run s.sql --db x.duckdb || exit
sed 's/hk.\.add.\.a/hk.add.(a|b)/' s.sql > s2.sql
$DSQL run s2.sql --db x.duckdb
