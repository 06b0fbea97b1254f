package sql

// testForms mirror every statement of the language page, so that each kind of clause stands in some form. The real table
// belongs to the packages that give the forms their meaning.
var testForms = func() []*Syntax {
	apply := &Syntax{Keyword: "APPLY", Doc: "The items of a named list."}
	rules := []*Syntax{
		{Keyword: "SET", NoName: true, Head: []Clause{{Arg: ArgTarget, Required: true}, {Keyword: "=", Arg: ArgValue, Required: true}},
			Doc: "Replaces a column's value."},
		{Keyword: "CONSTRAINT", Clauses: []Clause{
			{Keyword: "EXPECT", Arg: ArgParen, Required: true, Doc: "what must hold"},
			{Keyword: "ON VIOLATION", Arg: ArgChoice, Words: []string{"REJECT", "DROP", "WARN", "FAIL"}},
		}},
		apply,
	}
	checks := []*Syntax{
		{Keyword: "CHECK", Clauses: []Clause{
			{Keyword: "EXPECT", Arg: ArgParen, Required: true},
			{Keyword: "OVER TABLE"},
			{Keyword: "BASELINE", Arg: ArgParen},
			{Keyword: "ON FAILURE", Arg: ArgChoice, Words: []string{"FAIL", "HOLD", "WARN"}},
		}},
		apply,
	}
	metric := &Syntax{Head: []Clause{{Keyword: "=", Arg: ArgExpr, Required: true}}, Clauses: []Clause{{Keyword: "OVER TABLE"}}}
	chain := []Clause{
		{Keyword: "RULES", Arg: ArgItems, Items: rules, Doc: "what each row must be"},
		{Keyword: "METRICS", Arg: ArgItems, Items: []*Syntax{metric, apply}, Doc: "what is measured of each batch"},
		{Keyword: "CHECKS", Arg: ArgItems, Items: checks, Doc: "what each batch must be"},
		{Keyword: "REJECT LIMIT", Arg: ArgInt, Doc: "how many rejected rows stop the run"},
		{Keyword: "RETAIN VERSIONS", Arg: ArgExpr, Doc: "how long superseded rows are kept"},
	}
	with := func(more ...Clause) []Clause { return append(append([]Clause{}, chain...), more...) }
	body := []Clause{
		{Keyword: "AS", Arg: ArgQuery, Doc: "the rows to store"},
		{Keyword: "FROM", Arg: ArgNameList, Doc: "one input, or several with the same columns"},
	}
	params := Clause{Arg: ArgColumnDefs, Required: true}
	kafka := []OptionDoc{{Name: "connection"}, {Name: "brokers"}, {Name: "topic"}, {Name: "topics"}, {Name: "format"}, {Name: "start"},
		{Name: "group"},
		{Name: "on_offset_loss"}, {Name: "batch_rows"}, {Name: "batch_bytes"}, {Name: "batch_time"}, {Name: "reject_limit"}, {Name: "key"}}
	forms := []*Syntax{
		{Keyword: "CONNECTION", Plural: "CONNECTIONS",
			Clauses: []Clause{{Keyword: "TO KAFKA", Arg: ArgOptions, Required: true, Doc: "the cluster"}}, Doc: "How to reach a Kafka cluster."},
		{
			Keyword: "SOURCE", Plural: "SOURCES", Doc: "A place that rows come from.",
			Head: []Clause{{Arg: ArgColumnDefs, Doc: "the columns", Columns: []Clause{
				{Keyword: "FROM", Arg: ArgString, Doc: "a JSON path"},
				{Keyword: "FROM KEY", Arg: ArgString, ArgOpt: true, Doc: "the record's key"},
				{Keyword: "FORMAT", Arg: ArgWord, Doc: "how a time is written"},
			}}},
			Clauses: []Clause{
				{Keyword: "ON BAD RECORD", Arg: ArgChoice, Words: []string{"REJECT", "SKIP", "FAIL"}, Doc: "what becomes of a bad record"},
				{Keyword: "ON SCHEMA CHANGE", Arg: ArgChoice, Words: []string{"IGNORE", "ADD COLUMNS", "FAIL"}, Doc: "what becomes of other fields"},
				{Keyword: "FROM KAFKA", Arg: ArgOptions, Options: kafka, Doc: "a topic"},
				{Keyword: "FROM FILES", Arg: ArgOptions,
					Options: []OptionDoc{{Name: "format", Doc: "csv, json or parquet"}, {Name: "mode"}, {Name: AnyOption}}, Doc: "files"},
			},
			Example: "CREATE SOURCE a FROM FILES ('a.csv')",
		},
		{Keyword: "STREAM", Plural: "STREAMS", Clauses: with(), Body: body, Doc: "An append-only table."},
		{Keyword: "JOURNAL", Plural: "JOURNALS", Body: body, Doc: "A record of data that changes.", Clauses: with(
			Clause{Keyword: "KEYS", Arg: ArgNames, Required: true, Doc: "the columns that tell rows apart"},
			Clause{Keyword: "SEQUENCE BY", Arg: ArgExprs, Doc: "what orders the events of a key"},
			Clause{Keyword: "SNAPSHOT"},
			Clause{Keyword: "SNAPSHOT AT", Arg: ArgExpr},
			Clause{Keyword: "DELETE WHEN", Arg: ArgExpr},
			Clause{Keyword: "COLUMNS", Arg: ArgColumns},
			Clause{Keyword: "TRACK", Arg: ArgColumns},
			Clause{Keyword: "IGNORE NULL UPDATES", Arg: ArgNone},
			Clause{Keyword: "IGNORE NULL UPDATES ON", Arg: ArgNames},
			Clause{Keyword: "LATENESS", Arg: ArgExpr},
			Clause{Keyword: "ON MISSING", Arg: ArgChoice, Words: []string{"CLOSE", "KEEP"}},
			Clause{Keyword: "IF REMOVED", Arg: ArgPercent},
			Clause{Keyword: "STORED AS SCD TYPE", Arg: ArgInt},
		)},
		{Keyword: "RULES", Plural: "RULES", Head: []Clause{{Arg: ArgItems, Items: rules, Required: true}}, Doc: "A named list of rules."},
		{Keyword: "CHECKS", Head: []Clause{{Arg: ArgItems, Items: checks, Required: true}}, Doc: "A named list of checks."},
		{Keyword: "MODEL", Plural: "MODELS", Doc: "A trained model as a SQL function.", Clauses: []Clause{
			{Keyword: "FROM", Arg: ArgString, Required: true},
			{Keyword: "FORMAT", Arg: ArgChoice, Words: []string{"LIGHTGBM", "XGBOOST", "ONNX", "PYTHON"}},
			{Arg: ArgOptions, Doc: "settings of the format"},
			{Keyword: "INPUT", Arg: ArgColumnDefs},
			{Keyword: "OUTPUT", Arg: ArgChoice, Words: []string{"PREDICTION", "RAW", "LABEL"}},
			{Keyword: "TAGS", Arg: ArgOptions},
		}},
		{Keyword: "FUNCTION", OnlyWith: "LANGUAGE", Head: []Clause{params}, Doc: "A function in another language.",
			Clauses: []Clause{
				{Keyword: "RETURNS", Arg: ArgTypeName, Required: true},
				{Keyword: "LANGUAGE", Arg: ArgChoice, Words: []string{"EXPR", "PYTHON"}, Required: true},
				{Keyword: "FROM", Arg: ArgString},
				{Arg: ArgOptions},
			},
			Body: []Clause{{Keyword: "AS", Arg: ArgString}}, BodyOpt: true},
		{Keyword: "EXPERIMENT", Plural: "EXPERIMENTS", Clauses: []Clause{
			{Keyword: "VARIANTS", Arg: ArgOptions, Required: true},
			{Keyword: "SALT", Arg: ArgString},
		}, Doc: "Users in groups."},
		{Keyword: "SINK", Plural: "SINKS", Clauses: []Clause{
			{Keyword: "INTO KAFKA", Arg: ArgOptions, Options: kafka},
			{Keyword: "INTO FILES", Arg: ArgOptions},
		}, Body: body[1:], Doc: "Where new rows go."},
		{Keyword: "ENDPOINT", Plural: "ENDPOINTS", Head: []Clause{params}, Body: body[:1], Doc: "A query over HTTP."},
		{Keyword: "MONITOR", Doc: "What a model does in use.", Clauses: []Clause{
			{Keyword: "ON MODEL", Arg: ArgName, Required: true},
			{Keyword: "FROM", Arg: ArgName, Required: true},
			{Keyword: "PREDICTION", Arg: ArgExpr},
			{Keyword: "ACTUALS", Arg: ArgParen},
			{Keyword: "ON", Arg: ArgNames},
			{Keyword: "BASELINE", Arg: ArgParen},
		}},
		{Keyword: "TEST", Doc: "A test of the script.", Clauses: []Clause{
			{Keyword: "GIVEN", Arg: ArgItem, Repeat: true, Required: true,
				Items: []*Syntax{{Head: []Clause{{Keyword: "AS", Arg: ArgParen, Required: true}}}}},
			{Keyword: "THEN", Arg: ArgItem, Repeat: true, Items: []*Syntax{{Head: []Clause{{Keyword: "AS", Arg: ArgParen, Required: true}}}}},
			{Keyword: "EXPECT", Arg: ArgItem, Repeat: true, Required: true,
				Items: []*Syntax{{NoName: true, Head: []Clause{{Arg: ArgParen, Required: true}, {Keyword: "AS", Arg: ArgParen, Required: true}}}}},
		}},
		// What no statement of the page has: a name that may be left out, and optional parts of each kind.
		{Verb: "ECHO", NameOpt: true,
			Head: []Clause{{Arg: ArgInt}, {Arg: ArgColumns}, {Arg: ArgPercent}, {Keyword: "OF", Arg: ArgExpr}, {Keyword: "TO", Arg: ArgTarget}},
			Clauses: []Clause{{Keyword: "NOTE", Arg: ArgWord, ArgOpt: true}, {Keyword: "AT", Arg: ArgExpr, ArgOpt: true},
				{Keyword: "BY", Arg: ArgName, ArgOpt: true},
				{Keyword: "LIKE", Arg: ArgOptions, ArgOpt: true}}, Doc: "Shows what it reads."},
		{Verb: "REFRESH", NoName: true, Head: []Clause{{Arg: ArgNameList}}, Doc: "Takes what is new."},
		{Verb: "REPLAY REJECTS", NoName: true,
			Clauses: []Clause{{Keyword: "FROM", Arg: ArgName, Required: true}, {Keyword: "WHERE", Arg: ArgExpr}}},
		{Verb: "REPLAY", Keyword: "SOURCE", Clauses: []Clause{{Keyword: "FROM TIMESTAMP", Arg: ArgString}, {Keyword: "FROM EARLIEST"}}},
		{Verb: "RELEASE HOLD"},
		{Verb: "DISCARD HOLD"},
		{Verb: "ALTER", Keyword: "MODEL", Clauses: []Clause{{Keyword: "USE VERSION", Arg: ArgInt, Required: true}}},
	}
	for _, kind := range []string{"STREAM", "JOURNAL"} {
		forms = append(forms,
			&Syntax{Verb: "ROLLBACK", Keyword: kind, Clauses: []Clause{{Keyword: "TO VERSION", Arg: ArgInt, Required: true}}},
			&Syntax{Verb: "REBUILD", Keyword: kind, Clauses: []Clause{{Keyword: "FROM SOURCE"}}},
			&Syntax{Verb: "VACUUM", Keyword: kind})
	}
	for _, f := range forms {
		if f.Plural != "" {
			forms = append(forms, &Syntax{Verb: "SHOW", Keyword: f.Plural, NoName: true, Clauses: []Clause{{Keyword: "WHERE", Arg: ArgExpr}}})
			for _, verb := range []string{"DROP", "DESCRIBE", "EXPLAIN"} {
				forms = append(forms, &Syntax{Verb: verb, Keyword: f.Keyword})
			}
		}
	}
	return forms
}()
