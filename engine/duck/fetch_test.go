package duck

import (
	"context"
	"strings"
	"testing"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"dsql/sql"
)

// What DuckDB's own threads have interrupted tells the error that it ended with: here nobody but the test did.
func TestInterruptedByDuckDB(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := db.Writer()
	const late = "SELECT CASE WHEN i = 5000000 THEN error('late') ELSE i END::%s FROM range(10000000) t(i)"
	interrupt := func() { bindings.Interrupt(c.bound()) }
	prepared := func(text string) *Statement {
		st, err := c.Prepare(Text(text), sql.Place{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(st.Close)
		return st
	}
	readers := map[string]func(text string) error{
		"Query": func(text string) error {
			r, err := c.Query(t.Context(), Text(text), sql.Place{})
			if err != nil {
				return err
			}
			defer r.Close()
			for interrupt(); r.Next(); {
			}
			return r.Err()
		},
		"Statement.Query": func(text string) error {
			r, err := prepared(text).Query(t.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			for interrupt(); r.Next(); {
			}
			return r.Err()
		},
		"Run": func(text string) error {
			r, err := prepared(text).Run(t.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			for interrupt(); r.Next(); {
			}
			return r.Err()
		},
		"Chunks": func(text string) error {
			r, err := prepared(text).Chunks(t.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			for interrupt(); r.Next(); {
			}
			return r.Err()
		},
		"Keys": func(text string) error {
			var once bool
			return NewKeys().Each(t.Context(), c, Text(strings.Replace(text, "SELECT ", "SELECT i, ", 1)), func(Key, int64) {
				if !once {
					interrupt()
				}
				once = true
			})
		},
	}
	for name, read := range readers {
		kind := "BIGINT"
		if name == "Run" {
			kind = "VARCHAR"
		}
		text := strings.Replace(late, "%s", kind, 1)
		if err := read(text); err == nil || !strings.Contains(err.Error(), "late") {
			t.Errorf("%s: %v", name, err)
		}
		if err := read(strings.Replace(text, "5000000", "-1", 1)); err == nil || !strings.Contains(err.Error(), errLost.Error()) {
			t.Errorf("%s, which would end well: %v", name, err)
		}
		err := c.ReadOnly(context.Background(), func() error { return read(text) }) // nothing runs behind an error in a transaction
		if err == nil || !strings.Contains(err.Error(), errLost.Error()) {
			t.Errorf("%s, in a transaction: %v", name, err)
		}
	}
}
