package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// far is a cluster that goes away and comes back with what it had, under the same address.
type far struct {
	*kafka
	data string
}

func newFar(t *testing.T, dir string) *far {
	t.Helper()
	f := &far{&kafka{t: t, dir: dir}, t.TempDir()}
	f.back()
	return f
}

func (f *far) back() {
	f.t.Helper()
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.DataDir(f.data)}
	if f.brokers != "" {
		_, port, err := net.SplitHostPort(f.brokers)
		f.must(err)
		n, err := strconv.Atoi(port)
		f.must(err)
		opts = append(opts, kfake.Ports(n))
	}
	c, err := kfake.NewCluster(opts...)
	f.must(err)
	f.t.Cleanup(c.Close)
	f.fake, f.brokers = c, c.ListenAddrs()[0]
	f.connect()
}

// texts are the values of a topic's records, in order.
func (k *kafka) texts(topic string) string {
	k.t.Helper()
	var out []string
	for _, r := range k.sent(topic)[0] {
		out = append(out, string(r.Value))
	}
	return strings.Join(out, " ")
}

// While the brokers of a source and of sinks are away all others go on; when they are back what waits goes out, once.
func TestKafkaOutage(t *testing.T) {
	k := newKafka(t, 1, true)
	f := newFar(t, k.dir)
	f.create("in", 1)
	f.create("plain", 1)
	f.create("whole", 1)
	k.create(k.topic+".near", 1)
	k.script(strings.ReplaceAll(`
CREATE SOURCE near (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', batch_time '20ms');
CREATE SOURCE distant (id BIGINT) FROM KAFKA (brokers '{far}', topic 'in', batch_time '20ms');
CREATE STREAM s FROM near, distant;
CREATE SINK plain INTO KAFKA (brokers '{far}', topic 'plain') FROM s;
CREATE SINK whole INTO KAFKA (brokers '{far}', topic 'whole', transactional true) FROM s;
CREATE SINK near_out INTO KAFKA (brokers '{brokers}', topic '{topic}.near') FROM s;
`, "{far}", f.brokers))
	k.put(`{"id":1}`)
	f.record(&kgo.Record{Topic: "in", Value: []byte(`{"id":2}`)})
	run := k.follow("--snapshot", "copy.duckdb", "--snapshot-every", "1ms")
	for _, sink := range []string{"plain", "whole", "near_out"} {
		run.sees(fmt.Sprintf(`"sink":%q,"version":2`, sink), 1)
	}
	f.fake.Close()
	began := time.Now()
	for v := 3; v <= 6; v++ {
		k.put(fmt.Sprintf(`{"id":%d}`, v))
		run.sees(fmt.Sprintf(`"sink":"near_out","version":%d`, v), 1)
	}
	if took := time.Since(began); took > 15*time.Second { // a second for each sink that is found away
		t.Errorf("others waited: %s", took)
	}
	run.sees(`"code":"broker-unreachable"`, 1)
	f.back()
	f.record(&kgo.Record{Topic: "in", Value: []byte(`{"id":7}`)})
	for _, sink := range []string{"plain", "whole", "near_out"} {
		run.sees(fmt.Sprintf(`"sink":%q,"version":7`, sink), 1)
	}
	if code := run.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, run.said())
	}
	const want = `{"id":1} {"id":2} {"id":3} {"id":4} {"id":5} {"id":6} {"id":7}`
	if got := []string{f.texts("plain"), f.texts("whole"), k.texts(k.topic + ".near")}; !slices.Equal(got, []string{want, want, want}) {
		t.Errorf("topics have\n%s", strings.Join(got, "\n"))
	}
	k.is("SELECT list(id ORDER BY id) FROM s", "[1, 2, 3, 4, 5, 6, 7]")
	k.args = []string{"--db", "copy.duckdb"}
	k.is("SELECT count(*) FROM s", "7")
}

// A version that is larger than what waits for the brokers in memory is read from the file while they are away: its copy waits, rows go on.
func TestKafkaOutageOfALargeVersion(t *testing.T) {
	k := newKafka(t, 1, true)
	f := newFar(t, k.dir)
	f.create("plain", 1)
	k.script(strings.ReplaceAll(`
CREATE SOURCE near (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', batch_time '20ms');
CREATE STREAM s AS SELECT id, unnest(range(30000)) AS n FROM near;
CREATE JOURNAL j KEYS (k) SEQUENCE BY id AS SELECT 1 AS k, id, id * 2 AS v FROM near;
CREATE SINK plain INTO KAFKA (brokers '{far}', topic 'plain') FROM s;
`, "{far}", f.brokers))
	k.put(`{"id":1}`)
	run := k.follow("--snapshot", "copy.duckdb", "--snapshot-every", "1ms")
	run.sees(`"sink":"plain","version":1`, 1)
	f.fake.Close()
	for v := 2; v <= 4; v++ {
		k.put(fmt.Sprintf(`{"id":%d}`, v))
		run.sees(`"event":"version"`, v)
	}
	f.back()
	run.sees(`"sink":"plain","version":4`, 1)
	if code := run.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, run.said())
	}
	if got := len(f.sent("plain")[0]); got != 120_000 {
		t.Errorf("%d records", got)
	}
	k.args = []string{"--db", "copy.duckdb"}
	k.is("SELECT id FROM j", "4")
}
