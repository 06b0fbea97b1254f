package quality

import (
	"dsql/engine/kind"
	"dsql/rules"
	"dsql/sql"
)

// Kind is CREATE CHECKS: a list of checks that destinations APPLY.
var Kind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "CHECKS", Plural: "CHECKS",
		Head: []sql.Clause{{Arg: sql.ArgItems, Items: kind.CheckItems, Required: true, Doc: "the checks"}},
		Doc:  "A list of checks that several destinations APPLY.",
		Example: `CREATE CHECKS house_checks (
  CHECK some_rows EXPECT (count(*) > 0) ON FAILURE WARN,
  CHECK ids EXPECT (is_unique(id)) ON FAILURE HOLD
);
CREATE SOURCE people_in (id BIGINT, email VARCHAR) FROM FILES ('in/*.csv', format csv);
CREATE STREAM people CHECKS (APPLY house_checks, CHECK mails EXPECT (null_ratio(email) < 0.1)) FROM people_in`,
	},
	Compile: func(d *sql.Decl) (kind.Object, error) {
		return rules.NewList("checks", d)
	},
}
