package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/plural"
	"dsql/pipeline/event"
	"dsql/sql"
)

// What a plan says beside what declarations become: what waits to be read, what is in the file and has left the script, and what the verbs
// of the script would touch. All is counted as the file is now, each in a transaction of its own that is rolled back.

// touched adds that to the plan.
func (p *Program) touched(ctx context.Context, c *duck.Conn, o Options) {
	for i := range p.plan {
		if n := p.Find(p.plan[i].Kind, p.plan[i].Name); n != nil {
			p.plan[i].What = append(p.plan[i].What, p.waits(ctx, c, n)...)
		}
	}
	for _, n := range p.Left() {
		ch := event.Change{Action: "left", Kind: n.Kind, Name: n.Name}
		stays := "stays"
		if _, ok := n.Destination(); ok {
			stays = "is still refreshed"
		}
		if o.Prune {
			ch.Action = "drop"
		} else {
			ch.What = append(p.waits(ctx, c, n), fmt.Sprintf("in the file, not in the script: it %s; DROP %s %s, or dsql run --prune, ends that",
				stays, strings.ToUpper(n.Kind), n.Name))
		}
		ch.What = append(ch.What, p.stores(ctx, c, n)...)
		p.plan = append(p.plan, ch)
	}
	for _, st := range p.Stmts {
		if st.Decl == nil {
			p.plan = append(p.plan, p.dropsTable(ctx, c, st)...)
			continue
		}
		v := p.Language.Verb(st.Decl)
		if v == nil || v.Run.Reads() || v.Plan == nil {
			continue
		}
		ch := event.Change{Action: v.Plan.Action}
		if n := v.Plan.on(p, st.Decl); n != nil {
			ch.Kind, ch.Name = n.Kind, n.Name
			ch.What = p.count(ctx, c, func(tx *duck.Tx) ([]string, error) { return v.Plan.Touches(ctx, p, tx, st.Decl, n) })
			p.plan = append(p.plan, ch)
		}
	}
}

// Planned is what a plan says of a verb.
type Planned struct {
	Action string // event.Change's
	// On finds what the verb is about; nil: what its name says.
	On func(p *Program, d *sql.Decl) (*Node, error)
	// Touches says what it would do to what is there.
	Touches func(ctx context.Context, p *Program, tx *duck.Tx, d *sql.Decl, n *Node) ([]string, error)
}

// on is what a verb is about; nil: that isn't declared, which IF EXISTS allows, or which its check has told.
func (v *Planned) on(p *Program, d *sql.Decl) *Node {
	switch {
	case v.On != nil:
		n, _ := v.On(p, d)
		return n
	case d.Syntax.Keyword == "":
		return p.Relation(d.Name)
	}
	return p.Find(strings.ToLower(d.Syntax.Keyword), d.Name)
}

// Left are the declarations of the file that the script doesn't have, where it declares something: those that read others first. What it
// drops itself isn't among them.
func (p *Program) Left() (out []*Node) {
	dropped := map[*Node]bool{}
	declares := false
	for _, st := range p.Stmts {
		if st.Decl == nil {
			continue
		}
		if declares = declares || p.Language.Declares(st.Decl); p.effect(st.Decl) == Drops {
			dropped[p.Find(strings.ToLower(st.Decl.Syntax.Keyword), st.Decl.Name)] = true
		}
	}
	if !declares {
		return nil
	}
	for _, n := range slices.Backward(p.Sorted()) {
		if n.Stmt < 0 && !dropped[n] {
			out = append(out, n)
		}
	}
	return out
}

// count runs f in a transaction that is rolled back, on a catalog of today. Why something can't be told is told.
func (p *Program) count(ctx context.Context, c *duck.Conn, f func(*duck.Tx) ([]string, error)) (what []string) {
	err := c.Scratch(ctx, func(tx *duck.Tx) (err error) {
		if err = catalog.MigrateIn(ctx, tx); err == nil {
			what, err = f(tx)
		}
		return err
	})
	var told *sql.Error
	if errors.As(err, &told) {
		return append(what, told.Msg)
	}
	return what
}

// stores is what would go with a declaration.
func (p *Program) stores(ctx context.Context, c *duck.Conn, n *Node) []string {
	return p.count(ctx, c, func(tx *duck.Tx) ([]string, error) { return Stores(ctx, p, tx, nil, n) })
}

// Stores says what is stored of a declaration: what DROP takes.
func Stores(ctx context.Context, _ *Program, tx *duck.Tx, _ *sql.Decl, n *Node) (what []string, err error) {
	if _, ok := n.Destination(); ok {
		text, err := Rows(ctx, tx, n)
		if text != "" {
			what = append(what, text)
		}
		if err != nil {
			return what, err
		}
		open, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.rejects WHERE destination = {d} AND replayed_at IS NULL", duck.Args{"d": n.Name}))
		if err == nil && open > 0 {
			what = append(what, plural.Of(open, "open reject"))
		}
		return what, err
	}
	if _, ok := n.Source(); ok {
		files, err := tx.Int(ctx, duck.SQL("SELECT count(DISTINCT path) FROM dsql.files WHERE source = {s}", duck.Args{"s": n.Name}))
		if err == nil && files > 0 {
			what = append(what, "that it has taken "+plural.Of(files, "file"))
		}
		return what, err
	}
	return nil, nil
}

// Rows is how many rows a destination stores, in words; "" where it stores nothing yet.
func Rows(ctx context.Context, tx *duck.Tx, n *Node) (string, error) {
	if n.Stored == nil {
		return "", nil
	}
	rows, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {t}", duck.Args{"t": duck.Ident(n.Name)}))
	if duck.IsMissing(err) {
		return "", nil
	}
	if err != nil || !n.Keyed() {
		return plural.Of(rows, "row"), err
	}
	text := plural.Of(rows, "key")
	history, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {t}", duck.Args{"t": duck.Ident(n.Name + "_history")}))
	switch {
	case duck.IsMissing(err): // it keeps none
		return text, nil
	case err == nil:
		text += ", " + plural.Of(history, "version")
	}
	return text, err
}

// dropsTable is the plan of a user's own DROP TABLE.
func (p *Program) dropsTable(ctx context.Context, c *duck.Conn, st sql.Stmt) []event.Change {
	if w := Words(st, 2); len(w) < 2 || w[0] != "DROP" || w[1] != "TABLE" {
		return nil
	}
	toks := sql.Tokens(st.Src, st.Span)
	i := 2
	for i < len(toks) && slices.Contains([]string{"IF", "EXISTS"}, strings.ToUpper(toks[i].Span.Of(st.Src))) {
		i++
	}
	if i >= len(toks) || !IsName(toks[i]) {
		return nil
	}
	at := sql.Span{Start: toks[i].Span.Start, End: toks[i].Span.Start + nameLen(st.Src.Text[toks[i].Span.Start:st.Span.End])}
	ch := event.Change{Action: "drop", Kind: "table", Name: at.Of(st.Src)}
	err := c.Scratch(ctx, func(tx *duck.Tx) error {
		n, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM {t}", duck.Args{"t": duck.User(st.Src, at)}))
		ch.What = []string{plural.Of(n, "row")}
		return err
	})
	if err != nil { // it isn't there, or in a database that only a run attaches
		return nil
	}
	return []event.Change{ch}
}

// brokersTime is how long a plan waits for what brokers have.
const brokersTime = 3 * time.Second

// waits says what of a source waits to be read, and what of stored tables a new destination begins with.
func (p *Program) waits(ctx context.Context, c *duck.Conn, n *Node) []string {
	return p.count(ctx, c, func(tx *duck.Tx) ([]string, error) {
		if _, ok := n.Destination(); ok {
			return p.waitingRows(ctx, tx, n)
		}
		readers := p.readers(n)
		if len(readers) == 0 {
			return nil, nil
		}
		switch s := n.Obj.(type) {
		case kind.Waiter:
			files, err := s.Waits(ctx, tx.Conn, p.Env, readers)
			return inFiles(files), err
		case kind.Lagging:
			if n.Stored == nil { // nobody has a place in it yet
				return nil, nil
			}
			ctx, cancel := context.WithTimeout(ctx, brokersTime)
			defer cancel()
			q, err := s.Lag(ctx, tx.Conn, p.Env)
			if err != nil {
				return nil, err
			}
			lag, err := tx.Int(ctx, duck.SQL("SELECT max(lag) FROM (SELECT destination, sum(lag) AS lag FROM ({q}) GROUP BY 1)", duck.Args{"q": q}))
			if err != nil || lag == 0 {
				return nil, err
			}
			return []string{plural.Of(lag, "record") + " to be read"}, nil
		}
		return nil, nil
	})
}

// readers are the destinations of a source's new rows; none where one of them goes on with what it read under another name.
func (p *Program) readers(n *Node) (names []string) {
	for _, m := range p.Sorted() {
		_, stores := m.Destination()
		for _, in := range m.Inputs {
			if stores && in.Of == n {
				names = append(names, m.Name)
			}
		}
		if slices.ContainsFunc(m.Carries, func(r respelled) bool { return r.now == n }) {
			return nil
		}
	}
	return names
}

// inFiles says how many files wait, and how much that is.
func inFiles(files []kind.WaitingFile) []string {
	var n, bytes, later int64
	for _, f := range files {
		if f.Until == kind.NextRun {
			n, bytes = n+1, bytes+f.Bytes
		} else {
			later++
		}
	}
	var out []string
	if n > 0 {
		out = append(out, fmt.Sprintf("%s to be read, %s", plural.Of(n, "file"), plural.Of(bytes, "byte")))
	}
	if later > 0 {
		out = append(out, plural.Of(later, "file")+" that can't be read yet: `dsql status` says why")
	}
	return out
}

// waitingRows are the stored rows that a new destination begins with.
func (p *Program) waitingRows(ctx context.Context, tx *duck.Tx, n *Node) (out []string, err error) {
	if n.Stored != nil {
		return nil, nil
	}
	for _, in := range n.Inputs {
		if _, stores := in.Of.Destination(); !stores {
			continue
		}
		text, err := Rows(ctx, tx, in.Of)
		if err != nil {
			return nil, err
		}
		if text != "" {
			out = append(out, in.Of.Name+" has "+text)
		}
	}
	return out, nil
}
