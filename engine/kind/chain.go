package kind

import "dsql/sql"

// ChainClauses are the clauses that every destination has: the module chain between its query and its table.
var ChainClauses = []sql.Clause{
	{Keyword: "RULES", Arg: sql.ArgItems, Items: RuleItems,
		Doc: "what each row goes through, in order, each item seeing what the earlier ones made"},
	{Keyword: "METRICS", Arg: sql.ArgItems, Items: []*sql.Syntax{metricItem},
		Doc: "aggregates of the batch after its rules, kept in dsql.metrics"},
	{Keyword: "CHECKS", Arg: sql.ArgItems, Items: CheckItems, Doc: "conditions on the batch as a whole"},
	{Keyword: "EXPECT COLUMNS", Arg: sql.ArgColumnDefs,
		Doc: "(name TYPE, …): the table has exactly these columns, in this order; else the script is wrong (exit code 2)"},
	{Keyword: "REJECT LIMIT", Arg: sql.ArgInt, Doc: "stops the run (exit code 3) when more rows than this are rejected in it"},
	{Keyword: "RETAIN VERSIONS", Arg: sql.ArgExpr, Doc: "how long superseded rows are kept: INTERVAL 90 DAYS"},
}

// RuleItems are the items of RULES.
var RuleItems = []*sql.Syntax{
	{Keyword: "SET", NoName: true, Doc: "gives a column another value; its type stays",
		Head: []sql.Clause{{Arg: sql.ArgTarget, Required: true, Doc: "a column, or COLUMNS('regex')"},
			{Keyword: "=", Arg: sql.ArgValue, Required: true,
				Doc: "an expression over the row (`_` is the column for COLUMNS), or EXPR 'expr-lang'"}}},
	{Keyword: "CONSTRAINT", Doc: "a condition that each row must meet; NULL passes",
		Clauses: []sql.Clause{
			{Keyword: "EXPECT", Arg: sql.ArgParen, Required: true, Doc: "(condition)"},
			{Keyword: "ON VIOLATION", Arg: sql.ArgChoice, Words: []string{"REJECT", "DROP", "WARN", "FAIL"},
				Doc: "REJECT (default) sends the row to dsql.rejects, DROP counts it, WARN keeps and counts it, FAIL rolls the batch back"}}},
	applyItem,
}

var applyItem = &sql.Syntax{Keyword: "APPLY", Doc: "the items of a named list, here"}

var metricItem = &sql.Syntax{Doc: "name = aggregate",
	Head: []sql.Clause{{Keyword: "=", Arg: sql.ArgExpr, Required: true,
		Doc: "an expression of aggregates; it may use metrics named before it"}},
	Clauses: []sql.Clause{{Keyword: "OVER TABLE", Arg: sql.ArgNone, Doc: "over the table as it will be, instead of the batch"}}}

// CheckItems are the items of CHECKS.
var CheckItems = []*sql.Syntax{
	{Keyword: "CHECK", Doc: "a condition on the batch",
		Clauses: []sql.Clause{
			{Keyword: "EXPECT", Arg: sql.ArgParen, Required: true, Doc: "(condition)"},
			{Keyword: "OVER TABLE", Arg: sql.ArgNone, Doc: "over the table as it will be, instead of the batch"},
			{Keyword: "BY", Arg: sql.ArgParen, Doc: "(columns): judges each group of rows alike in these; failed_rows counts the groups that fail"},
			{Keyword: "BASELINE", Arg: sql.ArgParen, Doc: "(query): what psi and ks compare with"},
			{Keyword: "ON UNKNOWN", Arg: sql.ArgChoice, Words: []string{"PASS", "WARN", "FAIL"},
				Doc: "what NULL means: PASS (default) gives the verdict unknown, WARN warns, FAIL takes it for FALSE"},
			{Keyword: "ON FAILURE", Arg: sql.ArgChoice, Words: []string{"FAIL", "HOLD", "WARN"},
				Doc: "FAIL (default) publishes nothing and stops, HOLD puts the batch's rows into dsql.rejects and goes on, WARN goes on"}}},
	applyItem,
}

// CompileChain reads the clauses of ChainClauses, and the body.
func CompileChain(d *sql.Decl) *Chain {
	c := &Chain{Body: d.Arg("AS"), Limit: -1}
	if v := d.Arg("FROM"); v != nil {
		c.From = v.Names
	}
	for _, x := range []struct {
		keyword string
		items   *[]*sql.Decl
	}{{"RULES", &c.Rules}, {"METRICS", &c.Metrics}, {"CHECKS", &c.Checks}} {
		if v := d.Arg(x.keyword); v != nil {
			*x.items = v.Items
		}
	}
	c.Retain, c.Expected = d.Arg("RETAIN VERSIONS"), d.Arg("EXPECT COLUMNS")
	if v := d.Arg("REJECT LIMIT"); v != nil {
		c.Limit = v.Int
	}
	return c
}
