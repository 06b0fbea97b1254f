package sinks

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// roll says when versions are written that wait for others: when there are as many rows or bytes, or when the oldest has waited for so
// long. 0: no matter. Nothing waits but in the DuckDB file, where a sink's rows are anyway.
type roll struct {
	rows, bytes int64
	interval    time.Duration
}

const rollForm = "write roll (rows 100000, bytes 128000000, interval '10 minutes'), or one or two of them"

// rolling reads roll (rows n, bytes n, interval '…').
func (d *declared) rolling(o sql.Option, errs *sql.List) *roll {
	bad := func(at sql.Span, format string, args ...any) *roll {
		*errs = append(*errs, d.decl.At(at).Errorf(code.BadRoll, format, args...).WithHint(rollForm))
		return nil
	}
	if o.Kind != sql.OptList || !strings.HasPrefix(o.Text, "(") {
		return bad(o.Value, "roll is a list of limits")
	}
	toks := sql.Tokens(d.decl.Src, sql.Span{Start: o.Value.Start + 1, End: o.Value.End - 1})
	text := func(i int) string {
		if i >= len(toks) {
			return ""
		}
		return toks[i].Span.Of(d.decl.Src)
	}
	r := &roll{}
	for i := 0; i < len(toks); {
		name, at := strings.ToLower(text(i)), toks[i].Span
		j := i + 1
		for j < len(toks) && text(j) != "," {
			j++
		}
		value := toks[i+1 : j]
		if i = j + 1; len(value) == 0 {
			return bad(at, "%s needs a value", name)
		}
		span := value[0].Span.To(value[len(value)-1].Span)
		given := strings.Trim(strings.ReplaceAll(span.Of(d.decl.Src), "_", ""), "'")
		n, err := strconv.ParseInt(given, 10, 64)
		switch name {
		case "rows", "bytes":
			if err != nil || n < 1 {
				return bad(span, "%s is a whole number above 0", name)
			}
			if name == "rows" {
				r.rows = n
			} else {
				r.bytes = n
			}
		case "interval":
			d, ok := sql.Duration(given)
			if !ok || d < time.Second || d > 7*24*time.Hour {
				return bad(span, "%s is no time from a second to a week", given)
			}
			r.interval = d
		default:
			return bad(at, "roll has no limit %s", name)
		}
	}
	if *r == (roll{}) {
		return bad(o.Value, "roll has no limit")
	}
	return r
}

func (r *roll) String() string {
	var when []string
	if r.rows > 0 {
		when = append(when, fmt.Sprintf("have %d rows", r.rows))
	}
	if r.bytes > 0 {
		when = append(when, fmt.Sprintf("have %d bytes", r.bytes))
	}
	if r.interval > 0 {
		when = append(when, fmt.Sprintf("have waited for %s", r.interval))
	}
	return strings.Join(when, " or ")
}

// Gather is Gatherer's. What a run had begun to write when it ended comes first, with the versions that it had: its files get the same
// names.
func (f *fileOutlet) Gather(ctx context.Context, due []kind.DueVersion, rows *duck.Query, all bool) (int, error) {
	if !f.resumed {
		before, err := f.read()
		if err != nil {
			return 0, f.told(err)
		}
		f.resumed = true
		for i, d := range due {
			if before != nil && d.Version == before.Version {
				return i + 1, nil
			}
		}
	}
	r := f.s.roll
	if r == nil {
		return 1, nil
	}
	if r.bytes > 0 && f.perRow == 0 {
		if err := f.estimate(ctx, rows); err != nil {
			return 0, err
		}
	}
	n := int64(0)
	for i, d := range due {
		n += d.Rows
		if r.rows > 0 && n >= r.rows || r.bytes > 0 && float64(n)*f.perRow >= float64(r.bytes) {
			return i + 1, nil
		}
	}
	if all || r.interval > 0 && time.Since(due[0].Since) >= r.interval {
		return len(due), nil
	}
	return 0, nil
}

// sampled is how many rows are looked at to find how large they are.
const sampled = 1000

// estimate finds how many bytes a row has before anything was written: those of its JSON, more than there will be.
func (f *fileOutlet) estimate(ctx context.Context, rows *duck.Query) error {
	_, err := f.c.Scan(ctx, duck.SQL("SELECT coalesce(avg(octet_length(encode(to_json(x)::VARCHAR))), 0)::DOUBLE FROM (FROM ({rows}) "+
		"LIMIT {n}) x",
		duck.Args{"rows": rows, "n": int64(sampled)}), &f.perRow)
	return err
}
