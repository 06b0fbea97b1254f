package duck

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"dsql/sql"
)

// A reserved word where a name was meant is told as that, and a syntax error of another kind isn't.
func TestReservedNames(t *testing.T) {
	db, err := Open(t.Context(), "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, x := range []struct{ text, word string }{
		{"SELECT at FROM t", "at"}, {"SELECT id, order FROM t", "order"}, {"SELECT group, id FROM t", "group"}, {"SELECT max(end) FROM t", "end"},
		{"SELECT * FROM t WHERE id = user AND left = 2", "left"}, {"SELECT t.id FROM t ORDER BY desc", "desc"},
		{"SELECT at AS id FROM t", "at"}, {"SELECT id FROM t ORDER BY left DESC", "left"},
		{"SELECT id FROM WHERE id > 2", ""}, {"SELECT (1 FROM t", ""}, {"SELECT id FRM t WHERE", ""}, {"SELECT CASE WHEN 1 END FROM t", ""},
	} {
		src := sql.NewSource("s.sql", x.text)
		_, err := db.Writer().Describe(t.Context(), User(src, sql.Span{End: len(x.text)}), sql.Place{Src: src})
		var e *sql.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", x.text, err)
		}
		if told := strings.Contains(e.Hint, "reserved word"); told != (x.word != "") || told && !strings.HasPrefix(e.Hint, x.word+" is a reserved word") {
			t.Errorf("%s: %s, hint %q", x.text, e.Msg, e.Hint)
		}
	}
	words, err := Keywords(t.Context(), db.Writer(), SQL("WHERE keyword_category = 'type_function'"))
	if err != nil {
		t.Fatal(err)
	}
	if known := slices.Sorted(maps.Keys(words)); !slices.Equal(known, typeFunctions) {
		t.Errorf("DuckDB has other words than typeFunctions: %q", known)
	}
}
