package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A topic that nobody here ever read has lost nothing, wherever it begins now: one that is read beside the others, or in their place.
func TestKafkaTrimmedTopicIsNoLoss(t *testing.T) {
	const regex = "CREATE SOURCE ev (id BIGINT) FROM KAFKA (brokers '{brokers}', topics '{topic}@options@');\nCREATE STREAM s FROM ev;\n"
	const one = "CREATE SOURCE ev (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}@options@');\nCREATE STREAM s FROM ev;\n"
	for name, c := range map[string]struct{ script, before, after, want string }{
		"added":    {regex, "", "(-b)?", "1\n13\n14"},
		"switched": {one, "", "-b", "1\n13\n14"},
		"latest":   {one, "', start 'latest", "-b", "13\n14"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKafka(t, 2, true)
			k.create(k.topic+"-b", 1)
			k.to(0, `{"id":1}`)
			other := *k
			other.topic += "-b"
			for i := range 5 {
				other.record(&kgo.Record{Topic: other.topic, Value: []byte(`{"id":1` + string(rune('0'+i)) + `}`)})
			}
			other.deleteRecords(3)
			k.script(with(c.script, c.before))
			k.runs()
			k.script(with(c.script, c.after))
			k.runs()
			k.is("SELECT id FROM s ORDER BY id", c.want)
			k.is("SELECT count(*) FROM dsql.gaps", "0")
		})
	}
}

// A partition that retention has emptied before the first run: later ones take no loss for it, and what is lost afterwards they do.
func TestKafkaTrimmedPartition(t *testing.T) {
	k := newKafka(t, 2, true)
	k.script(with(twoParts, ""))
	k.to(0, `{"id":1}`, `{"id":2}`)
	k.deleteRecords(2)
	k.to(1, `{"id":3}`)
	k.runs()
	k.runs()
	k.is("SELECT id FROM s", "3")
	k.to(0, `{"id":4}`, `{"id":5}`)
	k.deleteRecords(3)
	k.fails(1, "offsets 2 to 2 were not read and are gone")
}

// Positions that only an aborted transaction moved are written while a run follows: retention makes no loss of them, and no lag stays.
func TestKafkaAbortedThenRetention(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(with(twoParts, ""))
	k.to(0, `{"id":1}`)
	f := k.follow()
	f.sees(`"event":"version"`, 1)
	p, err := kgo.NewClient(kgo.SeedBrokers(k.brokers), kgo.TransactionalID(k.topic), kgo.DefaultProduceTopic(k.topic))
	k.must(err)
	defer p.Close()
	k.must(p.BeginTransaction())
	for range 20 {
		k.must(p.ProduceSync(k.ctx(), kgo.StringRecord(`{"id":100}`)).FirstErr())
	}
	k.must(p.EndTransaction(k.ctx(), kgo.TryAbort))
	for k.committed("dsql.s.ev") != "0:22" { // the file's place goes first
		if k.ctx().Err() != nil {
			t.Fatalf("the group is at %s", k.committed("dsql.s.ev"))
		}
	}
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	k.deleteRecords(22)
	k.to(0, `{"id":2}`)
	k.runs()
	k.is("SELECT id FROM s ORDER BY id", "1\n2")
	k.is("SELECT count(*) FROM dsql.gaps", "0")
}

// The lag counts to the high watermark, as tools do that show groups; what waits behind an open transaction is told beside it.
func TestKafkaLagBehindOpenTransaction(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(with(twoParts, ""))
	k.to(0, `{"id":1}`)
	k.runs()
	p, err := kgo.NewClient(kgo.SeedBrokers(k.brokers), kgo.TransactionalID(k.topic), kgo.DefaultProduceTopic(k.topic))
	k.must(err)
	defer p.Close()
	k.must(p.BeginTransaction())
	k.must(p.ProduceSync(k.ctx(), kgo.StringRecord(`{"id":2}`)).FirstErr())
	k.to(0, `{"id":3}`, `{"id":4}`)
	k.runs()
	if out, _ := k.dsql("status", "--db", "s.duckdb", "--output", "csv"); !strings.Contains(out, "ev,s,"+k.topic+",0,1,4,3,3,dsql.s.ev") {
		t.Error(out)
	}
	k.must(p.EndTransaction(k.ctx(), kgo.TryCommit))
	k.runs()
	k.is("SELECT count(*) FROM s", "4")
}

// A source that has another name goes on where it was, whatever else reads the topic; another topic or a second source begins anew.
func TestKafkaRenamedSource(t *testing.T) {
	k := newKafka(t, 1, true)
	k.create(k.topic+"-b", 1)
	k.script("CREATE SOURCE a (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}');\nCREATE STREAM s FROM a;\nCREATE STREAM " +
		"s2 FROM a;")
	k.to(0, `{"id":1}`, `{"id":2}`)
	k.runs()
	k.to(0, `{"id":3}`)
	k.script("CREATE SOURCE b (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}');\nCREATE STREAM s AS SELECT * FROM b;\nCREATE " +
		"STREAM s2 FROM a, b;")
	if out, _ := k.dsql("plan", "s.sql"); !strings.Contains(out, "goes on in b where it was in a") {
		t.Error(out)
	}
	k.runs()
	k.runs()
	k.is("SELECT id FROM s ORDER BY id", "1\n2\n3")
	k.is("SELECT count(*) FROM s2", "6")
	k.script("CREATE SOURCE c (id BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}-b');\nCREATE STREAM s AS SELECT * FROM c;")
	other := *k
	other.topic += "-b"
	other.record(&kgo.Record{Topic: other.topic, Value: []byte(`{"id":10}`)})
	k.runs()
	k.is("SELECT id FROM s ORDER BY id", "1\n2\n3\n10")
}
