package torture

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// ReadPlan reads a plan.json. Whole numbers are whole numbers again.
func ReadPlan(b []byte) (Plan, error) {
	var p Plan
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("plan.json: %w", err)
	}
	for _, s := range p.Steps {
		for _, f := range append(slices.Clip(s.Files), s.Later...) {
			for _, r := range f.Rows {
				for c, v := range r.Values {
					if n, ok := v.(json.Number); ok {
						i, err := n.Int64()
						if err != nil {
							return p, fmt.Errorf("plan.json: %w", err)
						}
						r.Values[c] = i
					}
				}
			}
		}
	}
	return p, nil
}

// writeCase writes a folder that a person can read and repeat: the scripts s1.sql … with their files, ask.sql and want.csv, the exit code
// where it isn't 0, and plan.json for the tester. Files that come later stand in later/sN, and steps.sh says when.
func writeCase(to string, b *Bench, p Plan, d *Difference) (err error) {
	put := func(name, text string) {
		path := filepath.Join(to, name)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
	}
	steps := "set -e\n"
	for i, s := range b.steps {
		text, rerr := os.ReadFile(filepath.Join(b.dir, s.script))
		err = errors.Join(err, rerr)
		put(s.script, strings.ReplaceAll(string(text), cmp.Or(b.broker.addr, brokers), brokers))
		if strings.Contains(string(text), modelFile) {
			put(modelFile, modelText)
		}
		for _, f := range s.files {
			if src := b.model.sources[low(f.Source)]; src != nil && src.Partitions > 0 {
				put(fmt.Sprintf("step%d_%s.jsonl", i+1, src.topic()), src.messages(f))
				continue
			}
			text, rerr := os.ReadFile(filepath.Join(b.dir, "in", f.Path))
			if rerr != nil {
				continue // of a source that isn't declared
			}
			if i == 0 {
				put("in/"+f.Path, string(text))
				continue
			}
			put("later/"+f.Path, string(text))
			steps += "mkdir -p in; cp later/" + f.Path + " in/\n"
		}
		if s.kill > 0 {
			steps += fmt.Sprintf("DSQL_FAULT=kill:*:%d \"$DSQL\" run %s --db x.duckdb --quiet || true\n", s.kill, s.script)
		}
		steps += fmt.Sprintf("\"$DSQL\" run %s --db x.duckdb --quiet%s || [ $? = %d ]\n", s.script, either(s.prune, " --prune --yes", ""), s.code)
	}
	put("steps.sh", steps)
	if d.code != 0 {
		put("exit", fmt.Sprintln(d.code))
	}
	if d.ask != "" && d.want != nil && !strings.HasPrefix(d.ask, "the ") {
		put("ask.sql", d.ask+" ORDER BY ALL\n")
		put("want.csv", d.want.csv())
	}
	plan, jerr := json.MarshalIndent(p, "", " ")
	put("plan.json", string(plan))
	put("source.txt", fmt.Sprintf("Seed %d: %s\n", p.Seed, d))
	return errors.Join(err, jerr)
}

// readCase is a case's folder as a log shows it: scripts, files and steps.
func readCase(folder string) string {
	var out strings.Builder
	_ = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, folder+"/")
		if err != nil || e.IsDir() || has([]string{"plan.json", "source.txt", modelFile}, name) {
			return err
		}
		text, err := os.ReadFile(path)
		if !utf8.Valid(text) {
			text = []byte("…")
		}
		fmt.Fprintf(&out, "-- %s --\n%s\n", name, strings.TrimSuffix(string(text), "\n"))
		return err
	})
	return out.String()
}

// csv is the table as `dsql query --output csv` prints it, but for the order of its rows.
func (t *table) csv() string {
	rows := slices.Clone(t.rows)
	slices.SortFunc(rows, slices.Compare)
	var b strings.Builder
	w := csv.NewWriter(&b)
	for _, r := range append([][]string{t.cols}, rows...) {
		_ = w.Write(filterNull(r))
	}
	w.Flush()
	return b.String()
}

func filterNull(row []string) []string {
	out := make([]string, len(row))
	for i, c := range row {
		out[i] = either(c == null, "", c)
	}
	return out
}
