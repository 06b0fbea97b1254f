package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"dsql/engine/kind"
	"dsql/ingest/format"
	"dsql/pipeline/event"
	"dsql/pipeline/params"
	"dsql/pipeline/program"
	"dsql/sql"
)

// compiled are the declarations that runs have made. Where they are shared a declaration is compiled once: all runs have the same object.
type compiled struct {
	mu     sync.Mutex
	shared map[*sql.Decl]kind.Object // nil: they aren't
	all    []made
}

type made struct {
	k   kind.Kind
	d   *sql.Decl
	obj kind.Object
}

// language is dsql's, and notes what is compiled.
func (c *compiled) language() *program.Language {
	kinds := slices.Clone(program.Kinds)
	for i, k := range kinds {
		kinds[i].Compile = func(d *sql.Decl) (kind.Object, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if obj := c.shared[d]; obj != nil {
				return obj, nil
			}
			obj, err := k.Compile(d)
			if c.all = append(c.all, made{k, d, obj}); err == nil && c.shared != nil {
				c.shared[d] = obj
			}
			return obj, err
		}
	}
	return program.NewLanguage(kinds, Verbs)
}

// unchanged: each is what its text is compiled to.
func (c *compiled) unchanged(t *testing.T, least int) {
	t.Helper()
	for _, m := range c.all {
		again, err := m.k.Compile(m.d)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(m.obj, again) {
			t.Errorf("%s %s is another one:\n%#v\n%#v", m.k.Syntax.Keyword, m.d.Name, m.obj, again)
		}
	}
	if len(c.all) < least {
		t.Errorf("%d declarations were compiled", len(c.all))
	}
}

// A declaration is a value: what runs do with it leaves no trace in it.
func TestDeclarationsStay(t *testing.T) {
	t.Parallel()
	var c compiled
	f := newField(t)
	o := f.options("")
	o.Language = c.language()
	for n := 1; n <= 2; n++ {
		f.orders(n)
		o.Scripts = []*sql.Source{sql.NewSource("s.sql",
			sharedScript+"REBUILD STREAM orders FROM SOURCE; EXPLAIN JOURNAL state; ROLLBACK JOURNAL state TO VERSION 1;")}
		if err := Run(t.Context(), o); err != nil {
			t.Fatal(render(err))
		}
	}
	c.unchanged(t, 20)
}

// inflow is a folder, a cluster and a registry that sources of each format read from, into two files side by side. Each round brings
// records with a field that none before had, and one that is bad.
type inflow struct {
	*field
	beside  *field
	brokers string
	client  *kgo.Client
	reg     *srfake.Registry
	rounds  int
}

func newInflow(t *testing.T) *inflow {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(),
		kfake.SeedTopics(1, format.Names(format.OfTopics)...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	in := &inflow{field: newField(t), beside: newField(t), brokers: cluster.ListenAddrs()[0], reg: srfake.New()}
	t.Cleanup(in.reg.Close)
	if err := errors.Join(os.Mkdir(filepath.Join(in.dir, "in"), 0o755),
		os.Symlink(filepath.Join(in.dir, "in"), filepath.Join(in.beside.dir, "in"))); err != nil {
		t.Fatal(err)
	}
	if in.client, err = kgo.NewClient(kgo.SeedBrokers(in.brokers)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.client.Close)
	return in
}

// sources declares them, a stream and a journal behind each.
func (in *inflow) sources() (script string, names []string) {
	add := func(name, what, end string, loads bool) {
		script += fmt.Sprintf("CREATE SOURCE %s %s%s;\n", name, what, end)
		if !loads {
			script += fmt.Sprintf("CREATE STREAM d_%s FROM %[1]s;\nCREATE JOURNAL j_%[1]s KEYS (id) SEQUENCE BY (coalesce(_meta.file, ''), "+
				"coalesce(_meta.\"offset\", _meta.line)) COLUMNS * FROM %[1]s;\n", name)
			names = append(names, name)
		} else {
			script += fmt.Sprintf("CREATE JOURNAL j_%s KEYS (id) SNAPSHOT ON MISSING KEEP FROM %[1]s;\n", name)
		}
	}
	for _, f := range format.Names(format.OfFiles) {
		from := fmt.Sprintf("FROM FILES ('in/*.%s', format %[1]s", f)
		add("found_"+f, from, ", batch_rows 2) ON SCHEMA CHANGE ADD COLUMNS", false)
		add("declared_"+f, "(id BIGINT, x INTEGER) "+from, ", min_age '1ms', batch_files 2) ON SCHEMA CHANGE ADD COLUMNS ON BAD RECORD SKIP",
			false)
		add("loads_"+f, "(id BIGINT) "+from, ", mode snapshot)", true)
	}
	script += fmt.Sprintf("CREATE CONNECTION shop TO KAFKA (brokers '%s', schema_registry '%s');\n", in.brokers, in.reg.URL())
	for _, f := range format.Names(format.OfTopics) {
		from := fmt.Sprintf("FROM KAFKA (connection shop, topic '%s', format %[1]s, batch_time '10ms'", f)
		grows := ""
		if of := format.Named(f); of.Object != nil || of.Registered != nil {
			grows = " ON SCHEMA CHANGE ADD COLUMNS"
		}
		add("topic_"+f, "(id VARCHAR) "+from, ", batch_rows 2)"+grows, false)
	}
	return script, names
}

// brings writes what comes next.
func (in *inflow) brings() {
	in.t.Helper()
	in.rounds++
	n := in.rounds
	x := fmt.Sprintf("x%d", n)
	bad := ""
	if n > 1 { // the columns are known
		bad = "1\n"
	}
	in.write(fmt.Sprintf("in/%d.csv", n), fmt.Sprintf("id,%s\n%d,1\n%d,2\n%s", x, n, n+1, bad))
	in.write(fmt.Sprintf("in/%d.json", n), fmt.Sprintf("{\"id\": %d, \"%s\": 1}\n{\"id\": %d}\nnone\n", n, x, n+1))
	in.foreign(fmt.Sprintf("COPY (SELECT unnest([%d, %d]) AS id, 1 AS %s) TO '%s' (FORMAT parquet)", n, n+1, x,
		filepath.Join(in.dir, fmt.Sprintf("in/%d.parquet", n))))
	old := time.Now().Add(-time.Hour) // nothing is still being written
	for _, f := range format.Names(format.OfFiles) {
		if err := os.Chtimes(filepath.Join(in.dir, fmt.Sprintf("in/%d.%s", n, f)), old, old); err != nil {
			in.t.Fatal(err)
		}
	}
	var fields, message strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&fields, `,{"name":"x%d","type":["null","long"],"default":null}`, i)
		fmt.Fprintf(&message, " optional int64 x%d = %d;", i, i+1)
	}
	in.reg.SeedSchema("avro-value", n, 2*n,
		sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"r","fields":[{"name":"id","type":"string"}` + fields.String() + `]}`})
	in.reg.SeedSchema("protobuf-value", n, 2*n+1,
		sr.Schema{Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message R { string id = 1;` + message.String() + " }"})
	object := fmt.Sprintf(`{"id":"%d","%s":1}`, n, x)
	values := map[string]string{"json": object, "csv": fmt.Sprint(n), "raw": fmt.Sprint(n),
		"debezium": `{"before":null,"after":` + object + `,"op":"c"}`,
		"avro":     fmt.Sprintf("\x00\x00\x00\x00%c\x02%d%s\x02\x02", 2*n, n, strings.Repeat("\x00", n-1)),
		"protobuf": fmt.Sprintf("\x00\x00\x00\x00%c\x00\x0a\x01%d%c\x01", 2*n+1, n, (n+1)<<3)}
	for _, f := range format.Names(format.OfTopics) {
		good, wrong := &kgo.Record{Topic: f, Value: []byte(values[f])}, &kgo.Record{Topic: f, Value: []byte("\xff")}
		if values[f] == "" {
			in.t.Fatalf("no record of format %s", f)
		}
		if err := in.client.ProduceSync(in.t.Context(), good, wrong, good).FirstErr(); err != nil {
			in.t.Fatal(err)
		}
	}
}

// runs runs a script into both files at one time.
func (in *inflow) runs(o program.Options, also func(event.Event)) {
	in.t.Helper()
	ctx, cancel := context.WithCancelCause(in.t.Context())
	defer cancel(nil)
	var all sync.WaitGroup
	for _, f := range []*field{in.field, in.beside} {
		mine, of := o, f.options("")
		mine.Dir, mine.DB, mine.Events = of.Dir, of.DB, func(e event.Event) {
			drain(e)
			if also != nil {
				also(e)
			}
		}
		all.Go(func() {
			if err := Run(ctx, mine); err != nil {
				cancel(err) // the other may wait for what this one had to do
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		in.t.Fatal(render(err))
	}
}

// script is one that was read once.
func (in *inflow) script(l *program.Language, text string) program.Options {
	in.t.Helper()
	stmts, err := l.Parse(in.t.Context(), []*sql.Source{sql.NewSource("s.sql", text)}, params.Set{})
	if err != nil {
		in.t.Fatal(render(err))
	}
	return program.Options{Language: l, Parsed: stmts}
}

// goesThrough is all that runs do: a first one, one that goes on, one that follows, and verbs that read again.
func (in *inflow) goesThrough(o program.Options, names []string) {
	in.t.Helper()
	for range 2 {
		in.brings()
		in.runs(o, nil)
	}
	in.brings()
	var mu sync.Mutex
	stop, following, left := make(chan struct{}), 0, map[string]int{}
	follow := o
	follow.Follow, follow.Stop = true, stop
	in.runs(follow, func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e := e.(type) {
		case event.Following:
			if following++; following < 2 {
				return
			}
			for _, n := range names { // each brings a batch to both
				left[n] = 2
			}
			in.brings()
		case event.BatchCommitted:
			if left[e.Source]--; following == 2 && !slices.ContainsFunc(names, func(n string) bool { return left[n] > 0 }) {
				following++
				close(stop)
			}
		}
	})
	script, _ := in.sources()
	for _, n := range names {
		script += fmt.Sprintf("REBUILD STREAM d_%s FROM SOURCE;\nREPLAY SOURCE %[1]s FROM EARLIEST;\n", n)
		if !strings.HasSuffix(n, "_parquet") {
			script += fmt.Sprintf("REPLAY REJECTS FROM %s;\n", n)
		}
	}
	in.runs(in.script(o.Language, script), nil)
}

// rows: each stream has all good records, each journal all keys.
func (in *inflow) rows(names []string) {
	in.t.Helper()
	for _, f := range []*field{in.field, in.beside} {
		for _, n := range names {
			keys := in.rounds
			if !strings.HasPrefix(n, "topic_") {
				keys++
			}
			f.is("SELECT count(*) FROM d_"+n, fmt.Sprint(2*in.rounds))
			f.is("SELECT count(*) FROM j_"+n, fmt.Sprint(keys))
		}
	}
}

// So are sources, of all carriers and formats: two runs that go on side by side read by the same ones.
func TestSourcesStay(t *testing.T) {
	t.Parallel()
	in := newInflow(t)
	script, names := in.sources()
	c := &compiled{shared: map[*sql.Decl]kind.Object{}}
	in.goesThrough(in.script(c.language(), script), names)
	in.rows(names)
	c.unchanged(t, 100)
}
