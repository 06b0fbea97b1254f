package duck

import (
	"context"
	"strings"
)

// FixClock makes all that tells the time on this connection give one: macros that hide DuckDB's functions. at is an expression of it; a time
// without a zone is in UTC. nil: the time goes on.
func (c *Conn) FixClock(ctx context.Context, at *Query) error {
	if err := c.Run(ctx, SQL("SET TimeZone = 'UTC'")); err != nil { // a day is one day wherever the test runs
		return err
	}
	if at == nil {
		for _, name := range clockNames {
			if err := c.Run(ctx, SQL("DROP MACRO IF EXISTS temp.main.{n}", Args{"n": Ident(name)})); err != nil {
				return err
			}
		}
		return nil
	}
	var zoned string
	if _, err := c.Scan(ctx, SQL("SELECT CAST(CAST({t} AS TIMESTAMPTZ) AS VARCHAR)", Args{"t": at}), &zoned); err != nil {
		return err
	}
	a := Args{"t": SQL("CAST({t} AS TIMESTAMPTZ)", Args{"t": zoned})}
	for i, body := range []*Query{
		SQL("{t}", a), SQL("{t}", a), SQL("{t}", a), SQL("CAST({t} AS DATE)", a), SQL("CAST({t} AS DATE)", a), SQL("CAST({t} AS TIMESTAMP)", a),
		SQL("CAST(CAST({t} AS TIMESTAMP) AS TIME)", a), SQL("CAST({t} AS TIMETZ)", a),
	} {
		if err := c.Run(ctx, SQL("CREATE OR REPLACE TEMP MACRO {n}() AS {b}", Args{"n": Ident(clockNames[i]), "b": body})); err != nil {
			return err
		}
	}
	return c.Run(ctx, SQL(`CREATE OR REPLACE TEMP MACRO age(x) AS
		CAST(error('age(x) takes the time of the machine: write age(current_date, x)') AS INTERVAL),
		(x, y) AS system.main.age(x, y)`))
}

var clockNames = []string{"now", "get_current_timestamp", "transaction_timestamp", "today", "current_date", "current_localtimestamp",
	"current_localtime", "get_current_time", "age"}

// clockWords ask for the time; true: without parentheses too, so that no column can be meant.
var clockWords = map[string]bool{"current_timestamp": true, "current_date": true, "current_time": true, "localtime": true, "localtimestamp": true,
	"now": false, "today": false, "get_current_timestamp": false, "transaction_timestamp": false, "current_localtimestamp": false,
	"current_localtime": false, "get_current_time": false, "age": false}

// AsksTime tells the words by which SQL asks for the time.
func AsksTime(word string) bool {
	_, ok := clockWords[strings.ToLower(word)]
	return ok
}

// AsksTimeAlone tells those that do so without parentheses.
func AsksTimeAlone(word string) bool { return clockWords[strings.ToLower(word)] }
