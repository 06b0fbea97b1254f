package pipeline

import (
	"context"
	"strings"

	"dsql/engine"
)

// Status shows how far each destination is, how many rows it has now, what the last minute brought, and how far the sources are read: of
// topics with the lag that the brokers tell now.
func Status(ctx context.Context, o Options) error {
	return inspection(ctx, o, func(r *runner) error {
		for _, show := range []func(context.Context) error{r.showAccounts, r.lag, r.showHolds, r.showSinks, r.showFiles, r.keptBack} {
			if err := show(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// showAccounts shows what came and went since the beginning, and what is there now: a rollback or a rebuild makes a difference.
func (r *runner) showAccounts(ctx context.Context) error {
	there, err := engine.Select(ctx, r.conn, engine.SQL("SELECT lower(table_name) FROM information_schema.tables WHERE table_schema = 'main' AND table_catalog = current_database()"),
		func(row func(...any) error) (name string, err error) { return name, row(&name) })
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, name := range there {
		known[name] = true
	}
	now := []*engine.Query{engine.SQL("SELECT NULL::VARCHAR AS kind, NULL::VARCHAR AS name, NULL::BIGINT AS rows WHERE false")}
	for _, n := range r.p.nodes {
		if _, ok := n.destination(); ok && known[strings.ToLower(n.name)] {
			now = append(now, engine.SQL("SELECT {kind}, {name}, count(*) FROM main.{t}", engine.Args{"kind": n.kind, "name": n.name, "t": engine.Ident(n.name)}))
		}
	}
	return r.titled(ctx, "destinations", engine.SQL(`WITH now AS ({now}), accounts AS (
		SELECT kind, name, sum(rows_in)::BIGINT AS rows_in, sum(written)::BIGINT AS written, sum(rejected)::BIGINT AS rejected, sum(dropped)::BIGINT AS dropped, sum(bad)::BIGINT AS bad, sum(skipped)::BIGINT AS skipped,
		max(r.version) AS version, max(committed_at) AS last_commit, round(sum(rows_in) FILTER (recent) / nullif(date_diff('ms', min(committed_at) FILTER (recent), max(committed_at)) / 1000.0, 0), 1) AS rows_per_s
		FROM (SELECT *, committed_at > max(committed_at) OVER (PARTITION BY kind, name) - INTERVAL 1 MINUTE AS recent FROM dsql.version_rows LEFT JOIN dsql.versions USING (version)) r GROUP BY kind, name)
		SELECT kind, name, now.rows AS rows_now, COLUMNS(accounts.* EXCLUDE (kind, name)) FROM accounts LEFT JOIN now USING (kind, name) ORDER BY kind, name`,
		engine.Args{"now": engine.Join(" UNION ALL ", now...)}))
}

func (r *runner) showHolds(ctx context.Context) error {
	q, err := r.holdsQuery(ctx)
	if err != nil || q == nil {
		return err
	}
	return r.titled(ctx, "holds", q)
}

func (r *runner) showSinks(ctx context.Context) error {
	if q := r.p.sinksStatus(); q != nil {
		return r.titled(ctx, "sinks", q)
	}
	return nil
}

func (r *runner) showFiles(ctx context.Context) error {
	if n, err := r.conn.Int(ctx, engine.SQL("SELECT count(*) FROM dsql.files")); err != nil || n == 0 {
		return err
	}
	return r.titled(ctx, "files", engine.SQL(`SELECT source, destination, count(*) FILTER (done) AS files, count(*) FILTER (NOT done) AS half_read, max(path) AS newest FROM dsql.files GROUP BY ALL ORDER BY ALL`))
}

// keptBack lists the files that wait, and those that can't be read, where there are any. A file that an older dsql wrote knows of none.
func (r *runner) keptBack(ctx context.Context) error {
	n, err := r.conn.Int(ctx, engine.SQL(`SELECT count(*) FROM duckdb_columns() WHERE schema_name = 'dsql' AND database_name = current_database()
		AND (table_name = 'files' AND column_name = 'error' OR table_name = 'holds' AND column_name = 'load')`))
	if err != nil || n < 2 {
		return err
	}
	if err := r.showWaiting(ctx); err != nil {
		return err
	}
	if n, err = r.conn.Int(ctx, engine.SQL("SELECT count(*) FROM dsql.files WHERE error IS NOT NULL")); err != nil || n == 0 {
		return err
	}
	return r.titled(ctx, "files_aside", engine.SQL(`SELECT source, path, string_agg(destination, ', ' ORDER BY destination) AS destinations, any_value(error) AS error, 'it has changed' AS until
		FROM dsql.files WHERE error IS NOT NULL GROUP BY source, path ORDER BY source, path`))
}
