package sql_test

import (
	"fmt"

	"dsql/sql"
)

// A form of one's own is a value: parsing and its errors come of it.
func ExampleParse() {
	greeting := &sql.Syntax{Keyword: "GREETING", Clauses: []sql.Clause{{Keyword: "TO", Arg: sql.ArgString, Required: true}}}
	stmts, err := sql.Parse(sql.NewSource("s.sql", "CREATE GREETING hello TO 'you'; SELECT 1"), []*sql.Syntax{greeting})
	if err != nil {
		fmt.Println(err)
	}
	for _, s := range stmts {
		if s.Decl == nil {
			fmt.Println("DuckDB's:", s.Text())
			continue
		}
		fmt.Println(s.Decl.Name, s.Decl.Arg("TO").Text)
	}
	// Output:
	// hello you
	// DuckDB's: SELECT 1
}
