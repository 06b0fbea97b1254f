package program

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/internal/lazy"
	"dsql/sql"
	"dsql/sql/code"
)

// Names in the file: those of declarations, those that they make beside them (j_history, j_at), and the user's own. Nothing takes the
// place of another.

// names are what a declaration has in the file, or may be read by.
func (n *Node) names() (out []string) {
	if !n.Relation() && !n.callable() {
		return nil
	}
	out = []string{n.Name}
	if m, ok := n.Obj.(kind.Maker); ok {
		out = append(out, m.Makes()...)
	}
	if v, ok := n.Obj.(kind.Versioned); ok {
		out = append(out, v.Versions()...)
	}
	return out
}

// nameable refuses a name without quotes that no statement could read the declaration by.
func (n *Node) nameable() error {
	d := n.Obj.Decl()
	text := d.NameAt.Of(d.Src)
	if !n.Relation() && !n.callable() || strings.HasPrefix(text, `"`) || !duck.Reserved(text) {
		return nil
	}
	return d.Errorf(code.ReservedName, "%s is a word of SQL's own", text).
		WithHint(fmt.Sprintf(`choose another name, or write "%s", here and wherever it is read`, text))
}

// versionOf is the model whose version a name may be: late_risk_v1.
var versionOf = lazy.Regexp(`(?i)^(.*)_v[0-9]+$`)

// modelOf is the name of that model, "" where a name is of no such form.
func modelOf(name string) string {
	if m := versionOf().FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

// called says whether SQL calls a declaration by a name: its own, that of a version, or of a macro beside them.
func (n *Node) called(name string) bool {
	v, versioned := n.Obj.(kind.Versioned)
	return n.callable() && (sql.Same(name, n.Name) || versioned && (sql.Same(modelOf(name), n.Name) ||
		slices.ContainsFunc(v.Versions(), func(x string) bool { return sql.Same(x, name) })))
}

// apart refuses declarations of which one makes what has another's name. The later one is at fault.
func (p *Program) apart() error {
	var errs sql.List
	owner, models := map[sql.Key]*Node{}, map[sql.Key]*Node{}
	for _, n := range p.Nodes {
		if _, ok := n.Obj.(kind.Versioned); ok {
			models[sql.KeyOf(n.Name)] = n
		}
	}
	for _, stored := range []bool{true, false} { // what the file has was there first
		for _, n := range p.Nodes {
			if (n.Stmt < 0 || n.Stored != nil) != stored {
				continue
			}
			for i, name := range n.names() {
				key := sql.KeyOf(name)
				other := owner[key]
				if n.callable() && other == nil {
					other = models[sql.KeyOf(modelOf(name))]
				}
				if other == nil || other == n {
					owner[key] = n
					continue
				}
				if i == 0 && sql.Same(other.Name, name) { // one name of two kinds: see declare
					continue
				}
				errs = append(errs, clash(n, other, name))
			}
		}
	}
	return errs.Err()
}

func clash(n, other *Node, name string) *sql.Error {
	d, o := n.Obj.Decl(), other.Obj.Decl()
	var e *sql.Error
	switch {
	case sql.Same(n.Name, name):
		e = d.Errorf(code.NameTaken, "%s is made by the %s %s", name, other.Kind, other.Name)
	case sql.Same(other.Name, name):
		e = d.Errorf(code.NameTaken, "%s %s makes %s, which is a %s", n.Kind, n.Name, name, other.Kind)
	default:
		e = d.Errorf(code.NameTaken, "%s %s makes %s, and so does the %s %s", n.Kind, n.Name, name, other.Kind, other.Name)
	}
	if other.Stmt >= 0 {
		e.WithNote(o.Place(), "declared here")
	}
	return e.WithHint("choose another name")
}

// free refuses a declaration that is new to the file where the user has something of a name that it would make.
func (p *Program) free(ctx context.Context, tx *duck.Tx, n *Node) error {
	names := n.toMake()
	if len(names) == 0 {
		return nil
	}
	if p.claimed == nil {
		var err error
		if p.claimed, err = p.claims(ctx, tx); err != nil {
			return err
		}
	}
	if !p.claimed.any(names) {
		return nil
	}
	taken, err := takenNames(ctx, tx, names)
	if err != nil || len(taken) == 0 {
		return err
	}
	kind, name := taken[0][0], taken[0][1]
	d := n.Obj.Decl()
	e := d.Errorf(code.NameTaken, "%s %s would make %s, and there is a %s of yours of that name", n.Kind, n.Name, name, kind).
		WithHint(fmt.Sprintf("choose another name, or rename or drop yours first: DROP %s %s", strings.ToUpper(kind), name))
	if sql.Same(n.Name, name) {
		e.Msg = fmt.Sprintf("there is a %s %s of yours", kind, name)
	}
	return e
}

// toMake are the names that a declaration will have in the file and hasn't yet.
func (n *Node) toMake() []string {
	if _, source := n.Source(); source || n.Stored != nil {
		return nil
	}
	return n.names()
}

// takenNames are which of the names the file has something of, with its kind. DuckDB lists all its functions for it, which takes 18 ms.
func takenNames(ctx context.Context, tx *duck.Tx, names []string) ([][2]string, error) {
	return duck.Select(ctx, tx.Conn, duck.SQL(`SELECT kind, name FROM (
		SELECT 'table' AS kind, table_name AS name, schema_name AS s, database_name AS d FROM duckdb_tables() WHERE NOT internal
		UNION ALL SELECT 'view', view_name, schema_name, database_name FROM duckdb_views() WHERE NOT internal
		UNION ALL SELECT 'macro', function_name, schema_name, database_name FROM duckdb_functions() WHERE function_type IN ('macro', 'table_macro') AND NOT internal)
		WHERE lower(name) IN ({names}) AND s = current_schema() AND d = current_database()`,
		duck.Args{"names": duck.Each(", ", names, func(s string) *duck.Query { return duck.Lit(strings.ToLower(s)) })}), ScanPair)
}

// claims are the names that the user may have something of: asked for once, so that a script of many declarations needn't ask the file
// for each of them.
type claims struct {
	all   bool // a statement may make anything
	names map[sql.Key]bool
}

// claims are what the file has of the names that the script's declarations will make, and each word of statements that make something.
func (p *Program) claims(ctx context.Context, tx *duck.Tx) (*claims, error) {
	c := &claims{names: map[sql.Key]bool{}}
	for _, st := range p.Stmts {
		switch word := Opening(st); {
		case st.Decl != nil || makesNothing[word] || word == "COPY" && !fromDatabase(st):
		case word == "CREATE" || word == "ALTER":
			for _, t := range sql.Tokens(st.Src, st.Span) {
				if IsName(t) {
					c.names[sql.KeyOf(sql.NameOf(t.Span.Of(st.Src)))] = true
				}
			}
		default:
			c.all = true
		}
	}
	var names []string
	for _, n := range p.Nodes {
		names = append(names, n.toMake()...)
	}
	if p.fresh || len(names) == 0 {
		return c, nil
	}
	taken, err := takenNames(ctx, tx, names)
	for _, t := range taken {
		c.names[sql.KeyOf(t[1])] = true
	}
	return c, err
}

// fromDatabase: COPY FROM DATABASE a TO b, which makes what a has.
func fromDatabase(st sql.Stmt) bool {
	toks := sql.Tokens(st.Src, st.Span)
	return len(toks) > 1 && sql.Same(toks[1].Span.Of(st.Src), "FROM")
}

func (c *claims) any(names []string) bool {
	return c.all || slices.ContainsFunc(names, func(n string) bool { return c.names[sql.KeyOf(n)] })
}

// makesNothing are the words that statements begin with that make no table, view or macro in the file.
var makesNothing = func() map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields("SELECT FROM WITH VALUES TABLE INSERT UPDATE DELETE MERGE TRUNCATE DESCRIBE SHOW SUMMARIZE SET RESET " +
		"USE ATTACH DETACH CHECKPOINT VACUUM ANALYZE COMMENT DROP BEGIN COMMIT ROLLBACK") {
		out[w] = true
	}
	return out
}()

func Texts(s []string) *duck.Query {
	return duck.SQL("[{t}]", duck.Args{"t": duck.Each(", ", s, func(x string) *duck.Query { return duck.Lit(x) })})
}
