package duck

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	"dsql/internal/lazy"
	"dsql/sql"
)

// An error of a function written in Go goes through DuckDB as a text. Where it is one that users see, with its place and what to do, the
// text has a number that it is found by on the other side. The last few are kept: each is asked for at once, or never.
var raised struct {
	sync.Mutex
	next int
	last [64]*sql.Error
}

var raisedNumber = lazy.Regexp(` \[error ([0-9]+) of a function\]`)

// raise is the text that DuckDB is given.
func raise(err error) string {
	var e *sql.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	raised.Lock()
	defer raised.Unlock()
	n := raised.next
	raised.next++
	raised.last[n%len(raised.last)] = e
	return fmt.Sprintf("%s [error %d of a function]", e.Msg, n)
}

// caught is the error that a text of DuckDB's tells of; nil: of none.
func caught(text string) *sql.Error {
	m := raisedNumber().FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	n, err := strconv.Atoi(m[1])
	raised.Lock()
	defer raised.Unlock()
	if err != nil || n >= raised.next || n < raised.next-len(raised.last) {
		return nil
	}
	return raised.last[n%len(raised.last)]
}
