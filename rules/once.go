package rules

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"dsql/engine/catalog"
	"dsql/engine/duck"
)

// Where the caller reads the rows just once, the rules are judged in that very scan: a filter lets the good rows through, and
// hands the others to a function that notes them. A second scan that only counts would cost a third of the first.

// notes is what a scan found.
type notes struct {
	mu       sync.Mutex
	broken   []int64 // by step
	rejected []note
	text     []byte // of all rejected rows
	full     bool   // the text got too long: rejected is not all
}

type note struct {
	step     int
	row      int64
	from, to int // in text
}

// maxNotes is how many bytes of rejected rows are held; beyond that they are read once more.
const maxNotes = 256 << 20

// open are the scans going on, by number: what a function of DuckDB is given is numbers and text.
var open struct {
	sync.Map // int64 → *notes
	next     atomic.Int64
}

// scanOf is the scan that a call is of. Who calls the functions by hand has none.
func scanOf(call *duck.Call) (*notes, error) {
	ids, _ := call.Ints(0)
	found, _ := open.Load(ids[0])
	n, ok := found.(*notes)
	if !ok {
		return nil, fmt.Errorf("scan %d is none that goes on: this function is for dsql's own statements", ids[0])
	}
	return n, nil
}

// Register makes callable what Batch.Once needs: when a database is opened, outside of a transaction. Where it was not called,
// Once makes no difference.
func Register(c *duck.Conn) error {
	for _, f := range []duck.Function{
		{Name: "dsql_judge", Params: []duck.Type{"BIGINT", "BIGINT", "BIGINT", "BIGINT", "VARCHAR"}, Returns: "BIGINT", Volatile: true, Call: judge},
		{Name: "dsql_pin", Params: []duck.Type{"BIGINT"}, Returns: "BIGINT", Volatile: true, Call: pin},
		{Name: "dsql_noted_rule", Params: []duck.Type{"BIGINT", "BIGINT"}, Returns: "BIGINT", Call: notedRule},
		{Name: "dsql_noted_row", Params: []duck.Type{"BIGINT", "BIGINT"}, Returns: "BIGINT", Call: notedRow},
		{Name: "dsql_noted_data", Params: []duck.Type{"BIGINT", "BIGINT"}, Returns: "VARCHAR", Call: notedData},
	} {
		if err := c.Register(f); err != nil {
			return err
		}
	}
	return nil
}

func registered(c *duck.Conn) bool { return c.DB.Registered("dsql_judge") }

// judge takes a scan's number, a row's verdict, which WARNs it breaks (bits by step), its _row and its JSON; it gives 1 when the
// row goes on.
func judge(call *duck.Call) error {
	n, err := scanOf(call)
	if err != nil {
		return err
	}
	verdicts, _ := call.Ints(1)
	warns, _ := call.Ints(2)
	rows, _ := call.Ints(3)
	data, valid := call.Texts(4)
	out := call.OutInts()
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, v := range verdicts {
		out[i] = 0
		if v == 0 {
			out[i] = 1
			for s := range n.broken {
				n.broken[s] += warns[i] >> s & 1
			}
			continue
		}
		n.broken[v-1]++
		if duck.IsNull(valid, i) || n.full {
			continue
		}
		from := len(n.text)
		if n.text = append(n.text, data(i)...); len(n.text) > maxNotes {
			n.full, n.text, n.rejected = true, nil, nil
			continue
		}
		n.rejected = append(n.rejected, note{int(v), rows[i], from, len(n.text)})
	}
	return nil
}

// pin gives its argument.
func pin(call *duck.Call) error {
	in, valid := call.Ints(0)
	copy(call.OutInts(), in)
	for i := range in {
		if duck.IsNull(valid, i) {
			call.SetNull(i)
		}
	}
	return nil
}

func notedRule(call *duck.Call) error {
	n, err := scanOf(call)
	if err != nil {
		return err
	}
	at, _ := call.Ints(1)
	for i, out := 0, call.OutInts(); i < call.N; i++ {
		out[i] = int64(n.rejected[at[i]].step)
	}
	return nil
}

func notedRow(call *duck.Call) error {
	n, err := scanOf(call)
	if err != nil {
		return err
	}
	at, _ := call.Ints(1)
	for i, out := 0, call.OutInts(); i < call.N; i++ {
		out[i] = n.rejected[at[i]].row
	}
	return nil
}

func notedData(call *duck.Call) error {
	n, err := scanOf(call)
	if err != nil {
		return err
	}
	at, _ := call.Ints(1)
	for i := range call.N {
		r := n.rejected[at[i]]
		call.OutText(i, string(n.text[r.from:r.to]))
	}
	return nil
}

// once makes Rows judge itself while it is read.
func (p *Program) once(b Batch, rel *duck.Query, out *Outcome) {
	n := &notes{broken: make([]int64, len(p.steps))}
	id := open.next.Add(1)
	open.Store(id, n)
	var bits, stored []*duck.Query
	var noted *catalog.Kept
	for i, s := range p.steps {
		switch {
		case s.warns():
			bits = append(bits, duck.SQL("CASE WHEN {w} THEN {bit}::BIGINT ELSE 0 END", duck.Args{"w": duck.Ident(s.broken), "bit": int64(1) << i}))
		case s.action == reject:
			stored = append(stored, duck.Lit(i+1))
		}
	}
	a := duck.Args{"cols": p.kept(b), "rel": rel, "id": id, "v": duck.SQL("0"), "w": duck.Ident(p.warned), "row": duck.SQL("NULL"),
		"data": duck.SQL("NULL")}
	if len(bits) > 0 {
		a["pin"] = p.pin(duck.Join(" + ", bits...))
		a["rel"] = duck.SQL("(SELECT *, {pin} AS {w} FROM {rel})", a)
	} else {
		a["w"] = duck.SQL("0")
	}
	if p.any((*step).gates) {
		a["v"] = duck.Ident(p.verdict)
	}
	if len(stored) > 0 {
		if b.HasRow {
			a["row"] = duck.SQL("_row")
		}
		kept := catalog.KeptRow(b.Columns, p.original())
		parts := []*duck.Query{kept.Data}
		from := func(part *duck.Query) *duck.Query { // where the note has it
			if part == nil {
				return nil
			}
			parts = append(parts, part)
			return duck.SQL("json_extract(_r._data, {path})", duck.Args{"path": fmt.Sprintf("$[%d]", len(parts)-1)})
		}
		noted = &catalog.Kept{Data: duck.SQL("json_extract(_r._data, '$[0]')"), Original: from(kept.Original), Exact: from(kept.Exact)}
		a["data"] = duck.SQL("CASE WHEN {v} IN ({stored}) THEN json_array({parts})::VARCHAR END", a,
			duck.Args{"parts": duck.Join(", ", parts...), "stored": duck.Join(", ", stored...)})
	}
	out.Rows = duck.SQL("(SELECT {cols} FROM {rel} AS _r WHERE CASE WHEN {v} = 0 AND {w} = 0 THEN true ELSE dsql_judge({id}, {v}, {w}, "+
		"{row}, {data}) = 1 END)", a)
	out.close = func() { open.Delete(id) }
	out.settle = func(ctx context.Context, tx *duck.Tx, out *Outcome) error {
		if err := p.settle(ctx, tx, b, rel, n.broken, out); err != nil || out.Rejected == 0 {
			return err
		}
		if n.full {
			return p.rejectAll(ctx, tx, b, rel, out.Rejected)
		}
		if b.HasRow {
			slices.SortStableFunc(n.rejected, func(a, b note) int { return int(min(max(a.row-b.row, -1), 1)) })
		}
		rows := duck.SQL("(SELECT dsql_noted_rule({id}, i) AS {v}, dsql_noted_row({id}, i) AS _row, dsql_noted_data({id}, i) AS _data FROM "+
			"range({n}) t(i))", duck.Args{"id": id, "n": len(n.rejected), "v": duck.Ident(p.verdict)})
		_, err := p.reject(ctx, tx, b, rows, noted)
		return err
	}
}
