package program

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/catalog"
	"dsql/engine/duck"
	"dsql/pipeline/event"
	"dsql/sql"
)

// A row that still has _meta is rejected with its place and bytes. A query that takes rows one by one (no join, no aggregate) hands _meta
// on by itself, however it lists its columns: behind the last item of each SELECT that it goes through.

// metaSpots are where _meta is to be put into the query's text, in order; nil: it has no such form.
func (b *body) metaSpots() (spots []int) {
	root, _ := b.tree.(map[string]any)
	if root == nil || len(b.reads) != 1 {
		return nil
	}
	w := walker{ctes: map[string]any{}}
	w.collectCTEs(b.tree)
	f := spotFinder{b: b, ctes: w.ctes, toks: sql.Tokens(b.src, b.span)}
	if !f.level(root, 0, len(f.toks), 0) || len(f.spots) == 0 {
		return nil
	}
	slices.Sort(f.spots)
	return f.spots
}

type spotFinder struct {
	b     *body
	ctes  map[string]any
	toks  []sql.Token
	spots []int
}

func (f *spotFinder) is(i int, words ...string) bool {
	return i >= 0 && i < len(f.toks) && slices.ContainsFunc(words,
		func(w string) bool { return strings.EqualFold(f.toks[i].Span.Of(f.b.src), w) })
}

// close is behind the bracket that is opened at i.
func (f *spotFinder) close(i, to int) int {
	for depth := 0; i < to; i++ {
		if f.is(i, "(", "[", "{") {
			depth++
		} else if f.is(i, ")", "]", "}") {
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return to
}

// level goes through a SELECT, whose text is tokens [i, to), and what it reads. It is false where rows aren't taken one by one.
func (f *spotFinder) level(n map[string]any, i, to, depth int) bool {
	if n["type"] != "SELECT_NODE" || depth > 20 || !oneByOne(n) {
		return false
	}
	for i < to && !f.is(i, "SELECT") { // past WITH …
		if i = f.next(i, to); f.is(i, "FROM") {
			return false // FROM t SELECT a
		}
	}
	from := i + 1
	for from < to && !(f.is(from, "FROM") && !(f.is(from-1, "DISTINCT") && f.is(from-2, "IS", "NOT"))) {
		from = f.next(from, to)
	}
	if from >= to {
		return false
	}
	if last := from - 1; !handsOn(n) {
		if f.is(last, ",") { // it may stand behind the last item
			last--
		}
		f.spots = append(f.spots, f.toks[last].Span.End)
	}
	t, _ := n["from_table"].(map[string]any)
	name, _ := t["table_name"].(string)
	switch t["type"] {
	case "BASE_TABLE":
		cte, ok := f.ctes[strings.ToLower(name)]
		if !ok {
			return true
		}
		if takesRows(n, name) {
			return false
		}
		m, _ := dig(cte, "query", "node").(map[string]any)
		if aliases, _ := dig(cte, "aliases").([]any); m == nil || len(aliases) > 0 || f.mentions(name) != 2 {
			return false
		}
		at := f.cte(name)
		return at > 0 && f.level(m, at+1, f.close(at, len(f.toks))-1, depth+1)
	case "SUBQUERY":
		m, _ := dig(t, "subquery", "node").(map[string]any)
		return m != nil && f.is(from+1, "(") && !takesRows(n, "unnamed_subquery") && f.level(m, from+2, f.close(from+1, to)-1, depth+1)
	}
	return false
}

// next is the token behind i, or behind the brackets that i opens.
func (f *spotFinder) next(i, to int) int {
	if f.is(i, "(", "[", "{") {
		return f.close(i, to)
	}
	return i + 1
}

// mentions counts a name.
func (f *spotFinder) mentions(name string) (n int) {
	for _, t := range f.toks {
		if IsName(t) && sql.Same(UnquoteName(t.Span.Of(f.b.src)), name) {
			n++
		}
	}
	return n
}

// cte is the bracket that a common table expression begins with, 0 for none.
func (f *spotFinder) cte(name string) int {
	for i, t := range f.toks {
		if !IsName(t) || !sql.Same(UnquoteName(t.Span.Of(f.b.src)), name) || !f.is(i+1, "AS") {
			continue
		}
		for i += 2; f.is(i, "NOT", "MATERIALIZED"); {
			i++
		}
		if f.is(i, "(") {
			return i
		}
	}
	return 0
}

// oneByOne: a row of the result is a row of what is read. (DuckDB's binder finds aggregates without GROUP BY.)
func oneByOne(n map[string]any) bool {
	if g, _ := n["group_expressions"].([]any); len(g) > 0 || groupsByAll(n) || n["having"] != nil {
		return false
	}
	modifiers, _ := n["modifiers"].([]any)
	return !slices.ContainsFunc(modifiers, func(m any) bool { return dig(m, "type") == "DISTINCT_MODIFIER" })
}

// groupsByAll: GROUP BY ALL, in which all items of the list but aggregates are groups.
func groupsByAll(n map[string]any) bool { return n["aggregate_handling"] == "FORCE_AGGREGATES" }

// takesRows: an expression of the query takes all columns of what it reads, or a row of it as one value (to_json(t)): they would have a
// _meta more. name is what that is called where the user gives it no alias.
func takesRows(n map[string]any, name string) bool {
	if alias, _ := dig(n, "from_table", "alias").(string); alias != "" {
		name = alias
	}
	items, _ := n["select_list"].([]any)
	return slices.ContainsFunc(items, func(x any) bool {
		item, _ := x.(map[string]any)
		return item["class"] != "STAR" && takes(item, name, true) || takes(item["replace_list"], name, true)
	}) || takes(n["where_clause"], name, true) || takes(n["qualify"], name, true)
}

// takes is takesRows of an expression: rel or its columns stand in it. A star of a subquery (not own) is that one's.
func takes(x any, rel string, own bool) bool {
	switch x := x.(type) {
	case []any:
		return slices.ContainsFunc(x, func(v any) bool { return takes(v, rel, own) })
	case map[string]any:
		own = own && x["type"] != "SELECT_NODE"
		of, _ := x["relation_name"].(string)
		if x["class"] == "STAR" && (own || sql.Same(of, rel)) {
			return true
		}
		if path, _ := x["column_names"].([]any); len(path) == 1 {
			if only, _ := path[0].(string); sql.Same(only, rel) {
				return true
			}
		}
		for _, v := range x {
			if takes(v, rel, own) {
				return true
			}
		}
	}
	return false
}

// handsOn: the list has a star, or _meta itself.
func handsOn(n map[string]any) bool {
	items, _ := n["select_list"].([]any)
	return slices.ContainsFunc(items, func(x any) bool {
		item, _ := x.(map[string]any)
		alias, _ := item["alias"].(string)
		path, _ := item["column_names"].([]any)
		if alias == "" && len(path) > 0 {
			alias, _ = path[len(path)-1].(string)
		}
		return item["class"] == "STAR" || sql.Same(alias, catalog.MetaColumn)
	})
}

// withMeta is the body of an input's query with _meta put in, nil where it has no place. flat: it stands in the list of the only SELECT,
// which has no star, so that the other columns are the same with it.
func (in *Input) withMeta() (with *body, flat bool) {
	if _, ok := in.Of.Source(); !ok || in.body == nil {
		return nil, false
	}
	b := *in.body
	if b.spots = b.metaSpots(); b.spots == nil {
		return nil, false
	}
	ctes, _ := dig(b.tree, "cte_map", "map").([]any)
	return &b, len(ctes) == 0 && dig(b.tree, "from_table", "type") == "BASE_TABLE" && !takes(dig(b.tree, "select_list"), "", true)
}

// bindMeta are the columns beside the _meta that was put in, nil where the query doesn't bind with it.
func (b *body) bindMeta(ctx context.Context, tx *duck.Tx, of *Node) []duck.Column {
	all, err := tx.Describe(ctx, b.query(empty(of)), duck.Place{})
	if err != nil {
		return nil
	}
	cols := slices.DeleteFunc(slices.Clone(all), func(c duck.Column) bool { return sql.Same(c.Name, catalog.MetaColumn) })
	if len(cols) != len(all)-1 {
		return nil
	}
	return cols
}

// lostCoordinates are warnings about destinations of the script that may reject a source's rows without knowing where these came from.
func (p *Program) lostCoordinates() (out []*sql.Error) {
	for _, n := range p.Nodes {
		if n.Stmt < 0 || n.Rules == nil || !(n.Keyed() || n.Rules.Rejects() || n.Quality.Holds()) {
			continue
		}
		for _, in := range n.Inputs {
			if _, ok := in.Of.Source(); ok && !in.Meta {
				d := n.Obj.Decl()
				out = append(out, &sql.Error{Src: d.Src, Span: d.NameAt, Code: "coordinates-lost",
					Msg: fmt.Sprintf("what %s rejects will stand in dsql.rejects without its place and bytes: its query doesn't hand _meta on", n.Name),
					Hint: "a query without joins and aggregates does so by itself; else select _meta (of " + in.Of.Name +
						") too, or store the rows in a stream first"})
			}
		}
	}
	return out
}

// waiting says in a plan how many bad records of a source could be tried again.
func (p *Program) waiting(ctx context.Context, tx *duck.Tx, n *Node, c *event.Change) error {
	if _, ok := n.Source(); !ok || c.Action != "change" {
		return nil
	}
	bad, err := tx.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.rejects WHERE destination IS NULL AND source = {s} AND replayed_at IS NULL",
		duck.Args{"s": n.Name}))
	if err == nil && bad > 0 {
		c.What = append(c.What, fmt.Sprintf("%d bad records would be tried again by: REPLAY REJECTS FROM %s", bad, n.Name))
	}
	return err
}
