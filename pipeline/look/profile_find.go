package look

import (
	"context"
	dbsql "database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"dsql/engine/duck"
	"dsql/sql"
)

// What a profile finds between columns, versions and tables. Guesses come of a sample, and each is counted in all rows before it is
// proposed.

const (
	sampled   = 20_000 // rows, about
	mostTried = 12     // guesses of a kind that are counted
	mostFound = 8      // that are proposed
	nearlyAll = 0.95   // of the values have a format
	farAway   = 3      // times the width of the middle half of the values: beyond are outliers
	versions  = 10     // newest ones that are looked at
	enough    = 3      // of them
)

// formats are forms of texts by which they are told.
var formats = []struct{ name, what, like string }{
	{"email", "e-mail addresses", `[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}`},
	{"uuid", "UUIDs", `[0-9A-Fa-f]{8}-([0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}`},
	{"iban", "IBANs", `[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}`},
	{"date", "ISO dates", `[0-9]{4}-[01][0-9]-[0-3][0-9]`},
	{"time", "ISO times", `[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?`},
	{"phone", "international phone numbers", `\+[0-9][0-9 ()./-]{6,18}[0-9]`},
	{"url", "URLs", `https?://[^ ]+`},
}

// sample keeps some rows, from all over the table.
func (p *profile) sample(ctx context.Context, c *duck.Conn, rel *duck.Query) error {
	share := duck.SQL("")
	if p.rows > 2*sampled {
		share = duck.SQL(" USING SAMPLE {share} PERCENT (system, 1)",
			duck.Args{"share": duck.Text(strconv.FormatFloat(100*sampled/float64(p.rows), 'f', 6, 64))})
	}
	return c.Run(ctx, duck.SQL("CREATE TEMP TABLE _sample AS SELECT * FROM {rel}{share}", duck.Args{"rel": rel, "share": share}))
}

// guess finds which format nearly all of a text's values in the sample have.
func (p *profile) guess(ctx context.Context, c *duck.Conn) error {
	var parts []*duck.Query
	var dest []any
	shares := make([][]dbsql.NullFloat64, len(p.cols))
	for i, col := range p.cols {
		if col.Type != "VARCHAR" {
			continue
		}
		shares[i] = make([]dbsql.NullFloat64, len(formats))
		for k, f := range formats {
			parts = append(parts, duck.SQL("avg(regexp_full_match({c}, {like})::INTEGER)", duck.Args{"c": duck.Ident(col.Name), "like": f.like}))
			dest = append(dest, &shares[i][k])
		}
	}
	if len(parts) == 0 {
		return nil
	}
	if _, err := c.Scan(ctx, duck.SQL("SELECT {parts} FROM temp._sample", duck.Args{"parts": duck.Join(", ", parts...)}),
		dest...); err != nil {
		return err
	}
	for i := range shares {
		p.of[i].format = slices.IndexFunc(shares[i], func(s dbsql.NullFloat64) bool { return s.Valid && s.Float64 >= nearlyAll })
	}
	return nil
}

// fits is the check of a column's format.
func (p *profile) fits(col duck.Column, f facts) (out []proposal) {
	if f.format < 0 || f.there == 0 || !f.formed.Valid || float64(f.formed.Int64) < nearlyAll*float64(f.there) {
		return nil
	}
	form, name := formats[f.format], sql.ShownName(col.Name)
	match := fmt.Sprintf("regexp_full_match(%s, %s)", name, duck.Lit(form.like))
	if f.formed.Int64 == f.there {
		return []proposal{{col.Name + "_" + form.name, match, warn, "all are " + form.what}}
	}
	share := math.Floor((float64(f.formed.Int64)/float64(f.there)-0.01)*1000) / 1000
	return []proposal{{col.Name + "_" + form.name, fmt.Sprintf("avg(%s::INTEGER) >= %v", match, share), warn,
		fmt.Sprintf("%d of %d are %s", f.formed.Int64, f.there, form.what)}}
}

// bounds are beyond what values of a column of numbers are outliers.
func (p *profile) bounds(col duck.Column, f facts) (low, high float64, ok bool) {
	q1, err1 := strconv.ParseFloat(f.q25.String, 64)
	q3, err2 := strconv.ParseFloat(f.q75.String, 64)
	if !numeric(col.Type) || err1 != nil || err2 != nil || !(q3 > q1) || math.IsInf(q3-q1, 0) {
		return 0, 0, false
	}
	return q1 - farAway*(q3-q1), q3 + farAway*(q3-q1), true
}

// unique says that a column alone is a key.
func (f facts) unique() bool { return f.distinct.Valid && f.there > 1 && f.distinct.Int64 == f.there }

// between are keys of two columns where none is one alone, and columns that another tells.
func (p *profile) between(ctx context.Context, c *duck.Conn, rel *duck.Query) (out []proposal, err error) {
	var distinct []int64
	var many int64
	parts, dest := []*duck.Query{duck.SQL("count(*)")}, []any{&many}
	distinct = make([]int64, len(p.cols))
	for i, col := range p.cols {
		parts, dest = append(parts, duck.SQL("count(DISTINCT {c})", duck.Args{"c": duck.Ident(col.Name)})), append(dest, &distinct[i])
	}
	if _, err := c.Scan(ctx, duck.SQL("SELECT {parts} FROM temp._sample", duck.Args{"parts": duck.Join(", ", parts...)}),
		dest...); err != nil {
		return nil, err
	}
	// How many pairs of values each two columns have.
	type pair struct {
		a, b int
		n    int64
	}
	var pairs []pair
	for a := range p.cols {
		for b := range p.cols {
			if a != b && !p.of[a].unique() && !p.of[b].unique() && distinct[a] > 1 && distinct[b] > 1 && p.comparable(a) && p.comparable(b) {
				pairs = append(pairs, pair{a: a, b: b})
			}
		}
	}
	parts, dest = nil, nil
	for i := range pairs {
		parts = append(parts, duck.SQL("(SELECT count(*) FROM (SELECT DISTINCT {a}, {b} FROM temp._sample WHERE {a} IS NOT NULL))",
			duck.Args{"a": duck.Ident(p.cols[pairs[i].a].Name), "b": duck.Ident(p.cols[pairs[i].b].Name)}))
		dest = append(dest, &pairs[i].n)
	}
	for len(parts) > 0 { // a statement of many subqueries takes long to plan
		n := min(len(parts), 40)
		if _, err := c.Scan(ctx, duck.SQL("SELECT {parts}", duck.Args{"parts": duck.Join(", ", parts[:n]...)}), dest[:n]...); err != nil {
			return nil, err
		}
		parts, dest = parts[n:], dest[n:]
	}
	keyed, tried := slices.ContainsFunc(p.of, func(f facts) bool { return f.unique() && f.there == p.rows }), 0
	slices.SortStableFunc(pairs, func(x, y pair) int { return int(distinct[x.a] - distinct[y.a]) })
	told := map[int]bool{}
	for _, x := range pairs {
		a, b := p.cols[x.a], p.cols[x.b]
		// What has many values tells others by chance.
		if x.n != distinct[x.a] || told[x.b] || tried >= mostTried || len(out) >= mostFound || distinct[x.a] > many/10 ||
			distinct[x.b] == distinct[x.a] && x.b < x.a {
			continue
		}
		tried++
		values, err := p.count(ctx, c, rel, "SELECT DISTINCT {a} FROM {rel} WHERE {a} IS NOT NULL", a, b)
		if err != nil {
			return nil, err
		}
		both, err := p.count(ctx, c, rel, "SELECT DISTINCT {a}, {b} FROM {rel} WHERE {a} IS NOT NULL", a, b)
		if err != nil {
			return nil, err
		}
		if told[x.b] = both == values; told[x.b] {
			an, bn := sql.ShownName(a.Name), sql.ShownName(b.Name)
			out = append(out, proposal{b.Name + "_by_" + a.Name,
				fmt.Sprintf("count(DISTINCT (%s, %s)) FILTER (%s IS NOT NULL) = count(DISTINCT %s)", an, bn, an, an), warn,
				fmt.Sprintf("each of the %d values of %s has one of %s", values, a.Name, b.Name)})
		}
	}
	for _, x := range pairs {
		a, b := p.cols[x.a], p.cols[x.b]
		if keyed || x.a > x.b || x.n != many || many < p.rows && many < sampled/2 || tried >= 2*mostTried || p.of[x.a].there < p.rows ||
			p.of[x.b].there < p.rows {
			continue
		}
		tried++
		n, err := p.count(ctx, c, rel, "SELECT DISTINCT {a}, {b} FROM {rel}", a, b)
		if err != nil {
			return nil, err
		}
		if keyed = n == p.rows && n > 1; keyed {
			out = append(out, proposal{a.Name + "_" + b.Name + "_unique",
				fmt.Sprintf("is_unique(%s, %s)", sql.ShownName(a.Name), sql.ShownName(b.Name)),
				"", fmt.Sprintf("%d pairs, none twice", n)})
		}
	}
	return out, nil
}

// comparable: values of the column are told apart cheaply, and are no measurements.
func (p *profile) comparable(i int) bool {
	id := p.cols[i].Type.ID()
	return id.Integer() || id.Temporal() || id == duck.TypeVarchar || p.cols[i].Type == "BOOLEAN"
}

func (p *profile) count(ctx context.Context, c *duck.Conn, rel *duck.Query, query string, a, b duck.Column) (int64, error) {
	return c.Int(ctx, duck.SQL("SELECT count(*) FROM ({q})", duck.Args{"q": duck.SQL(query,
		duck.Args{"rel": rel, "a": duck.Ident(a.Name)}, duck.Args{"b": duck.Ident(b.Name)})}))
}

// foreign are columns whose values all stand in a column of another table of the file, where none stands twice.
func (p *profile) foreign(ctx context.Context, c *duck.Conn, rel *duck.Query) (out []proposal, err error) {
	type column struct{ table, name, typ string }
	others, err := duck.Select(ctx, c, duck.SQL(`SELECT table_name, column_name, data_type FROM duckdb_columns()
		WHERE schema_name = 'main' AND database_name = current_database() AND NOT internal AND lower(table_name) <> lower({name})
			AND NOT starts_with(column_name, '_') AND table_name NOT LIKE '%\_\_%' ESCAPE '\' ORDER BY table_name, column_index LIMIT 500`,
		duck.Args{"name": p.name}), func(row func(...any) error) (o column, err error) { return o, row(&o.table, &o.name, &o.typ) })
	if err != nil {
		return nil, err
	}
	tried := 0
	for i, col := range p.cols {
		if col.Type != "VARCHAR" && !col.Type.ID().Integer() || p.of[i].there == 0 || p.of[i].about < 3 {
			continue
		}
		for _, o := range others {
			if tried >= mostTried || string(col.Type) != o.typ && !(col.Type.ID().Integer() && duck.Type(o.typ).ID().Integer()) {
				continue
			}
			a := duck.Args{"c": duck.Ident(col.Name), "t": duck.Ident(o.table), "o": duck.Ident(o.name), "rel": rel}
			const missing = "SELECT count(*) FROM {rows} AS r WHERE {c} IS NOT NULL AND {c} NOT IN (SELECT {o} FROM {t} WHERE {o} IS NOT NULL)"
			n, err := c.Int(ctx, duck.SQL(missing, a, duck.Args{"rows": duck.SQL("(SELECT DISTINCT {c} FROM temp._sample LIMIT 1000)", a)}))
			if err != nil || n > 0 {
				if err != nil {
					return nil, err
				}
				continue
			}
			tried++
			var keys, twice int64
			if _, err := c.Scan(ctx, duck.SQL("SELECT count({o}), count({o}) - count(DISTINCT {o}) FROM {t}", a), &keys, &twice); err != nil {
				return nil, err
			}
			if twice > 0 || !(col.Type == "VARCHAR" || 2*p.of[i].about >= keys || namedAfter(col.Name, o.table, o.name)) {
				continue
			}
			if n, err = c.Int(ctx, duck.SQL(missing, a, duck.Args{"rows": rel})); err != nil {
				return nil, err
			}
			if n == 0 {
				out = append(out, proposal{col.Name + "_in_" + o.table,
					fmt.Sprintf("orphans(%s, %s.%s) = 0", sql.ShownName(col.Name), sql.ShownName(o.table), sql.ShownName(o.name)), warn,
					fmt.Sprintf("all %d stand in %s.%s", p.of[i].there, o.table, o.name)})
				break
			}
		}
	}
	return out, nil
}

// namedAfter: a column has the name of another, or of its table: small whole numbers stand in many columns by chance.
func namedAfter(name, table, other string) bool {
	name, table, other = strings.ToLower(name), strings.ToLower(table), strings.ToLower(other)
	stem := strings.TrimSuffix(table, "s")
	return name == other && other != "id" || strings.HasPrefix(name, stem) || strings.HasSuffix(name, "_"+other)
}

// usualRows are the checks that held over the newest versions of a stream: how many rows one brings, and how many are NULL.
func (p *profile) usualRows(ctx context.Context, c *duck.Conn, table string) (out []proposal, err error) {
	var rows struct {
		n         int64
		low, high dbsql.NullInt64
	}
	parts, dest := []*duck.Query{duck.SQL("count(*), min(_n), max(_n)")}, []any{&rows.n, &rows.low, &rows.high}
	ratios := []*duck.Query{duck.SQL("count(*) AS _n")}
	for i, col := range p.cols {
		a := duck.Args{"c": duck.Ident(col.Name), "r": duck.Ident(fmt.Sprintf("null %d", i))}
		ratios = append(ratios, duck.SQL("1 - count({c}) / count(*) AS {r}", a))
		parts, dest = append(parts, duck.SQL("max({r})", a)), append(dest, &p.of[i].nulls)
	}
	_, err = c.Scan(ctx, duck.SQL(`SELECT {parts} FROM (SELECT {ratios} FROM {t} WHERE _version IN (
		SELECT DISTINCT _version FROM {t} ORDER BY _version DESC LIMIT {n}) GROUP BY _version)`,
		duck.Args{"parts": duck.Join(", ", parts...), "ratios": duck.Join(", ", ratios...), "t": duck.Ident(table), "n": versions}), dest...)
	if err != nil || rows.n < enough {
		for i := range p.of {
			p.of[i].nulls = dbsql.NullFloat64{}
		}
		return nil, err
	}
	more := math.Max(1, margin*float64(rows.high.Int64-rows.low.Int64)+margin*float64(rows.low.Int64))
	low, high := math.Max(1, math.Floor(float64(rows.low.Int64)-more)), math.Ceil(float64(rows.high.Int64)+more)
	return []proposal{{"rows_usual", fmt.Sprintf("count(*) BETWEEN %.0f AND %.0f", low, high), warn,
		fmt.Sprintf("%s rows in each of the last %d versions, and some", span(rows.low.Int64, rows.high.Int64), rows.n)}}, nil
}

func span(low, high int64) string {
	if low == high {
		return strconv.FormatInt(low, 10)
	}
	return fmt.Sprintf("%d to %d", low, high)
}

// outlying says how many values lie far outside, where some do.
func (f facts) outlying() string {
	if !f.outliers.Valid || f.outliers.Int64 == 0 {
		return ""
	}
	return fmt.Sprintf("; %d lie far outside of the middle half", f.outliers.Int64)
}
