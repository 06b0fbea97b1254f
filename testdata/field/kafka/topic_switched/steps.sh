# The producer moved to a new topic; the source is pointed at it, with start earliest: all that it has is to be read.
$DSQL run s.sql --db x.duckdb || exit
sed 's/hk.sw.v1/hk.sw.v2/; s/latest/earliest/' s.sql > s2.sql
$DSQL run s2.sql --db x.duckdb
