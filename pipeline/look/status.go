package look

import (
	"context"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/page"
	"dsql/pipeline/program"
	"dsql/pipeline/view"
)

// Status shows what needs a look, how far each destination is, how many rows it has now, what the last minute brought, and how far the
// sources are read: of
// topics with the lag that the brokers tell now.
func Status(ctx context.Context, o program.Options) error {
	return inspection(ctx, o, func(v *Viewer) error {
		for _, show := range []func(context.Context) error{v.showFindings, v.showAccounts, v.lag, v.showTimes, v.showHolds, v.showSinks,
			v.showFiles,
			v.keptBack} {
			if err := show(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// showFindings shows what needs a look, where something does.
func (v *Viewer) showFindings(ctx context.Context) error {
	found, err := (&view.Reader{Program: v.Program, Conn: v.Conn, Now: time.Now()}).Findings(ctx)
	if err != nil || len(found) == 0 {
		return err
	}
	rows := duck.Each(", ", found, func(f page.Finding) *duck.Query {
		return duck.SQL("({object}, {what}, {note})", duck.Args{"object": f.Of(), "what": f.Summary(), "note": f.Note})
	})
	return v.titled(ctx, "needs_a_look",
		duck.SQL(`SELECT * FROM (VALUES {rows}) AS f(object, "what needs a look", note)`, duck.Args{"rows": rows}))
}

// showAccounts shows what came and went since the beginning, and what is there now: a rollback or a rebuild makes a difference.
func (v *Viewer) showAccounts(ctx context.Context) error {
	there, err := duck.Select(ctx, v.Conn,
		duck.SQL("SELECT lower(table_name) FROM information_schema.tables WHERE table_schema = 'main' AND table_catalog = current_database()"),
		func(row func(...any) error) (name string, err error) { return name, row(&name) })
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, name := range there {
		known[name] = true
	}
	now := []*duck.Query{duck.SQL("SELECT NULL::VARCHAR AS kind, NULL::VARCHAR AS name, NULL::BIGINT AS rows WHERE false")}
	for _, n := range v.Program.Nodes {
		if _, ok := n.Destination(); ok && known[strings.ToLower(n.Name)] {
			now = append(now, duck.SQL("SELECT {kind}, {name}, count(*) FROM main.{t}",
				duck.Args{"kind": n.Kind, "name": n.Name, "t": duck.Ident(n.Name)}))
		}
	}
	return v.titled(ctx, "destinations", duck.SQL(`WITH now AS ({now}), accounts AS (
		SELECT kind, name, sum(rows_in)::BIGINT AS rows_in, sum(written)::BIGINT AS written, sum(rejected)::BIGINT AS rejected,
		sum(dropped)::BIGINT AS dropped, sum(bad)::BIGINT AS bad, sum(skipped)::BIGINT AS skipped,
		max(r.version) AS version, max(committed_at) AS last_commit,
		round(sum(rows_in) FILTER (recent) / nullif(date_diff('ms', min(committed_at) FILTER (recent), max(committed_at)) / 1000.0, 0), 1) AS rows_per_s
		FROM (SELECT *, committed_at > max(committed_at) OVER (PARTITION BY kind, name) - INTERVAL 1 MINUTE AS recent FROM dsql.version_rows
		LEFT JOIN dsql.versions USING (version)) r GROUP BY kind, name)
		SELECT kind, name, now.rows AS rows_now, COLUMNS(accounts.* EXCLUDE (kind, name)) FROM accounts LEFT JOIN now USING (kind, name) ORDER BY kind, name`,
		duck.Args{"now": duck.Join(" UNION ALL ", now...)}))
}

// showTimes shows how far event time has come, where somebody goes by it, and of an outer join how many rows wait.
func (v *Viewer) showTimes(ctx context.Context) error {
	n, err := v.Conn.Int(ctx, duck.SQL(`SELECT count(*) FROM duckdb_tables()
		WHERE schema_name = 'dsql' AND table_name = 'watermarks' AND database_name = current_database()`))
	if err != nil || n == 0 { // a file that no run of this dsql has seen
		return err
	}
	waiting := []*duck.Query{duck.SQL("SELECT NULL AS destination, NULL AS input, 0 AS waiting WHERE false")}
	for _, n := range v.Program.Nodes {
		waiting = append(waiting, n.WaitingRows()...)
	}
	a := duck.Args{"waiting": duck.Join(" UNION ALL ", waiting...)}
	n, err = v.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM (SELECT destination FROM dsql.watermarks UNION ALL SELECT destination FROM ({waiting}))", a))
	if err != nil || n == 0 {
		return err
	}
	return v.titled(ctx, "event_time", duck.SQL(`SELECT destination, input, max(watermark) AS watermark, max(up_to) AS closed_up_to,
		any_value(newest) AS newest, any_value(partitions) AS partitions, any_value(behind) AS furthest_behind, any_value(waiting) AS waiting
		FROM (SELECT destination, input, count(*) AS partitions, max(newest) AS newest,
			arg_min(CASE WHEN topic = '' THEN source ELSE topic || '[' || partition || ']' END, coalesce(newest, '-infinity'::TIMESTAMP)) AS behind
			FROM dsql.watermarks GROUP BY ALL) LEFT JOIN dsql.closed USING (destination, input)
		FULL JOIN (SELECT destination, input, sum(waiting)::BIGINT AS waiting FROM ({waiting}) GROUP BY ALL) USING (destination, input)
		GROUP BY destination, input ORDER BY destination, input`, a))
}

func (v *Viewer) showHolds(ctx context.Context) error {
	q, err := v.holdsQuery(ctx)
	if err != nil || q == nil {
		return err
	}
	return v.titled(ctx, "holds", q)
}

func (v *Viewer) showSinks(ctx context.Context) error {
	if q := sinksStatus(v.Program); q != nil {
		return v.titled(ctx, "sinks", q)
	}
	return nil
}

func (v *Viewer) showFiles(ctx context.Context) error {
	if n, err := v.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.files")); err != nil || n == 0 {
		return err
	}
	return v.titled(ctx, "files",
		duck.SQL(`SELECT source, destination, count(*) FILTER (done) AS files, count(*) FILTER (NOT done) AS half_read, max(path) AS newest
			FROM dsql.files GROUP BY ALL ORDER BY ALL`))
}

// keptBack lists the files that wait, and those that can't be read, where there are any. A file that an older dsql wrote knows of none.
func (v *Viewer) keptBack(ctx context.Context) error {
	n, err := v.Conn.Int(ctx, duck.SQL(`SELECT count(*) FROM duckdb_columns() WHERE schema_name = 'dsql' AND database_name = current_database()
		AND (table_name = 'files' AND column_name = 'error' OR table_name = 'holds' AND column_name = 'load')`))
	if err != nil || n < 2 {
		return err
	}
	if err := v.showWaiting(ctx); err != nil {
		return err
	}
	if n, err = v.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.files WHERE error IS NOT NULL")); err != nil || n == 0 {
		return err
	}
	return v.titled(ctx, "files_aside", duck.SQL(`SELECT source, path, string_agg(destination, ', ' ORDER BY destination) AS destinations,
		any_value(error) AS error, 'it has changed' AS until
		FROM dsql.files WHERE error IS NOT NULL GROUP BY source, path ORDER BY source, path`))
}

// holdsQuery lists what is held back; nil where that is nothing.
func (v *Viewer) holdsQuery(ctx context.Context) (*duck.Query, error) {
	n, err := v.Conn.Int(ctx, duck.SQL(`SELECT count(*) FROM duckdb_tables()
		WHERE schema_name = 'dsql' AND table_name = 'holds' AND database_name = current_database()`))
	if err != nil || n == 0 { // a file that no run of this dsql has seen
		return nil, err
	}
	if n, err = v.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.holds")); err != nil || n == 0 {
		return nil, err
	}
	return duck.SQL("SELECT destination, name AS held_by, since, origin, rows FROM dsql.holds ORDER BY destination, since"), nil
}

// sinksStatus is a query of how far the sinks are: versions is how many they haven't got.
func sinksStatus(p *program.Program) *duck.Query {
	var rows []*duck.Query
	for _, n := range p.Nodes {
		if _, ok := n.Sink(); ok {
			rows = append(rows, duck.SQL("({s}, {i})", duck.Args{"s": n.Name, "i": n.Inputs[0].Of.Name}))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return duck.SQL(`SELECT sink, s.input, p.version, (SELECT count(DISTINCT version) FROM dsql.version_rows r
		WHERE r.name = s.input AND kind <> 'source' AND r.version > coalesce(p.version, 0)) AS versions_to_write
		FROM (VALUES {rows}) s(sink, input) LEFT JOIN dsql.places p ON p.destination = sink AND p.input = s.input
		ORDER BY sink`, duck.Args{"rows": duck.Join(", ", rows...)})
}
