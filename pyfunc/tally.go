package pyfunc

import (
	"fmt"
	"sync"

	"dsql/engine/duck"
	"dsql/sql"
)

// tally counts the rows that a function with ON ERROR NULL gave none for.
type tally struct {
	mu    sync.Mutex
	n     int64
	first string
}

func (t *tally) add(rows []failedRow) {
	if len(rows) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		t.first = rows[0].Text
	}
	t.n += int64(len(rows))
}

func (t *tally) take() (n int64, first string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, first = t.n, t.first
	t.n, t.first = 0, ""
	return n, first
}

// Failed are warnings of the rows that functions with ON ERROR NULL gave no value for since it was last asked.
func Failed(db *duck.DB) []*sql.Error {
	h := hostIfAny(db)
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*sql.Error
	for _, f := range h.functions {
		n, first := f.failed.take()
		if n == 0 {
			continue
		}
		calls := "calls"
		if n == 1 {
			calls = "call"
		}
		e := f.error(fmt.Sprintf("%d %s of %s failed and gave NULL, the first with %s", n, calls, f.Name, firstLine(first)),
			"it is declared ON ERROR NULL; with REJECT such rows go to dsql.rejects")
		out = append(out, e)
	}
	return out
}
