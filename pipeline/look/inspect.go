package look

import (
	"context"
	"strings"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/pipeline/event"
	"dsql/pipeline/program"
	"dsql/sql"
	"dsql/sql/code"
)

// What the commands that look into a file show: queries over dsql's own tables and over what destinations keep.

// inspection opens a file for reading and gives f a runner that shows results as events.
func inspection(ctx context.Context, o program.Options, f func(v *Viewer) error) error {
	db, err := duck.Open(ctx, o.DB, duck.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	c := db.Writer()
	if n, err := c.Int(ctx, duck.SQL("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'dsql' AND table_name = 'catalog'")); err != nil || n == 0 {
		return firstError(err, sql.Errorf(code.NotDsql, "%s has no tables of dsql: nothing was declared in it", o.DB).
			WithHint("`dsql run` a script with --db "+o.DB))
	}
	p, err := o.Language.Load(ctx, c, nil, &kind.Env{Dir: o.Dir}, program.Opened{})
	if err != nil {
		return err
	}
	return f(&Viewer{p, c, o})
}

// beside is inspection for what may be asked of data files alone, where no file is named.
func beside(ctx context.Context, o program.Options, f func(v *Viewer) error) error {
	if o.DB != "" {
		return inspection(ctx, o, f)
	}
	db, err := duck.Open(ctx, "", duck.Options{})
	if err != nil {
		return err
	}
	err = f(&Viewer{&program.Program{Language: o.Language, Env: &kind.Env{Dir: o.Dir}}, db.Writer(), o})
	return firstError(err, db.Close())
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Query shows a result.
func (v *Viewer) Query(ctx context.Context, q *duck.Query) error { return v.titled(ctx, "", q) }

// titled shows one of several results.
func (v *Viewer) titled(ctx context.Context, title string, q *duck.Query) error {
	res, err := v.Conn.Query(ctx, q, sql.Place{})
	if err != nil {
		return err
	}
	v.Emit(event.Queried{Result: res, Title: title})
	return firstError(res.Err(), res.Close())
}

// stored is a destination of the file by its name.
func (v *Viewer) stored(name string) (*program.Node, error) {
	return v.destination(name, "stream, journal or rollup", func(*program.Node) bool { return true })
}

// destination is one of those that are able to do something; what they are called together.
func (v *Viewer) destination(name, what string, able func(*program.Node) bool) (*program.Node, error) {
	var names []string
	more := ""
	for _, n := range v.Program.Nodes {
		if _, ok := n.Destination(); !ok || !able(n) {
			if sql.Same(n.Name, name) {
				more = ": it is a " + n.Kind
			}
			continue
		}
		if sql.Same(n.Name, name) {
			return n, nil
		}
		names = append(names, n.Name)
	}
	return nil, sql.Errorf(code.UnknownName, "the file has no %s %s%s", what, name, more).
		WithHint(sql.DidYouMean(name, names, sql.Listed("it has: ", names, ""))).WithExit(code.ExitUsage)
}

// History shows the life of one key of a journal: each version's valid times, what changed, and which version and file or offsets
// brought it. keys are values, or name=value, of the journal's KEYS.
func History(ctx context.Context, o program.Options, name string, keys []string) error {
	return inspection(ctx, o, func(v *Viewer) error {
		var b kind.Biographer
		n, err := v.destination(name, "journal", func(n *program.Node) (ok bool) {
			b, ok = n.Obj.(kind.Biographer)
			return ok
		})
		if err != nil {
			return err
		}
		life, err := b.Life(ctx, v.Conn, keys)
		if err != nil {
			return err
		}
		a := duck.Args{"life": life, "name": n.Name}
		if some, err := v.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM ({life})", a)); err != nil || some == 0 {
			return firstError(err, sql.Errorf(code.UnknownKey, "%s %s never had the key %s", n.Kind, n.Name, strings.Join(keys, ", ")).
				WithHint("dsql.rejects may have its rows: `dsql rejects "+n.Name+"`"))
		}
		return v.Query(ctx, duck.SQL(originQuery, a))
	})
}

// originQuery adds to versions of a key what they come from. What was read from a stored table comes from what that had read.
const originQuery = `WITH o AS (
		SELECT version, origin, regexp_extract(origin, '^(.*) versions (\d+)–(\d+)$', ['name', 'low', 'high']) AS _via
		FROM dsql.version_rows WHERE kind <> 'source' AND name = {name}),
	s AS (SELECT version, origin FROM dsql.version_rows WHERE kind = 'source'),
	f AS (SELECT version, coalesce((SELECT string_agg(DISTINCT s.origin, ', ' ORDER BY s.origin) FROM s
		WHERE _via.name <> '' AND s.version BETWEEN TRY_CAST(_via.low AS BIGINT) AND TRY_CAST(_via.high AS BIGINT)
		AND s.version IN (SELECT v.version FROM dsql.version_rows v WHERE v.kind <> 'source' AND v.name = _via.name)), origin) AS origin FROM o)
	SELECT *, (SELECT string_agg(DISTINCT f.origin, ', ' ORDER BY f.origin) FROM f WHERE f.version = l.version) AS origin FROM ({life}) l`

// Diff shows what differs in a destination between two versions: how many rows, by column, then the rows. It says whether
// anything does.
func Diff(ctx context.Context, o program.Options, name string, v1, v2 int64, rowsOnly bool) (differs bool, err error) {
	err = inspection(ctx, o, func(v *Viewer) error {
		var of kind.Differ
		n, err := v.destination(name, "stream, journal or rollup", func(n *program.Node) (ok bool) {
			of, ok = n.Obj.(kind.Differ)
			return ok
		})
		if err != nil {
			return err
		}
		newest, err := v.Conn.Int(ctx, duck.SQL("SELECT max(version) FROM dsql.versions"))
		if err != nil {
			return err
		}
		if max(v1, v2) > newest || min(v1, v2) < 0 {
			return sql.Errorf(code.NoVersion, "the file has the versions 1 to %d", newest).
				WithHint("dsql.versions lists them; 0 is before the first").WithExit(code.ExitUsage)
		}
		diff := of.Diff(v1, v2)
		count, err := v.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM (SELECT 1 FROM {d} LIMIT 1)", duck.Args{"d": diff}))
		if err != nil {
			return err
		}
		differs = count > 0
		if !rowsOnly {
			summary := duck.SQL("SELECT 'rows' AS what, count(*) FILTER (change_type = 'insert') AS added, count(*) FILTER (change_type = "+
				"'delete') AS removed, count(*) FILTER (change_type = 'update_after') AS changed FROM {d}", duck.Args{"d": diff})
			if b, ok := n.Obj.(kind.Biographer); ok {
				if summary, err = b.Summary(ctx, v.Conn, diff); err != nil {
					return err
				}
			}
			if err := v.Query(ctx, summary); err != nil {
				return err
			}
		}
		// The two states of a changed row stand one above the other: 'update_before', 'update_after'.
		order := duck.SQL("ALL")
		if k, ok := n.Obj.(kind.Keyed); ok {
			order = duck.SQL("{keys}, change_type DESC", duck.Args{"keys": duck.Names(k.KeyNames())})
		}
		return v.Query(ctx, duck.SQL("SELECT * EXCLUDE (_version) FROM {d} ORDER BY {order}", duck.Args{"d": diff, "order": order}))
	})
	return differs, err
}

// Models lists models with their versions, inputs and sizes.
func Models(ctx context.Context, o program.Options) error {
	return inspection(ctx, o, func(v *Viewer) error {
		return v.Query(ctx, duck.SQL(`SELECT name, version, in_use, format, outputs,
			array_to_string(list_transform(from_json(inputs, '[{"name":"VARCHAR","type":"VARCHAR"}]'), lambda i: i.name || ' ' || i.type), ', ') AS inputs,
			(json_extract_string(options, '$.trees'))::INTEGER AS trees, octet_length(file) AS bytes, left(hash, 12) AS hash, tags, created
			FROM dsql.models ORDER BY name, version`))
	})
}
