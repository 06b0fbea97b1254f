package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/quality"
	"dsql/sql"
	"dsql/sql/code"
	"dsql/stream"
)

// plan is a program as `dsql explain -o json` prints it.
type plan struct {
	program.Told
	columns map[sql.Key][]duck.Column // of sources
}

// readPlan understands a plan.
func readPlan(name string, text []byte) (*plan, error) {
	p := &plan{columns: map[sql.Key][]duck.Column{}}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&p.Told); err != nil {
		return nil, sql.Errorf(code.BadPlan, "the plan %s is none: %s", name, err).
			WithHint("make one: dsql explain SCRIPT -o json > plan.json").WithCause(err)
	}
	if p.Form != program.ToldForm {
		return nil, sql.Errorf(code.BadPlan, "the plan %s is of form %d, and this dsql knows form %d", name, p.Form, program.ToldForm).
			WithHint("make it anew: dsql explain SCRIPT -o json > plan.json")
	}
	for _, d := range p.Declarations {
		if d.Kind == "source" {
			for _, c := range d.Columns {
				p.columns[sql.KeyOf(d.Name)] = append(p.columns[sql.KeyOf(d.Name)], duck.Column(c))
			}
		}
	}
	return p, nil
}

// scripts are the scripts of the plan: each statement stands where it stood, so that errors have their places.
func (p *plan) scripts() (out []*sql.Source) {
	name, text := "", &strings.Builder{}
	line, column := 1, 1
	end := func() {
		if text.Len() > 0 {
			out = append(out, sql.NewSource(name, text.String()))
		}
	}
	put := func(s string) {
		text.WriteString(s)
		if i := strings.LastIndexByte(s, '\n'); i >= 0 {
			line, column = line+strings.Count(s, "\n"), 1
			s = s[i+1:]
		}
		column += utf8.RuneCountInString(s)
	}
	for _, st := range p.Script {
		if st.At.File != name || st.At.Line < line {
			end()
			name, text, line, column = st.At.File, &strings.Builder{}, 1, 1
		}
		if st.At.Line > line && st.At.Line-line < mostHeader {
			put(strings.Repeat("\n", st.At.Line-line))
		}
		if st.At.Column > column && st.At.Column-column < mostHeader {
			put(strings.Repeat(" ", st.At.Column-column))
		}
		put(st.SQL + ";")
	}
	end()
	return out
}

// lists: the plan has a destination. What was not selected when it was made is none of its.
func (p *plan) lists(d *sql.Decl) bool {
	return slices.ContainsFunc(p.Declarations, func(x program.Declaration) bool {
		return strings.EqualFold(x.Kind, d.Syntax.Keyword) && sql.Same(x.Name, d.Name)
	})
}

// statements are those of the script that a process runs: no verbs, tests, queries, nothing that reaches outside, no destination that the
// plan doesn't have.
func (p *plan) statements(ctx context.Context, o program.Options) ([]sql.Stmt, error) {
	stmts, err := o.Language.Parse(ctx, o.Scripts, o.Set)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(stmts, func(st sql.Stmt) bool {
		if st.Decl == nil {
			return program.Shows(st) || program.LeavesFile(st) != ""
		}
		k, _ := o.Language.Kind(st.Decl)
		switch {
		case o.Language.Verb(st.Decl) != nil, k.Outward, k.Role == kind.Sends, k.Scripted:
			return true
		case k.Role == kind.Stores:
			return !p.lists(st.Decl)
		case k.Role != kind.Defines:
			return false
		}
		obj, err := k.Compile(st.Decl)
		_, watches := obj.(kind.Watcher)
		_, reads := obj.(kind.Reading)
		_, called := obj.(kind.Callable)
		return err == nil && (watches || reads && !called) // a monitor, an endpoint
	}), nil
}

// measured are the aggregates that METRICS and CHECKS of a destination need.
func (p *plan) measured(n *program.Node) []quality.ToldAggregate {
	for _, d := range p.Declarations {
		if d.Measure != nil && d.Kind == n.Kind && sql.Same(d.Name, n.Name) {
			return d.Measure.Aggregates
		}
	}
	return nil
}

// judged are the clauses that are judged where all rows of a batch are, and not by the piece.
var judged = []string{"METRICS", "CHECKS", "REJECT LIMIT"}

// language is dsql's for a process that has pieces: sources are handed to it, what is judged of a batch is judged elsewhere, and of a journal
// the events are kept for whoever has all those of a key.
func (p *plan) language() *program.Language {
	return run.Trying(run.Language, p.columns).With(func(k kind.Kind) kind.Kind {
		if k.Role != kind.Stores {
			return k
		}
		compile := k.Compile
		k.Compile = func(d *sql.Decl) (kind.Object, error) {
			whole := *d
			whole.Args = map[string]*sql.Value{}
			for name, v := range d.Args {
				if !slices.Contains(judged, name) {
					whole.Args[name] = v
				}
			}
			obj, err := compile(&whole)
			keyed, ok := obj.(kind.Keyed)
			if _, total := obj.(kind.Total); err != nil || !ok || total {
				return obj, err
			}
			delete(whole.Args, "EXPECT COLUMNS") // they are those of what it stores
			kept, err := stream.Kind.Compile(&whole)
			if err != nil {
				return nil, err
			}
			return &events{Destination: kept.(kind.Destination), of: obj, said: d, keys: keyed.KeyNames()}, nil
		}
		return k
	})
}

// apart refuses destinations that read more than rows as they come: what changes in a journal, or another relation whole. Of the first a
// process knows events, of the second its own pieces.
func (p *plan) apart(stmts []sql.Stmt) error {
	var errs sql.List
	stored := map[sql.Key]program.Declaration{}
	for _, d := range p.Declarations {
		switch strings.ToUpper(d.Kind) {
		case stream.Kind.Syntax.Keyword, "JOURNAL", "ROLLUP":
			stored[sql.KeyOf(d.Name)] = d
		}
	}
	for _, st := range stmts {
		if st.Decl == nil {
			continue
		}
		d, ok := stored[sql.KeyOf(st.Decl.Name)]
		if !ok || !strings.EqualFold(d.Kind, st.Decl.Syntax.Keyword) {
			continue
		}
		for _, r := range d.Reads {
			of, ok := stored[sql.KeyOf(r.Name)]
			at := readAt(st.Decl, r.Name)
			switch {
			case !ok || at.Src == nil && r.How == "beside":
			case len(of.Keys) > 0 && strings.HasSuffix(r.How, " rows"):
				errs = append(errs, at.Errorf(code.NotSpread, "%s reads what changes in %s, which is known where all events of a key are", d.Name,
					of.Name).WithHint(program.OnOneMachine))
			case !strings.HasSuffix(r.How, " rows"):
				errs = append(errs, at.Errorf(code.NotSpread, "%s reads %s whole, and no process has more of it than its own pieces", d.Name, of.Name).
					WithHint("join with a table that the script makes of a file; or "+program.OnOneMachine))
			}
		}
	}
	return errs.Err()
}

// readAt is where a declaration names what it reads, outside of what is judged elsewhere: else the zero Place.
func readAt(d *sql.Decl, name string) sql.Place {
	for _, t := range sql.Tokens(d.Src, d.Span) {
		if !program.IsName(t) || t.Span.Start < d.NameAt.End {
			continue
		}
		said := sql.NameOf(t.Span.Of(d.Src))
		if sql.Same(said, name) || len(said) > len(name) && sql.Same(said[:len(name)+1], name+"_") {
			if !slices.ContainsFunc(judged, func(clause string) bool {
				v := d.Arg(clause)
				return v != nil && v.Span.Start <= t.Span.Start && t.Span.End <= v.Span.End
			}) {
				return d.At(t.Span)
			}
		}
	}
	return sql.Place{}
}

// sameModels refuses another file of a model than that of the plan: what it gives would differ from process to process.
func (p *plan) sameModels(ctx context.Context, c *duck.Conn) error {
	for _, d := range p.Declarations {
		for _, m := range d.Models {
			if !m.InUse {
				continue
			}
			var hash string
			_, err := c.Scan(ctx, duck.SQL("SELECT hash FROM dsql.models WHERE lower(name) = lower({n}) AND in_use", duck.Args{"n": d.Name}), &hash)
			if err != nil {
				return err
			}
			if hash != m.Hash {
				return sql.Errorf(code.BadPlan, "the file of the model %s is another one here than where the plan was made", d.Name).
					WithHint(fmt.Sprintf("bring that one here (its hash is %.12s…), or make the plan anew", m.Hash))
			}
		}
	}
	return nil
}
