package merge

import (
	"context"
	"slices"
	"strings"

	"dsql/engine/duck"
	"dsql/pipeline/program"
)

// A version of a share becomes one of the file, in the order in which all were committed, and those of a share in their own. What says a
// version anywhere says the new one; 0 is none.

const mapTable = "_dsql_versions"

// versions numbers them.
func (m *merger) versions(ctx context.Context) error {
	all := m.each(func(a duck.Args) *duck.Query {
		return duck.SQL("SELECT {n} AS share, version, committed_at FROM {p}.dsql.versions", a)
	})
	return m.c.Run(ctx, duck.SQL(`CREATE OR REPLACE TEMP TABLE {t} AS
		SELECT share, version, committed, row_number() OVER (ORDER BY committed, share, version) AS now
		FROM (SELECT share, version, max(committed_at) OVER (PARTITION BY share ORDER BY version) AS committed FROM {all})`,
		duck.Args{"t": duck.Ident(mapTable), "all": all}))
}

// rows are a table's of all shares, each with whose it is and where it stood.
func (m *merger) rows(schema, table string) *duck.Query {
	return m.each(func(a duck.Args) *duck.Query {
		return duck.SQL("SELECT *, {n} AS _dsql_share, row_number() OVER () AS _dsql_row FROM {p}.{t}", a, duck.Args{"t": duck.Ident(schema, table)})
	})
}

// renumbered are rows with the new versions in these columns, in the order of the first of them.
func renumbered(rows *duck.Query, versions ...string) *duck.Query {
	return duck.SQL("SELECT r.* EXCLUDE (_dsql_share, _dsql_row) REPLACE ({new}) FROM {rows} r {joins} ORDER BY {first}.now, _dsql_share, _dsql_row",
		duck.Args{"rows": rows, "first": duck.Ident("m" + versions[0]),
			"new": duck.Each(", ", versions, func(v string) *duck.Query {
				return duck.SQL("CASE WHEN r.{v} > 0 THEN coalesce({m}.now, error('a version that no share has')::BIGINT) ELSE r.{v} END AS {v}",
					duck.Args{"v": duck.Ident(v), "m": duck.Ident("m" + v)})
			}),
			"joins": duck.Each(" ", versions, func(v string) *duck.Query {
				return duck.SQL("LEFT JOIN {map} {m} ON {m}.share = r._dsql_share AND {m}.version = r.{v}",
					duck.Args{"v": duck.Ident(v), "m": duck.Ident("m" + v), "map": duck.Ident(mapTable)})
			})})
}

// catalogTables are those of the catalog that are filled anew; what else it has the first share has as the others.
var catalogTables = []string{"versions", "version_rows", "rejects", "metrics", "checks", "check_rows", "files", "places", "offsets", "gaps", "dialects",
	"stopped_sinks", "erased", "alerts"}

// empty takes out what the first share has, so that its space is free for what comes.
func (m *merger) empty(ctx context.Context) error {
	err := m.c.Update(ctx, func(tx *duck.Tx) error {
		for _, t := range append(slices.Clone(m.tables), m.states...) {
			if err := tx.Run(ctx, duck.SQL("DELETE FROM {t}", duck.Args{"t": duck.Ident(t)})); err != nil {
				return err
			}
		}
		for _, t := range catalogTables {
			if err := tx.Run(ctx, duck.SQL("DELETE FROM {t}", duck.Args{"t": duck.Ident("dsql", t)})); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.c.Run(ctx, duck.SQL("CHECKPOINT"))
}

// fill puts in what all shares have, and says how many rows of destinations that is.
func (m *merger) fill(ctx context.Context, tx *duck.Tx) (rows int64, err error) {
	for _, t := range m.tables {
		versions := []string{"_version"}
		if strings.HasSuffix(t, "__mem") {
			versions = []string{"_v_from", "_v_to"}
		} else if strings.HasSuffix(t, "__now") || strings.HasSuffix(t, "__past") {
			versions = []string{"_v_from", "_v_close", "_v_to"}
		}
		n, err := tx.Exec(ctx, duck.SQL("INSERT INTO {t} BY NAME {q}", duck.Args{"t": duck.Ident(t),
			"q": renumbered(m.rows("main", t), versions...)}))
		if err != nil {
			return 0, err
		}
		rows += n
	}
	for _, t := range m.states {
		if err := m.state(ctx, tx, t); err != nil {
			return 0, err
		}
	}
	return rows, m.catalog(ctx, tx)
}

// state fills the row that a journal has of itself: the newest event, and the oldest version that can be read, which is that of the share
// that can read the fewest.
func (m *merger) state(ctx context.Context, tx *duck.Tx, table string) error {
	cols, err := tx.Table(ctx, table)
	if err != nil {
		return err
	}
	var seq []string
	for _, c := range cols {
		if c.Name != "oldest" {
			seq = append(seq, c.Name)
		}
	}
	a := duck.Args{"t": duck.Ident(table), "map": duck.Ident(mapTable), "seq": duck.Names(seq),
		"order": duck.Each(", ", seq, func(c string) *duck.Query {
			return duck.SQL("{c} DESC NULLS LAST", duck.Args{"c": duck.Ident(c)})
		})}
	a["all"] = m.rows("main", table)
	return tx.Run(ctx, duck.SQL(`INSERT INTO {t} BY NAME SELECT (SELECT max(CASE WHEN s.oldest = 0 THEN 0 ELSE
			coalesce((SELECT min(now) FROM {map} m WHERE m.share = s._dsql_share AND m.version >= s.oldest), (SELECT max(now) + 1 FROM {map})) END)
			FROM {all} s) AS oldest, {seq} FROM {all} ORDER BY {order} LIMIT 1`, a))
}

// catalog fills that. What all shares have of sources that each has read whole is taken once.
func (m *merger) catalog(ctx context.Context, tx *duck.Tx) error {
	a := duck.Args{"map": duck.Ident(mapTable), "whole": program.Texts(m.whole), "of": int64(len(m.files))}
	of := func(table string) duck.Args { return a.With(duck.Args{"rows": m.rows("dsql", table)}) }
	once := func(table string) duck.Args {
		return a.With(duck.Args{"rows": duck.SQL("(FROM {rows} WHERE _dsql_share = 1 OR NOT coalesce(list_contains({whole}, source), false))", of(table))})
	}
	all := []*duck.Query{duck.SQL("INSERT INTO dsql.versions BY NAME SELECT now AS version, committed AS committed_at FROM {map} ORDER BY now", a)}
	put := func(table string, rows *duck.Query) {
		all = append(all, duck.SQL("INSERT INTO {t} BY NAME {q}", duck.Args{"t": duck.Ident("dsql", table), "q": renumbered(rows, "version")}))
	}
	for _, t := range []string{"metrics", "checks", "check_rows", "erased"} {
		put(t, m.rows("dsql", t))
	}
	put("version_rows", duck.SQL("(FROM {rows} WHERE _dsql_share = 1 OR kind <> 'source' OR NOT list_contains({whole}, name))", of("version_rows")))
	put("files", duck.SQL("{rows}", once("files")))
	put("offsets", duck.SQL("{rows}", once("offsets")))
	put("rejects", duck.SQL(`(SELECT * REPLACE ((id - 1) * {of} + _dsql_share AS id) FROM {rows}
		WHERE _dsql_share = 1 OR destination IS NOT NULL OR NOT coalesce(list_contains({whole}, source), false))`, of("rejects")))
	all = append(all,
		duck.SQL("INSERT INTO dsql.gaps BY NAME SELECT DISTINCT * EXCLUDE (_dsql_share, _dsql_row) FROM {rows}", of("gaps")),
		duck.SQL("INSERT INTO dsql.dialects BY NAME SELECT source, arg_min(dialect, _dsql_share) AS dialect FROM {rows} GROUP BY source", of("dialects")),
		duck.SQL("INSERT INTO dsql.stopped_sinks BY NAME SELECT DISTINCT sink FROM {rows}", of("stopped_sinks")),
		duck.SQL(`INSERT INTO dsql.places BY NAME SELECT DISTINCT destination, input, CASE input WHEN 'dsql.rejects'
			THEN (SELECT max(id) FROM dsql.rejects r WHERE r.source = p.destination) ELSE (SELECT max(now) FROM {map}) END AS version FROM {rows} p`,
			of("places")),
		duck.SQL(`UPDATE dsql.declarations SET born = b.born FROM (SELECT kind, name, min(coalesce(now, 0)) AS born FROM {rows} d
			LEFT JOIN {map} m ON m.share = d._dsql_share AND m.version = d.born GROUP BY ALL) b
			WHERE b.kind = dsql.declarations.kind AND b.name = dsql.declarations.name`, of("declarations")),
		duck.SQL("UPDATE dsql.functions SET since = coalesce((SELECT now FROM {map} WHERE share = 1 AND version = since), 0)", a),
		duck.SQL("SELECT max(nextval('dsql.reject_ids')) FROM range((SELECT coalesce(max(id), 0) FROM dsql.rejects))"),
		// its sinks go on under names of their own
		duck.SQL(`UPDATE dsql.file SET id = left(replace(uuid()::VARCHAR, '-', ''), 16), snapshot_of = NULL, restored = true, share = NULL,
			shares = NULL`))
	return tx.Run(ctx, all...)
}
