package code

var rules = section{title: "Rules, metrics and checks"}

var (
	UnknownColumn = rules.add("unknown-column", ExitScript,
		"A rule names a column that the rows don't have.")
	ColumnNotStored = rules.add("column-not-stored", ExitScript,
		"TRACK or IGNORE NULL UPDATES ON names a column that COLUMNS leaves out, or a key: the clause would do nothing.")
	BadLateness = rules.add("bad-lateness", ExitScript,
		"LATENESS is negative or NULL: all that comes in order would be too late, or nothing ever.")
	ColumnsDiffer = rules.add("columns-differ", ExitScript,
		"A destination's columns aren't those of its EXPECT COLUMNS: one is missing, is more, has another type, or stands in another place.")
	TypeMismatch = rules.add("type-mismatch", ExitScript,
		"An expression has another type than needed: a condition is BOOLEAN.")
	AggregateInRule = rules.add("aggregate-in-rule", ExitScript,
		"A rule sees one row; aggregates belong into METRICS and CHECKS.")
	WindowInRule = rules.like("window-in-rule", ExitScript)
	NonAggregate = rules.add("non-aggregate", ExitScript,
		"A check or metric is a condition on the whole batch: use aggregates.")
	AggregateInAggregate = rules.add("aggregate-in-aggregate", ExitScript,
		"DuckDB can't compute this over a batch.")
	WindowInCheck = rules.like("window-in-check", ExitScript)
	UnknownMetric = rules.add("unknown-metric", ExitScript,
		"`previous`, `mean_of_last` and `zscore` take a metric of the same destination.")
	UnknownList = rules.add("unknown-list", ExitScript,
		"APPLY names a list that is not declared.")
	ListCycle = rules.add("list-cycle", ExitScript,
		"Lists apply each other in a ring.")
	BadRegex = rules.add("bad-regex", ExitScript,
		"The regular expression doesn't compile (RE2).")
	AttachedElsewhere = rules.add("attached-elsewhere", ExitFailed,
		"the scripts of a run lie in several folders, and a relative path in ATTACH would mean another file later on. Write the "+
			"whole path.")
	ConfigurationLocked = rules.add("configuration-locked", ExitFailed,
		"the script has said `SET lock_configuration = true`, and sets something behind it. Set it before, or don't lock.")
	BaselineUnused = rules.add("baseline-unused", ExitScript,
		"BASELINE is for psi, ks and the other distances.")
	Arguments = rules.add("arguments", ExitScript,
		"A helper is called with other arguments than it takes.")
	Expr = rules.add("expr", ExitScript,
		"An expr-lang expression can't become SQL with the same meaning; the message says why.")
	Constraint = rules.add("constraint", ExitGate,
		"A row broke a constraint that is ON VIOLATION FAIL: the batch is rolled back (exit code 3).")
	Check = rules.add("check", ExitGate,
		"A check that is ON FAILURE FAIL failed: nothing of the batch is published (exit code 3).")
	RejectLimit = rules.add("reject-limit", ExitGate,
		"More rows were rejected in a run than REJECT LIMIT allows, or more records were bad than `reject_limit` does; the batch "+
			"that crossed it is rolled back (exit code 3).")
)

var stored = section{title: "What is stored doesn't fit the declaration any more"}

var (
	StreamRebuildNeeded = stored.add("stream-rebuild-needed", ExitScript,
		"Columns of a stream would take other types. Cast them to what is stored, or add `REBUILD STREAM … FROM SOURCE` behind "+
			"the declaration: what is stored goes, versions too, and all that its inputs still have is taken in anew.")
	JournalRebuildNeeded = stored.add("journal-rebuild-needed", ExitScript,
		"A journal's keys, sequence, mode or types changed: what is stored can't follow. With `REBUILD JOURNAL name FROM SOURCE` "+
			"behind the declaration it is filled again in its new shape.")
	JournalMode = stored.like("journal-mode", ExitScript)
	NoVersion   = stored.add("no-version", ExitFailed,
		"There is no such version to roll back to or to read: it isn't there yet, or VACUUM gave it up (RETAIN VERSIONS), or a "+
			"rebuild into another shape did.")
	LoadHeld = stored.add("load-held", ExitGate,
		"A snapshot lacks more of the open keys than IF REMOVED allows, so it may be partial (exit code 3). It waits in its "+
			"source, and stands in `dsql.holds`, until `RELEASE HOLD` or `DISCARD HOLD`.")
	NothingHeld = stored.add("nothing-held", Warning,
		"RELEASE HOLD or DISCARD HOLD where nothing is held back, or not any more: nothing is done (a warning).")
	WrongKey = stored.add("wrong-key", ExitScript,
		"ERASE KEY or ADMIT KEY gives another number of values than the journal has key columns, or a NULL.")
	ErasedKey = stored.add("erased-key", Warning,
		"Rows of keys that ERASE KEY took out of a journal came again, from its source say: they were left out, and "+
			"are counted as dropped. Or ADMIT KEY names a key that was not erased (a warning).")
	NotTold = stored.add("not-told", ExitFailed,
		"ERASE KEY took a key out of a journal's state, and something that reads the journal hasn't taken that yet: a sink that is away, or "+
			"a destination that failed. The history is kept until it has: run the statement again. ROLLBACK, REBUILD and VACUUM change "+
			"nothing where a sink hasn't taken all of what they name.")
	ReplayHeld = stored.add("replay-held", Warning,
		"REPLAY REJECTS left rows that a check holds back: RELEASE HOLD takes them (a warning).")
	UnknownKey = stored.add("unknown-key", ExitFailed,
		"`dsql history` was asked for a key that the journal never had a row of.")
	NothingRemembered = stored.add("nothing-remembered", ExitScript,
		"A stream remembers nothing beside its rows, and not every kind can fill its table again or decode its records anew; VACUUM needs "+
			"RETAIN VERSIONS, or RETAIN of a stream whose rollups close all their windows.")
	GivenUp = stored.add("given-up", ExitScript,
		"A rollup keeps windows whose rows VACUUM gave up, as its input is declared with RETAIN. With other columns or windows, or without "+
			"LATENESS, they would be lost: declare a rollup of another name beside it.")
	NoRetention = stored.like("no-retention", ExitScript)
	LoadTime    = stored.add("load-time", ExitFailed,
		"The time of a load can't be found.")
	Account = stored.add("account", ExitFailed,
		"The account of a batch did not close, so nothing was committed: the query or a rule gives other rows each time it runs.")
)
