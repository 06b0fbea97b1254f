package torture

import (
	"encoding/json"
	"fmt"
	"strings"
)

// brokers stands in scripts for the broker's address, as in cases.
const brokers = "@BROKERS@"

// writer makes the text of a script.
type writer struct {
	m     *Model
	spell int // not 0: names in another case, by two bits each
	spelt int
}

// name is a declared name, in some case.
func (w *writer) name(n string) string {
	if w.spell == 0 {
		return n
	}
	w.spelt = (w.spelt + 1) % 8
	return []string{n, strings.ToUpper(n), strings.ToUpper(n[:1]) + n[1:], strings.ToLower(n)}[w.spell>>(2*w.spelt)&3]
}

func (w *writer) names(ns []string) string {
	out := make([]string, len(ns))
	for i, n := range ns {
		out[i] = w.name(n)
	}
	return strings.Join(out, ", ")
}

// create is a declaration.
func (w *writer) create(d *Decl) string {
	switch d.Kind {
	case "source":
		return w.source(d)
	case "rollup":
		return w.rollup(d)
	case "sink":
		if d.Topic != "" {
			return fmt.Sprintf("CREATE SINK %s INTO KAFKA (brokers '%s', topic '%s', format json%s%s) FROM %s;\n", w.name(d.Name), brokers, d.Topic,
				either(d.Key != "", ", key "+d.Key, ""), either(d.Append, ", mode append", ""), w.name(d.From[0]))
		}
		return fmt.Sprintf("CREATE SINK %s INTO FILES ('%s', format %s) FROM %s;\n", w.name(d.Name), d.Folder, d.Format, w.name(d.From[0]))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE %s %s", strings.ToUpper(d.Kind), w.name(d.Name))
	if d.Kind == "journal" {
		w.journal(&b, d)
	}
	if d.Retain != "" {
		b.WriteString(" RETAIN VERSIONS INTERVAL " + d.Retain)
	}
	clause(&b, "RULES", d.Rules, func(r Rule) string {
		if r.Set != "" {
			return "SET " + sets[r.Set].col + " = " + sets[r.Set].sql
		}
		if r.Python != "" {
			name, _ := python(r.Python)
			return "SET a = " + name + "(a)"
		}
		expect := r.Expect
		if r.In != "" {
			expect = "id IN (SELECT id FROM " + w.name(r.In) + ")"
		}
		return fmt.Sprintf("CONSTRAINT %s EXPECT (%s) ON VIOLATION %s", r.Name, expect, r.Break)
	})
	clause(&b, "METRICS", d.Metrics, func(m Metric) string { return m.Name + " = " + m.Agg + either(m.Over, " OVER TABLE", "") })
	clause(&b, "CHECKS", d.Checks, func(c Check) string {
		expect := c.Expect
		if c.Orphans != "" {
			expect = "orphans(id, " + w.name(c.Orphans) + ".id) <= 0"
		}
		return fmt.Sprintf("CHECK %s EXPECT (%s)%s%s%s ON FAILURE %s", c.Name, expect, either(c.Over, " OVER TABLE", ""),
			either(c.By != "", " BY ("+c.By+")", ""), either(c.Unknown != "", " ON UNKNOWN "+c.Unknown, ""), c.Fail)
	})
	from := w.names(d.From)
	if of := w.m.decl(d.From[0]); of.Kind == "journal" {
		from = "STREAM " + from
	}
	b.WriteString("\n  " + forms[d.Form].text(w, d, from) + ";\n")
	return b.String()
}

func clause[T any](b *strings.Builder, name string, items []T, text func(T) string) {
	if len(items) == 0 {
		return
	}
	out := make([]string, len(items))
	for i, x := range items {
		out[i] = text(x)
	}
	b.WriteString("\n  " + name + " (" + strings.Join(out, ", ") + ")")
}

func (w *writer) source(d *Decl) string {
	cols := make([]string, len(d.Cols))
	for i, c := range d.Cols {
		cols[i] = c.Name + " " + c.Type
	}
	o := "format " + d.Format
	if d.Snapshot {
		o += ", mode snapshot"
	}
	if d.BatchFiles > 1 {
		o += fmt.Sprint(", batch_files ", d.BatchFiles)
	}
	if d.BatchRows > 0 {
		o += fmt.Sprint(", batch_rows ", d.BatchRows)
	}
	if d.Partitions > 0 {
		o = strings.TrimPrefix(o, "format json")
		cols[0] += " FROM KEY"
		return fmt.Sprintf("CREATE SOURCE %s (%s) FROM KAFKA (brokers '%s', topic '%s', format json%s)%s;\n", w.name(d.Name),
			strings.Join(cols, ", "), brokers, d.topic(), o, d.onTrouble())
	}
	return fmt.Sprintf("CREATE SOURCE %s (%s) FROM FILES ('in/%s_%s.%s', %s)%s;\n", w.name(d.Name), strings.Join(cols, ", "), low(d.Name),
		either(d.Snapshot, "{day}", "*"), d.Format, o, d.onTrouble())
}

// onTrouble are a source's clauses behind FROM.
func (d *Decl) onTrouble() string {
	return either(d.Bad != "", " ON BAD RECORD "+d.Bad, "") + either(d.BadFile != "", " ON BAD FILE "+d.BadFile, "") + either(d.Change != "",
		" ON SCHEMA CHANGE "+d.Change, "")
}

func (w *writer) journal(b *strings.Builder, d *Decl) {
	fmt.Fprintf(b, " KEYS (%s)", strings.Join(d.Keys, ", "))
	if len(d.Seq) > 0 {
		fmt.Fprintf(b, " SEQUENCE BY (%s)%s", strings.Join(d.Seq, ", "),
			either(d.Delete, " DELETE WHEN op = 'd'"+either(d.Seq[0] == offsetColumn, " OR _meta.tombstone", ""), ""))
	} else {
		b.WriteString(" SNAPSHOT AT day ON MISSING " + either(d.Keep, "KEEP", fmt.Sprintf("CLOSE IF REMOVED < %d PERCENT", d.guard())))
	}
	list := func(word string, l List) {
		if !l.none() {
			b.WriteString(" " + word + " " + l.text())
		}
	}
	list("COLUMNS", d.Columns)
	list("TRACK", d.Track)
	b.WriteString(either(d.Now, " STORED AS SCD TYPE 1", ""))
	if has(d.IgnoreNull, "*") {
		b.WriteString(" IGNORE NULL UPDATES")
	} else if len(d.IgnoreNull) > 0 {
		b.WriteString(" IGNORE NULL UPDATES ON (" + strings.Join(d.IgnoreNull, ", ") + ")")
	}
	if d.Late > 0 {
		fmt.Fprintf(b, " LATENESS %d", d.Late)
	}
}

func (l List) text() string {
	switch {
	case !l.Star:
		return "(" + strings.Join(l.Names, ", ") + ")"
	case len(l.Names) == 0:
		return "*"
	}
	return "* EXCEPT (" + strings.Join(l.Names, ", ") + ")"
}

// contents is a file of a source in its format; what Parquet files hold DuckDB must write.
func contents(src *Decl, f File) string {
	var b strings.Builder
	cols := filter(f.Cols, func(c string) bool { return c != "day" })
	if src.Format == "csv" {
		b.WriteString(strings.Join(cols, ",") + "\n")
	}
	for _, r := range f.Rows {
		if src.Format == "csv" {
			b.WriteString(csvRecord(cols, r))
		} else {
			b.WriteString(jsonRecord(src, cols, r))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// payload is a record as its file has it, NULL where the format has no such thing.
func (m *Model) payload(at Place, source string) Value {
	src := m.sources[source]
	if src.Partitions > 0 {
		p := parseOrigin(at.File + " 0–0")
		for i := range p {
			if _, value := src.message(m.topics[source][i][at.Line]); value != nil {
				return string(value)
			}
		}
		return nil
	}
	for _, f := range m.files[source] {
		if "in/"+f.Path == at.File && src.Format != "parquet" {
			cols := filter(f.Cols, func(c string) bool { return c != "day" })
			i := 0
			for lineOf(src, f, i) != at.Line {
				i++
			}
			r := f.Rows[i]
			return either(src.Format == "csv", csvRecord(cols, r), jsonRecord(src, cols, r))
		}
	}
	return nil
}

func csvRecord(cols []string, r Record) string {
	var cells []string
	for _, c := range cols {
		s := textOf(r.Values[c])
		switch {
		case r.Bad == "type" && c == "id":
			s = "x"
		case r.Bad == "fraction" && c == "b":
			s = "1.5"
		case s == null:
			s = ""
		case s == "" || strings.ContainsAny(s, "\",\n\r"):
			s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		cells = append(cells, s)
	}
	if r.Bad == "short" {
		cells = cells[:len(cells)-1]
	}
	return strings.Join(cells, ",")
}

func jsonRecord(src *Decl, cols []string, r Record) string {
	if r.Bad == "short" {
		return `{"id":1,"b"`
	}
	v := map[string]any{}
	for _, c := range src.fields() {
		if x := r.Values[c.Name]; x != nil && has(cols, c.Name) {
			v[c.Name] = inJSON(c.Type, x)
		}
	}
	switch r.Bad {
	case "type":
		v["id"] = "x"
	case "fraction":
		v["b"] = 1.5
	}
	out, err := json.Marshal(v)
	if err != nil {
		panic(err) // values are numbers and texts
	}
	return string(out)
}
