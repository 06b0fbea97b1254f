package program

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/engine/watermark"
	"dsql/sql"
	"dsql/sql/code"
)

// An outer join gives its pairs as an inner one does: JOIN stands in the place of LEFT JOIN. A row of a side that it keeps waits until it
// finds one (waiting.go); once its range of time lies behind the watermark of the other side none can come any more, and the query over it
// alone, the other side without rows, is what it gives.

// outer is what of a join is about rows that find none.
type outer struct {
	keeps   [2]bool    // rows of the side that find none come with NULLs
	word    sql.Span   // LEFT JOIN
	to      int        // where the condition ends
	time    [2]string  // the column of a side that is its event time; "": it has none
	zoned   [2]bool    // that is a TIMESTAMPTZ
	ends    [2][]limit // of the other side's event time: up to where a row of the side may find one; none: for ever
	options watermark.Options
}

// keeps are the sides of which a join gives rows that find none.
func keeps(n *tree.Join) [2]bool {
	full := n.Type == "OUTER" || n.Type == "FULL"
	return [2]bool{full || n.Type == "LEFT", full || n.Type == "RIGHT"}
}

// outer finds in the text what of it makes the join an outer one, and where its condition ends.
func (f *meeting) outer(n *tree.Join) (*outer, error) {
	b := f.j.body
	o := &outer{keeps: keeps(n)}
	if f.stands(n.Left) != 1 || f.stands(n.Right) != 2 {
		return nil, f.j.fail("%s", "an outer join takes both as they are stored").
			WithHint("write FROM STREAM a LEFT JOIN STREAM b ON …, other tables behind it; what is done to rows before, in a stream of their own")
	}
	r := spotFinder{b: b, toks: sql.Tokens(b.src, b.span)}
	at := slices.IndexFunc(r.toks, func(t sql.Token) bool { return t.Span.Start == b.reads[b.other].from })
	first := at - 2
	if r.is(first, "OUTER") {
		first--
	}
	if !r.is(at-1, "JOIN") || !r.is(first, "LEFT", "RIGHT", "FULL") {
		return nil, f.unlike(n)
	}
	o.word = r.toks[first].Span.To(r.toks[at-1].Span)
	for at < len(r.toks) && (r.toks[at].Span.End < b.reads[b.other].to || !r.is(at, "ON", "USING")) {
		at++
	}
	end := at + 1
	if r.is(at, "USING") {
		end = r.next(end, len(r.toks))
	} else if at < len(r.toks) {
		end = (&ranges{spotFinder: r}).ends(end)
	}
	if end > len(r.toks) {
		return nil, f.unlike(n)
	}
	o.to = r.toks[end-1].Span.End
	return o, nil
}

// stands says which side a relation is as it is: 1, 2, or 0.
func (f *meeting) stands(n tree.Node) int {
	t, ok := n.(*tree.Table)
	switch {
	case !ok || len(t.Columns) > 0 || f.j.body.tree.CTE(t) != nil:
		return 0
	case t.At == f.first:
		return 1
	case t.At == f.second:
		return 2
	}
	return 0
}

// worded is the query with another kind of join: its pairs alone, or those of one side. (Rows of a FULL JOIN come in no order.)
func (j *Join) worded(kind string) *body {
	b := *j.body
	b.edits = append(slices.Clone(b.edits), edit{j.outer.word, duck.Text(kind)})
	return &b
}

// met are the sides where they are joined, without what else the query reads, and without its WHERE.
func (j *Join) met(rels [2]*duck.Query) *duck.Query {
	return j.worded("INNER JOIN").within(sql.Span{Start: j.body.reads[j.body.fresh].from, End: j.outer.to}, rels[0], rels[1])
}

// Watermarked is a declaration that may say how a watermark goes on.
type Watermarked interface {
	Watermark() (watermark.Options, *sql.Value)
}

// Outer: rows that find none come, too.
func (j *Join) Outer() bool { return j.outer != nil }

// Nothing is the query over no rows.
func (j *Join) Nothing() *duck.Query { return j.body.query(empty(j.sides[0].Of), empty(j.sides[1].Of)) }

// bindOuter finds the event times of both sides, and up to when a row may find one.
func (j *Join) bindOuter(ctx context.Context, tx *duck.Tx, n *Node) error {
	o, d := j.outer, n.Obj.Decl()
	if o == nil {
		return nil
	}
	for i, s := range j.sides {
		if _, ok := s.Of.Obj.(kind.Mover); !ok {
			return j.fail("%s %s doesn't tell which version brought a row", s.Of.Kind, s.Of.Name)
		}
		o.time[i] = s.time()
		for _, c := range s.Of.Cols {
			if sql.Same(c.Name, o.time[i]) {
				o.time[i], o.zoned[i] = c.Name, zoned(c.Type)
			}
		}
	}
	for i := range j.sides {
		o.ends[i] = nil
		for _, l := range j.sides[1-i].limits {
			if o.keeps[i] && l.timed && !l.least && sql.Same(l.column, o.time[1-i]) {
				o.ends[i] = append(o.ends[i], l)
			}
		}
	}
	if len(o.ends[0])+len(o.ends[1]) == 0 {
		o.time = [2]string{}
	}
	if a, b := j.sides[0].Of, j.sides[1].Of; a == b && o.time[0] != "" && o.time[1] != "" && o.time[0] != o.time[1] {
		return j.fail("%s is joined with itself by two times, %s and %s, and has one watermark", a.Name, o.time[0], o.time[1]).
			WithHint("store the rows of one side in a stream of their own")
	}
	w, _ := n.Obj.(Watermarked)
	if w != nil {
		var v *sql.Value
		if o.options, v = w.Watermark(); v != nil && !o.timed() {
			return d.At(v.Keyword).Errorf(code.JoinQuery, "WATERMARK needs a range of time in ON: what has no end is never behind it").
				WithHint("say how far rows may lie apart: … AND b.at BETWEEN a.at AND a.at + INTERVAL 1 HOUR")
		}
	}
	_, err := tx.Describe(ctx, duck.SQL("SELECT 1 FROM {met}", duck.Args{"met": j.met([2]*duck.Query{empty(j.sides[0].Of),
		empty(j.sides[1].Of)})}), d.Place())
	return err
}

// unjoined refuses WATERMARK where no two STREAMs are joined.
func (n *Node) unjoined() error {
	w, ok := n.Obj.(Watermarked)
	if !ok || n.Join() != nil {
		return nil
	}
	if _, v := w.Watermark(); v != nil {
		return n.Obj.Decl().At(v.Keyword).Errorf(code.JoinQuery, "WATERMARK is of a join of two STREAMs, and %s takes the rows of one", n.Name).
			WithHint("leave it out; a rollup has a watermark of its own")
	}
	return nil
}

// time is the column that a side has in the range: the one that says up to when, if there is one.
func (s joined) time() string {
	for _, least := range []bool{false, true} {
		for _, l := range s.limits {
			if l.timed && l.least == least {
				return l.column
			}
		}
	}
	return ""
}

// timed: rows of a side may come that have waited.
func (o *outer) timed() bool { return o != nil && o.time != [2]string{} }

// waitsForever is a warning where rows that find none never come.
func (j *Join) waitsForever(n *Node) *sql.Error {
	if j.outer == nil {
		return nil
	}
	for i, keeps := range j.outer.keeps {
		if keeps && len(j.outer.ends[i]) == 0 {
			return j.body.at(j.body.other).Errorf(code.JoinForever, "a row of %s may find one of %s for ever, so %s never gives one that found none",
				j.sides[i].Of.Name, j.sides[1-i].Of.Name, n.Name).
				WithHint("say in ON up to which time of the other side: … AND b.at BETWEEN a.at AND a.at + INTERVAL 1 HOUR")
		}
	}
	return nil
}

// outerWords say when rows that find none come.
func (j *Join) outerWords() (out string) {
	if j.outer == nil {
		return ""
	}
	for i, keeps := range j.outer.keeps {
		a, b := j.sides[i].Of.Name, j.sides[1-i].Of.Name
		switch {
		case !keeps:
		case len(j.outer.ends[i]) == 0:
			out += fmt.Sprintf("\n     a row of %s that finds none waits for ever", a)
		default:
			out += fmt.Sprintf("\n     a row of %s that finds none comes when the watermark of %s, by %s, is beyond %s", a, b, j.outer.time[1-i],
				j.endWords(i))
		}
	}
	for i, time := range j.outer.time {
		if time != "" && !(i == 1 && j.sides[0].Of == j.sides[1].Of) {
			out += fmt.Sprintf("\n     a row of %s behind the watermark of %[1]s, by %s, is too late: a reject", j.sides[i].Of.Name, time)
		}
	}
	return out
}

func (j *Join) endWords(side int) string {
	toks := sql.Tokens(j.body.src, j.body.span)
	var out []string
	for _, l := range j.outer.ends[side] {
		text := toks[l.other.from].Span.To(toks[l.other.to-1].Span).Of(j.body.src)
		if l.shift.to > 0 {
			text += map[bool]string{true: " + ", false: " - "}[l.minus] + toks[l.shift.from].Span.To(toks[l.shift.to-1].Span).Of(j.body.src)
		}
		out = append(out, text)
	}
	return strings.Join(out, " or ")
}

// instant is a time as it is compared, in microseconds: those that are infinite lie before or behind all others. NULL stays NULL.
func instant(ts *duck.Query, zoned bool) *duck.Query {
	a := duck.Args{"ts": ts, "t": duck.Type("TIMESTAMP"), "min": int64(math.MinInt64 + 1), "max": int64(math.MaxInt64)}
	if zoned {
		a["t"] = duck.Type("TIMESTAMP WITH TIME ZONE")
	}
	a["ts"] = duck.SQL("({ts})::{t}", a)
	return duck.SQL("CASE WHEN isfinite({ts}) THEN epoch_us({ts}) WHEN {ts} > 'epoch'::{t} THEN {max} WHEN {ts} IS NOT NULL THEN {min} END", a)
}

// end is up to which time of the other side a row of a side may find one, in microseconds; watermark.None: it finds none.
func (j *Join) end(side int) *duck.Query {
	toks := sql.Tokens(j.body.src, j.body.span)
	if len(j.outer.ends[side]) == 0 {
		return duck.SQL("{max}", duck.Args{"max": int64(math.MaxInt64)})
	}
	return duck.SQL("least({ends})", duck.Args{"ends": duck.Each(", ", j.outer.ends[side], func(l limit) *duck.Query {
		a := duck.Args{"x": j.text(toks, l.other), "shift": duck.SQL(""), "days": l.loose, "none": int64(watermark.None)}
		if l.shift.to > 0 && l.minus {
			a["shift"] = duck.SQL(" + ({s})", duck.Args{"s": j.text(toks, l.shift)})
		} else if l.shift.to > 0 {
			a["shift"] = duck.SQL(" - ({s})", duck.Args{"s": j.text(toks, l.shift)})
		}
		if l.loose > 0 {
			a["shift"] = duck.SQL("{shift} + to_days({days}::INTEGER)", a)
		}
		a["at"] = instant(duck.SQL("({x}){shift}", a), j.outer.zoned[1-side])
		return duck.SQL("coalesce({at}, {none})", a)
	})})
}
