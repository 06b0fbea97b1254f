package program

import "dsql/sql"

// The statements that dsql has on what is declared. What they do stands where they are run.

// verbs are dsql's statements that declare nothing and are no verb on a kind (those are made from the list above).
var verbs = []*sql.Syntax{refreshSyntax, replaySyntax, replaySourceSyntax, resumeSyntax}

var refreshSyntax = &sql.Syntax{Verb: "REFRESH", NoName: true,
	Head: []sql.Clause{{Arg: sql.ArgNameList, Doc: "destinations to bring up to date; without names all of them"}},
	Doc: "Takes in what is new in the sources, up to the end seen when it starts. A script that declares something and has no REFRESH " +
		"ends with one.",
	Example: "REFRESH"}

var replaySyntax = &sql.Syntax{Verb: "REPLAY REJECTS", NoName: true,
	Head: []sql.Clause{{Keyword: "FROM", Arg: sql.ArgName, Required: true,
		Doc: "the destination that rejected them; or a source: its bad records are decoded anew"}},
	Clauses: []sql.Clause{
		{Keyword: "WHERE", Arg: sql.ArgExpr, Doc: "which of them: a condition on dsql.rejects"},
		{Keyword: "USING", Arg: sql.ArgString,
			Doc: "a file of lines {\"id\", \"payload\"} (as `dsql rejects NAME --fix FILE` writes them): records to take in place of those"}},
	Doc: "Sends rejected rows through the destination's rules and write again, in one new version; bad records of a source through all " +
		"destinations that lack them. Each is replayed once; a row that is rejected again stands there anew, a record that is bad still stays.",
	Example: "REPLAY REJECTS FROM orders WHERE rule = 'sane_qty'"}

var replaySourceSyntax = &sql.Syntax{Verb: "REPLAY", Keyword: "SOURCE",
	Body: []sql.Clause{
		{Keyword: "FROM EARLIEST", Arg: sql.ArgNone, Doc: "from the first record that the source still has"},
		{Keyword: "FROM TIMESTAMP", Arg: sql.ArgString,
			Doc: "from a time on, in UTC: of a topic by the records' times, of files by when they were last changed"},
	},
	Doc:     "Reads a source again. Journals absorb what they have seen; a stream takes only records past those that it has.",
	Example: "REPLAY SOURCE readings_in FROM EARLIEST"}

var resumeSyntax = &sql.Syntax{Verb: "RESUME", Keyword: "SINK", Example: "RESUME SINK lake",
	Doc: "Lets a sink go on that stopped because the file is a copy which --snapshot made: it writes the versions behind the last that it " +
		"has noted."}

var holdSyntaxes = []*sql.Syntax{
	{Verb: "RELEASE HOLD", Example: "RELEASE HOLD orders",
		Doc: "Takes all that checks and the guard of a destination hold back (see dsql.holds), oldest first, a version each. " +
			"Metrics are recorded, with the verdict `released`."},
	{Verb: "DISCARD HOLD", Example: "DISCARD HOLD orders",
		Doc: "Gives up all that checks and the guard of a destination hold back: it is counted as dropped."},
}

// destinationVerbs are the statements on what destinations store, for a kind's keyword.
func destinationVerbs(keyword string) []*sql.Syntax {
	return []*sql.Syntax{
		{Verb: "ROLLBACK", Keyword: keyword,
			Clauses: []sql.Clause{{Keyword: "TO VERSION", Arg: sql.ArgInt, Required: true, Doc: "the version to go back to"}},
			Doc:     "Makes a new version that equals an old one. What came later is forgotten; places stay, so it isn't read again."},
		{Verb: "REBUILD", Keyword: keyword,
			Clauses: []sql.Clause{{Keyword: "FROM SOURCE", Arg: sql.ArgNone,
				Doc: "empty it and fill it again from all that its inputs still have, in one new version"}},
			Doc: "Recomputes what is stored from what is remembered, or from its inputs: then what waits is taken first, and earlier rejects and " +
				"holds are settled. " +
				"What reads a journal gets the difference; what reads a stream keeps what it has."},
		{Verb: "VACUUM", Keyword: keyword,
			Doc: "Gives up superseded rows that RETAIN VERSIONS no longer keeps; never events, nor what a reader or sink has still to take."},
	}
}

var verbDocs = map[string]string{
	"DROP":     "Removes the declaration and what it stores.",
	"DESCRIBE": "Shows the columns.",
	"EXPLAIN":  "Shows the ordered chain and the SQL that it compiles to.",
	"SHOW":     "Lists what is declared.",
}
