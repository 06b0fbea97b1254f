# Bad records in the middle of both partitions: the others land; the bad ones stand with bytes, key, header and place; a second source stops at a limit and one stops at the first.
$DSQL run s.sql --db x.duckdb || exit
sed "s/hk.poison'/hk.poison', reject_limit 2/" s.sql > limit.sql; $DSQL run limit.sql --db l.duckdb; echo "limit: $?" >&2
sed "s/hk.poison')/hk.poison') ON BAD RECORD FAIL/" s.sql > fail.sql; $DSQL run fail.sql --db f.duckdb; echo "fail: $?" >&2
