package serve

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"dsql/engine/duck"
	"dsql/internal/lazy"
	"dsql/sql"
	"dsql/sql/code"
)

// What a stranger's SQL may be: one SELECT (or EXPLAIN of one), of functions on a list and of tables that are there. Beneath it stands a
// transaction that reads only, with limits. It keeps colleagues from harm; DuckDB itself has no inner boundary for the public.

//go:embed allowed.txt
var allowedText string

// allowed are the functions that a stranger may call: those that compute something of their arguments.
var allowed = lazy.Words(allowedText)

// allowedTables are DuckDB's functions that stand in FROM and read nothing else, or what the views of the same names show: clients ask
// those for what there is.
var allowedTables = lazy.Words(`range generate_series unnest json_each json_tree repeat repeat_row
	duckdb_tables duckdb_views duckdb_columns duckdb_constraints duckdb_schemas`)

// plainName is a name that DuckDB doesn't take for a file where there is no table.
var plainName = lazy.Regexp(`^[\pL_][\pL\d_ $]*$`)

// strange checks a stranger's statement.
type strange struct {
	ctx  context.Context
	conn *duck.Conn
	src  *sql.Source
}

// verdicts are what was found out of texts while all that is declared was the same.
type verdicts struct {
	mu       sync.Mutex
	declared string
	right    map[string]bool // nothing is wrong with them; by gist
	same     map[string]int  // those that were asked again: how often, while it isn't known whether they are steady, or steady, or unsteady
}

// What is known of a text that was asked again.
const (
	unsteady   = -1
	isSteady   = -2
	oftenAsked = 2
)

// How many texts are kept, and how long they may be.
const (
	mostVerdicts   = 1000
	longestVerdict = 4 << 10
)

// of makes room for what is declared. The lock is held.
func (k *verdicts) of(declared string) {
	if k.declared != declared || len(k.right) >= mostVerdicts {
		k.declared, k.right = declared, map[string]bool{}
		k.same = nil
	}
	if k.same == nil || len(k.same) >= mostVerdicts {
		k.same = map[string]int{}
	}
}

// gist is a text without values that can't make it right or wrong: numbers, and texts that are no name of a file where they stand for one.
func gist(src *sql.Source) string {
	var b strings.Builder
	for _, t := range sql.Tokens(src, sql.Span{End: len(src.Text)}) {
		text := t.Span.Of(src)
		switch inner := strings.Trim(text, "'"); {
		case t.Kind == sql.Number:
			text = "0"
		case t.Kind == sql.String && text == "'"+inner+"'" && plainName().MatchString(inner):
			text = "''"
		}
		b.WriteString(text)
		b.WriteByte(' ')
	}
	return b.String()
}

// check is checkStranger, which isn't asked again of texts that differ by values only, until something is declared.
func (f *file) check(ctx context.Context, c *duck.Conn, src *sql.Source) error {
	v, err := f.looker.view(ctx)
	if err != nil {
		return err
	}
	if v.epoch%2 == 1 || len(src.Text) > longestVerdict {
		return checkStranger(ctx, c, src)
	}
	k, key := &f.verdicts, gist(src)
	k.mu.Lock()
	right := k.declared == v.declared && k.right[key]
	k.mu.Unlock()
	if right {
		return nil
	}
	if err := checkStranger(ctx, c, src); err != nil || v.epoch != f.db.Epoch() {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of(v.declared)
	k.right[key] = true
	return nil
}

// steady says whether a right text gives the same as long as the file is as in the view. It is found out of those that are asked again.
func (k *verdicts) steady(ctx context.Context, c *duck.Conn, v *view, text string) bool {
	if len(text) > longestVerdict {
		return false
	}
	k.mu.Lock()
	k.of(v.declared)
	n := k.same[text]
	if n >= 0 {
		n++
		k.same[text] = n
	}
	k.mu.Unlock()
	if n < oftenAsked {
		return n == isSteady
	}
	yes, _, err := v.steady(ctx, c, text)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of(v.declared)
	if k.same[text] = unsteady; yes && err == nil {
		k.same[text] = isSteady
	}
	return k.same[text] == isSteady
}

// longestSQL bounds the time that DuckDB takes to parse and plan, in which nothing stops it.
const longestSQL = 1 << 20

// checkStranger says what is wrong with a stranger's text.
func checkStranger(ctx context.Context, c *duck.Conn, src *sql.Source) error {
	s := &strange{ctx: ctx, conn: c, src: src}
	text := src.Text
	if len(text) > longestSQL {
		return refuse(http.StatusRequestEntityTooLarge, code.TooLarge, "send values as parameters", "a statement has at most %d bytes", longestSQL)
	}
	toks := sql.Tokens(src, sql.Span{End: len(text)})
	for len(toks) > 0 && toks[len(toks)-1].Kind == sql.Semi {
		toks = toks[:len(toks)-1]
	}
	if len(toks) == 0 {
		return refuse(http.StatusUnprocessableEntity, code.RefusedSQL, "send one SELECT", "there is no statement")
	}
	for _, t := range toks {
		if t.Kind == sql.Semi {
			return s.refuse(t.Span, "one statement at a time", "send the others by themselves")
		}
	}
	if sql.Same(toks[0].Span.Of(src), "SHOW") {
		return s.refuse(toks[0].Span, "SHOW isn't for requests", "FROM information_schema.tables lists tables; DESCRIBE t shows one")
	}
	from := toks[0].Span.Start
	if len(toks) > 1 && sql.Same(toks[0].Span.Of(src), "EXPLAIN") {
		from = toks[1].Span.Start
	}
	query := strings.Repeat(" ", from) + text[from:toks[len(toks)-1].Span.End]
	tree, err := s.parse(query, toks[0].Span)
	if err != nil {
		return err
	}
	if err := s.walk(tree); err != nil {
		return err
	}
	return s.macros(query)
}

func (s *strange) refuse(at sql.Span, msg, hint string) *refusal {
	return &refusal{http.StatusUnprocessableEntity, sql.Place{Src: s.src, Span: at}.Errorf(code.RefusedSQL, "%s", msg).
		WithHint(hint)}
}

// parse gives DuckDB's tree of a SELECT.
func (s *strange) parse(query string, at sql.Span) (any, error) {
	var out string
	if _, err := s.conn.Scan(s.ctx, duck.SQL("SELECT json_serialize_sql({q})::VARCHAR", duck.Args{"q": query}), &out); err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal([]byte(out), &tree); err != nil {
		return nil, err
	}
	if tree["error"] == true {
		if tree["error_type"] == "parser" || tree["error_type"] == "syntax error" {
			if err := s.conn.Parse(s.src, sql.Span{End: len(s.src.Text)}); err != nil {
				return nil, err
			}
		}
		return nil, s.refuse(at, "only SELECT and EXPLAIN of a SELECT are taken here",
			"whoever runs the server can put anything else into its script")
	}
	if list, _ := tree["statements"].([]any); len(list) != 1 {
		return nil, s.refuse(at, "one statement at a time", "send the others by themselves")
	}
	return tree, nil
}

// walk looks at all calls and tables in a tree.
func (s *strange) walk(n any) error {
	switch n := n.(type) {
	case []any:
		for _, v := range n {
			if err := s.walk(v); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := s.node(n); err != nil {
			return err
		}
		for _, v := range n {
			if err := s.walk(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *strange) node(n map[string]any) error {
	text := func(key string) string { t, _ := n[key].(string); return t }
	switch {
	case n["type"] == "TABLE_FUNCTION":
		f, _ := n["function"].(map[string]any)
		name, _ := f["function_name"].(string)
		if name = strings.ToLower(name); !allowedTables()[name] && (duck.Builtin(name) || !s.own(name)) {
			return s.refuse(s.place(name), "the table function "+name+" isn't for requests", "read tables that are there; an endpoint may call it")
		}
		delete(f, "function_name") // it was looked at
	case n["type"] == "BASE_TABLE":
		return s.table(text("catalog_name"), text("schema_name"), text("table_name"))
	}
	if name := strings.ToLower(text("function_name")); name != "" && !allowed()[name] && !s.conn.DB.Registered(name) &&
		(duck.Builtin(name) || !s.own(name)) {
		return s.refuse(s.place(name), "the function "+name+" isn't for requests", "an endpoint may call it")
	}
	if m, ok := n["cte_map"].(map[string]any); ok {
		list, _ := m["map"].([]any)
		for _, e := range list {
			entry, _ := e.(map[string]any)
			if name, _ := entry["key"].(string); !plainName().MatchString(name) {
				return s.refuse(s.place(name), "a name in WITH is letters, digits and _ here", "choose another name")
			}
		}
	}
	return nil
}

// own: a macro of the file.
func (s *strange) own(name string) bool {
	n, err := s.conn.Int(s.ctx, duck.SQL(`SELECT count(*) FROM duckdb_functions() WHERE NOT internal AND macro_definition IS NOT NULL
		AND lower(function_name) = {name}`, duck.Args{"name": name}))
	return err == nil && n > 0
}

// table refuses what is no table but might be a file.
func (s *strange) table(catalog, schema, name string) error {
	if plainName().MatchString(name) && plainName().MatchString(catalog+schema+"a") {
		return nil
	}
	n, err := s.conn.Int(s.ctx, duck.SQL(`SELECT count(*) FROM (SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views())
		WHERE lower(table_name) = lower({name})`, duck.Args{"name": name}))
	if err != nil {
		return err
	}
	if n == 0 {
		return s.refuse(s.place(name), "there is no table "+name, "files can't be read here")
	}
	return nil
}

// macros looks into the macros that the text calls. Those of destinations ask for variables, which is no harm there.
func (s *strange) macros(query string) error {
	routines, err := s.conn.Routines(s.ctx, query)
	if err != nil {
		return err
	}
	for name, rs := range routines {
		for _, r := range rs {
			if r.Type == "keyword" || name == "getvariable" || allowed()[name] || allowedTables()[name] || !duck.Builtin(name) {
				continue
			}
			return s.refuse(s.place(name), "the function "+name+" isn't for requests, and something that is called here calls it",
				"an endpoint may call it")
		}
	}
	return nil
}

// place is where a name stands in the text; its beginning where it doesn't.
func (s *strange) place(name string) sql.Span {
	for _, t := range sql.Tokens(s.src, sql.Span{End: len(s.src.Text)}) {
		text := t.Span.Of(s.src)
		if t.Kind == sql.Quoted || t.Kind == sql.String {
			if inner, err := sql.Unquote(text); err == nil {
				text = inner
			}
		}
		if sql.Same(text, name) {
			return t.Span
		}
	}
	return sql.Span{End: min(1, len(s.src.Text))}
}
