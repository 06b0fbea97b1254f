package view

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/page"
	"dsql/sql"
)

// Findings are what needs a look, the worst first: batches that are held back, checks that don't pass, sinks that stopped, files that can't
// be read, monitors that see drift or worse scores, experiments that aren't split as declared, sources that are silent, alerts that fire.
// What nothing is known of yet is none.
func (r *Reader) Findings(ctx context.Context) ([]page.Finding, error) {
	var out []page.Finding
	for _, find := range []func(context.Context, *[]page.Finding) error{r.held, r.checks, r.stopped, r.setAside, r.watched, r.splits,
		r.silent, r.fires} {
		if err := find(ctx, &out); err != nil {
			return nil, err
		}
	}
	out = slices.DeleteFunc(out, func(f page.Finding) bool { return r.node(f.Object) == "" })
	return page.Sorted(out), nil
}

// node is the kind of a declaration, "" where nothing has the name any more.
func (r *Reader) node(name string) string {
	for _, n := range r.Program.Nodes {
		if n.Name == name && n.Kind != "rules" && n.Kind != "checks" {
			return n.Kind
		}
	}
	return ""
}

// sayWhen is a version and its time.
func sayWhen(version int64, us string) string {
	n, err := strconv.ParseInt(us, 10, 64)
	if err != nil || n == 0 {
		return fmt.Sprintf("v%d", version)
	}
	return fmt.Sprintf("v%d, %s", version, time.UnixMicro(n).UTC().Format("Jan 2 15:04"))
}

// held are batches that a check or a guard holds back.
func (r *Reader) held(ctx context.Context, out *[]page.Finding) error {
	all, err := rows(ctx, r.Conn,
		duck.SQL(`SELECT destination, name, strftime(since, '%b %-d %H:%M'), rows, version IS NOT NULL FROM dsql.holds ORDER BY since`),
		func(row func(...any) error) (f page.Finding, err error) {
			var since string
			var n int64
			var rejected bool
			if err = row(&f.Object, &f.Name, &since, &n, &rejected); err != nil {
				return f, err
			}
			f.Bad, f.Kind, f.Text, f.Value = true, "hold", "holds a batch back", fmt.Sprintf("%d rows wait", n)
			f.Note = fmt.Sprintf("since %s · take it: RELEASE HOLD %s · skip it: DISCARD HOLD %s", since, f.Object, f.Object)
			if rejected {
				f.Reject = "check"
			}
			return f, nil
		})
	*out = append(*out, all...)
	return err
}

// wants is what a check or constraint expects, in its own words; isRule: it is a constraint.
func (r *Reader) wants(object, name string) (text string, isRule bool) {
	find := func(items []*sql.Decl) {
		for _, d := range items {
			if v := d.Arg("EXPECT"); v != nil && len(v.Exprs) > 0 && sql.Same(d.Name, name) {
				text, isRule = v.Exprs[0].Of(d.Src), sql.Same(d.Syntax.Keyword, "CONSTRAINT")
			}
		}
	}
	for _, n := range r.Program.Nodes {
		if n.Kind == "rules" || n.Kind == "checks" {
			if v := n.Obj.Decl().Arg("#0"); v != nil {
				find(v.Items)
			}
		}
	}
	if n := r.Program.Relation(object); n != nil {
		if d, ok := n.Obj.(kind.Destination); ok {
			find(d.Chain().Rules)
			find(d.Chain().Checks)
		}
	}
	return text, isRule
}

// checks are those whose last verdict isn't a pass. The last ones are judged, their past is drawn.
func (r *Reader) checks(ctx context.Context, out *[]page.Finding) error {
	type last struct{ object, name, verdict, value, past string }
	all, err := rows(ctx, r.Conn, duck.SQL(`WITH last AS (SELECT destination, name FROM dsql.checks GROUP BY ALL
			HAVING list_contains(['warn', 'fail', 'held'], arg_max(verdict, struct_pack(t := checked_at, v := coalesce(version, {never})))))
		SELECT destination, name, arg_max(verdict, i),
			coalesce(arg_max(coalesce(value, failed_rows)::VARCHAR, i), ''),
			string_agg(coalesce(version, 0) || ' ' || verdict || ' ' || coalesce(epoch_us(committed_at), epoch_us(checked_at)), ';' ORDER BY i)
				FILTER (i > n - 400)
		FROM (SELECT *, row_number() OVER w AS i, count(*) OVER (PARTITION BY destination, name) AS n
			FROM (FROM dsql.checks SEMI JOIN last USING (destination, name) LEFT JOIN dsql.versions USING (version))
			WINDOW w AS (PARTITION BY destination, name ORDER BY checked_at, version))
		GROUP BY destination, name ORDER BY ALL`, duck.Args{"never": int64(math.MaxInt64)}),
		func(row func(...any) error) (l last, err error) {
			return l, row(&l.object, &l.name, &l.verdict, &l.value, &l.past)
		})
	if err != nil {
		return err
	}
	for _, l := range all {
		if slices.ContainsFunc(*out, func(f page.Finding) bool { return f.Object == l.object && f.Name == l.name }) {
			continue // its batch is held back
		}
		f := page.Finding{Kind: "check", Object: l.object, Name: l.name, Bad: l.verdict != "warn", Text: "warns"}
		if f.Bad {
			f.Text = map[string]string{"fail": "failed", "held": "held a batch back"}[l.verdict]
		}
		var isRule bool
		f.Wants, isRule = r.wants(l.object, l.name)
		if v, err := strconv.ParseFloat(l.value, 64); err == nil {
			if f.Value = "measured " + page.Decimal(v); isRule {
				f.Value = page.Decimal(v) + " rows of the last version"
			}
		}
		same, streak, since := 0, 0, ""
		for part := range strings.SplitSeq(l.past, ";") {
			w := strings.Fields(part)
			version, _ := strconv.ParseInt(w[0], 10, 64)
			f.Strip = append(f.Strip, page.Verdict{Version: version, Verdict: w[1]})
			if w[1] != l.verdict {
				streak = 0
				continue
			}
			if same, streak = same+1, streak+1; streak == 1 {
				since = sayWhen(version, w[2])
			}
		}
		f.Share = float64(same) / float64(len(f.Strip))
		if f.Note = "since " + since; streak > 1 {
			f.Note += fmt.Sprintf(" · %d versions", streak)
		}
		*out = append(*out, f)
	}
	return nil
}

// stopped are sinks that an error stopped.
func (r *Reader) stopped(ctx context.Context, out *[]page.Finding) error {
	all, err := rows(ctx, r.Conn, duck.SQL("SELECT sink, '' FROM dsql.stopped_sinks ORDER BY sink"), pair)
	for _, s := range all {
		*out = append(*out, page.Finding{Bad: true, Kind: "sink", Object: s[0], Text: "has stopped", Note: "go on with it: RESUME SINK " + s[0]})
	}
	return err
}

// setAside are files that can't be read.
func (r *Reader) setAside(ctx context.Context, out *[]page.Finding) error {
	all, err := rows(ctx, r.Conn, duck.SQL(`SELECT source, count(DISTINCT path)::VARCHAR, any_value(path) || ': ' || any_value(error)
		FROM dsql.files WHERE error IS NOT NULL GROUP BY source ORDER BY source`), triple)
	for _, s := range all {
		*out = append(*out, page.Finding{Bad: true, Kind: "file", Object: s[0], Text: "has files that can't be read", Value: s[1], Note: s[2]})
	}
	return err
}

// silent are sources of which nothing came for longer than three of their usual intervals. What comes within a minute came together.
func (r *Reader) silent(ctx context.Context, out *[]page.Finding) error {
	type source struct {
		name        string
		usual, rest float64
		last        string
	}
	all, err := rows(ctx, r.Conn, duck.SQL(`WITH came AS (SELECT name, committed_at AS t,
				lag(committed_at) OVER (PARTITION BY name ORDER BY version) AS before
			FROM dsql.version_rows JOIN dsql.versions USING (version) WHERE kind = 'source' AND rows_in > 0)
		SELECT name, quantile_cont(epoch(t - before), 0.5) FILTER (t - before > INTERVAL 1 MINUTE) AS usual,
			{now} - epoch(max(t)) AS rest, strftime(max(t), '%b %-d %H:%M')
		FROM came GROUP BY name HAVING count(*) FILTER (t - before > INTERVAL 1 MINUTE) >= 5 AND rest > 3 * usual ORDER BY name`,
		duck.Args{"now": float64(r.Now.UnixMicro()) / 1e6}), func(row func(...any) error) (s source, err error) {
		return s, row(&s.name, &s.usual, &s.rest, &s.last)
	})
	for _, s := range all {
		*out = append(*out, page.Finding{Kind: "silent", Object: s.name, Text: "is silent",
			Value: "nothing since " + s.last, Note: "usually every " + page.Lasted(seconds(s.usual)) + ", now for " + page.Lasted(seconds(s.rest))})
	}
	return err
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// fires are alerts whose last state is that they fire, of what isn't told already.
func (r *Reader) fires(ctx context.Context, out *[]page.Finding) error {
	all, err := rows(ctx, r.Conn, duck.SQL(`SELECT alert, coalesce(body->>'object', '') || chr(31) || coalesce(body->>'text', ''),
			strftime(since, '%b %-d %H:%M')
		FROM (SELECT DISTINCT ON (alert) * FROM dsql.alerts ORDER BY alert, since DESC, rowid DESC) WHERE state = 'firing' ORDER BY
			alert`), triple)
	for _, a := range all {
		object, text, _ := strings.Cut(a[1], "\x1f")
		known := slices.ContainsFunc(*out, func(f page.Finding) bool {
			return f.Object+"."+f.Name == object || f.Object == object || f.Kind == "drift" && f.Object+".psi_"+f.Name == object
		})
		if r.node(a[0]) == "" || known {
			continue
		}
		at, _, _ := strings.Cut(object, ".")
		*out = append(*out, page.Finding{Kind: "alert", Object: at, Name: strings.TrimPrefix(strings.TrimPrefix(object, at), "."),
			Text: strings.TrimPrefix(text, a[0]+" "), Note: "since " + a[2] + " · alert " + a[0]})
	}
	return err
}
