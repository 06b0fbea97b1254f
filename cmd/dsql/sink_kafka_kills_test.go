package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

const killsScript = `
CREATE SOURCE ev (id BIGINT, k BIGINT, v BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', reject_topic '{topic}.dead', batch_time '10ms');
CREATE STREAM s RULES (CONSTRAINT small EXPECT (v < 90)) FROM ev;
CREATE JOURNAL j KEYS (k) SEQUENCE BY id DELETE WHEN v % 7 = 0 COLUMNS (v) FROM s;
CREATE SINK plain INTO KAFKA (brokers '{brokers}', topic '{topic}.plain', key id) FROM s;
CREATE SINK whole INTO KAFKA (brokers '{brokers}', topic '{topic}.whole', key id, transactional true) FROM s;
CREATE SINK state INTO KAFKA (brokers '{brokers}', topic '{topic}.state', key k) FROM j;
CREATE SINK sure INTO KAFKA (brokers '{brokers}', topic '{topic}.sure', key k, transactional true) FROM j;
CREATE SINK files INTO FILES ('out', format csv, roll (rows 25, bytes 1000000, interval '1 hour')) FROM s;
`

// killed are the points at which a run that follows is killed: between what stands outside and what the file knows of it.
var killed = []string{"sink-written", "sink-uncommitted", "rejects-posted", "sink-renamed", "sink-before-place", "before-commit", "sink-staged",
	"after-commit", "journal-state"}

// A run that follows is killed again and again, 30 times with DSQL_LONG, at a point of its sinks or when it waits. Who reads the topics and
// files as docs/sinks.md says has the exact state in the end.
func TestSinkKafkaKills(t *testing.T) {
	k := newKafka(t, 2, true)
	for _, to := range []string{"dead", "plain", "whole", "state", "sure"} {
		k.create(k.topic+"."+to, 2)
	}
	k.script(killsScript)
	n := 0
	k.killed(killed, func() (rs []*kgo.Record) {
		for range 20 {
			value := fmt.Sprintf(`{"id":%d,"k":%d,"v":%d}`, n, n%11, n*37%100)
			if n%19 == 0 {
				value = "bad"
			}
			rs = append(rs, &kgo.Record{Topic: k.topic, Partition: int32(n % 2), Value: []byte(value)})
			n++
		}
		return rs
	})
	rows := k.all("SELECT id FROM s ORDER BY id")
	if got := strings.Count(rows, "\n") + 1; got < n*8/10 {
		t.Fatalf("%d rows", got)
	}
	for _, to := range []string{"plain", "whole"} {
		_, once := k.read(to, to == "whole", "id")
		if got := strings.Join(once, "\n"); got != rows {
			t.Errorf("%s has\n%s\nwant\n%s", to, got, rows)
		}
	}
	state := k.all("SELECT k || ' ' || v FROM j ORDER BY k")
	for _, to := range []string{"state", "sure"} {
		now := k.state(to, to == "sure", "v")
		slices.SortFunc(now, byNumber)
		if got := strings.Join(now, "\n"); got != state {
			t.Errorf("%s has\n%s\nwant\n%s", to, got, state)
		}
	}
	_, dead := k.read("dead", false, "")
	if want := k.all("SELECT count(*) FROM dsql.rejects WHERE source = 'ev'"); fmt.Sprint(len(dead)) != want {
		t.Errorf("%d letters, want %s", len(dead), want)
	}
	if got := k.filed("out"); got != rows {
		t.Errorf("files have\n%s\nwant\n%s", got, rows)
	}
	k.is("SELECT count(*) - count(DISTINCT id) FROM s", "0")
}

// killed follows a script that is killed again and again, 6 times, 30 with DSQL_LONG: at a point of a list, or when it waits. Each time there are
// new records. It ends with a run that nothing disturbs.
func (k *kafka) killed(points []string, more func() []*kgo.Record) {
	k.t.Helper()
	kills, between := 6, 0
	if os.Getenv("DSQL_LONG") != "" {
		kills = 30
	}
	for i := range kills {
		k.must(k.cl.ProduceSync(k.ctx(), more()...).FirstErr())
		k.env = []string{fmt.Sprintf("DSQL_FAULT=kill:%s:%d", points[i%len(points)], 1+i/len(points))}
		if k.start("run", "s.sql", "--follow", "--events", "jsonl").untilDead(`"event":"waiting"`) {
			between++
		}
	}
	k.env = nil
	k.t.Logf("%d of %d between two steps", between, kills)
	k.runs()
}

// untilDead kills a run that has said something, unless it died before.
func (f *following) untilDead(text string) (before bool) {
	f.k.t.Helper()
	dead := make(chan error, 1)
	go func() { dead <- f.cmd.Wait() }()
	for {
		f.mu.Lock()
		said := strings.Contains(f.text.String(), text)
		if f.more == nil {
			f.more = make(chan struct{})
		}
		more := f.more
		f.mu.Unlock()
		if said {
			f.cmd.Process.Kill()
			<-dead
			return false
		}
		select {
		case <-more:
		case <-dead:
			return true
		case <-f.k.ctx().Done():
			f.k.t.Fatalf("it neither died nor said %s:\n%s", text, f.said())
		}
	}
}

// read is a topic as docs/sinks.md has it read: ids that were seen are skipped, but where transactions are read that are committed, which have
// none. It gives the last value by key, "" for a tombstone, and a field of all records, in order of numbers.
func (k *kafka) read(to string, committed bool, name string) (last map[string]string, all []string) {
	k.t.Helper()
	last = map[string]string{}
	seen := map[string]bool{}
	for _, part := range k.sentAs(k.topic+"."+to, committed) {
		for _, r := range part {
			at := string(r.Headers[slices.IndexFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == "dsql-id" })].Value)
			if seen[at] {
				if committed {
					k.t.Errorf("%s has %s twice", to, at)
				}
				continue
			}
			seen[at] = true
			last[string(r.Key)] = string(r.Value)
			all = append(all, field(string(r.Value), name))
		}
	}
	slices.SortFunc(all, byNumber)
	return last, all
}

// state is what a topic has of each key now: the key and a field of its last value, but where that is a tombstone.
func (k *kafka) state(to string, committed bool, name string) (now []string) {
	k.t.Helper()
	last, _ := k.read(to, committed, "")
	for key, value := range last {
		if value != "" {
			now = append(now, key+" "+field(value, name))
		}
	}
	return now
}

// field is a number in an object.
func field(value, name string) string {
	_, rest, _ := strings.Cut(value, fmt.Sprintf("%q:", name))
	return rest[:max(0, strings.IndexAny(rest, ",}"))]
}

func byNumber(a, b string) int {
	var x, y int
	fmt.Sscan(a, &x)
	fmt.Sscan(b, &y)
	return x - y
}

// filed are the ids in a folder's files.
func (k *kafka) filed(folder string) string {
	k.t.Helper()
	var ids []string
	names, err := filepath.Glob(filepath.Join(k.dir, folder, "*.csv"))
	k.must(err)
	for _, name := range names {
		f, err := os.Open(name)
		k.must(err)
		rows, err := csv.NewReader(f).ReadAll()
		k.must(err)
		k.must(f.Close())
		for _, row := range rows[1:] {
			ids = append(ids, row[0])
		}
	}
	slices.SortFunc(ids, byNumber)
	return strings.Join(ids, "\n")
}
