package rollup

import (
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
	"dsql/sql/code"
)

// Windows of event time. DuckDB has no such functions: a call of tumble is one of time_bucket; hop and session give columns of their own,
// hop by a join with the windows that a row lies in, session by what stands between a row and the one before it.

const (
	hopColumn     = "_window"
	sessionColumn = "_session"
)

// window is a call of one of the functions.
type window struct {
	name string // tumble, hop or session
	at   part   // the call
	args []*duck.Query
	time part        // its first argument
	is   *duck.Query // what stands in its place
	ends *duck.Query // the window's end
}

var arguments = map[string][2]int{"tumble": {2, 3}, "hop": {3, 3}, "session": {2, 2}, "window_end": {1, 1}}

var forms = map[string]string{"tumble": "tumble(ts, size [, offset])", "hop": "hop(ts, size, slide)", "session": "session(ts, gap)",
	"window_end": "window_end(window)"}

// calls are those of the functions, outermost first, in the order of the text.
func (q *query) calls() (errs sql.List) {
	for i := 0; i+1 < len(q.toks); i++ {
		name := strings.ToLower(q.word(i))
		want, ok := arguments[name]
		if !ok || !q.is(i+1, "(") || q.is(i-1, ".") || q.toks[i].Kind != sql.Word {
			continue
		}
		call := part{i, q.next(i + 1)}
		args := q.split(part{i + 2, call.to - 1})
		if len(args) < want[0] || len(args) > want[1] {
			errs = append(errs, q.fail(call, "%s takes other arguments", name).WithHint("write "+forms[name]))
			continue
		}
		if name == "window_end" {
			q.ends = append(q.ends, windowEnd{call, args[0]})
			continue
		}
		w := &window{name: name, at: call, time: args[0]}
		for _, a := range args {
			w.args = append(w.args, q.user(a))
		}
		errs = append(errs, q.window(w)...)
		i = call.to - 1
	}
	for _, e := range q.ends {
		w := q.named(e.of)
		if w == nil {
			errs = append(errs, q.fail(e.at, "%s is no window", q.span(e.of).Of(q.src)).
				WithHint("window_end takes the call of tumble, hop or session that the query groups by, or its name in the SELECT"))
			continue
		}
		q.edits = append(q.edits, edit{q.span(e.at), w.ends})
	}
	return errs
}

// isWindow: the name, in lower case, stands for a window of time.
func isWindow(name string) bool { _, is := arguments[name]; return is }

// windowEnd is a call of window_end.
type windowEnd struct{ at, of part }

// window says what stands in a call's place.
func (q *query) window(w *window) (errs sql.List) {
	a := duck.Args{"ts": w.args[0], "size": w.args[1]}
	switch w.name {
	case "tumble":
		w.is = duck.SQL("time_bucket(({size}), ({ts}))", a)
		if len(w.args) == 3 {
			w.is = duck.SQL("time_bucket(({size}), ({ts}), ({offset}))", a, duck.Args{"offset": w.args[2]})
		}
		w.ends = duck.SQL("({is} + ({size}))", a, duck.Args{"is": w.is})
	case "hop":
		w.is = duck.Ident(hopColumn)
		w.ends = duck.SQL("({is} + ({size}))", a, duck.Args{"is": w.is})
	case "session":
		w.is = duck.Ident(sessionColumn)
		w.ends = duck.SQL("(max({ts}) + ({size}))", a)
	}
	for _, other := range q.windows {
		if !q.same(w.at, other.at) && (w.name != "tumble" || other.name != "tumble") {
			errs = append(errs, q.fail(w.at, "a rollup has one window, and this is another than %s", q.span(other.at).Of(q.src)).
				WithHint("make a rollup of its own for each"))
			break
		}
	}
	q.windows = append(q.windows, w)
	q.edits = append(q.edits, edit{q.span(w.at), w.is})
	return errs
}

// named is the window that a text calls, or that stands in the SELECT under this name.
func (q *query) named(p part) *window {
	for _, w := range q.windows {
		if q.same(w.at, p) {
			return w
		}
	}
	for _, it := range q.items {
		if p.to-p.from == 1 && it.alias != "" && sql.Same(it.alias, sql.NameOf(q.word(p.from))) {
			return q.named(it.expr)
		}
	}
	return nil
}

// only is the hop or session of the query.
func (q *query) only() *window {
	for _, w := range q.windows {
		if w.name != "tumble" {
			return w
		}
	}
	return nil
}

// hops gives each row once for each window that it lies in, and once for none where it has no time, or an infinite one.
func (w *window) hops() *duck.Query {
	return duck.SQL(`, unnest(coalesce(CASE WHEN isfinite({ts}) THEN generate_series(time_bucket(({slide}), ({ts}) - ({size})) + ({slide}),
		time_bucket(({slide}), ({ts})), ({slide})) END, [NULL])) AS _windows({is})`, duck.Args{"ts": w.args[0], "size": w.args[1], "slide": w.args[2], "is": w.is})
}

// sessions gives rows with the start of the session that they belong to: rows of the same other groups, none of which is further behind
// the one before it than the gap.
func (w *window) sessions(rows, as *duck.Query, groups []*duck.Query, where *duck.Query) *duck.Query {
	a := duck.Args{"rows": rows, "as": as, "where": where, "ts": w.args[0], "gap": w.args[1], "is": w.is, "by": duck.SQL("")}
	a["more"] = duck.SQL("PARTITION BY ")
	if len(groups) > 0 {
		a["by"] = duck.SQL("PARTITION BY {g} ", duck.Args{"g": duck.Join(", ", groups...)})
		a["more"] = duck.SQL("{by}, ", a)
	}
	return duck.SQL(`(SELECT *, min({ts}) OVER ({more}_nth) AS {is} FROM (
		SELECT *, count(CASE WHEN _opens THEN 1 END) OVER ({by}ORDER BY ({ts}) ROWS UNBOUNDED PRECEDING) AS _nth FROM (
		SELECT *, coalesce(({ts}) > lag({ts}) OVER ({by}ORDER BY ({ts})) + ({gap}), true) AS _opens
		FROM {rows}{as}{where}){as}){as}){as}`, a)
}

// Misplaced explains what DuckDB says of a window function that stands anywhere but in a rollup.
func Misplaced(e *sql.Error) {
	if !duck.IsMissing(e) {
		return
	}
	for name := range arguments {
		if strings.Contains(strings.ToLower(e.Msg), "function with name "+name+" does not exist") {
			e.Code, e.Msg = code.RollupWindow, name+" stands only in the query of a ROLLUP"
			e.Hint = "elsewhere write time_bucket(size, ts): the start of the window that a time lies in"
		}
	}
}
