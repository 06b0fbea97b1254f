// Package view asks a file for what page draws: what is declared and how it came along, what needs a look, and what stands in each view. It
// gives plain values, draws nothing and writes nothing.
package view

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/engine/watermark"
	"dsql/page"
	"dsql/pipeline/program"
	"dsql/sql"
)

// Reader asks one state of a file. The connection is its own while it does.
type Reader struct {
	Program *program.Program
	Conn    *duck.Conn
	Now     time.Time
	Lags    map[string]int64 // by source, where somebody knows them
	Name    string           // the file's
	Kept    *Kept            // of who reads again and again; nil: all is asked anew
}

// rows reads all rows of a query; a table that an older dsql didn't make has none.
func rows[T any](ctx context.Context, c *duck.Conn, q *duck.Query, scan func(row func(...any) error) (T, error)) ([]T, error) {
	out, err := duck.Select(ctx, c, q, scan)
	if duck.IsMissing(err) {
		return nil, nil
	}
	return out, err
}

// pair and triple scan texts.
func pair(row func(...any) error) (p [2]string, err error)   { return p, row(&p[0], &p[1]) }
func triple(row func(...any) error) (p [3]string, err error) { return p, row(&p[0], &p[1], &p[2]) }

// File reads what all views share.
func (r *Reader) File(ctx context.Context) (*page.File, error) {
	f := &page.File{Name: r.Name}
	if f.Name == "" {
		f.Name = filepath.Base(r.Conn.DB.Path)
	}
	if err := r.versions(ctx, f); err != nil {
		return nil, err
	}
	if err := r.objects(ctx, f); err != nil {
		return nil, err
	}
	if err := r.counts(ctx, f); err != nil {
		return nil, err
	}
	if err := r.times(ctx, f); err != nil {
		return nil, err
	}
	var err error
	if f.Rejected, err = r.Conn.Int(ctx, duck.SQL("SELECT count(*) FROM dsql.rejects WHERE replayed_at IS NULL")); err != nil {
		return nil, err
	}
	if f.Findings, err = r.Findings(ctx); err != nil {
		f.Wrong = append(f.Wrong, page.Problem{What: "What needs a look", Err: err})
	}
	return f.Ready(), nil
}

// versions come as one text: rows are what costs on the way to Go.
func (r *Reader) versions(ctx context.Context, f *page.File) error {
	var text string
	if _, err := r.Conn.Scan(ctx, duck.SQL(`SELECT coalesce(string_agg(version || ' ' || epoch_us(committed_at), ';' ORDER BY
			version), '')
		FROM dsql.versions`), &text); err != nil {
		return err
	}
	for _, n := range numbers(text) {
		f.Versions = append(f.Versions, page.Version{Number: n[0], At: time.UnixMicro(n[1]).UTC()})
	}
	return nil
}

// numbers are lines of whole numbers: "1 20;2 30".
func numbers(text string) (out [][]int64) {
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ";") {
		var line []int64
		for w := range strings.FieldsSeq(part) {
			n, err := strconv.ParseInt(w, 10, 64)
			if err != nil {
				n = 0
			}
			line = append(line, n)
		}
		out = append(out, line)
	}
	return out
}

// counts are the accounts of all versions, one text an object.
func (r *Reader) counts(ctx context.Context, f *page.File) error {
	of, err := rows(ctx, r.Conn, duck.SQL(`SELECT name, string_agg(concat_ws(' ', version, coalesce(rows_in, 0), coalesce(written, 0),
			coalesce(added, 0), coalesce(changed, 0), coalesce(removed, 0), coalesce(unchanged, 0), coalesce(rejected, 0),
			coalesce(dropped, 0), coalesce(bad, 0)), ';' ORDER BY version)
		FROM dsql.version_rows GROUP BY name`), pair)
	if err != nil {
		return err
	}
	byName := map[string]*page.Object{}
	for _, o := range f.Objects {
		byName[o.Name] = o
	}
	for _, x := range of {
		o := byName[x[0]]
		if o == nil {
			continue
		}
		for _, n := range numbers(x[1]) {
			if len(n) == 10 {
				o.Counts = append(o.Counts,
					page.Count{Version: n[0], In: n[1], Written: n[2], Added: n[3], Changed: n[4], Removed: n[5], Unchanged: n[6],
						Rejected: n[7], Dropped: n[8], Lost: n[9]})
			}
		}
	}
	return nil
}

// times are how far event time has come in what an object reads.
func (r *Reader) times(ctx context.Context, f *page.File) error {
	stands, err := watermark.Stands(ctx, r.Conn)
	for _, s := range stands {
		for _, o := range f.Objects {
			if o.Name == s.Destination {
				o.Times = append(o.Times, page.Times{Input: s.Input, Watermark: s.Watermark, Closed: s.Closed, Partitions: s.Partitions,
					Behind: s.Behind})
			}
		}
	}
	return err
}

// aside are kinds that nothing flows through.
var aside = []string{"rules", "checks", "connection", "alert", "function", "test", "parameter"}

// objects are what is declared, with columns and what reads what.
func (r *Reader) objects(ctx context.Context, f *page.File) error {
	declared, err := rows(ctx, r.Conn,
		duck.SQL("SELECT kind || ' ' || name, coalesce(epoch_us(declared_at), 0)::VARCHAR FROM dsql.declarations"), pair)
	if err != nil {
		return err
	}
	since := map[string]string{}
	for _, d := range declared {
		since[d[0]] = d[1]
	}
	cols, tables, err := r.columns(ctx)
	if err != nil {
		return err
	}
	models, err := r.models(ctx)
	if err != nil {
		return err
	}
	names := program.Columns{}
	for _, n := range r.Program.Sorted() {
		if slices.Contains(aside, n.Kind) {
			continue
		}
		o := &page.Object{Kind: n.Kind, Name: n.Name, Body: n.Text(), Columns: cols[n.Name]}
		if us, err := strconv.ParseInt(since[n.Kind+" "+n.Name], 10, 64); err == nil {
			o.Declared = time.UnixMicro(us).UTC()
		}
		r.fill(o, n, models)
		f.Objects = append(f.Objects, o)
		delete(tables, sql.KeyOf(n.Name))
		for _, c := range o.Columns {
			if n.Kind != "model" || c.Name != program.Result {
				names[o.Name] = append(names[o.Name], c.Name)
			}
		}
	}
	for _, n := range r.Program.Nodes { // the user's own tables that something reads
		for _, key := range slices.Sorted(maps.Keys(n.Others)) {
			if name := tables[key]; name != "" {
				delete(tables, key)
				f.Objects = append(f.Objects, &page.Object{Kind: "table", Name: name, Columns: cols[name]})
				for _, c := range cols[name] {
					names[name] = append(names[name], c.Name)
				}
			}
		}
	}
	return r.origins(ctx, f, names)
}

// fill adds what a node tells of itself.
func (r *Reader) fill(o *page.Object, n *program.Node, models map[string]*page.Object) {
	if n.Stored != nil && n.Kind == "source" {
		for _, c := range n.Stored.Pinned {
			o.Columns = append(o.Columns, page.Column{Name: c.Name, Type: string(c.Type)})
		}
	}
	if k, ok := n.Obj.(kind.Keyed); ok {
		o.Keys = k.KeyNames()
	}
	if m := models[n.Name]; m != nil && n.Kind == "model" {
		o.Columns, o.Info, o.Tags = m.Columns, m.Info, m.Tags
	}
	if lag, ok := r.Lags[n.Name]; ok {
		o.Lag = &lag
	}
	for _, in := range n.Inputs {
		o.Reads = append(o.Reads, in.Of.Name)
	}
	for _, m := range n.Aside() {
		if m != n && !slices.Contains(aside, m.Kind) {
			o.Reads = append(o.Reads, m.Name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(n.Others)) {
		o.Reads = append(o.Reads, string(key)) // by its key: see origins
	}
	if a := n.Obj.Decl().Arg("ON MODEL"); a != nil && len(a.Names) == 1 {
		o.Info = "watches " + a.Names[0].Text
		o.Reads = append(o.Reads, a.Names[0].Text)
	}
	slices.Sort(o.Reads)
	o.Reads = slices.Compact(o.Reads)
}

// origins joins columns to what they are made of, and names to what they are called.
func (r *Reader) origins(ctx context.Context, f *page.File, names program.Columns) error {
	made, err := r.Program.Origins(ctx, r.Conn, names)
	if err != nil {
		return err
	}
	byKey := map[sql.Key]string{}
	for _, o := range f.Objects {
		byKey[sql.KeyOf(o.Name)] = o.Name
	}
	for _, o := range f.Objects {
		for i, c := range o.Columns {
			for _, x := range made[program.ColumnRef{Of: o.Name, Column: c.Name}] {
				o.Columns[i].From = append(o.Columns[i].From, page.Ref{Object: x.Of, Column: x.Column})
			}
		}
		var reads []string
		for _, name := range o.Reads {
			if at := byKey[sql.KeyOf(name)]; at != "" && at != o.Name && !slices.Contains(reads, at) {
				reads = append(reads, at)
			}
		}
		o.Reads = reads
	}
	return nil
}

// columns are those of the stored tables and views, by name as it is spelt, and the names of the tables.
func (r *Reader) columns(ctx context.Context) (map[string][]page.Column, map[sql.Key]string, error) {
	all, err := rows(ctx, r.Conn, duck.SQL(`SELECT table_name, column_name, data_type FROM duckdb_columns()
		WHERE schema_name = 'main' AND database_name = current_database() AND NOT internal ORDER BY table_name, column_index`), triple)
	if err != nil {
		return nil, nil, err
	}
	cols, tables := map[string][]page.Column{}, map[sql.Key]string{}
	for _, x := range all {
		tables[sql.KeyOf(x[0])] = x[0]
		if x[1] != "_version" {
			cols[x[0]] = append(cols[x[0]], page.Column{Name: x[1], Type: x[2]})
		}
	}
	return cols, tables, nil
}

// models are those in use: inputs, what they are, tags.
func (r *Reader) models(ctx context.Context) (map[string]*page.Object, error) {
	type model struct {
		name, format, inputs, outputs, tags string
		version                             int64
	}
	all, err := rows(ctx, r.Conn, duck.SQL(`SELECT name, format, version, inputs, outputs,
			coalesce(to_json(map_entries(tags))::VARCHAR, '[]')
		FROM dsql.models WHERE in_use`), func(row func(...any) error) (m model, err error) {
		return m, row(&m.name, &m.format, &m.version, &m.inputs, &m.outputs, &m.tags)
	})
	if err != nil {
		return nil, err
	}
	out := map[string]*page.Object{}
	for _, m := range all {
		var inputs []struct{ Name, Type string }
		var tags []struct{ Key, Value string }
		if err := json.Unmarshal([]byte(m.inputs), &inputs); err != nil {
			return nil, fmt.Errorf("the inputs of model %s: %w", m.name, err)
		}
		if err := json.Unmarshal([]byte(m.tags), &tags); err != nil {
			return nil, fmt.Errorf("the tags of model %s: %w", m.name, err)
		}
		o := &page.Object{Info: fmt.Sprintf("%s · v%d · %d inputs", m.format, m.version, len(inputs))}
		for _, c := range inputs {
			o.Columns = append(o.Columns, page.Column{Name: c.Name, Type: c.Type})
		}
		o.Columns = append(o.Columns, page.Column{Name: program.Result, Type: m.outputs})
		for _, t := range tags {
			o.Tags = append(o.Tags, page.Pair{Name: t.Key, Value: t.Value})
		}
		out[m.name] = o
	}
	return out, nil
}
