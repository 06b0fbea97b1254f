package worker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/rogpeppe/go-internal/txtar"

	"dsql/engine/duck"
	"dsql/pipeline/program"
	"dsql/pipeline/run"
	"dsql/sql"
	"dsql/sql/code"
)

// What processes make of the pieces of files is what a run makes of the files: rows, rejects with their bytes and places, accounts. That is
// tried with all scripts of testdata and docs that can be spread.

// spreadCase is a script and its files.
type spreadCase struct {
	name, script string
	files        map[string]string
}

// TestMain has what scripts write by a relative path in a folder of its own.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "worker")
	if err == nil {
		if project, err = filepath.Abs(".."); err == nil {
			err = os.Chdir(dir)
		}
	}
	if err != nil {
		panic(err)
	}
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

var project string // the folder of the repository

func TestSplitInvariance(t *testing.T) {
	t.Parallel()
	var sum tally
	some := sample(corpus(t), 6)
	for _, c := range some {
		sum.add(trySplit(t, c))
	}
	t.Logf("of %d: %+v", len(some), sum)
	if sum.scripts < 15 || sum.pieces < 40 || sum.rows < 80 || sum.rejects < 20 || sum.journals < 5 || sum.versions < 15 {
		t.Errorf("too little was compared: %+v", sum)
	}
}

// tally counts what was compared.
type tally struct{ scripts, refused, pieces, rows, rejects, accounts, measured, journals, versions int }

func (s *tally) add(o tally) {
	s.scripts, s.refused, s.pieces = s.scripts+o.scripts, s.refused+o.refused, s.pieces+o.pieces
	s.rows, s.rejects, s.accounts = s.rows+o.rows, s.rejects+o.rejects, s.accounts+o.accounts
	s.measured, s.journals, s.versions = s.measured+o.measured, s.journals+o.journals, s.versions+o.versions
}

var (
	pageBlock = regexp.MustCompile("(?ms)^(?:<!-- ([^\n]*?) -->\n)?```([a-z]*)\n(.*?)^```$")
	// another result each time, what needs an interpreter, verbs that change what a run has made
	left = regexp.MustCompile(`(?i)\b(now|random|today|uuid)\(|current_(date|time)|LANGUAGE python|` +
		`\b(ROLLBACK|REPLAY|REBUILD|RELEASE|DISCARD|ERASE|VACUUM|ALTER|DROP|DELETE FROM|UPDATE)\b`)
)

// corpus are the scripts of testdata and docs, each with the files of its archive or page.
func corpus(t *testing.T) (out []spreadCase) {
	t.Helper()
	archives, _ := filepath.Glob(filepath.Join(project, "testdata/scripts/*.txtar"))
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files, scripts := map[string]string{}, []string{}
		for _, f := range a.Files {
			if files[f.Name] = string(f.Data); strings.HasSuffix(f.Name, ".sql") {
				scripts = append(scripts, f.Name)
			}
		}
		for _, s := range scripts {
			out = append(out, spreadCase{filepath.Base(path) + "/" + s, files[s], files})
		}
	}
	pages, _ := filepath.Glob(filepath.Join(project, "docs/*.md"))
	for _, path := range pages {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files, script := map[string]string{}, ""
		for i, m := range pageBlock.FindAllStringSubmatch(string(text), -1) {
			kind, arg, _ := strings.Cut(m[1], " ")
			switch {
			case kind == "file":
				files[arg] = m[3]
			case m[2] == "sql" && kind == "":
				script += m[3]
				out = append(out, spreadCase{fmt.Sprintf("%s/%d", filepath.Base(path), i), script, files})
			}
		}
	}
	return out
}

// rich are archives whose scripts have what few have: rejects, journals, several versions.
var rich = regexp.MustCompile(`^(rejects_source|rejects_meta|warnings|feed_journal|merge)\.txtar/`)

// sample is one case of so many in a short test, twice as many else, all of them with DSQL_LONG. Their names pick them, so that a new script
// moves no other one in or out, and none of those goes that are rich.
func sample(all []spreadCase, short int) (some []spreadCase) {
	switch {
	case os.Getenv("DSQL_LONG") != "":
		return all
	case !testing.Short():
		short = (short + 1) / 2
	}
	for _, c := range all {
		h := fnv.New32a()
		_, _ = h.Write([]byte(c.name))
		if rich.MatchString(c.name) || h.Sum32()%uint32(short) == 0 {
			some = append(some, c)
		}
	}
	return some
}

// trySplit compares one, where it can be spread and a run of it goes well.
func trySplit(t *testing.T, c spreadCase) (n tally) {
	t.Helper()
	if left.MatchString(c.script) || !strings.Contains(c.script, "CREATE SOURCE") ||
		!strings.Contains(c.script, "CREATE STREAM") && !strings.Contains(c.script, "CREATE JOURNAL") {
		return n
	}
	ctx, dir := context.Background(), t.TempDir()
	for name, text := range c.files {
		path, before := filepath.Join(dir, name), time.Now().Add(-time.Hour)
		write(t, path, text)
		if err := os.Chtimes(path, before, before); err != nil { // else a run waits for the end of what has none
			t.Fatal(err)
		}
	}
	o := program.Options{Language: run.Language, Scripts: []*sql.Source{sql.NewSource("s.sql", c.script)}, Dir: dir, DB: filepath.Join(dir, "run.duckdb")}
	told, err := program.Tell(ctx, o, "")
	if err != nil {
		return n
	}
	plan, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Open(ctx, Options{Plan: "plan.json", Text: plan, Dir: dir, Threads: 1})
	if sql.HasCode(err, code.NotSpread) {
		n.refused++
		return n
	}
	if err != nil {
		if run.Run(ctx, o) == nil {
			t.Errorf("%s: it runs, and a worker says: %v", c.name, err)
		}
		return n
	}
	defer w.Close()
	if err := run.Run(ctx, o); err != nil {
		return n
	}
	db, err := duck.Open(ctx, o.DB, duck.Options{ReadOnly: true, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if len(asked(t, db.Writer(), duck.SQL("SELECT 1 FROM dsql.rejects WHERE contains(reason, 'as the files before it have')"))) > 0 {
		return n // a process knows of no file before
	}
	files := taken(t, db.Writer())
	random := rand.New(rand.NewSource(int64(len(c.script))))
	var tasks [][]byte
	for i, f := range files {
		if f.source == "" {
			return n
		}
		tasks = append(tasks, cutFile(t, dir, f, i, random, strings.Contains(c.script, "skip"))...)
	}
	if len(tasks) == 0 {
		return n
	}
	random.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
	got := serve(t, w, tasks...)
	for _, a := range got.of("error") {
		t.Errorf("%s: %+v", c.name, a.Errors)
		return n
	}
	n.scripts, n.pieces = 1, len(tasks)
	compareAll(t, c.name, w, db.Writer(), got, &n)
	compareMeasured(t, c.name, w, db.Writer(), got, &n)
	compareJournals(t, c.name, w, db.Writer(), got, random, &n)
	return n
}

// compareAll holds what came of the tasks against a run's file.
func compareAll(t *testing.T, name string, w *Worker, c *duck.Conn, got results, n *tally) {
	t.Helper()
	gates := heldBack(t, c)
	for _, of := range w.trial.Program.Nodes {
		d, ok := of.Destination()
		if !ok || gates[of.Name] || len(of.Inputs) > 0 && gates[of.Inputs[0].Of.Name] {
			continue
		}
		rows := got.rows(t, "rows", of.Name)
		if _, journal := of.Obj.(*events); journal {
			continue
		}
		want := asked(t, c, duck.Texts(d.InOrder(0, 1<<62, of.Cols), of.Cols, duck.AsArrow))
		sameRows(t, name+": rows of "+of.Name, rows, want)
		n.rows += len(want)
	}
	// those of a journal are known where all events of a key are
	only := duck.SQL(`SELECT coalesce(destination, '') AS destination, source, rule, reason, meta, payload, data, original, exact FROM ({q})
		WHERE NOT regexp_matches(reason, '^(check|null_|sequence_|too_late|duplicate_)')`, duck.Args{"q": rejects(0)})
	want := asked(t, c, only)
	var rejected []string
	for _, r := range got.rows(t, "rejects", "") {
		rejected = append(rejected, strings.TrimPrefix(r, "(null)"))
	}
	sameRows(t, name+": rejects", rejected, want)
	n.rejects += len(want)
	account := map[string][6]int64{}
	for _, r := range got.rows(t, "account", "") {
		f := strings.Split(r, "|")
		key := f[0] + " " + f[1]
		a := account[key]
		for i := range a {
			var x int64
			_, _ = fmt.Sscan(f[i+2], &x)
			a[i] += x
		}
		account[key] = a
	}
	var lines []string
	for k, a := range account {
		if !strings.HasPrefix(k, "journal ") && !gates[strings.TrimPrefix(k, "stream ")] {
			lines = append(lines, fmt.Sprint(k, a))
		}
	}
	var wanted []string
	for _, r := range asked(t, c, duck.SQL(`SELECT kind, name, [coalesce(sum(rows_in), 0), coalesce(sum(written), 0), coalesce(sum(rejected), 0),
		coalesce(sum(dropped), 0), coalesce(sum(bad), 0), coalesce(sum(skipped), 0)]::BIGINT[]::VARCHAR FROM dsql.version_rows GROUP BY ALL`)) {
		f := strings.Split(r, "|")
		if key := f[0] + " " + f[1]; f[0] != "journal" && !gates[f[1]] {
			wanted = append(wanted, key+strings.ReplaceAll(f[2], ",", ""))
		}
	}
	sameRows(t, name+": accounts", lines, wanted)
	n.accounts += len(wanted)
}

// heldBack are destinations of which a check held rows back.
func heldBack(t *testing.T, c *duck.Conn) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, r := range asked(t, c, duck.SQL("SELECT DISTINCT destination FROM dsql.rejects WHERE starts_with(reason, 'check: ')")) {
		out[r] = true
	}
	return out
}

// compareMeasured holds what was put together of partials against the same over the rows of a run: alike to the last bits of a DOUBLE. Where a
// run had one batch the metrics that it recorded, too.
func compareMeasured(t *testing.T, name string, w *Worker, c *duck.Conn, got results, n *tally) {
	t.Helper()
	gates := heldBack(t, c)
	for _, of := range w.trial.Program.Nodes {
		for _, d := range w.plan.Declarations {
			if len(of.Inputs) > 0 && gates[of.Inputs[0].Of.Name] || gates[of.Name] {
				continue
			}
			if _, journal := of.Obj.(*events); journal || d.Measure == nil || d.Name != of.Name || d.Kind != of.Kind {
				continue
			}
			var parts []string // a SELECT each
			for _, r := range got.of("partials") {
				if r.Name == of.Name {
					parts = append(parts, partialsOf(t, r.body)...)
				}
			}
			for _, a := range d.Measure.Aggregates {
				if a.Merge == "" || len(parts) == 0 { // none of its sources had a file
					continue
				}
				var merged, want string
				if _, err := c.Scan(context.Background(), duck.Text("SELECT coalesce(("+a.Merge+")::VARCHAR, 'none') FROM ("+
					strings.Join(parts, " UNION ALL BY NAME ")+")"), &merged); err != nil {
					t.Errorf("%s: %s: %v", name, a.Merge, err)
				}
				if _, err := c.Scan(context.Background(), duck.SQL("SELECT coalesce(({a})::VARCHAR, 'none') FROM {t}", duck.Args{"a": duck.Text(a.SQL),
					"t": duck.Ident(of.Name)}), &want); err != nil {
					continue // it calls what is registered in a run
				}
				if n.measured++; !alike(merged, want) {
					t.Errorf("%s: %s of %s is %s, and of all rows %s", name, a.SQL, of.Name, merged, want)
				}
			}
		}
	}
}

// alike: the same texts, or numbers that differ in their last bits.
func alike(a, b string) bool {
	var x, y float64
	_, err := fmt.Sscan(a, &x)
	_, other := fmt.Sscan(b, &y)
	return a == b || err == nil && other == nil && math.Abs(x-y) <= 1e-12*math.Max(math.Abs(x), math.Abs(y))
}

// partialsOf are queries of the rows of an answer.
func partialsOf(t *testing.T, body []byte) (out []string) {
	t.Helper()
	r, err := ipc.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		b := r.RecordBatch()
		for i := range int(b.NumRows()) {
			var cols []string
			for c := range int(b.NumCols()) {
				value := "NULL"
				if !b.Column(c).IsNull(i) {
					value = duck.Lit(b.Column(c).ValueStr(i)).String()
				}
				cols = append(cols, fmt.Sprintf("CAST(%s AS %s) AS %s", value, duckType(b.Schema().Field(c).Type), duck.Ident(b.ColumnName(c))))
			}
			out = append(out, "SELECT "+strings.Join(cols, ", "))
		}
	}
	return out
}

func duckType(t arrow.DataType) string {
	if d, ok := t.(*arrow.Decimal128Type); ok {
		return fmt.Sprintf("DECIMAL(%d, %d)", d.Precision, d.Scale)
	}
	if z, ok := t.(*arrow.TimestampType); ok && z.TimeZone != "" {
		return "TIMESTAMPTZ"
	}
	return cmp.Or(duckTypes[t.ID()], "VARCHAR")
}

// duckTypes are what partials are read as.
var duckTypes = map[arrow.Type]string{arrow.INT64: "BIGINT", arrow.INT32: "INTEGER", arrow.FLOAT64: "DOUBLE", arrow.STRING: "VARCHAR",
	arrow.BOOL: "BOOLEAN", arrow.TIMESTAMP: "TIMESTAMP", arrow.DATE32: "DATE", arrow.INT16: "SMALLINT",
	arrow.INT8: "TINYINT", arrow.FLOAT32: "FLOAT"}

// takenFile is a file that a run has taken.
type takenFile struct{ source, path string }

func taken(t *testing.T, c *duck.Conn) (out []takenFile) {
	t.Helper()
	for _, r := range asked(t, c, duck.SQL("SELECT source, path FROM dsql.files GROUP BY ALL ORDER BY min(version), path, source")) {
		source, path, _ := strings.Cut(r, "|")
		out = append(out, takenFile{source, path})
	}
	return out
}

// cutFile makes tasks of a file: cut behind lines where no record goes over several, with its bytes or with its path.
func cutFile(t *testing.T, dir string, f takenFile, number int, random *rand.Rand, whole bool) (tasks [][]byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, f.path))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(f.path, ".parquet") {
		return cutParquet(t, f, number, random)
	}
	type place struct{ at, line int64 }
	places := []place{{0, 1}}
	line, quotes := int64(1), 0
	for i, b := range text {
		if b == '"' {
			quotes++
		}
		if b != '\n' {
			continue
		}
		if line++; quotes%2 == 1 {
			whole = true
		}
		object := strings.HasSuffix(f.path, ".csv") || i > 0 && text[i-1] == '}' && i+1 < len(text) && text[i+1] == '{'
		if i+1 < len(text) && object && random.Intn(2) == 0 {
			places = append(places, place{int64(i + 1), line})
		}
	}
	if whole || bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) || bytes.ContainsAny(text[:min(2, len(text))], "\xff\xfe") {
		places = places[:1]
	}
	for i, p := range places {
		h := header{Task: fmt.Sprintf("%03d %03d", number, i), Source: f.source, File: f.path, Byte: p.at, Line: p.line, More: i+1 < len(places),
			Buckets: buckets}
		end := int64(len(text))
		if h.More {
			end = places[i+1].at
		}
		if random.Intn(3) == 0 {
			if h.Path, h.More = f.path, false; end < int64(len(text)) {
				h.End = end
			}
			tasks = append(tasks, taskOf(t, h))
			continue
		}
		if h.Byte > 0 {
			h.Head = text[:min(h.Byte+int64(random.Intn(50)), int64(len(text)))]
		}
		tasks = append(tasks, taskOf(t, h, pieces(text[p.at:end], random)...))
	}
	return tasks
}

// pieces cuts bytes anywhere.
func pieces(b []byte, random *rand.Rand) (out [][]byte) {
	for len(b) > 0 {
		n := 1 + random.Intn(len(b))
		out, b = append(out, b[:n]), b[n:]
	}
	return out
}

// taskOf is a message.
func taskOf(t *testing.T, h any, data ...[]byte) []byte {
	t.Helper()
	head, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, b := range append([][]byte{head}, data...) {
		if len(b) > 0 {
			out = append(binary.LittleEndian.AppendUint32(out, uint32(len(b))), b...)
		}
	}
	return binary.LittleEndian.AppendUint32(out, 0)
}

// results are answers with what they hold.
type results []result

type result struct {
	answer
	body []byte
}

func serve(t *testing.T, w *Worker, tasks ...[]byte) results {
	t.Helper()
	var out bytes.Buffer
	if err := w.Serve(context.Background(), bytes.NewReader(bytes.Join(tasks, nil)), &out); err != nil {
		t.Fatal(err)
	}
	return read(t, &out)
}

func read(t *testing.T, out io.Reader) (got results) {
	t.Helper()
	for m := newMessages(out); ; {
		head, err := m.next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		var r result
		if err := json.Unmarshal(head, &r.answer); err != nil {
			t.Fatal(err)
		}
		if r.body, err = io.ReadAll(m); err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
}

func (rs results) of(kind string) (out results) {
	for _, r := range rs {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// rows are those of all answers of a kind, each with its values behind each other.
func (rs results) rows(t *testing.T, kind, name string) (out []string) {
	t.Helper()
	for _, r := range rs.of(kind) {
		if r.Name == name {
			out = append(out, arrowRows(t, r.body)...)
		}
	}
	return out
}

func arrowRows(t *testing.T, body []byte) (out []string) {
	t.Helper()
	r, err := ipc.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		b := r.RecordBatch()
		for i := range int(b.NumRows()) {
			var row []string
			for c := range int(b.NumCols()) {
				row = append(row, b.Column(c).ValueStr(i))
			}
			out = append(out, strings.Join(row, "|"))
		}
	}
	return out
}

// asked are the rows of a query, in the same way.
func asked(t *testing.T, c *duck.Conn, q *duck.Query) []string {
	t.Helper()
	st, err := c.Prepare(q, sql.Place{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	rows, err := st.RunArrow(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b bytes.Buffer
	w := duck.NewArrowWriter(&b)
	if _, err := w.Write(rows, -1); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return arrowRows(t, b.Bytes())
}

func sameRows(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.SortFunc(got, cmp.Compare)
	slices.SortFunc(want, cmp.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %d:\n%s\nwant %d:\n%s", what, len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
