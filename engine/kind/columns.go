package kind

import (
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// Unreserved refuses columns of a query that have a name which dsql uses itself, given in lower case, or the name of another one.
func Unreserved(d *sql.Decl, in []duck.Column, reserved ...string) error {
	seen := map[string]bool{}
	for _, c := range in {
		l := strings.ToLower(c.Name)
		if slices.Contains(reserved, l) {
			return d.Errorf(code.ReservedColumn, "the query of %s has a column %s, a name that dsql uses itself", d.Name, c.Name).
				WithHint("give it another name with AS, or leave it out: t.* EXCLUDE (" + c.Name + ")")
		}
		if seen[l] {
			return d.Errorf(code.DuplicateColumn, "the query of %s has two columns %s", d.Name, c.Name).
				WithHint("give one of them another name with AS, or leave it out with EXCLUDE")
		}
		seen[l] = true
	}
	return nil
}
