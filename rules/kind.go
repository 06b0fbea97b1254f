package rules

import (
	"dsql/engine/kind"
	"dsql/sql"
)

// Kind is CREATE RULES: a list of items that destinations APPLY. What its expressions mean is known only where it is applied,
// as they see that destination's columns.
var Kind = kind.Kind{
	Syntax: &sql.Syntax{
		Keyword: "RULES", Plural: "RULES",
		Head: []sql.Clause{{Arg: sql.ArgItems, Items: kind.RuleItems, Required: true, Doc: "the items, in order"}},
		Doc:  "A list of rules that several destinations APPLY.",
		Example: `CREATE RULES house_rules (
  SET COLUMNS('.*_email') = lower(trim(_)),
  CONSTRAINT has_contact EXPECT (work_email IS NOT NULL)
);
CREATE SOURCE people_in (id BIGINT, work_email VARCHAR, home_email VARCHAR) FROM FILES ('in/*.csv', format csv);
CREATE STREAM people RULES (APPLY house_rules) FROM people_in`,
	},
	Compile: func(d *sql.Decl) (kind.Object, error) {
		return NewList("rules", d)
	},
}
