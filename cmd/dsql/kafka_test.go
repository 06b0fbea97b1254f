package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"dsql/engine/duck"
)

// The tests of sources FROM KAFKA run against a kfake cluster of their own, or against the brokers that DSQL_KAFKA names: `make
// kafka-test` starts a real Apache Kafka for them. Topics have names of their own, so that tests don't meet.

// kafka is a topic, a folder with a script, and the file that the script fills.
type kafka struct {
	t             *testing.T
	brokers       string
	topic         string
	dir           string
	fake          *kfake.Cluster // nil: real brokers
	cl            *kgo.Client
	adm           *kadm.Client
	env           []string
	args          []string
	lastErrOutput string
}

var topics struct {
	sync.Mutex
	n int
}

// newKafka makes a topic. fakeOnly: the test needs what only kfake can do.
func newKafka(t *testing.T, partitions int32, fakeOnly bool, opts ...kfake.Opt) *kafka {
	t.Helper()
	t.Parallel()
	k := &kafka{t: t, dir: t.TempDir(), brokers: os.Getenv("DSQL_KAFKA")}
	switch {
	case k.brokers != "" && fakeOnly:
		t.Skip("needs kfake")
	case k.brokers == "":
		c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(),
			kfake.GroupMinSessionTimeout(time.Second)}, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		k.fake, k.brokers = c, c.ListenAddrs()[0]
	}
	topics.Lock()
	topics.n++
	k.topic = fmt.Sprintf("t%d-%d-%d", os.Getpid(), time.Now().UnixNano()%1e9, topics.n)
	topics.Unlock()
	k.connect()
	k.create(k.topic, partitions)
	return k
}

func (k *kafka) connect(opts ...kgo.Opt) {
	k.t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(k.brokers), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(10 * time.Millisecond),
		kgo.UnknownTopicRetries(-1)}, opts...)...) // a real broker tells of a new topic a moment later
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(cl.Close)
	k.cl, k.adm = cl, kadm.NewClient(cl)
}

func (k *kafka) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	k.t.Cleanup(cancel)
	return ctx
}

func (k *kafka) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *kafka) create(topic string, partitions int32) {
	k.t.Helper()
	keep := "-1" // records of tests have times of long ago, which a broker would take away
	_, err := k.adm.CreateTopic(k.ctx(), partitions, 1, map[string]*string{"retention.ms": &keep}, topic)
	k.must(err)
}

// put writes values to partition 0.
func (k *kafka) put(values ...string) {
	k.t.Helper()
	for _, v := range values {
		k.record(&kgo.Record{Value: []byte(v)})
	}
}

func (k *kafka) record(r *kgo.Record) {
	k.t.Helper()
	if r.Topic == "" {
		r.Topic = k.topic
	}
	k.must(k.cl.ProduceSync(k.ctx(), r).FirstErr())
}

// events writes n events {"id":from…,"v":…} round robin.
func (k *kafka) events(from, n, partitions int) {
	k.t.Helper()
	var rs []*kgo.Record
	for i := from; i < from+n; i++ {
		rs = append(rs, &kgo.Record{Topic: k.topic, Partition: int32(i % partitions), Key: fmt.Appendf(nil, "%d", i%7),
			Value: fmt.Appendf(nil, `{"id":%d,"v":"value %d"}`, i, i)})
	}
	k.must(k.cl.ProduceSync(k.ctx(), rs...).FirstErr())
}

// script writes the script; {brokers} and {topic} stand for what they are.
func (k *kafka) script(text string) {
	k.t.Helper()
	text = strings.NewReplacer("{brokers}", k.brokers, "{topic}", k.topic).Replace(text)
	k.must(os.WriteFile(filepath.Join(k.dir, "s.sql"), []byte(text), 0o644))
}

func (k *kafka) command(args ...string) *exec.Cmd {
	c := asCommand(k.t, k.dir, append(args, k.args...)...)
	c.Env = append(c.Env, k.env...)
	return c
}

// run runs the script and gives the exit code.
func (k *kafka) run(args ...string) int {
	k.t.Helper()
	_, code := k.dsql(append([]string{"run", "s.sql"}, args...)...)
	return code
}

func (k *kafka) dsql(args ...string) (stdout string, code int) {
	k.t.Helper()
	c := k.command(args...)
	var out, errw bytes.Buffer
	c.Stdout, c.Stderr = &out, &errw
	k.must(c.Start())
	late := time.AfterFunc(time.Minute, func() { c.Process.Signal(syscall.SIGQUIT) })
	err := c.Wait()
	late.Stop()
	k.lastErrOutput = errw.String()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		k.t.Fatal(err)
	}
	return out.String(), c.ProcessState.ExitCode()
}

// runs runs the script, which must succeed.
func (k *kafka) runs(args ...string) {
	k.t.Helper()
	if code := k.run(args...); code != 0 {
		k.t.Fatalf("exit code %d\n%s", code, k.lastErrOutput)
	}
}

// stopped runs the script up to a fault, which must end it.
func (k *kafka) stopped(fault string) {
	k.t.Helper()
	k.env = []string{"DSQL_FAULT=" + fault}
	if k.run() == 0 {
		k.t.Fatal("the run was not stopped")
	}
	k.env = nil
}

// fails runs the script, which must end with an exit code and a text on stderr.
func (k *kafka) fails(code int, text string, args ...string) {
	k.t.Helper()
	began := time.Now()
	if got := k.run(args...); got != code || !strings.Contains(k.lastErrOutput, text) {
		k.t.Fatalf("exit code %d, want %d and %q\n%s", got, code, text, k.lastErrOutput)
	}
	if took := time.Since(began); took > 30*time.Second { // else it waits for minutes
		k.t.Errorf("it took %s", took)
	}
}

// follow starts the script; the test must stop it.
func (k *kafka) follow(args ...string) *following {
	k.t.Helper()
	return k.start(append([]string{"run", "s.sql", "--follow", "--events", "jsonl"}, args...)...)
}

// start starts a command that is not waited for.
func (k *kafka) start(args ...string) *following {
	k.t.Helper()
	f := &following{k: k, cmd: k.command(args...)}
	f.cmd.Stderr = f
	k.must(f.cmd.Start())
	k.t.Cleanup(func() { f.cmd.Process.Kill() })
	return f
}

// following is a run that goes on; what it tells is at hand.
type following struct {
	k    *kafka
	cmd  *exec.Cmd
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (f *following) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text.Write(b)
	if f.more != nil {
		close(f.more)
		f.more = nil
	}
	return len(b), nil
}

// sees waits until the run has told something n times.
func (f *following) sees(text string, n int) {
	f.k.t.Helper()
	deadline := time.After(40 * time.Second)
	for {
		f.mu.Lock()
		all := f.text.String()
		if f.more == nil {
			f.more = make(chan struct{})
		}
		more := f.more
		f.mu.Unlock()
		if strings.Count(all, text) >= n {
			return
		}
		select {
		case <-more:
		case <-deadline:
			f.k.t.Fatalf("it did not say %q %d times:\n%s", text, n, all)
		}
	}
}

func (f *following) said() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.String()
}

// ends asks the run to end, and gives its exit code.
func (f *following) ends(sig syscall.Signal) int {
	f.k.t.Helper()
	f.cmd.Process.Signal(sig)
	late := time.AfterFunc(20*time.Second, func() { f.cmd.Process.Signal(syscall.SIGQUIT) })
	f.cmd.Wait()
	late.Stop()
	return f.cmd.ProcessState.ExitCode()
}

// all is the result of a query on the file, a row a line, values with a bar between them.
func (k *kafka) all(query string) string {
	k.t.Helper()
	ctx := context.Background()
	db, err := duck.Open(ctx, filepath.Join(k.dir, k.file()), duck.Options{ReadOnly: true})
	k.must(err)
	defer db.Close()
	rows, err := duck.Select(ctx, db.Writer(),
		duck.SQL("SELECT concat_ws('|', *COLUMNS(*)) FROM (SELECT coalesce(COLUMNS(*)::VARCHAR, 'NULL') FROM ({q}))",
			duck.Args{"q": duck.Text(query)}), func(row func(...any) error) (s string, err error) {
			return s, row(&s)
		})
	k.must(err)
	return strings.Join(rows, "\n")
}

func (k *kafka) file() string {
	for i, a := range k.args {
		if a == "--db" {
			return k.args[i+1]
		}
	}
	return "s.duckdb"
}

// is compares a query's result, and every account.
func (k *kafka) is(query, want string) {
	k.t.Helper()
	if got := k.all(query); got != want {
		k.t.Errorf("%s\ngot:\n%s\nwant:\n%s", query, got, want)
	}
	const open = "SELECT count(*) FROM dsql.version_rows WHERE rows_in <> written + coalesce(rejected, 0) + coalesce(dropped, 0) + " +
		"coalesce(bad, 0) + coalesce(skipped, 0)"
	if got := k.all(open); got != "0" {
		k.t.Errorf("%s accounts don't close", got)
	}
}

const eventsScript = `
CREATE SOURCE ev (id BIGINT, v VARCHAR) FROM KAFKA (brokers '{brokers}', topic '{topic}');
CREATE STREAM s AS SELECT *, _meta.partition AS p, _meta.offset AS o FROM ev;
`
