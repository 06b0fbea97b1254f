package worker

import (
	"context"
	"fmt"
	"math/rand"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dsql/engine/duck"
)

// buckets is how many journals are cut into.
const buckets = 3

// compareJournals does the buckets of all journals, and holds what they have together against a run's file.
func compareJournals(t *testing.T, name string, w *Worker, c *duck.Conn, got results, random *rand.Rand, n *tally) {
	t.Helper()
	gates := heldBack(t, c)
	for _, of := range w.trial.Program.Nodes {
		if _, journal := of.Obj.(*events); !journal || gates[of.Name] || len(of.Inputs) > 0 && gates[of.Inputs[0].Of.Name] {
			continue
		}
		var files []string
		var told results
		dir := t.TempDir()
		for b := range int64(buckets) {
			file, answers := doBucket(t, name, w, of.Name, dir, bodies(got, of.Name, b), random, b)
			if file != "" {
				files, told = append(files, file), append(told, answers...)
			}
		}
		var rows []string
		for _, f := range files {
			rows = append(rows, historyOf(t, f, of.Name)...)
		}
		want := history(t, c, of.Name)
		sameRows(t, name+": history of "+of.Name, rows, want)
		var refused []string
		for _, r := range told.rows(t, "rejects", "") {
			refused = append(refused, strings.Split(r, "|")[3])
		}
		sameRows(t, name+": what "+of.Name+" refuses", refused, asked(t, c, duck.SQL(`SELECT reason FROM dsql.rejects
			WHERE destination = {d} AND regexp_matches(reason, '^(null_|sequence_|too_late|duplicate_)')`, duck.Args{"d": of.Name})))
		n.journals, n.versions = n.journals+1, n.versions+len(want)
	}
}

// bodies are the events of a bucket: those of one task behind those of another, as their tasks stand in the files.
func bodies(got results, name string, bucket int64) (out [][]byte) {
	of := results{}
	for _, r := range got.of("rows") {
		if r.Name == name && r.Bucket != nil && *r.Bucket == bucket {
			of = append(of, r)
		}
	}
	slices.SortStableFunc(of, func(a, b result) int { return strings.Compare(a.Task, b.Task) })
	for _, r := range of {
		out = append(out, r.body)
	}
	return out
}

// doBucket takes events into a bucket's file, some after others. It says which file it became: "" without events.
func doBucket(t *testing.T, name string, w *Worker, journal, dir string, bodies [][]byte, random *rand.Rand, b int64) (file string, told results) {
	t.Helper()
	for i := 0; len(bodies) > 0; i++ {
		n := 1 + random.Intn(len(bodies))
		to := filepath.Join(dir, fmt.Sprintf("b%d-%d.duckdb", b, i))
		got := serve(t, w, taskOf(t, header{Task: to, Journal: journal, From: file, To: to}, bodies[:n]...))
		for _, a := range got.of("error") {
			t.Fatalf("%s: bucket %d of %s: %+v", name, b, journal, a.Errors)
		}
		bodies, file, told = bodies[n:], to, append(told, got...)
	}
	return file, told
}

// historyOf is what a bucket's file has.
func historyOf(t *testing.T, file, journal string) []string {
	t.Helper()
	db, err := duck.Open(context.Background(), file, duck.Options{ReadOnly: true, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return history(t, db.Writer(), journal)
}

func history(t *testing.T, c *duck.Conn, journal string) []string {
	t.Helper()
	return asked(t, c, duck.SQL("SELECT COLUMNS(*)::VARCHAR FROM {h}", duck.Args{"h": duck.Ident(journal + "_history")}))
}
