package torture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var sinkFile = regexp.MustCompile(`^v(\d+)`)

func (l *look) sinks(afterKill bool) error {
	for _, n := range l.m.order {
		k := l.m.sinks[n]
		if k == nil || afterKill {
			continue
		}
		of := l.m.dests[low(k.decl.From[0])]
		if k.decl.Topic != "" {
			if err := l.topicSink(k, of); err != nil {
				return err
			}
			continue
		}
		cols := either(of.journal(), append([]string{"change_type"}, of.names()...), of.cols)
		got, err := l.sunk(k, cols)
		if err != nil {
			return err
		}
		want := &table{}
		for v, rows := range k.files {
			for _, r := range rows {
				want.rows = append(want.rows, append([]string{strconv.Itoa(v)}, r.texts(cols)...))
			}
		}
		if err := differ("sink", "the files of sink "+k.decl.Name+" (version, "+list(cols)+")", got, want); err != nil {
			return err
		}
	}
	return nil
}

// sunk is what the files of a sink hold, with the version that each one's name has.
func (l *look) sunk(k *Sink, cols []string) (*table, error) {
	entries, err := os.ReadDir(filepath.Join(l.b.dir, k.decl.Folder))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	all := &table{}
	for _, e := range entries {
		m := sinkFile.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		t, err := l.sinkRows(k.decl.Format, filepath.Join(l.b.dir, k.decl.Folder, e.Name()), cols)
		if err != nil {
			return nil, err
		}
		for _, r := range t.rows {
			row := []string{strings.TrimLeft(m[1], "0")}
			for _, c := range cols {
				i := slices.Index(t.cols, c)
				row = append(row, either(i < 0, null, r[max(i, 0)])) // a column that came later
			}
			all.rows = append(all.rows, row)
		}
	}
	return all, nil
}

func (l *look) sinkRows(format, path string, cols []string) (*table, error) {
	switch format {
	case "csv":
		return l.rows(fmt.Sprintf("SELECT * FROM read_csv('%s', all_varchar = true)", path))
	case "parquet":
		return l.rows(fmt.Sprintf("SELECT * FROM read_parquet('%s')", path))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rows, err := jsonRows(text, cols)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &table{cols: cols, rows: rows}, nil
}

// jsonRows are objects as texts in some columns. (DuckDB's reader makes doubles of numbers, even for VARCHAR.)
func jsonRows(text []byte, cols []string) (rows [][]string, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for d.More() {
		var v map[string]any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		row := make([]string, len(cols))
		for i, c := range cols {
			row[i] = jsonText(v[c])
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// jsonText is a value of JSON as DuckDB prints what it stands for.
func jsonText(v any) string {
	n, isNumber := v.(json.Number)
	if !isNumber {
		return textOf(v)
	}
	if f, err := n.Float64(); err == nil && strings.Contains(n.String(), "e") {
		return textOf(f)
	}
	return n.String()
}
