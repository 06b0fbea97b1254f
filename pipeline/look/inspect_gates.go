package look

import (
	"context"
	"fmt"
	"io"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/sql"
)

// Checks shows the last verdicts, each metric over its last versions, and (of one destination) rows that broke its checks; rows: those
// alone, all that were kept.
func Checks(ctx context.Context, o program.Options, name string, rows bool) error {
	return inspection(ctx, o, func(v *Viewer) error {
		a := duck.Args{"name": name}
		if name != "" {
			n, err := v.stored(name)
			if err != nil {
				return err
			}
			a["name"] = n.Name
		}
		last := duck.SQL(`(FROM dsql.checks WHERE {name} IN ('', destination)
			QUALIFY row_number() OVER (PARTITION BY destination, name ORDER BY checked_at DESC, rowid DESC) = 1)`, a)
		a["last"] = last
		broken := duck.SQL("FROM dsql.check_rows r JOIN {last} c USING (destination, name) WHERE r.checked_at = c.checked_at "+
			"AND r.version IS NOT DISTINCT FROM c.version", a)
		if rows {
			return v.Query(ctx, duck.SQL(`SELECT destination, name AS "check", c.verdict, c.version, data AS "row" {broken}
				ORDER BY destination, name, r.rowid`, duck.Args{"broken": broken}))
		}
		if err := v.titled(ctx, "verdicts", duck.SQL(`SELECT destination, name AS "check", verdict, coalesce(value_text, value::VARCHAR) AS value,
			failed_rows, version, checked_at FROM {last}
			ORDER BY list_position(['fail', 'held', 'released', 'warn', 'unknown', 'pass'], verdict), destination, "check"`, a)); err != nil {
			return err
		}
		if err := v.learned(ctx, name); err != nil {
			return err
		}
		if err := v.titled(ctx, "metrics", duck.SQL(`SELECT destination, metric,
			last(coalesce(value_text, value::VARCHAR) ORDER BY version, recorded_at) AS value, min(value) AS low, max(value) AS high, count(*) AS versions,
			array_to_string(list_transform(list(value ORDER BY version, recorded_at), lambda v: CASE WHEN v IS NULL THEN ' '
				ELSE substr('▁▂▃▄▅▆▇█', 1 + coalesce(floor(7 * (v - least_v) / nullif(most_v - least_v, 0)), 3)::INTEGER, 1) END), '') AS "over versions"
			FROM (SELECT *, min(value) OVER m AS least_v, max(value) OVER m AS most_v FROM (FROM dsql.metrics WHERE {name} IN ('', destination) AND version IS NOT NULL
					QUALIFY row_number() OVER (PARTITION BY destination, metric ORDER BY version DESC, recorded_at DESC) <= 40)
				WINDOW m AS (PARTITION BY destination, metric))
			GROUP BY destination, metric, least_v, most_v ORDER BY destination, metric`, a)); err != nil || name == "" {
			return err
		}
		broken = duck.SQL("{broken} QUALIFY row_number() OVER (PARTITION BY name ORDER BY r.rowid) <= 5", duck.Args{"broken": broken})
		if n, err := v.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM (SELECT name {broken})", duck.Args{"broken": broken})); err != nil || n == 0 {
			return err
		}
		return v.titled(ctx, "broken_rows", duck.SQL(`SELECT name AS "check", data AS "row" {broken}`, duck.Args{"broken": broken}))
	})
}

// RejectedRecords writes the records of open rejects as lines of JSON, for REPLAY REJECTS … USING.
func RejectedRecords(ctx context.Context, o program.Options, name, where string, w io.Writer) error {
	return inspection(ctx, o, func(v *Viewer) error {
		n := v.Program.Relation(name)
		if n == nil {
			_, err := v.stored(name)
			return err
		}
		lines, err := duck.Select(ctx, v.Conn, duck.SQL(`SELECT '{"id":' || id
				|| CASE WHEN TRY(decode(payload)) IS NOT NULL THEN ',"payload":' || to_json(TRY(decode(payload)))
				ELSE ',"payload_base64":"' || to_base64(payload) || '"' END || '}'
			FROM dsql.rejects WHERE coalesce(destination, source) = {name} AND replayed_at IS NULL AND payload IS NOT NULL
			AND NOT starts_with(reason, 'check:') AND {where} ORDER BY id`, duck.Args{"name": n.Name, "where": condition(where)}),
			func(row func(...any) error) (s string, err error) { return s, row(&s) })
		if err != nil {
			return err
		}
		for _, l := range lines {
			if _, err := fmt.Fprintln(w, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// condition is one on dsql.rejects as a user writes it on the command line; "": there is none.
func condition(text string) *duck.Query {
	if text == "" {
		return duck.SQL("true")
	}
	return duck.SQL("({c}\n)", duck.Args{"c": duck.User(sql.NewSource("(--where)", text), sql.Span{End: len(text)})})
}

// Rejects groups what was rejected and not replayed by rule and reason.
func Rejects(ctx context.Context, o program.Options, name, where string) error {
	return inspection(ctx, o, func(v *Viewer) error {
		if name != "" {
			n := v.Program.Relation(name)
			if n == nil {
				_, err := v.stored(name)
				return err
			}
			name = n.Name
		}
		return v.Query(ctx, duck.SQL(`SELECT coalesce(destination, source) AS name, rule, split_part(reason, ':', 1) AS code, count(*) AS rows,
			min(rejected_at) AS first, max(rejected_at) AS last,
			first(reason ORDER BY id) AS example, coalesce(first(payload_text ORDER BY id) FILTER (payload_text IS NOT NULL), first(data::VARCHAR ORDER BY id)) AS row
			FROM (SELECT *, coalesce(TRY(decode(payload)), payload::VARCHAR) AS payload_text FROM dsql.rejects WHERE {where})
			WHERE replayed_at IS NULL AND {name} IN ('', coalesce(destination, source)) GROUP BY 1, 2, 3 ORDER BY rows DESC, name, code, rule`,
			duck.Args{"name": name, "where": condition(where)}))
	})
}
