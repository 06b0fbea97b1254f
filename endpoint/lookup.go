package endpoint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/sql"
)

// Lookup is a place where the query reads the rows of a destination by key: a relation alone in its FROM, whose WHERE wants columns to be
// parameters, all of it. What else the query does with these rows is its own affair: the others don't get there. So the relation may be
// read as those of its rows that have the key, or more of them.
type Lookup struct {
	Of     kind.Located
	Name   string        // of the destination, as the query has it
	Rows   []duck.Column // those of the destination
	Key    []duck.Column // of the destination
	Params []int         // the parameter that each column of the key is to be
	Unique bool          // at most one row has the key
	at     sql.Span
	alias  bool
}

// Lookups are those of the query, whose parameters have been bound to types; why says why a destination that it reads is read whole.
// stored is the destination of a name, with its columns; where they are nil DuckDB is asked.
func (e *Endpoint) Lookups(ctx context.Context, c *duck.Conn, params []duck.Column, stored kind.Stored) (found []*Lookup, why []string,
	err error) {
	body := e.decl.Arg("AS").Exprs[0]
	t, err := tree.Read(ctx, c, body.Of(e.decl.Src))
	if err != nil || t.Refused != "" {
		return nil, nil, err
	}
	sampled := slices.ContainsFunc(sql.Tokens(e.decl.Src, body), func(t sql.Token) bool {
		word := strings.ToUpper(t.Span.Of(e.decl.Src))
		return word == "SAMPLE" || word == "TABLESAMPLE"
	})
	alone := map[*tree.Table]*tree.Select{}
	t.Walk(func(n tree.Node) bool {
		if s, ok := n.(*tree.Select); ok {
			if table, ok := s.From.(*tree.Table); ok {
				alone[table] = s
			}
		}
		return true
	})
	t.Walk(func(n tree.Node) bool {
		table, ok := n.(*tree.Table)
		if !ok || err != nil || t.CTE(table) != nil || table.Shown {
			return err == nil
		}
		obj, cols := stored(table.Name)
		of, ok := obj.(kind.Located)
		if !ok || table.Schema != "" && !sql.Same(table.Schema, "main") {
			return true
		}
		l := &Lookup{Of: of, Name: table.Name, Rows: cols, alias: table.As() != ""}
		reason := ""
		switch s := alone[table]; {
		case s == nil:
			reason = "it is joined"
		case sampled:
			reason = "the query takes samples"
		default:
			reason, err = e.lookup(ctx, c, l, table, s, params)
		}
		if reason == "" && err == nil {
			found = append(found, l)
		} else if reason != "" {
			why = append(why, table.Name+": "+reason)
		}
		return true
	})
	return found, why, err
}

// lookup fills in a look-up, or says why there is none.
func (e *Endpoint) lookup(ctx context.Context, c *duck.Conn, l *Lookup, table *tree.Table, s *tree.Select, params []duck.Column) (
	why string, err error) {
	if len(table.Columns) > 0 {
		return "its columns have other names", nil
	}
	var ok bool
	if l.at, ok = e.nameAt(table.At); !ok {
		return "its name stands nowhere", nil
	}
	cols := l.Rows
	if cols == nil {
		if cols, err = c.Table(ctx, table.Name); err != nil || cols == nil {
			return "it isn't there", err
		}
		l.Rows = cols
	}
	if slices.ContainsFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, "rowid") }) {
		return "it has a column rowid", nil
	}
	var keys []string
	if k, ok := l.Of.(kind.Keyed); ok {
		keys = k.KeyNames()
	}
	other := ""
	conjuncts(s.Where, func(n tree.Node) {
		column, param := equality(n, table)
		i := slices.IndexFunc(cols, func(c duck.Column) bool { return sql.Same(c.Name, column) })
		p := slices.IndexFunc(e.Params, func(p Param) bool { return sql.Same(p.Name, param) })
		if i < 0 || p < 0 || len(keys) > 0 && !slices.ContainsFunc(keys, func(k string) bool { return sql.Same(k, column) }) ||
			slices.Contains(l.Key, cols[i]) {
			return
		}
		if !duck.Keyable(cols[i].Type, params[p].Type) {
			other = fmt.Sprintf("its %s is %s, and $%s is %s", column, cols[i].Type, param, params[p].Type)
			return
		}
		l.Key, l.Params = append(l.Key, cols[i]), append(l.Params, p)
	})
	l.Unique = len(keys) > 0 && len(l.Key) == len(keys)
	switch {
	case len(l.Key) > 0:
		return "", nil
	case other != "":
		return other, nil
	case len(keys) > 0:
		return "its WHERE compares no key (" + strings.Join(keys, ", ") + ") with a parameter", nil
	}
	return "its WHERE compares no column with a parameter", nil
}

// conjuncts gives the parts of a condition that must all be true.
func conjuncts(n tree.Node, f func(tree.Node)) {
	if o, ok := n.(*tree.Other); ok && o.Type == "CONJUNCTION_AND" {
		for _, p := range o.Parts() {
			conjuncts(p, f)
		}
	} else if n != nil {
		f(n)
	}
}

// equality is the column of the table and the parameter of column = $parameter; "" where it isn't one.
func equality(n tree.Node, of *tree.Table) (column, param string) {
	o, ok := n.(*tree.Other)
	if !ok || o.Type != "COMPARE_EQUAL" {
		return "", ""
	}
	for _, p := range o.Parts() {
		switch p := p.(type) {
		case *tree.Parameter:
			param = p.Name
		case *tree.ColumnRef:
			name := of.As()
			if name == "" {
				name = of.Name
			}
			if len(p.Path) == 1 || len(p.Path) == 2 && sql.Same(p.Path[0], name) {
				column = p.Name()
			}
		}
	}
	return column, param
}

// nameAt is where a relation's name stands, with the schema before it.
func (e *Endpoint) nameAt(at int) (sql.Span, bool) {
	src, body := e.decl.Src, e.decl.Arg("AS").Exprs[0]
	toks := sql.Tokens(src, body)
	i := slices.IndexFunc(toks, func(t sql.Token) bool { return t.Span.Start == body.Start+at })
	if at < 0 || i < 0 {
		return sql.Span{}, false
	}
	span := toks[i].Span
	for ; i < len(toks) && (toks[i].Kind == sql.Word || toks[i].Kind == sql.Quoted); i += 2 {
		if span = span.To(toks[i].Span); i+2 >= len(toks) || toks[i+1].Span.Of(src) != "." {
			return span, true
		}
	}
	return sql.Span{}, false
}

// Read is the relation as those rows of it that a condition on rowid finds, for each of several.
func (l *Lookup) Read(at []*duck.Query) *duck.Query {
	table, where := l.Of.Located()
	and := duck.SQL("")
	if where != nil {
		and = duck.SQL(" AND {where}", duck.Args{"where": where})
	}
	names := duck.Names(duck.ColumnNames(l.Rows))
	var each []*duck.Query
	for _, rowid := range at {
		each = append(each, duck.SQL("SELECT {names} FROM {t} WHERE rowid = {rowid}{and}",
			duck.Args{"names": names, "t": duck.Ident(table), "rowid": rowid, "and": and}))
	}
	q := duck.SQL("({each})", duck.Args{"each": duck.Join(" UNION ALL ", each...)})
	if !l.alias {
		q = duck.SQL("{q} AS {name}", duck.Args{"q": q, "name": duck.Ident(l.Name)})
	}
	return q
}

// QueryOf is Query with other relations in the places of look-ups; nil: the destination itself.
func (e *Endpoint) QueryOf(value func(param int) *duck.Query, lookups []*Lookup, relation func(lookup int) *duck.Query) *duck.Query {
	type part struct {
		at   sql.Span
		with *duck.Query
	}
	var by []part
	for _, u := range e.uses {
		if u.param >= 0 {
			by = append(by, part{u.at, value(u.param)})
		}
	}
	for i, l := range lookups {
		if q := relation(i); q != nil {
			by = append(by, part{l.at, q})
		}
	}
	slices.SortFunc(by, func(a, b part) int { return a.at.Start - b.at.Start })
	body := e.decl.Arg("AS").Exprs[0]
	var parts []*duck.Query
	from := body.Start
	for _, p := range by {
		parts = append(parts, duck.User(e.decl.Src, sql.Span{Start: from, End: p.at.Start}), p.with)
		from = p.at.End
	}
	return duck.Cat(append(parts, duck.User(e.decl.Src, sql.Span{Start: from, End: body.End}))...)
}
