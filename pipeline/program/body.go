package program

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/sql"
)

// body is a destination's query and what it reads. dsql never parses a SELECT itself: DuckDB's own parser says which tables
// stand where (json_serialize_sql).
type body struct {
	src   *sql.Source
	span  sql.Span // AS query; empty where the destination has FROM a, b
	reads []read
	fresh int  // index in reads of the relation whose new rows are read
	plain bool // one relation, no join, grouping or subquery: scanning twice gives the same rows twice
	names []ref
	tree  any   // DuckDB's, of the query; nil where it has none
	spots []int // where _meta is put in, see metaSpots
}

// read is a relation that a body names.
type read struct {
	name   string
	at     sql.Span // of the name in the source
	marked bool     // STREAM name
	from   int      // where the text to replace starts: before STREAM when marked
	to     int      // where it ends
	alias  bool     // the user gave it an alias
}

// analyze finds what the query at sp reads. STREAM marks only declared relations.
func (s *scope) analyze(ctx context.Context, src *sql.Source, sp sql.Span) (b *body, err error) {
	c, known := s.conn, func(name string) bool { return s.p.Relation(name) != nil }
	b = &body{src: src, span: sp, fresh: -1}
	marks := markers(src, sp, known)
	text := []byte(sp.Of(src))
	for _, m := range marks { // blank STREAM and its brackets, so that positions stay
		for i := m.from; i < m.to; i++ {
			if i < m.at.Start || i >= m.at.End {
				text[i-sp.Start] = ' '
			}
		}
	}
	var out string
	if _, err := c.Scan(ctx, duck.SQL("SELECT json_serialize_sql({q})::VARCHAR", duck.Args{"q": string(text)}), &out); err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal([]byte(out), &tree); err != nil {
		return nil, err
	}
	root := tree.(map[string]any)
	if root["error"] == true {
		// "not implemented" is DuckDB's own word for a query that is right and that json_serialize_sql can't write, a PIVOT say.
		if root["error_type"] != "not implemented" {
			return nil, c.Parse(src, sp) // a syntax error: DuckDB's own words, with its place
		}
		b.byTokens(known, marks)
		b.names = tokenRefs(string(text))
		return b, b.choose()
	}
	stmts, _ := root["statements"].([]any)
	if len(stmts) != 1 {
		return nil, &sql.Error{Src: src, Span: sp, Code: "expected-query", Msg: "a declaration has one query"}
	}
	if b.names, err = s.treeRefs(ctx, tree); err != nil {
		return nil, err
	}
	w := walker{ctes: map[string]any{}}
	w.collectCTEs(tree)
	w.tables(tree)
	first := w.first(stmts[0].(map[string]any)["node"], 0)
	for _, t := range w.found {
		at := sp.Start + t.location
		r := read{name: t.name, alias: t.alias, at: sql.Span{Start: at, End: at + nameLen(src.Text[at:sp.End])}}
		r.from, r.to = r.at.Start, r.at.End
		for _, m := range marks {
			if m.at.Start <= at && at < m.at.End {
				r.marked, r.from, r.to = true, m.from, m.to
			}
		}
		if t.location == first {
			b.fresh = len(b.reads)
		}
		b.reads = append(b.reads, r)
	}
	b.plain, b.tree = len(b.reads) == 1 && w.plain, stmts[0].(map[string]any)["node"]
	return b, b.choose()
}

// choose settles whose new rows are read: the marked relation, or else the first in FROM.
func (b *body) choose() error {
	marked := -1
	for i, r := range b.reads {
		if !r.marked {
			continue
		}
		if marked >= 0 {
			return &sql.Error{Src: b.src, Span: r.at, Code: "two-streams",
				Msg:  "a query reads the new rows of one relation, and STREAM stands twice",
				Hint: "mark one of them; the other is read whole", Note: []sql.Note{{Src: b.src, Span: b.reads[marked].at, Msg: "the first one"}}}
		}
		marked = i
	}
	if marked >= 0 {
		b.fresh = marked
	}
	if b.fresh < 0 {
		return &sql.Error{Src: b.src, Span: b.span, Code: "reads-nothing", Msg: "the query reads no table, so no new rows ever come",
			Hint: "write FROM a source, a stream or a journal"}
	}
	return nil
}

// Query is the body with rel in place of the relation whose new rows are read.
func (b *body) query(rel *duck.Query) *duck.Query {
	r := b.reads[b.fresh]
	alias := duck.SQL("")
	if !r.alias {
		alias = duck.SQL(" AS {n}", duck.Args{"n": duck.Ident(r.name)})
	}
	return duck.Cat(b.text(b.span.Start, r.from), rel, alias, b.text(r.to, b.span.End))
}

// text is a part of the user's text, with _meta where it is put in.
func (b *body) text(from, to int) *duck.Query {
	var parts []*duck.Query
	for _, at := range b.spots {
		if from <= at && at <= to {
			parts = append(parts, duck.User(b.src, sql.Span{Start: from, End: at}), duck.SQL(", "+catalog.MetaColumn))
			from = at
		}
	}
	return duck.Cat(append(parts, duck.User(b.src, sql.Span{Start: from, End: to}))...)
}

type tableRef struct {
	name     string
	location int
	alias    bool
}

// walker goes over DuckDB's serialized tree.
type walker struct {
	ctes  map[string]any
	found []tableRef
	plain bool
}

// objects gives all objects of a JSON tree to f, each before those in it.
func objects(tree any, f func(map[string]any)) {
	switch n := tree.(type) {
	case []any:
		for _, v := range n {
			objects(v, f)
		}
	case map[string]any:
		f(n)
		for _, v := range n {
			objects(v, f)
		}
	}
}

func (w *walker) collectCTEs(tree any) {
	objects(tree, func(n map[string]any) {
		entries, _ := dig(n, "cte_map", "map").([]any)
		for _, e := range entries {
			if e, ok := e.(map[string]any); ok {
				name, _ := e["key"].(string)
				w.ctes[strings.ToLower(name)] = e["value"]
			}
		}
	})
}

// tables finds all base tables but names of CTEs, and whether the query is plain.
func (w *walker) tables(tree any) {
	w.plain = true
	objects(tree, func(n map[string]any) {
		switch n["type"] {
		case "BASE_TABLE":
			name, _ := n["table_name"].(string)
			schema, _ := n["schema_name"].(string)
			if _, cte := w.ctes[strings.ToLower(name)]; !cte || schema != "" {
				alias, _ := n["alias"].(string)
				w.found = append(w.found, tableRef{name, location(n), alias != ""})
			}
		case "SUBQUERY", "JOIN", "TABLE_FUNCTION", "SET_OPERATION_NODE":
			w.plain = false
		}
		if g, ok := n["group_expressions"].([]any); ok && len(g) > 0 || groupsByAll(n) {
			w.plain = false
		}
		if m, ok := n["modifiers"].([]any); ok && len(m) > 0 {
			w.plain = false
		}
		if n["class"] == "WINDOW" || n["function_name"] == "unnest" {
			w.plain = false
		}
	})
	slices.SortFunc(w.found, func(a, b tableRef) int { return a.location - b.location }) // a map's order is random
}

// first is the location of the first table in a node's FROM, through CTEs and subqueries; -1 if there is none.
func (w *walker) first(n any, depth int) int {
	m, ok := n.(map[string]any)
	if !ok || depth > 100 {
		return -1
	}
	switch m["type"] {
	case "BASE_TABLE":
		name, _ := m["table_name"].(string)
		if cte, ok := w.ctes[strings.ToLower(name)]; ok {
			return w.first(dig(cte, "query", "node"), depth+1)
		}
		return location(m)
	case "JOIN", "SET_OPERATION_NODE":
		if at := w.first(m["left"], depth+1); at >= 0 {
			return at
		}
		return w.first(m["right"], depth+1)
	case "SUBQUERY":
		return w.first(dig(m, "subquery", "node"), depth+1)
	case "SELECT_NODE":
		return w.first(m["from_table"], depth+1)
	case "PIVOT":
		return w.first(m["source"], depth+1)
	}
	return -1
}

func dig(n any, keys ...string) any {
	for _, k := range keys {
		m, ok := n.(map[string]any)
		if !ok {
			return nil
		}
		n = m[k]
	}
	return n
}

func location(n map[string]any) int {
	f, ok := n["query_location"].(float64)
	if !ok || f > 1<<40 {
		return -1
	}
	return int(f)
}

// nameLen is the length of the (qualified) name that text starts with.
func nameLen(text string) int {
	src := sql.NewSource("", text)
	toks := sql.Tokens(src, sql.Span{Start: 0, End: len(text)})
	end := 0
	for i := 0; i < len(toks) && IsName(toks[i]); i += 2 {
		end = toks[i].Span.End
		if i+1 >= len(toks) || toks[i+1].Kind != sql.Op || toks[i+1].Span.Of(src) != "." {
			break
		}
	}
	return end
}

func IsName(t sql.Token) bool { return t.Kind == sql.Word || t.Kind == sql.Quoted }

// markers finds STREAM name and STREAM(name) after FROM, JOIN or a comma.
func markers(src *sql.Source, sp sql.Span, known func(string) bool) []read {
	toks := sql.Tokens(src, sp)
	at := func(i int) sql.Token {
		if i < len(toks) {
			return toks[i]
		}
		return sql.Token{}
	}
	is := func(i int, text string) bool { return strings.EqualFold(at(i).Span.Of(src), text) }
	var out []read
	for i := 1; i < len(toks); i++ {
		if !is(i, "STREAM") || !(is(i-1, "FROM") || is(i-1, "JOIN") || is(i-1, ",")) {
			continue
		}
		n, end := i+1, i+1
		if is(n, "(") && is(n+2, ")") {
			n, end = i+2, i+3
		}
		if !IsName(at(n)) || !known(UnquoteName(at(n).Span.Of(src))) {
			continue
		}
		out = append(out, read{name: UnquoteName(at(n).Span.Of(src)), at: at(n).Span, marked: true, from: at(i).Span.Start, to: at(end).Span.End})
	}
	return out
}

func UnquoteName(s string) string {
	if len(s) > 1 && s[0] == '"' {
		return strings.ReplaceAll(s[1:len(s)-1], `""`, `"`)
	}
	return s
}

// byTokens is for the few queries that DuckDB can't serialize (PIVOT statements): declared names behind FROM, JOIN, PIVOT or a
// comma, the first of which gives the new rows.
func (b *body) byTokens(known func(string) bool, marks []read) {
	toks := sql.Tokens(b.src, b.span)
	for i := 1; i < len(toks); i++ {
		prev := strings.ToUpper(toks[i-1].Span.Of(b.src))
		name := UnquoteName(toks[i].Span.Of(b.src))
		if !IsName(toks[i]) || !known(name) || !strings.Contains(" FROM JOIN PIVOT UNPIVOT STREAM , ( ", " "+prev+" ") {
			continue
		}
		r := read{name: name, at: toks[i].Span, from: toks[i].Span.Start, to: toks[i].Span.End}
		for _, m := range marks {
			if m.at == r.at {
				r = m
			}
		}
		if b.fresh < 0 {
			b.fresh = len(b.reads)
		}
		b.reads = append(b.reads, r)
	}
}
