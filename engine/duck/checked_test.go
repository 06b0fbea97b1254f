//go:build invariants

package duck

import (
	"strings"
	"testing"
)

// What must not be written into a vector, or run in a transaction, doesn't go by.
func TestInvariants(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	l, err := db.Writer().NewLayout([]Column{{Name: "a", Type: "INTEGER"}, {Name: "b", Type: "VARCHAR"}, {Name: "c", Type: "INTEGER[]"},
		{Name: "d", Type: "DECIMAL(12, 2)"}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := l.NewChunk()
	defer c.Close()
	var tx *Tx
	if err := db.Writer().Update(t.Context(), func(in *Tx) error { tx = in; return nil }); err != nil {
		t.Fatal(err)
	}
	v := func(i int) *Vector { return &c.Vecs[l.Columns[i].Vec] }
	Put(v(0), 0, int32(1))
	Put(v(3), 0, int64(1))
	v(1).PutBytes(0, []byte("x"))
	v(2).PutList(0, c.Append(l.Columns[2]), 1)
	for name, f := range map[string]func(){
		"INTEGER":          func() { Put(v(0), 0, int64(1)) },
		"DECIMAL(12,2)":    func() { Put(v(3), 0, int32(1)) },
		"row 2048":         func() { Put(v(0), ChunkRows, int32(1)) },
		"INTEGER, which":   func() { v(0).PutBytes(0, []byte("x")) },
		"there are 1":      func() { v(2).PutList(0, 1, 1) },
		"nil pointer":      func() { tx.Run(t.Context(), SQL("SELECT 1")) },
		"of a vector of 2": func() { c.SetNull(l.Columns[0], -1) },
	} {
		func() {
			defer func() {
				e := recover()
				text, ok := e.(string)
				if err, is := e.(error); is {
					text, ok = err.Error(), true
				}
				if !ok || !strings.Contains(text, name) {
					t.Errorf("%s: %v", name, e)
				}
			}()
			f()
		}()
	}
}
