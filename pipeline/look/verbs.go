package look

import (
	"context"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
)

// The verbs that show what is declared.

// Action runs a verb that changes nothing.
type Action func(*Viewer, context.Context, *sql.Decl) error

// Reads: a file that is open for reading is enough.
func (Action) Reads() bool { return true }

// Show is SHOW STREAMS.
var Show = &program.Verb{
	Syntax: &sql.Syntax{Verb: "SHOW", NoName: true, Doc: "Lists what is declared.",
		Clauses: []sql.Clause{{Keyword: "WHERE", Arg: sql.ArgExpr, Doc: "a condition on the columns shown"}}},
	On:  program.Listed,
	Run: Action((*Viewer).list),
}

// Describe is DESCRIBE STREAM name.
var Describe = &program.Verb{
	Syntax: &sql.Syntax{Verb: "DESCRIBE", Doc: "Shows the columns."},
	On:     program.EveryKind,
	Check:  program.Declared,
	Run:    Action((*Viewer).describe),
}

// Explain is EXPLAIN STREAM name.
var Explain = &program.Verb{
	Syntax: &sql.Syntax{Verb: "EXPLAIN", Doc: "Shows the ordered chain and the SQL that it compiles to."},
	On:     program.EveryKind,
	Check:  program.Declared,
	Run:    Action((*Viewer).explain),
}

func (v *Viewer) list(ctx context.Context, d *sql.Decl) error {
	k, _ := v.Program.Language.Kind(d)
	q := v.Program.Show(k)
	if w := d.Arg("WHERE"); w != nil {
		q = duck.SQL("SELECT * FROM ({q}) WHERE ({w})", duck.Args{"q": q, "w": duck.User(d.Src, w.Exprs[0])})
	}
	return v.AnswerWith(ctx, d, q)
}

func (v *Viewer) describe(ctx context.Context, d *sql.Decl) error {
	n, err := v.named(ctx, d)
	if err != nil {
		return err
	}
	if o, ok := n.Obj.(kind.Describer); ok {
		q, err := o.Describe(ctx, v.Conn, func(ctx context.Context, names, inputs []string) ([][]kind.Held, error) {
			return v.fed(ctx, n, names, inputs)
		})
		if err != nil {
			return err
		}
		return v.AnswerWith(ctx, d, q)
	}
	types := duck.Each(", ", n.Cols, func(c duck.Column) *duck.Query { return duck.Lit(string(c.Type)) })
	return v.AnswerWith(ctx, d, duck.SQL("SELECT unnest({names}) AS column_name, unnest([{types}]) AS column_type",
		duck.Args{"names": program.Texts(duck.ColumnNames(n.Cols)), "types": types}))
}

// fed asks of the program, whose declarations stay as they are: those of a script are bound when their turn comes.
func (v *Viewer) fed(ctx context.Context, of *program.Node, called, inputs []string) ([][]kind.Held, error) {
	cols := program.Columns{of.Name: inputs}
	for _, n := range v.Program.Callers(of) {
		names := []string{n.Name}
		for key := range n.Others { // the user's own tables
			names = append(names, string(key))
		}
		read := n.Aside()
		for _, in := range n.Inputs {
			read = append(read, in.Of)
		}
		for _, m := range read {
			if _, source := m.Source(); source {
				cols[m.Name] = duck.ColumnNames(v.Program.SourceColumns(ctx, v.Conn, m))
			} else if m.Relation() {
				names = append(names, m.Name)
			}
		}
		for _, name := range names {
			stored, err := v.Conn.Table(ctx, name)
			if err != nil {
				return nil, err
			}
			cols[name] = duck.ColumnNames(stored)
		}
	}
	return v.Program.Fed(ctx, v.Conn, cols, of, called)
}

func (v *Viewer) explain(ctx context.Context, d *sql.Decl) error {
	n, err := v.named(ctx, d)
	if err != nil {
		return err
	}
	text, err := v.Program.Explain(ctx, v.Conn, n)
	if err != nil {
		return err
	}
	return v.AnswerWith(ctx, d, duck.SQL("SELECT unnest(string_split({text}, chr(10))) AS explain",
		duck.Args{"text": strings.TrimRight(text, "\n")}))
}

// named is the declared node of a verb, bound: where it isn't, with all that it reads. That is for once: the turn of a script's own
// declarations comes yet, and finds them unbound.
func (v *Viewer) named(ctx context.Context, d *sql.Decl) (*program.Node, error) {
	n, err := v.Program.Declared(d)
	if err != nil || n.Bound {
		return n, err
	}
	for _, m := range program.Ordered([]*program.Node{n}, (*program.Node).Needs) {
		if !m.Bound {
			defer func() { m.Bound = false }()
		}
	}
	return n, v.bound(ctx, n)
}

// AnswerWith shows the rows of a query that answers a statement.
func (v *Viewer) AnswerWith(ctx context.Context, d *sql.Decl, q *duck.Query) error {
	res, err := v.Conn.Query(ctx, q, d.At(d.Span))
	if err != nil {
		return err
	}
	v.Emit(event.Queried{Result: res})
	if err := res.Err(); err != nil {
		return err
	}
	return res.Close()
}
