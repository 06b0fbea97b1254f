package torture

import "fmt"

// What users make in the file themselves: views over what is declared, and tables. dsql leaves them as they are, whatever becomes of what
// they read.

// settings are what a script may say of its own statements; what dsql runs goes by none of it.
var settings = []string{"default_collation = 'NOCASE'", "max_expression_depth = 20", "errors_as_json = false", "TimeZone = 'Asia/Tokyo'",
	"threads = 1", "preserve_insertion_order = false", "integer_division = true", "default_null_order = 'nulls_first'",
	"default_order = 'DESC'", "ieee_floating_point_ops = false", "old_implicit_casting = true",
	"scalar_subquery_error_on_multiple_rows = false", "order_by_non_integer_literal = true", "memory_limit = '200MB'",
	"search_path = 'dsql'", "enable_object_cache = true", "arrow_large_buffer_size = true",
	"disabled_optimizers = 'filter_pushdown,statistics_propagation'", "perfect_ht_threshold = 0", "schema = 'dsql'",
	"lock_configuration = true"} // behind the others

// userRows are those of each of the user's tables.
const userRows = "SELECT unnest([7, 8]) AS n"

// user draws a view over a column of some destination, and now and then a table.
func (g *gen) user(m *Model) []User {
	var out []User
	if g.below(3) == 0 {
		out = append(out, User{Name: g.next("u")})
	}
	list := filter(m.sorted(), func(n string) bool { return len(m.dests[n].cols) > 0 })
	if len(list) == 0 {
		return out
	}
	x := m.dests[list[g.below(len(list))]]
	return append(out, User{Name: g.next("w"), Of: x.decl.Name, Col: x.cols[g.below(len(x.cols))]})
}

// text is the statement; false where what it reads isn't there.
func (u User) text(m *Model) (string, bool) {
	if u.Of == "" {
		return fmt.Sprintf("CREATE OR REPLACE TABLE %s AS %s;\n", u.Name, userRows), true
	}
	x := m.dests[low(u.Of)]
	if x == nil || !has(x.cols, u.Col) {
		return "", false
	}
	return fmt.Sprintf("CREATE OR REPLACE VIEW %s AS SELECT %s FROM %s;\n", u.Name, u.Col, u.Of), true
}

// users are the user's tables as they were made, and views that give what their destination has now.
func (l *look) users(afterKill bool) error {
	for _, name := range sortedKeys(l.m.users) {
		u, want := l.m.users[name], &table{}
		if u.Of == "" {
			want.add(7)
			want.add(8)
			if err := l.ask("user", "FROM "+name, want); err != nil {
				return err
			}
			continue
		}
		if x := l.m.dests[low(u.Of)]; x == nil || !has(x.cols, u.Col) || afterKill {
			continue
		}
		want.add(0)
		of := fmt.Sprintf("SELECT %s FROM %s", u.Col, u.Of)
		if err := l.ask("user", fmt.Sprintf("SELECT count(*) FROM ((FROM %[1]s EXCEPT ALL %[2]s) UNION ALL (%[2]s EXCEPT ALL FROM %[1]s))", name, of),
			want); err != nil {
			return err
		}
	}
	return nil
}
