package lsp

import (
	"context"
	"errors"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// Checked is what a check found. It comes from a process of its own: places are bytes of the text that was checked.
type Checked struct {
	Found     []Finding           `json:"found"`
	Columns   map[string][]Column `json:"columns"`   // of what is declared, by its name in lower case
	Functions []string            `json:"functions"` // DuckDB's, where they were asked for
}

// Finding is an error or a warning.
type Finding struct {
	Start   int       `json:"start"`
	End     int       `json:"end"`
	Warning bool      `json:"warning"`
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Notes   []Finding `json:"notes,omitempty"`
}

// Column is one of something that is declared.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Check finds what dsql check finds of a script, but without its file: that is for those that run, and an editor must not hold it open.
// Where there is one, a name that the script doesn't have is a warning, as the file may have it.
func Check(ctx context.Context, src *sql.Source, o program.Options, withFunctions bool) (c *Checked, err error) {
	c = &Checked{Columns: map[string][]Column{}}
	if withFunctions {
		if c.Functions, err = functions(ctx); err != nil {
			return c, err
		}
	}
	there := program.Existing(o.DB) != ""
	o.DB, o.Scripts = "", []*sql.Source{src}
	o.Set.Warn = func(e *sql.Error) { c.add(src, e, true, "") }
	stmts, err := o.Statements(ctx)
	var p *program.Program
	if err == nil {
		p, err = program.Rehearsed(ctx, o, stmts)
	}
	for _, e := range program.Collect(nil, err) {
		if there && (duck.IsMissing(e) || sql.HasCode(e, code.UnknownRelation, code.UnknownName)) {
			c.add(src, e, true, "\nthe file of this script may have it")
			continue
		}
		c.add(src, e, false, "")
	}
	if p == nil {
		return c, nil
	}
	if err == nil {
		for _, e := range p.Doubts() {
			c.add(src, e, true, "")
		}
	}
	for _, n := range p.Nodes {
		for _, col := range n.Cols {
			key := string(sql.KeyOf(n.Name))
			c.Columns[key] = append(c.Columns[key], Column{col.Name, string(col.Type)})
		}
	}
	return c, nil
}

// Wrong is a check that could not be made.
func Wrong(src *sql.Source, err error) *Checked {
	c := &Checked{}
	for _, e := range program.Collect(nil, err) {
		c.add(src, e, false, "")
	}
	return c
}

func (c *Checked) add(src *sql.Source, e *sql.Error, warning bool, more string) {
	msg := e.Msg + more
	if e.Hint != "" {
		msg += "\nhint: " + e.Hint
	}
	f := finding(src, e.Place(), msg)
	f.Warning, f.Code = warning, e.Code.String()
	for _, n := range e.Note {
		f.Notes = append(f.Notes, finding(src, sql.Place{Src: n.Src, Span: n.Span}, n.Msg))
	}
	c.Found = append(c.Found, f)
}

// finding is one at a place of the script; what has none stands at its beginning.
func finding(src *sql.Source, p sql.Place, msg string) Finding {
	if p = p.Written(); p.Src != src {
		p.Span = sql.Span{}
	}
	return Finding{Start: p.Span.Start, End: p.Span.End, Message: msg}
}

// functions are those of DuckDB whose names are words.
func functions(ctx context.Context) ([]string, error) {
	db, err := duck.Open(ctx, "", duck.Options{Threads: 1})
	if err != nil {
		return nil, err
	}
	names, err := duck.Select(ctx, db.Writer(), duck.SQL(`SELECT DISTINCT function_name FROM duckdb_functions()
		WHERE internal AND regexp_full_match(function_name, '[a-z][a-z0-9_]*') AND NOT starts_with(function_name, '__') ORDER BY ALL`),
		func(row func(...any) error) (name string, err error) { return name, row(&name) })
	return names, errors.Join(err, db.Close())
}
