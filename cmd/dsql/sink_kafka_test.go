package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const scoresScript = `
CREATE SOURCE ev (id VARCHAR, n BIGINT, x DOUBLE) FROM FILES ('in/*.csv', format csv);
CREATE STREAM scores FROM ev;
CREATE SINK out INTO KAFKA (brokers '{brokers}', topic '{topic}', key id, format json) FROM scores;
`

// sent is all that a topic has, by partition.
func (k *kafka) sent(topic string) [][]*kgo.Record { return k.sentAs(topic, false) }

// sentAs is what readers have of a topic, of all transactions or of those that are committed. (One that was left open has been ended.)
func (k *kafka) sentAs(topic string, committed bool) [][]*kgo.Record {
	k.t.Helper()
	ends, err := k.adm.ListEndOffsets(k.ctx(), topic)
	k.must(err)
	out := make([][]*kgo.Record, len(ends[topic]))
	unread := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			unread[o.Partition] = o.Offset
		}
	})
	level := kgo.ReadUncommitted()
	if committed {
		level = kgo.ReadCommitted()
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.brokers), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.KeepControlRecords(), kgo.FetchIsolationLevel(level)) // the last of a partition may be a marker
	k.must(err)
	defer cl.Close()
	for ctx := k.ctx(); len(unread) > 0; {
		f := cl.PollFetches(ctx)
		k.must(f.Err())
		f.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out[r.Partition] = append(out[r.Partition], r)
			}
			if r.Offset+1 == unread[r.Partition] {
				delete(unread, r.Partition)
			}
		})
	}
	return out
}

func id(r *kgo.Record) string {
	for _, h := range r.Headers {
		if h.Key == "dsql-id" {
			_, rest, _ := strings.Cut(string(h.Value), "/") // the file's id
			_, rest, _ = strings.Cut(rest, "/")             // the input
			return rest
		}
	}
	return ""
}

// rows writes a file of n rows over few keys.
func (k *kafka) rows(file string, from, n int) {
	k.t.Helper()
	var b strings.Builder
	b.WriteString("id,n,x\n")
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, "key %d,%d,%d.5\n", i%7, i, i)
	}
	put(k.t, filepath.Join(k.dir, "in", file), b.String())
}

// complete sees that the topic has the n rows, each key in one partition and in the order of n; a row that is there several times has
// one id, and each id one row. It gives the number of records.
func (k *kafka) complete(topic string, n int) (records int) {
	k.t.Helper()
	values, ids, home := map[string]string{}, map[string]string{}, map[string]int32{}
	for _, part := range k.sent(topic) {
		last := map[string]int{}
		for _, r := range part {
			records++
			key, value := string(r.Key), string(r.Value)
			if p, ok := home[key]; ok && p != r.Partition {
				k.t.Errorf("the key %s is in partitions %d and %d", key, p, r.Partition)
			}
			home[key] = r.Partition
			if have, ok := values[id(r)]; ok && have != value {
				k.t.Errorf("the id %s has %s and %s", id(r), have, value)
			}
			if have, ok := ids[value]; ok && have != id(r) {
				k.t.Errorf("%s has the ids %s and %s", value, have, id(r))
			}
			first := values[id(r)] == ""
			values[id(r)], ids[value] = value, id(r)
			var at int
			_, err := fmt.Sscanf(value[strings.Index(value, `"n":`):], `"n":%d`, &at)
			k.must(err)
			if want := fmt.Sprintf(`{"id":"%s","n":%d,"x":%d.5}`, key, at, at); value != want {
				k.t.Errorf("the value is %s, want %s", value, want)
			}
			if first && at < last[key] {
				k.t.Errorf("%s: %d comes after %d", key, at, last[key])
			}
			last[key] = max(last[key], at)
		}
	}
	if len(values) != n {
		k.t.Errorf("%d rows in the topic, want %d", len(values), n)
	}
	return records
}

// Each row is a record, in one order for each key, and once; another run sends what is new.
func TestSinkKafka(t *testing.T) {
	k := newKafka(t, 3, false)
	k.script(scoresScript)
	k.rows("1.csv", 0, 500)
	k.rows("2.csv", 500, 500)
	k.runs()
	if n := k.complete(k.topic, 1000); n != 1000 {
		t.Errorf("%d records, want 1000", n)
	}
	k.is("SELECT * FROM dsql.places", "out|scores|2")
	k.runs()
	k.rows("3.csv", 1000, 10)
	k.runs()
	if n := k.complete(k.topic, 1010); n != 1010 {
		t.Errorf("%d records, want 1010", n)
	}
	var got []string
	for _, part := range k.sent(k.topic) {
		for _, r := range part {
			if strings.HasPrefix(id(r), "out/3/") {
				got = append(got, id(r))
			}
		}
	}
	slices.Sort(got)
	if want := []string{"out/3/1", "out/3/10", "out/3/2", "out/3/3", "out/3/4", "out/3/5", "out/3/6", "out/3/7", "out/3/8",
		"out/3/9"}; !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
}

// Keys and values of every kind, and a journal's changes.
func TestSinkKafkaKeysAndValues(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(`
CREATE SOURCE ev (a BIGINT, b VARCHAR) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s AS SELECT a, b, {x: a, y: [b]} AS nested, encode(b) AS bytes, a::DOUBLE / 0 AS inf, a::DECIMAL(20, 2) / 3 AS d, ` +
		`'70000000000000000000000001'::HUGEINT AS big, TIMESTAMP '2026-01-02 03:04:05.678' AS ts, '{"z": 1.10}'::JSON AS j, 0.1::FLOAT AS f, a AS "q""<>" FROM ev;
CREATE JOURNAL j KEYS (b) SEQUENCE BY a FROM ev;
CREATE SINK s0 INTO KAFKA (brokers '{brokers}', topic '{topic}') FROM s;
CREATE SINK s1 INTO KAFKA (brokers '{brokers}', topic '{topic}', key a) FROM s;
CREATE SINK s2 INTO KAFKA (brokers '{brokers}', topic '{topic}', key b) FROM s;
CREATE SINK s3 INTO KAFKA (brokers '{brokers}', topic '{topic}', key nested) FROM s;
CREATE SINK s4 INTO KAFKA (brokers '{brokers}', topic '{topic}', key bytes) FROM s;
CREATE SINK s5 INTO KAFKA (brokers '{brokers}', topic '{topic}', key ts) FROM s;
CREATE SINK s6 INTO KAFKA (brokers '{brokers}', topic '{topic}', key j) FROM s;
CREATE SINK j1 INTO KAFKA (brokers '{brokers}', topic '{topic}', key B) FROM j;
`)
	put(t, filepath.Join(k.dir, "in", "1.csv"), "a,b\n7,\"é \"\"\\ü\"\n,\n")
	k.runs()
	var got []string
	for _, r := range k.sent(k.topic)[0] {
		key := "none"
		if r.Key != nil {
			key = string(r.Key)
		}
		if strings.HasPrefix(id(r), "s0/") || strings.HasPrefix(id(r), "j1/") {
			key += " " + string(r.Value)
		}
		got = append(got, id(r)+" "+key)
	}
	want := []string{
		`s0/1/1 none {"a":7,"b":"é \"\\ü","nested":{"x":7,"y":["é \"\\ü"]},"bytes":"\\xC3\\xA9 \\x22\\x5C\\xC3\\xBC","inf":"Infinity",` +
			`"d":2.3333333333333335,"big":70000000000000000000000001,"ts":"2026-01-02 03:04:05.678","j":{"z":1.10},"f":0.1,"q\"<>":7}`,
		`s0/1/2 none {"a":null,"b":null,"nested":{"x":null,"y":[null]},"bytes":null,"inf":null,"d":null,"big":70000000000000000000000001,` +
			`"ts":"2026-01-02 03:04:05.678","j":{"z":1.10},"f":0.1,"q\"<>":null}`,
		`s1/1/1 7`, `s1/1/2 none`,
		`s2/1/1 é "\ü`, `s2/1/2 none`,
		`s3/1/1 {"x":7,"y":["é \"\\ü"]}`, `s3/1/2 {"x":null,"y":[null]}`,
		`s4/1/1 é "\ü`, `s4/1/2 none`,
		`s5/1/1 2026-01-02 03:04:05.678`, `s5/1/2 2026-01-02 03:04:05.678`,
		`s6/1/1 {"z":1.10}`, `s6/1/2 {"z":1.10}`,
		`j1/1/1 é "\ü {"b":"é \"\\ü","a":7}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Killed or failing between the records and the note of the place: the version comes again, with the same ids; nothing is lost.
func TestSinkKafkaCrashes(t *testing.T) {
	for _, fault := range []string{"kill:sink-written:1", "kill:sink-written:2", "kill:sink-before-place:1", "error:sink-before-place:2",
		"kill:after-commit:5"} {
		t.Run(fault, func(t *testing.T) {
			k := newKafka(t, 3, false)
			k.script(scoresScript)
			k.rows("1.csv", 0, 300)
			k.rows("2.csv", 300, 300)
			k.stopped(fault)
			k.runs()
			n := k.complete(k.topic, 600)
			if strings.Contains(fault, "sink-") && n != 900 {
				t.Errorf("%d records, want 300 of them twice", n)
			}
			k.is("SELECT * FROM dsql.places", "out|scores|2")
			k.runs()
			if again := k.complete(k.topic, 600); again != n {
				t.Errorf("%d records after a run without news, want %d", again, n)
			}
		})
	}
}

// Brokers that refuse for a while: the client sends again, nothing is lost, twice or out of order.
func TestSinkKafkaRefusals(t *testing.T) {
	k := newKafka(t, 3, true)
	k.script(scoresScript)
	k.rows("1.csv", 0, 2000)
	var refused atomic.Int32
	k.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		n := refused.Add(1)
		if n > 3 {
			return nil, nil, false
		}
		return refuse(req.(*kmsg.ProduceRequest),
			[]int16{kerr.NotEnoughReplicas.Code, kerr.NotLeaderForPartition.Code, kerr.NotEnoughReplicas.Code}[n-1]), nil, true
	})
	k.runs()
	if n := refused.Load(); n <= 3 {
		t.Errorf("%d requests only", n)
	}
	if n := k.complete(k.topic, 2000); n != 2000 {
		t.Errorf("%d records, want 2000", n)
	}
}

// refuse is the answer to a request that takes none of its records.
func refuse(req *kmsg.ProduceRequest, code int16) *kmsg.ProduceResponse {
	res := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range req.Topics {
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, code
			rt.Partitions = append(rt.Partitions, rp)
		}
		res.Topics = append(res.Topics, rt)
	}
	return res
}

// A run that follows and waits for brokers ends when it is asked to; the next run sends what they didn't take.
func TestSinkKafkaStops(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(scoresScript)
	k.rows("1.csv", 0, 100)
	asked := make(chan struct{})
	var once sync.Once
	var healthy atomic.Bool
	k.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		once.Do(func() { close(asked) })
		return refuse(req.(*kmsg.ProduceRequest), kerr.NotEnoughReplicas.Code), nil, !healthy.Load()
	})
	f := k.follow()
	<-asked
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	k.is("SELECT count(*) FROM dsql.places", "0")
	healthy.Store(true)
	k.runs()
	k.complete(k.topic, 100)
}

// What the brokers refuse for good is told, the place stays, and once it is mended the next run goes on.
func TestSinkKafkaPermanentRefusal(t *testing.T) {
	k := newKafka(t, 3, true)
	k.script(scoresScript)
	k.rows("1.csv", 0, 100)
	var code atomic.Int32
	code.Store(int32(kerr.TopicAuthorizationFailed.Code))
	k.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		return refuse(req.(*kmsg.ProduceRequest), int16(code.Load())), nil, code.Load() != 0
	})
	k.fails(4, "not-authorised")
	code.Store(int32(kerr.PolicyViolation.Code))
	k.fails(1, "record-refused")
	k.is("SELECT count(*) FROM scores", "100")
	k.is("SELECT count(*) FROM dsql.places", "0")
	if out, _ := k.dsql("status", "--db", "s.duckdb", "--output", "csv"); !strings.Contains(out, "out,scores,,1") {
		t.Errorf("the status is\n%s", out)
	}
	code.Store(0)
	k.runs()
	k.complete(k.topic, 100)
}

// A record that is larger than the topic takes names its row; the topic's own limit counts, whatever the client's is.
func TestSinkKafkaLargeRecords(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(`
CREATE SOURCE ev (id BIGINT, n BIGINT) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s AS SELECT id, repeat('x', n) AS v FROM ev;
CREATE SINK out INTO KAFKA (brokers '{brokers}', topic '{topic}') FROM s;
`)
	limit := func(n string) {
		_, err := k.adm.AlterTopicConfigs(k.ctx(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &n}}, k.topic)
		k.must(err)
	}
	put(t, filepath.Join(k.dir, "in", "1.csv"), "id,n\n1,10\n2,50000\n3,10\n")
	limit("20000")
	k.fails(1, "/s/out/1/2 is larger than the topic "+k.topic+" takes: its value has 50015 bytes")
	k.is("SELECT count(*) FROM dsql.places", "0")
	put(t, filepath.Join(k.dir, "in", "2.csv"), "id,n\n4,1500000\n")
	limit("2000000")
	k.runs()
	largest := 0
	ids := map[string]bool{}
	for _, r := range k.sent(k.topic)[0] {
		largest = max(largest, len(r.Value))
		ids[id(r)] = true
	}
	if largest != 1500015 || len(ids) != 4 {
		t.Errorf("%d rows, the largest has %d bytes", len(ids), largest)
	}
}

// A topic that is misspelt is not made; brokers that are away leave the rows in the file.
func TestSinkKafkaUnreachable(t *testing.T) {
	k := newKafka(t, 1, false)
	k.rows("1.csv", 0, 10)
	k.script(strings.Replace(scoresScript, "'{topic}'", "'{topic}x'", 1))
	k.fails(4, "unknown-topic")
	if !strings.Contains(k.lastErrOutput, "did you mean "+k.topic) {
		t.Error(k.lastErrOutput)
	}
	all, err := k.adm.ListTopics(k.ctx())
	k.must(err)
	if all.Has(k.topic + "x") {
		t.Error("the topic was made")
	}
	k.script(strings.Replace(scoresScript, "{brokers}", "127.0.0.1:1", 1))
	k.fails(4, "broker-unreachable")
	k.is("SELECT count(*) FROM scores", "10")
	k.script(scoresScript)
	k.runs()
	k.complete(k.topic, 10)
}

// From topic to topic while it follows, over a named connection.
func TestSinkKafkaFollows(t *testing.T) {
	k := newKafka(t, 2, false)
	out := k.topic + "-out"
	k.create(out, 2)
	k.script(`
CREATE CONNECTION shop TO KAFKA (brokers '{brokers}');
CREATE SOURCE ev (id BIGINT, v VARCHAR) FROM KAFKA (connection shop, topic '{topic}', batch_time '50ms');
CREATE STREAM s FROM ev;
CREATE SINK outlet INTO KAFKA (connection shop, topic '{topic}-out', key id) FROM s;
`)
	k.events(0, 10, 2)
	f := k.follow()
	f.sees(`"event":"sink"`, 1)
	k.events(10, 10, 2)
	f.sees(`"rows":10`, 2)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	n := 0
	for _, part := range k.sent(out) {
		n += len(part)
	}
	if n != 20 {
		t.Errorf("%d records, want 20", n)
	}
}
