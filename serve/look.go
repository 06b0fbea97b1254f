package serve

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"dsql/endpoint"
	"dsql/engine/duck"
	"dsql/engine/duck/tree"
	"dsql/engine/kind"
	"dsql/internal/lazy"
	"dsql/pipeline/program"
	"dsql/sql"
)

// view is what a request must know of a state of the file. It is immutable.
type view struct {
	epoch     uint64 // of the state; odd where it isn't one
	version   int64
	changes   uint64 // by statements of users
	declared  string // tells what is declared apart
	laid      string // the same without models
	endpoints map[sql.Key]*served
	names     []string
	trained   string // tells the versions of models apart
	models    map[sql.Key]*modelAt
	modelled  []string
	inFile    map[sql.Key]bool // what stands in the file as rows do, as of a version
}

// served is an endpoint as it stands in the file.
type served struct {
	*endpoint.Endpoint
	name    string
	version string // of all that is declared: what was bound for another is bound anew
	params  []duck.Column
	columns []duck.Column
	err     error // it doesn't bind any more
	slow    atomic.Bool
	// volatile: the same request may be answered otherwise in the same state.
	volatile bool
	models   []use // that its query calls
	lookups  []*lookup
}

// calls finds what the query calls: models, and what gives something else another time or isn't known to give the same.
func (at *served) calls(ctx context.Context, c *duck.Conn, v *view) error {
	steady, routines, err := v.steady(ctx, c, at.Any().String())
	if err != nil {
		return err
	}
	at.volatile = !steady
	for _, m := range v.models {
		for _, x := range m.versions {
			if routines[strings.ToLower(x.Key())] != nil {
				at.models = append(at.models, use{x.Name, x.Version})
			}
		}
	}
	slices.SortFunc(at.models, func(a, b use) int { return cmp.Or(strings.Compare(a.name, b.name), a.version-b.version) })
	return nil
}

// steady says whether a query is known to give the same as long as the file is the same, and what it calls.
func (v *view) steady(ctx context.Context, c *duck.Conn, text string) (yes bool, routines duck.Routines, err error) {
	t, err := tree.Read(ctx, c, text)
	if err != nil {
		return false, nil, err
	}
	yes = t.Refused == "" // else it can't be seen what it reads
	t.Walk(func(n tree.Node) bool {
		table, ok := n.(*tree.Table)
		yes = yes && (!ok || t.CTE(table) != nil || v.inFile[sql.KeyOf(table.Name)]) // else a file, or a view of who knows what
		return true
	})
	if routines, err = c.Routines(ctx, text); err != nil {
		return false, nil, err
	}
	src := sql.NewSource("", text)
	for _, t := range sql.Tokens(src, sql.Span{End: len(text)}) {
		name := t.Span.Of(src)
		yes = yes && !isClock(name) && !routines.Any(strings.Trim(name, `"`), func(r duck.Routine) bool {
			return r.Stability == "VOLATILE" || r.Stability == "CONSISTENT_WITHIN_QUERY" || r.Type == "table" ||
				!v.inFile[sql.KeyOf(strings.Trim(name, `"`))] && reads().MatchString(r.Macro)
		})
	}
	return yes, routines, nil
}

// reads: a macro's text that has a query.
var reads = lazy.Regexp(`(?i)\bfrom\b`)

// inFile are what stands in the file as rows do, as of a version: tables, and what destinations make.
func inFile(ctx context.Context, c *duck.Conn, nodes []*program.Node) (map[sql.Key]bool, error) {
	names, err := duck.Select(ctx, c, duck.SQL("SELECT table_name FROM duckdb_tables()"),
		func(row func(...any) error) (name string, err error) { return name, row(&name) })
	for _, n := range nodes {
		if m, ok := n.Obj.(kind.Maker); ok {
			names = append(append(names, n.Name), m.Makes()...)
		}
	}
	out := map[sql.Key]bool{}
	for _, n := range names {
		out[sql.KeyOf(n)] = true
	}
	return out, err
}

// isClock: a word that is the time, without brackets (or a name that looks like one, which does no harm).
func isClock(word string) bool {
	word = strings.ToLower(word)
	return strings.HasPrefix(word, "current_") || strings.HasPrefix(word, "localtime")
}

// looker keeps the view up to date: the first request after a commit looks.
type looker struct {
	language *program.Language
	db       *duck.DB
	conn     *duck.Conn
	indexes  *indexes
	quick    quick
	mu       sync.Mutex
	now      atomic.Pointer[view]
}

func newLooker(ctx context.Context, language *program.Language, db *duck.DB, warn func(error)) (*looker, error) {
	c, err := db.Reader(ctx)
	if err != nil {
		return nil, err
	}
	l := &looker{language: language, db: db, conn: c, quick: make(quick, runtime.GOMAXPROCS(0)+1)}
	l.indexes = newIndexes(db, l, warn)
	l.now.Store(&view{epoch: 1, endpoints: map[sql.Key]*served{}})
	return l, nil
}

// dead: the database takes no statement any more.
func (l *looker) dead(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.conn.Exec(ctx, duck.SQL("SELECT 1"))
	return err != nil && strings.Contains(err.Error(), invalidated)
}

// answers: it takes one.
func (l *looker) answers(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.conn.Exec(ctx, duck.SQL("SELECT 1"))
	return err == nil
}

// view is that of the newest state, or while something commits of the one before.
func (l *looker) view(ctx context.Context) (*view, error) {
	v := l.now.Load()
	if e := l.db.Epoch(); v.epoch == e || v.epoch%2 == 0 && v.epoch+1 == e {
		return v, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.db.Epoch()
	if v = l.now.Load(); v.epoch == e || v.epoch%2 == 0 && v.epoch+1 == e {
		return v, nil
	}
	n, err := l.look(ctx, v, duck.Changes(e))
	if err != nil {
		return nil, err
	}
	if n.epoch = e; e%2 == 1 || l.db.Epoch() != e {
		n.epoch = 1 // of a state that nobody can name
	}
	l.now.Store(n)
	return n, nil
}

// forget makes the next view a new one.
func (l *looker) forget() { l.now.Store(&view{epoch: 1}) }

// state reads what tells the states of the file apart.
func (v *view) state(ctx context.Context, c *duck.Conn) error {
	_, err := c.Scan(ctx, duck.SQL(`SELECT (SELECT coalesce(max(version), 0) FROM dsql.versions),
		(SELECT {changes} || ' ' || count(*) || ' ' || coalesce(bit_xor(hash(kind, name, body, pinned)), 0) FROM dsql.declarations),
		(SELECT count(*) || ' ' || coalesce(bit_xor(hash(name, version, hash, in_use, options, inputs)), 0) FROM dsql.models)`,
		duck.Args{"changes": int64(v.changes)}), &v.version, &v.laid, &v.trained)
	v.declared = v.laid + " " + v.trained
	return err
}

// look reads the file in one transaction.
func (l *looker) look(ctx context.Context, was *view, changes uint64) (*view, error) {
	n := &view{changes: changes, endpoints: was.endpoints, names: was.names, models: was.models, modelled: was.modelled,
		inFile: was.inFile}
	err := l.conn.Scratch(ctx, func(tx *duck.Tx) error {
		if err := n.state(ctx, tx.Conn); err != nil {
			return err
		}
		if n.trained != was.trained {
			if err := n.loadModels(ctx, tx.Conn, was); err != nil {
				return err
			}
		}
		if n.declared == was.declared {
			return nil
		}
		return l.serve(ctx, tx.Conn, n)
	})
	return n, err
}

// serve reads the endpoints that are declared.
func (l *looker) serve(ctx context.Context, c *duck.Conn, n *view) error {
	nodes, err := l.language.Stored(ctx, c)
	if err != nil {
		return err
	}
	stored := func(name string) (kind.Object, []duck.Column) {
		for _, node := range nodes {
			if _, stores := node.Obj.(kind.Located); stores && sql.Same(node.Name, name) {
				return node.Obj, nil
			}
		}
		return nil, nil
	}
	if n.inFile, err = inFile(ctx, c, nodes); err != nil {
		return err
	}
	n.endpoints, n.names = map[sql.Key]*served{}, nil
	for _, node := range nodes {
		e, ok := node.Obj.(*endpoint.Endpoint)
		if !ok {
			continue
		}
		at := &served{Endpoint: e, name: node.Name, version: n.declared}
		if at.params, at.columns, at.err = e.Bind(ctx, c); at.err == nil {
			at.err = at.calls(ctx, c, n)
		}
		if at.err == nil {
			at.err = at.finds(ctx, c, l.indexes, stored)
		}
		n.endpoints[sql.KeyOf(node.Name)] = at
		n.names = append(n.names, node.Name)
	}
	return nil
}

// finds says which rows the query looks up by key.
func (at *served) finds(ctx context.Context, c *duck.Conn, x *indexes, stored kind.Stored) error {
	found, _, err := at.Lookups(ctx, c, at.params, stored)
	for _, l := range found {
		if collated, err := collated(ctx, c, l); err != nil || collated {
			return err
		}
		at.lookups = append(at.lookups, &lookup{l, x.index(l)})
	}
	return err
}
