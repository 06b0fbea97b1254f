package duck

// Now is the time as it stands in the tables of dsql: TIMESTAMP in UTC. now()::TIMESTAMP would be the local time of the session, and a user
// may SET TimeZone. A test sees that all of dsql's own SQL takes the time from here.
var Now = SQL("make_timestamp(epoch_us(now()))")

// VersionAsOf is an expression of the newest version that was committed at a time or before, 0 for none. at is an expression of any type
// that is a time: one with a zone is that instant, one without is in UTC.
func VersionAsOf(at *Query) *Query {
	return SQL("(SELECT coalesce(max(version), 0) FROM dsql.versions WHERE epoch_us(committed_at) <= epoch_us(coalesce({at}, "+
		"NULL::TIMESTAMP)))", Args{"at": at})
}
