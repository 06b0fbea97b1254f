package program

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/quality"
	"dsql/rules"
	"dsql/sql"
	"dsql/sql/code"
)

// The program as data: what `dsql explain --output json` prints. What is there stays there, under its name; more may come beside it.

// ToldForm is the number of the form: another one when something changes its meaning or goes.
const ToldForm = 1

// Told is a program as values. What env() reads never stands in it, nor a password of a connection.
type Told struct {
	Form         int           `json:"form"`
	Script       []ToldText    `json:"script"`       // from top to bottom, parameters as the values that they have
	Declarations []Declaration `json:"declarations"` // those of the file alone first, then the script's, in their order
}

// ToldText is a statement of the script.
type ToldText struct {
	At  ToldPlace `json:"at"`
	SQL string    `json:"sql"`
}

// ToldPlace is where something begins in the text that the user wrote.
type ToldPlace struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Declaration is a declaration and what was found out of it. A name that isn't there says nothing: the field is left out.
type Declaration struct {
	Kind    string        `json:"kind"`
	Name    string        `json:"name"`
	At      *ToldPlace    `json:"at,omitempty"` // nil: the file alone has it
	Text    string        `json:"text"`
	Columns []ToldColumn  `json:"columns,omitempty"`
	Keys    []string      `json:"keys,omitempty"`
	Reads   []ToldRead    `json:"reads,omitempty"`
	Select  []ToldSelect  `json:"select,omitempty"`
	Rules   []rules.Told  `json:"rules,omitempty"`
	Measure *quality.Told `json:"measure,omitempty"`
	Models  []ToldModel   `json:"models,omitempty"` // the versions of a model
}

// ToldColumn is a column and its type as DuckDB writes it.
type ToldColumn struct {
	Name string    `json:"name"`
	Type duck.Type `json:"type"`
}

// ToldRead is what a declaration reads: its new rows, all of them (a rollup), whole as it stands, or called or named in its text.
type ToldRead struct {
	Name string `json:"name"`
	How  string `json:"how"` // new rows, all rows, whole, beside
}

// ToldSelect is the SQL of a query over rows: the query's own, and with the layers of RULES around it.
type ToldSelect struct {
	Of     string `json:"of"`
	SQL    string `json:"sql"`
	Layers string `json:"layers,omitempty"`
}

// ToldModel is a version of a model.
type ToldModel struct {
	Version int    `json:"version"`
	Format  string `json:"format"`
	Hash    string `json:"hash"`
	InUse   bool   `json:"in_use"`
}

// Tell is the program of a script as data: of one declaration (name), or of those that are selected.
func Tell(ctx context.Context, o Options, name string) (*Told, error) {
	stmts, err := o.Statements(ctx)
	if err != nil {
		return nil, err
	}
	db, err := duck.Open(ctx, Existing(o.DB), duck.Options{SearchPath: o.Dir, Threads: 1})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var out *Told
	was := Opened{Fresh: Existing(o.DB) == ""}
	_, err = rehearse(ctx, db.Writer(), o, stmts, was, func(p *Program, tx *duck.Tx) (err error) {
		out, err = p.tellAll(ctx, tx.Conn, o.Select, name)
		return err
	})
	return out, err
}

func (p *Program) tellAll(ctx context.Context, c *duck.Conn, of []string, name string) (*Told, error) {
	selected, err := p.Selected(of)
	if err != nil {
		return nil, err
	}
	out := &Told{Form: ToldForm, Script: []ToldText{}, Declarations: []Declaration{}}
	for i, st := range p.Stmts {
		if text := p.textOf(i, st); text != "" {
			out.Script = append(out.Script, ToldText{*placeOf(st.Place()), text})
		}
	}
	for _, n := range p.Nodes {
		if selected != nil && !selected[n] || name != "" && !sql.Same(n.Name, name) {
			continue
		}
		d, err := p.told(ctx, c, n)
		if err != nil {
			return nil, err
		}
		out.Declarations = append(out.Declarations, d)
	}
	if len(out.Declarations) == 0 && name != "" {
		return nil, p.nothingNamed(name)
	}
	return out, nil
}

// nothingNamed is the error for a name that was asked for.
func (p *Program) nothingNamed(name string) *sql.Error {
	var names []string
	for _, n := range p.Nodes {
		names = append(names, n.Name)
	}
	return sql.Errorf(code.UnknownName, "nothing named %s is declared", name).
		WithHint(sql.DidYouMean(name, names, sql.Listed("declared are: ", names, ""))).WithExit(code.ExitUsage)
}

// textOf is a statement's text without its secrets: "" for one of DuckDB's that sets nothing else.
func (p *Program) textOf(i int, st sql.Stmt) string {
	if st.Decl == nil {
		if setsSecret(st) {
			return ""
		}
		return st.Text()
	}
	for _, n := range p.Nodes {
		if n.Stmt == i {
			return n.Text()
		}
	}
	if k, ok := p.Language.Kind(st.Decl); ok && p.Language.Verb(st.Decl) == nil { // declared twice, and alike
		if obj, err := k.Compile(st.Decl); err == nil {
			if o, ok := obj.(kind.Redacted); ok {
				return o.Stored()
			}
		}
	}
	return st.Text()
}

// setsSecret: it is CREATE SECRET, or gives a setting that is one.
func setsSecret(st sql.Stmt) bool {
	w := Words(st, 6)
	switch w[0] {
	case "CREATE":
		return slices.Contains(w, "SECRET")
	case "SET", "PRAGMA":
		return slices.ContainsFunc(w, func(w string) bool {
			return strings.Contains(w, "SECRET") || strings.Contains(w, "PASSWORD") || strings.Contains(w, "TOKEN")
		})
	}
	return false
}

func placeOf(at sql.Place) *ToldPlace {
	at = at.Written()
	pos := at.Src.Position(at.Span.Start)
	return &ToldPlace{at.Src.Name, pos.Line, pos.Col}
}

// told is what there is to tell of a declaration.
func (p *Program) told(ctx context.Context, c *duck.Conn, n *Node) (Declaration, error) {
	out := Declaration{Kind: n.Kind, Name: n.Name, Text: n.Text(), Reads: n.toldReads()}
	for _, c := range n.Cols {
		out.Columns = append(out.Columns, ToldColumn(c))
	}
	if n.Stmt >= 0 {
		out.At = placeOf(n.Obj.Decl().At(n.Obj.Decl().NameAt))
	}
	if k, ok := n.Obj.(kind.Keyed); ok {
		out.Keys = k.KeyNames()
	}
	var err error
	if n.Kind == "model" {
		if out.Models, err = toldModels(ctx, c, n.Name); err != nil {
			return out, err
		}
	}
	if _, ok := n.Destination(); !ok {
		return out, nil
	}
	for _, in := range n.selects() {
		s := ToldSelect{Of: in.of, SQL: strings.TrimSpace(in.query.String())}
		if n.Rules != nil && len(n.Rules.Told()) > 0 {
			s.Layers = n.Rules.Through(duck.SQL("({q})", duck.Args{"q": in.query})).String()
		}
		out.Select = append(out.Select, s)
	}
	if n.Rules != nil {
		out.Rules = n.Rules.Told()
	}
	if n.Quality != nil {
		out.Measure = n.Quality.Told(ctx, c)
	}
	return out, nil
}

// toldReads are what a declaration reads, each once.
func (n *Node) toldReads() (out []ToldRead) {
	seen := map[*Node]bool{}
	add := func(how string, of ...*Node) {
		for _, m := range of {
			if !seen[m] && m != n {
				seen[m] = true
				out = append(out, ToldRead{m.Name, how})
			}
		}
	}
	how := "new rows"
	if _, total := n.Total(); total {
		how = "all rows"
	}
	for _, in := range n.Inputs {
		add(how, in.Of)
	}
	add("whole", n.whole...)
	add("beside", n.beside...)
	return out
}

func toldModels(ctx context.Context, c *duck.Conn, name string) ([]ToldModel, error) {
	return duck.Select(ctx, c, duck.SQL("SELECT version, format, hash, in_use FROM dsql.models WHERE lower(name) = lower({n}) ORDER BY version",
		duck.Args{"n": name}), func(row func(...any) error) (m ToldModel, err error) {
		return m, row(&m.Version, &m.Format, &m.Hash, &m.InUse)
	})
}
