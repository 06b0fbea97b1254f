package code

var script = section{title: "The script can't be read (exit code 2)"}

var (
	Unterminated = script.add("unterminated", ExitScript,
		"A quote, a quoted name or a comment is opened and never closed. Close it where the caret stands; nested comments need one "+
			"`*/` each.")
	Unbalanced = script.add("unbalanced", ExitScript,
		"A bracket has no partner.")
	NoParameter = script.add("no-parameter", ExitScript,
		"`--set` names a parameter that the script doesn't declare. A value from the environment or a profile may be meant for another "+
			"script; where its name is near one of this, that is a warning.")
	NoValue = script.add("no-value", ExitScript,
		"A parameter has no DEFAULT and is given no value, or an expression that must have a value gives NULL. A parameter is never NULL.")
	EnvInside = script.add("env-inside", ExitScript,
		"`env('NAME')` stands alone as the value of an option: what it reads is kept nowhere, and the value of an expression would be.")
	BadTest = script.add("bad-test", ExitScript,
		"A CREATE TEST gives or expects what can't be: a name that is no source or table, other columns, a literal that is none.")
	TestFailed = script.add("test-failed", ExitFailed,
		"A test expected other rows than came, or another end of a step. `-` are rows that are missing, `+` those that came beside.")
	LeftOut = script.add("left-out", Warning,
		"A warning of `dsql test`: a statement that writes outside of the file, or attaches another, isn't run by tests.")
	NotPruned = script.add("not-pruned", ExitUsage,
		"`dsql run --prune` drops what is declared in the file and not in the script, with all that it stores. It asks first on "+
			"a terminal; elsewhere `--yes` has to say so (exit code 80). `--prune --dry-run` shows what it would drop.")
	NoProfile = script.add("no-profile", ExitUsage,
		"`--profile` or DSQL_PROFILE names a profile that no dsql.toml has, beside the script or above it (exit code 80).")
	BadConfig = script.add("bad-config", ExitUsage,
		"dsql.toml can't be read as TOML, or has a setting that there isn't (exit code 80).")
	ForeignWord = script.add("foreign-word", ExitScript,
		"The statement is written as in Lakeflow, ksqlDB, Flink, dbt or another tool. The hint has dsql's own form.")
	NULByte = script.add("nul-byte", ExitScript,
		"The script holds a NUL byte: it is no text, or it was saved in another encoding. Save it as UTF-8.")
	NotUTF8 = script.add("not-utf8", ExitScript,
		"The script holds bytes that are no UTF-8. Save it as UTF-8.")
	ScriptTooLarge = script.add("script-too-large", ExitScript,
		"The script has more bytes or statements than a script may have. Split it.")
	StatementTooLong = script.add("statement-too-long", ExitScript,
		"One statement has more words than dsql reads. Was a quote or a semicolon forgotten?")
	UnknownStatement = script.add("unknown-statement", ExitScript,
		"The first words are near a statement of dsql, and are none of DuckDB's.")
	UnknownClause = script.add("unknown-clause", ExitScript,
		"The statement has no such clause. The hint lists those that it has.")
	MissingClause = script.add("missing-clause", ExitScript,
		"A clause that the statement needs is not there.")
	DuplicateClause = script.add("duplicate-clause", ExitScript,
		"A clause stands twice; the note shows the first.")
	ClauseAfterBody = script.add("clause-after-body", ExitScript,
		"The body (`AS query`, `FROM name`) is last; put the clause before it.")
	MissingSemicolon = script.add("missing-semicolon", ExitScript,
		"A new statement begins inside another one: the semicolon between them is missing.")
	InTransaction = script.add("in-transaction", ExitScript,
		"dsql's statements can't stand between the script's own BEGIN and COMMIT: each makes its own transaction.")
	QualifiedName = script.add("qualified-name", ExitScript,
		"What dsql declares has a plain name, without schema or catalog.")
	DuplicateName = script.add("duplicate-name", ExitScript,
		"Two items of a list, or two things in one place, have the same name.")
	DuplicateColumn = script.add("duplicate-column", ExitScript,
		"Two columns have the same name.")
	DuplicateOption = script.add("duplicate-option", ExitScript,
		"An option is given twice.")
	UnknownOption = script.add("unknown-option", ExitScript,
		"The clause has no such option.")
	BadChoice = script.add("bad-choice", ExitScript,
		"The word is none of those that may stand there.")
	BadEscape = script.add("bad-escape", ExitScript,
		"A string has a backslash sequence that DuckDB refuses.")
	BadString = script.add("bad-string", ExitScript,
		"A string can't be read.")
	ExpectedName = script.add("expected-name", ExitScript,
		"Something else should stand at the caret; the message says what.")
	ExpectedString     = script.like("expected-string", ExitScript)
	ExpectedNumber     = script.like("expected-number", ExitScript)
	ExpectedList       = script.like("expected-list", ExitScript)
	ExpectedItem       = script.like("expected-item", ExitScript)
	ExpectedExpression = script.like("expected-expression", ExitScript)
	ExpectedValue      = script.like("expected-value", ExitScript)
	ExpectedType       = script.like("expected-type", ExitScript)
	ExpectedKeyword    = script.like("expected-keyword", ExitScript)
	ExpectedComma      = script.like("expected-comma", ExitScript)
	ExpectedEnd        = script.like("expected-end", ExitScript)
	ExpectedQuery      = script.like("expected-query", ExitScript)
)

var declared = section{title: "What is declared doesn't fit together (exit code 2)"}

var (
	UnknownRelation = declared.add("unknown-relation", ExitScript,
		"A destination takes new rows of a source, stream or journal, and none has that name.")
	UnknownName = declared.add("unknown-name", ExitScript,
		"A statement names something that is not declared.")
	NameTaken = declared.add("name-taken", ExitScript,
		"The name belongs to another kind of declaration, is one that another declaration makes beside its own (`j_history`, "+
			"`j_at`, `j__now`, `late_risk_v1`), or the declaration would make one that another has or that a table, view or macro of "+
			"the user's has.")
	DeclaredTwice = declared.add("declared-twice", ExitScript,
		"A script declares the same name twice, and not alike.")
	Cycle = declared.add("cycle", ExitScript,
		"The queries of destinations read each other in a ring, so none could go first. Rules and checks may.")
	TwoStreams = declared.add("two-streams", ExitScript,
		"A query reads the new rows of one relation, or of two that are joined: STREAM stands before two at most, in a rollup before one.")
	JoinQuery = declared.add("join-query", ExitScript,
		"Two STREAMs are joined so that each pair of their rows comes once, whichever was later: both are stored streams, and they meet in a "+
			"JOIN of the FROM; in a LEFT, RIGHT or FULL JOIN as they are, by ON. A row of the result is made of one row of either, so there is no "+
			"aggregate, DISTINCT, LIMIT or UNION, and no SEMI, ANTI or ASOF JOIN, whose result a later row would change. A journal is joined "+
			"without STREAM, as it stands, or as of a time (`ASOF JOIN name_history`).")
	WindowPast = declared.add("window-past", ExitScript,
		"A window function in a stream's query over a stored stream sees the stored rows of its key up to the row's time: it has PARTITION BY, "+
			"ORDER BY a time, and nothing that looks ahead (`lead`, FOLLOWING, DESC, `ntile`, `percent_rank`, `cume_dist`). The rows come from the "+
			"stream itself, through subqueries or joined with other tables.")
	JoinForever = declared.add("join-forever", Warning,
		"A warning: two STREAMs are joined without a range of time in ON, so a row may find rows of the other side for ever, and each batch "+
			"looks through all of them; or ON says no last time up to which a row may find one, so that an outer join never gives a row that found "+
			"none. A range (`b.at BETWEEN a.at AND a.at + INTERVAL 1 HOUR`) limits what is read to the rows in it, and says how long a row waits.")
	SourceReadWhole = declared.add("source-read-whole", ExitScript,
		"A source keeps no rows: only its new ones can be read.")
	ReadsNothing = declared.add("reads-nothing", ExitScript,
		"The query of a destination reads no table, so it would never get a row.")
	NoColumns = declared.add("no-columns", ExitScript,
		"The query gives no column that could be stored, or the column list of a source is empty.")
	InputsDiffer = declared.add("inputs-differ", ExitScript,
		"`FROM a, b` takes inputs with the same columns in the same order.")
	ReservedName = declared.add("reserved-name", ExitScript,
		"A new declaration has a name that SQL reads as a word of its own (`order`, `some`, `end`), so `SELECT … FROM order` "+
			"would be a syntax error. In quotes it is a name like others.")
	ReservedColumn = declared.add("reserved-column", ExitScript,
		"A column has a name that dsql uses itself.")
	RefreshSource = declared.add("refresh-source", ExitScript,
		"REFRESH takes destinations; a source is read when they are refreshed.")
	PerBatch = declared.add("per-batch", Warning,
		"A warning: GROUP BY, an aggregate, a window function, DISTINCT or LIMIT in a stream's query, or a window function in "+
			"a journal's of events, sees the new rows of one batch, and how many those are depends on how its input was read. "+
			"What is to be over all rows is a ROLLUP; or store the "+
			"rows as they come, and make a view over the stream.")
	RollupQuery = declared.add("rollup-query", ExitScript,
		"A rollup's query is one SELECT with GROUP BY or aggregates over a stored stream, a journal or a rollup. It selects what it groups "+
			"by, names its "+
			"columns one by one, and gives the same each time it is computed. The message says what of that is missing.")
	RollupWindow = declared.add("rollup-window", ExitScript,
		"`tumble`, `hop`, `session` and `window_end` stand for windows of time in the query of a ROLLUP, and nowhere else. "+
			"`time_bucket(size, ts)` is DuckDB's own for the start of a window.")
	RollupTime = declared.add("rollup-time", ExitScript,
		"LATENESS and WATERMARK are about windows of event time: the rollup groups by one, all of its windows are of one time, which is a "+
			"TIMESTAMP, a TIMESTAMPTZ or a DATE, and the rows come as they are stored, not through a query of their own. EMIT FINAL needs "+
			"LATENESS: without it no window ever closes.")
	RebuildAgain = declared.add("rebuild-again", ExitScript,
		"REBUILD of a rollup with EMIT FINAL hands all windows that are closed on again, and a sink that isn't an upsert would have them twice. "+
			"`AGAIN` says that this is meant.")
	AheadOfClock = declared.add("ahead-of-clock", Warning,
		"A warning: a row has a time that is further ahead of the clock than `max_ahead` of WATERMARK. It is stored and counts in its "+
			"window, and "+
			"doesn't move the watermark, or windows would close before their rows have come.")
	CoordinatesLost = declared.add("coordinates-lost", Warning,
		"A warning of `dsql check`: rows that the destination rejects won't have their place and bytes, as its query (a join, an "+
			"aggregate) doesn't hand `_meta` on.")
	ReplayBytes = declared.add("replay-bytes", ExitFailed,
		"The bytes of a bad record can't be decoded anew: rows of Parquet have none; a field of CSV has no name where nothing "+
			"tells any more how its file began, and a captured column no value where the source's pattern doesn't lead to the file any "+
			"more. Put the file back, or leave such rejects out by WHERE.")
	ReplayUsing = declared.add("replay-using", ExitFailed,
		"The rejects of a destination that takes rows of stored tables have no bytes that could be mended.")
	ReplayType = declared.add("replay-type", ExitFailed,
		"A column has another type than when the row was rejected, and that type doesn't hold the value without a loss. Nothing "+
			"was replayed; leave such rows out by WHERE.")
	InUse = declared.add("in-use", ExitFailed,
		"Something else reads or calls what is to be dropped: in its query, a rule, a check or a baseline, perhaps through a view or "+
			"a macro; a monitor watches it. Drop that first. A model or function that the script makes again further down may be dropped.")
	TableGone = declared.add("table-gone", ExitScript,
		"The table of a declaration was dropped by another client of the file. `REBUILD … FROM SOURCE` in the script makes it "+
			"again, from what its inputs still have; `DROP` gives it up.")
	PassedOver = declared.add("passed-over", Warning,
		"A warning: a REFRESH stands above a declaration that a destination above it needs (a source, a model, a macro of rules), so that the "+
			"destination isn't there yet and gets nothing from it. Statements run from top to bottom: put REFRESH behind that declaration.")
	DeclaredBelow = declared.add("declared-below", ExitScript,
		"A verb (REBUILD, ROLLBACK, VACUUM, DESCRIBE, EXPLAIN) is about a destination of which the file has nothing yet, and stands above its "+
			"declaration, or above one that it needs (a model, a function, a source). Statements run from top to bottom.")
	NotRefreshed = declared.add("not-refreshed", Warning,
		"A warning: the statement reads a destination before anything was written to it. Put REFRESH before.")
)
