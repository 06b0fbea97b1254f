package code

var serving = section{title: "Serving"}

var (
	NoAddress = serving.add("no-address", ExitUnreachable,
		"The address of `--listen` can't be had: another process has it, or it isn't this machine's (exit code 4).")
	ParameterType = serving.add("parameter-type", ExitScript,
		"A parameter of an endpoint has a type that no request can give a value of (INTERVAL, BIT, UNION; exit code 2). Declare it "+
			"VARCHAR, and cast it in the query.")
	UnknownParameter = serving.add("unknown-parameter", ExitScript,
		"A request names a parameter that the endpoint doesn't have, or a query one that isn't declared.")
	MissingParameter = serving.add("missing-parameter", Warning,
		"A parameter without DEFAULT isn't there.")
	BadParameter = serving.add("bad-parameter", Warning,
		"A value is none of the parameter's type, or would lose something; or the object of parameters is no JSON.")
	BadJSON = serving.add("bad-json", Warning,
		"The body is no JSON, or can't be read.")
	BadBody     = serving.like("bad-body", Warning)
	UnknownPath = serving.add("unknown-path", Warning,
		"There is nothing at that path, or it takes other methods.")
	WrongMethod   = serving.like("wrong-method", Warning)
	NotAcceptable = serving.add("not-acceptable", Warning,
		"No answer is of the types in the header `Accept`.")
	MediaType = serving.add("media-type", Warning,
		"The body is of a type that isn't taken, or packed.")
	ContentEncoding = serving.like("content-encoding", Warning)
	TooLarge        = serving.add("too-large", Warning,
		"The body is too long or didn't come in time, or has too many rows.")
	TooSlow     = serving.like("too-slow", Warning)
	TokenNeeded = serving.add("token-needed", ExitUsage,
		"Others than this machine can reach the address, so requests need a token, and there is none (exit code 80).")
	BadToken = serving.add("bad-token", ExitUsage,
		"A name or scope that `dsql token` doesn't take, or a line of the token file that is none (exit code 80).")
	NoToken = serving.add("no-token", Warning,
		"A request has no token that the server knows, or one that isn't for this.")
	NoScope   = serving.like("no-scope", Warning)
	OtherHost = serving.add("other-host", Warning,
		"A request came by a name that isn't the server's, or from a page of another site. `--allow-host` takes it.")
	OtherOrigin = serving.like("other-origin", Warning)
	RefusedSQL  = serving.add("refused-sql", Warning,
		"`/v1/query` and `/quack` take one SELECT, or EXPLAIN of one, of functions that only compute and of tables that are there. An endpoint "+
			"may do more.")
	LogTable = serving.add("log-table", ExitScript,
		"The table of LOG INTO is there already, with other columns (exit code 2).")
	LogBehind = serving.add("log-behind", Warning,
		"Answers can't be written into the table of LOG INTO: the disk is full, say. What has SYNC isn't answered then; what has not "+
			"waits, and is refused when too much does.")
	ServerUnreachable = serving.add("server-unreachable", ExitUnreachable,
		"`dsql query --url` gets no answer from the server, or one that breaks off, or one that isn't dsql's (exit code 4).")
	NoSession = serving.add("no-session", Warning,
		"A client of quack names a connection that the server doesn't know: it was started anew. DETACH and ATTACH again.")
	ResultGone = serving.add("result-gone", Warning,
		"The rows of a statement can't be fetched any more: nobody asked for them for too long, the statement was cancelled, or its "+
			"transaction is over. Ask again.")
	BadTransaction = serving.add("bad-transaction", Warning,
		"BEGIN within a transaction, or COMMIT and ROLLBACK without one.")
	QueueFull = serving.add("queue-full", Warning,
		"So many requests wait already that this one isn't taken. Try again later.")
	NoRoom = serving.add("no-room", Warning,
		"A query needed more memory, or more room for temporary files, than is left for queries beside the writer. Ask for less at a time: "+
			"fewer rows, columns or groups. `--memory-limit` and `--temp-limit` of `dsql serve` give them more.")
	TimeLimit = serving.add("time-limit", Warning,
		"The answer took longer than `--timeout`.")
	NotReady = serving.add("not-ready", Warning,
		"The script is still running, so what it declares may not be there yet.")
	Gone = serving.add("gone", Warning,
		"The client went away before its answer; this stands in the log only.")
)
