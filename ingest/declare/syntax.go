package declare

import "dsql/sql"

// Syntax is CREATE SOURCE with what sources may read from: the clause of each.
func Syntax(from ...sql.Clause) *sql.Syntax {
	return &sql.Syntax{
		Keyword: "SOURCE", Plural: "SOURCES",
		Head: []sql.Clause{{Arg: sql.ArgColumnDefs,
			Doc: "the columns; without them they are inferred from the first file that has a record, then pinned",
			Columns: []sql.Clause{
				{Keyword: "FROM", Arg: sql.ArgString, Doc: "a JSON path, where it is not the column's name: '$.address.city'"},
				{Keyword: "FROM KEY", Arg: sql.ArgString, ArgOpt: true, Doc: "the key of a topic's record, or a path in it; files have none"},
				{Keyword: "FORMAT", Arg: sql.ArgWord,
					Doc: "how a time is written: epoch_s, epoch_ms, epoch_us, epoch_ns, epoch_days, or a strptime pattern in quotes; or what base64 " +
						"holds: base64 (a BLOB), base64_decimal(scale)"},
			}}},
		Clauses: append(from, []sql.Clause{
			{Keyword: "ON BAD RECORD", Arg: sql.ArgChoice, Words: []string{"REJECT", "SKIP", "FAIL"},
				Doc: "what becomes of a record that can't be read without loss: REJECT (default) keeps it in dsql.rejects, SKIP counts it, FAIL stops"},
			{Keyword: "ON BAD FILE", Arg: sql.ArgChoice, Words: []string{"SKIP", "FAIL"},
				Doc: "what becomes of a file that can't be read: SKIP (default) sets it aside with its error in dsql.files and goes on, FAIL stops"},
			{Keyword: "ON SCHEMA CHANGE", Arg: sql.ArgChoice, Words: []string{"IGNORE", "ADD COLUMNS", "FAIL"},
				Doc: "fields that the declaration doesn't name: IGNORE (default) counts them, ADD COLUMNS makes them columns, FAIL stops"},
			{Keyword: "ON MISSING COLUMN", Arg: sql.ArgChoice, Words: []string{"WARN", "NULL", "FAIL"},
				Doc: "a declared column that a file's header or schema doesn't have: WARN (default) says so, and it reads NULL; NULL says nothing; " +
					"FAIL stops"},
		}...),
		Doc: "A place that rows come from. It stores nothing: streams and journals read its new rows.",
		Example: `CREATE SOURCE readings_in (sensor VARCHAR, celsius DOUBLE, day DATE) FROM FILES ('in/readings_{day}.csv', format csv);
CREATE STREAM readings FROM readings_in`,
	}
}

// Parsed is a declaration that was made, not written.
func Parsed(text string, from sql.Clause) (*sql.Decl, error) {
	stmts, err := sql.Parse(sql.NewSource("inspect", text), []*sql.Syntax{Syntax(from)})
	if err != nil {
		return nil, err
	}
	return stmts[0].Decl, nil
}
