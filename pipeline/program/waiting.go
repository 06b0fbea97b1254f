package program

import (
	"context"
	"fmt"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/fault"
	"dsql/engine/kind"
	"dsql/engine/watermark"
	"dsql/internal/plural"
)

// What an outer join keeps, and changes in the transaction of a version: the rows of a side that have found none, and which rows of the
// two inputs came too late. The first are whole rows: another query may need other columns of them. A row that waits is known by a number;
// the version of the input that brought it says whether a rollback has taken it away since. What is late of an input is what lies before a
// time among the rows of a version.

// The columns of a row that waits, beside its own.
var (
	waitsRow     = duck.Ident("_dsql_row")     // its number
	waitsVersion = duck.Ident("_dsql_version") // the input's version that brought it
	waitsEnd     = duck.Ident("_dsql_end")     // up to which time of the other side it may find one, in microseconds
	waitsGone    = duck.Ident("_dsql_gone")    // a rollback took it away: it neither finds nor comes
)

// Waiting is what an outer join keeps.
type Waiting struct {
	*Join
	n       *Node
	version int64   // that is made
	late    [2]bool // some rows of the side are
}

// sides are the tables of the rows that wait.
var waitsIn = [2]string{"__waiting_left", "__waiting_right"}

func (w *Waiting) table(side int) *duck.Query { return duck.Ident(w.n.Name + waitsIn[side]) }

func (w *Waiting) tooLate() *duck.Query { return duck.Ident(w.n.Name + "__too_late") }

// TooLate is what the reason of a row begins with that is.
const TooLate = "too_late: "

// Waiting is what an outer join keeps, in the transaction of a version; nil: it is an inner one.
func (n *Node) Waiting(ctx context.Context, tx *duck.Tx, version int64) (*Waiting, error) {
	j := n.Join()
	if j == nil || j.outer == nil {
		return nil, nil
	}
	w := &Waiting{Join: j, n: n, version: version}
	for i, keeps := range j.outer.keeps {
		if keeps {
			if err := w.fit(ctx, tx, i); err != nil {
				return nil, err
			}
		}
	}
	return w, w.anyLate(ctx, tx)
}

func (w *Waiting) anyLate(ctx context.Context, tx *duck.Tx) error {
	if !w.outer.timed() {
		return nil
	}
	for i, s := range w.sides {
		some, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM (FROM {t} WHERE input = {of} LIMIT 1)",
			duck.Args{"t": w.tooLate(), "of": s.Of.Name}))
		if w.late[i] = some > 0; err != nil {
			return err
		}
	}
	return nil
}

// InTime says whether a destination joins so that its rows come by watermarks.
func (n *Node) InTime() bool {
	j := n.Join()
	return j != nil && j.outer.timed()
}

// Clocks are the sides that have an event time, each input once, and how their watermarks go on.
func (j *Join) Clocks() (sides []int, o watermark.Options) {
	for i, time := range j.outer.time {
		if time != "" && !(i == 1 && len(sides) > 0 && j.sides[0].Of == j.sides[1].Of) {
			sides = append(sides, i)
		}
	}
	return sides, j.outer.options
}

// Newest is a query of the newest times of rows of a side: see watermark.User.
func (j *Join) Newest(side int, rows *duck.Query) *duck.Query {
	ts := duck.Ident(j.outer.time[side])
	if !j.outer.zoned[side] {
		ts = duck.SQL("{ts}::TIMESTAMP", duck.Args{"ts": ts})
	}
	return duck.SQL("SELECT {part}, {newest}, {ahead} FROM {rows} GROUP BY 1", duck.Args{"part": duck.Ident(watermark.PartColumn), "rows": rows,
		"newest": j.outer.options.Newest(ts), "ahead": j.outer.options.Ahead(ts)})
}

// All are all rows of a side, with the version that brought each.
func (j *Join) All(side int) *duck.Query {
	m, _ := j.sides[side].Of.Obj.(kind.Mover)
	return m.Stamped(j.sides[side].Of.Cols)
}

// brought are the rows of a side that versions (from, to] brought, but those that are late, with their version. Where only those are read
// that are no less than a time, what is late before it needn't be known: a version in which some are leaves a line for good.
func (w *Waiting) brought(side int, from, to int64, least *duck.Query) *duck.Query {
	a := duck.Args{"all": w.All(side), "v": waitsVersion, "from": from, "to": to, "t": w.tooLate(), "of": w.sides[side].Of.Name}
	if !w.late[side] {
		return duck.SQL("(FROM {all} WHERE {v} > {from} AND {v} <= {to})", a)
	}
	a["at"], a["some"] = instant(duck.Ident("_r", w.outer.time[side]), w.outer.zoned[side]), duck.SQL("version > {from}", a)
	if least != nil {
		a["some"] = duck.SQL("{some} AND up_to > {least}", a, duck.Args{"least": least})
	}
	return duck.SQL("(SELECT _r.* FROM {all} _r LEFT JOIN (SELECT version, up_to FROM {t} WHERE input = {of} AND {some}) _late "+
		"ON _late.version = _r.{v} WHERE _r.{v} > {from} AND _r.{v} <= {to} AND (_late.up_to IS NULL OR coalesce({at} >= _late.up_to, true)))", a)
}

// rows are those of brought, as the query takes them.
func (w *Waiting) rows(side int, from, to int64, least *duck.Query) *duck.Query {
	return duck.SQL("(SELECT {cols} FROM {rows})", duck.Args{"cols": w.columns(side), "rows": w.brought(side, from, to, least)})
}

func (w *Waiting) columns(side int) duck.Names { return duck.ColumnNames(w.sides[side].Of.Cols) }

// Judge rejects the rows of a side behind a version that lie before its watermark, and says how many.
func (w *Waiting) Judge(ctx context.Context, tx *duck.Tx, side int, mark, from int64) (int64, error) {
	if mark == watermark.None {
		return 0, nil
	}
	of, time := w.sides[side].Of, duck.Ident(w.outer.time[side])
	a := duck.Args{"all": w.All(side), "v": waitsVersion, "from": from, "at": instant(time, w.outer.zoned[side]), "mark": mark, "t": w.tooLate(),
		"of": of.Name, "time": time, "column": w.outer.time[side], "too_late": TooLate, "until": watermark.Time(mark)}
	a["rows"] = duck.SQL("(FROM {all} WHERE {v} > {from} AND {at} < {mark})", a)
	n, err := tx.Exec(ctx, duck.SQL("INSERT INTO {t} SELECT DISTINCT {of}, {v}, {mark} FROM {rows}", a))
	if err != nil || n == 0 {
		return 0, err
	}
	for i, other := range w.sides {
		w.late[i] = w.late[i] || other.Of == of
	}
	n, err = catalog.Reject(ctx, tx, catalog.Rejection{Destination: w.n.Name, Version: w.version, Columns: of.Cols, Rows: a["rows"].(*duck.Query),
		Reason: duck.SQL("{too_late} || {column} || ' ' || _r.{time}::VARCHAR || ' of ' || {of} || ' lies before its watermark, ' || "+
			"{until}::VARCHAR", a)})
	if err != nil {
		return n, err
	}
	return n, fault.Fault(ctx, "join-judged")
}

// Turned puts to sleep what rollbacks of a side behind a version have taken away, and wakes what they have brought back.
func (w *Waiting) Turned(ctx context.Context, tx *duck.Tx, side int, from int64) error {
	if !w.outer.keeps[side] {
		return nil
	}
	of := w.sides[side].Of.Name
	a := duck.Args{"of": of, "from": from, "t": w.table(side), "gone": waitsGone, "v": waitsVersion, "all": w.All(side)}
	turned, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.eras WHERE destination = {of} AND since > {from}", a))
	if err != nil || turned == 0 {
		return err
	}
	return tx.Run(ctx, duck.SQL("UPDATE {t} SET {gone} = {v} NOT IN (SELECT DISTINCT {v} FROM {all})", a))
}

// Rebuilt says that a version has brought all rows of a side anew: those that wait are among them.
func (w *Waiting) Rebuilt(ctx context.Context, tx *duck.Tx, of *Node) error {
	for i, s := range w.sides {
		if s.Of != of || !w.outer.keeps[i] {
			continue
		}
		if err := tx.Run(ctx, duck.SQL("UPDATE {t} SET {version} = {v}, {gone} = false", duck.Args{"t": w.table(i), "version": waitsVersion,
			"v": w.version, "gone": waitsGone})); err != nil {
			return err
		}
	}
	return nil
}

// Forget empties what is kept: all rows of both sides are new again, and none is late.
func (w *Waiting) Forget(ctx context.Context, tx *duck.Tx) error {
	for i, keeps := range w.outer.keeps {
		if keeps {
			if err := tx.Run(ctx, duck.SQL("DELETE FROM {t}", duck.Args{"t": w.table(i)})); err != nil {
				return err
			}
		}
	}
	if w.late = [2]bool{}; !w.outer.timed() {
		return nil
	}
	return tx.Run(ctx, duck.SQL("DELETE FROM {t}", duck.Args{"t": w.tooLate()}))
}

// Pairs are the pairs that are new: see Join.Pairs. New rows wait from here on, and those that are in one wait no more.
func (w *Waiting) Pairs(ctx context.Context, tx *duck.Tx, taken [2]int64, behind [2]bool, to int64) ([]*duck.Query, error) {
	halves, err := w.halves(ctx, tx, taken, behind, to, w.rows)
	if err != nil {
		return nil, err
	}
	first := w.version << 32 // numbers of this version's rows are behind it
	for i := range w.sides {
		if !behind[i] || !w.outer.keeps[i] {
			continue
		}
		if err := tx.Run(ctx, duck.SQL("INSERT INTO {t} ({cols}, {row}, {version}, {end}, {gone}) "+
			"SELECT {cols}, {first} + row_number() OVER (), {version}, {is}, false FROM {rows} AS {as}",
			duck.Args{"t": w.table(i), "cols": w.columns(i), "row": waitsRow, "version": waitsVersion, "end": waitsEnd, "gone": waitsGone,
				"first": first, "is": w.end(i), "rows": w.brought(i, taken[i], to, nil), "as": w.called(i)})); err != nil {
			return nil, err
		}
	}
	var pairs []*duck.Query
	for _, h := range halves {
		pairs = append(pairs, w.given(w.worded("INNER JOIN").query(h.rels[0], h.rels[1])))
		for i := range w.sides {
			rels := h.rels
			if rels[i] = w.waits(i, 0); i == h.fresh {
				rels[i] = w.waits(i, first)
			} else {
				rels[i] = h.limited(rels[i])
			}
			if !w.outer.keeps[i] {
				continue
			}
			if err := tx.Run(ctx, duck.SQL("DELETE FROM {t} WHERE {row} IN (SELECT {as}.{row} FROM {met})", duck.Args{"t": w.table(i), "row": waitsRow,
				"as": w.called(i), "met": w.met(rels)})); err != nil {
				return nil, err
			}
		}
	}
	return pairs, fault.Fault(ctx, "join-paired")
}

// given are the columns of rows that the query gives.
func (w *Waiting) given(q *duck.Query) *duck.Query {
	return duck.SQL("SELECT {cols} FROM ({q})", duck.Args{"cols": duck.Names(duck.ColumnNames(w.n.Cols)), "q": q})
}

// waits are the rows of a side that wait and have numbers behind one.
func (w *Waiting) waits(side int, behind int64) *duck.Query {
	return duck.SQL("(SELECT {cols}, {row} FROM {t} WHERE NOT {gone} AND {row} > {behind})", duck.Args{"cols": w.columns(side), "row": waitsRow,
		"t": w.table(side), "gone": waitsGone, "behind": behind})
}

// WaitingRows are queries of destination, input and how many rows of it wait, of an outer join.
func (n *Node) WaitingRows() (out []*duck.Query) {
	j := n.Join()
	if j == nil || j.outer == nil || n.Stored == nil {
		return nil
	}
	w := &Waiting{Join: j, n: n}
	for i, keeps := range j.outer.keeps {
		if keeps {
			out = append(out, duck.SQL("SELECT {d} AS destination, {of} AS input, count(*) AS waiting FROM {t} WHERE NOT {gone}",
				duck.Args{"d": n.Name, "of": j.sides[i].Of.Name, "t": w.table(i), "gone": waitsGone}))
		}
	}
	return out
}

// now says for EXPLAIN how far both sides have come, and how many rows wait.
func (w *Waiting) now(ctx context.Context, c *duck.Conn) (out string, err error) {
	for i, s := range w.sides {
		if i == 1 && s.Of == w.sides[0].Of && !w.outer.keeps[1] {
			continue
		}
		mark, rows, there := "none yet", int64(0), []duck.Column{{}}
		if w.outer.keeps[i] {
			if there, err = c.Table(ctx, w.n.Name+waitsIn[i]); err != nil {
				return "", err
			}
		}
		if len(there) == 0 { // it was declared as another join
			return "", nil
		}
		a := duck.Args{"d": w.n.Name, "of": s.Of.Name, "none": mark, "t": w.table(i), "gone": waitsGone}
		if _, err := c.Scan(ctx, duck.SQL("SELECT coalesce(max(watermark)::VARCHAR, {none}) FROM dsql.closed WHERE destination = {d} AND "+
			"input = {of}", a), &mark); err != nil {
			return "", err
		}
		if out += fmt.Sprintf("     now: watermark of %s %s", s.Of.Name, mark); w.outer.keeps[i] {
			if rows, err = c.Int(ctx, duck.SQL("SELECT count(*) FROM {t} WHERE NOT {gone}", a)); err != nil {
				return "", err
			}
			out += ", waiting: " + plural.Of(rows, "row")
		}
		out += "\n"
	}
	return out, nil
}

// due is a condition on rows of a side that wait: none can come any more that they would find, where the other side has come so far.
func (w *Waiting) due(side int, marks [2]int64) *duck.Query {
	return duck.SQL("NOT {gone} AND ({end} < {mark} OR {end} = {none})", duck.Args{"gone": waitsGone, "end": waitsEnd, "mark": marks[1-side],
		"none": int64(watermark.None)})
}

// Due says whether rows have waited long enough.
func (w *Waiting) Due(ctx context.Context, tx *duck.Tx, marks [2]int64) (bool, error) {
	for i, keeps := range w.outer.keeps {
		if !keeps {
			continue
		}
		n, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {t} WHERE {due}", duck.Args{"t": w.table(i), "due": w.due(i, marks)}))
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

// Release takes those that have waited long enough, in the order of their ends, and gives what the query gives of them alone.
func (w *Waiting) Release(ctx context.Context, tx *duck.Tx, marks [2]int64) (out []*duck.Query, err error) {
	for i, keeps := range w.outer.keeps {
		if !keeps {
			continue
		}
		a := duck.Args{"t": w.table(i), "due": w.due(i, marks), "cols": w.columns(i), "end": waitsEnd, "row": waitsRow,
			"alone": duck.Ident("_dsql" + waitsIn[i])}
		if n, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {t} WHERE {due}", a)); err != nil {
			return nil, err
		} else if n == 0 {
			continue
		}
		if err := tx.Run(ctx, duck.SQL("CREATE OR REPLACE TEMP TABLE {alone} AS SELECT {cols} FROM {t} WHERE {due} ORDER BY {end}, {row}", a),
			duck.SQL("DELETE FROM {t} WHERE {due}", a)); err != nil {
			return nil, err
		}
		rels := [2]*duck.Query{empty(w.sides[0].Of), empty(w.sides[1].Of)}
		rels[i] = duck.SQL("(FROM {alone})", a)
		out = append(out, w.given(w.worded([2]string{"LEFT JOIN", "RIGHT JOIN"}[i]).query(rels[0], rels[1])))
	}
	return out, fault.Fault(ctx, "join-released")
}
