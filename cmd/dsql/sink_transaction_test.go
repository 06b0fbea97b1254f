package main

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const transactionScript = `
CREATE SOURCE ev (id VARCHAR, n BIGINT, x DOUBLE) FROM FILES ('in/*.csv', format csv);
CREATE STREAM scores FROM ev;
CREATE SINK out INTO KAFKA (brokers '{brokers}', topic '{topic}', key id, transactional true) FROM scores;
`

// readCommitted are the records that a reader of committed ones sees, once each version is whole.
func (k *kafka) readCommitted(topic string, want int) (out []*kgo.Record) {
	k.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.brokers), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	k.must(err)
	defer cl.Close()
	ends, err := k.adm.ListCommittedOffsets(k.ctx(), topic)
	k.must(err)
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for ctx := k.ctx(); len(left) > 0; {
		f := cl.PollFetches(ctx)
		k.must(f.Err())
		f.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	if len(out) != want {
		k.t.Errorf("%d committed records, want %d", len(out), want)
	}
	return out
}

// Killed anywhere on the way of a version, in front of its commit or behind it: who reads committed records has every row once.
func TestSinkKafkaTransactions(t *testing.T) {
	for _, fault := range []string{"kill:sink-written:1", "kill:sink-written:2", "error:sink-before-place:1", "kill:sink-uncommitted:1",
		"error:sink-uncommitted:2"} {
		t.Run(fault, func(t *testing.T) {
			k := newKafka(t, 3, false)
			k.script(transactionScript)
			k.rows("1.csv", 0, 300)
			k.rows("2.csv", 300, 300)
			k.stopped(fault)
			k.runs()
			k.is("SELECT * FROM dsql.places", "out|scores|2")
			k.rows("3.csv", 600, 10)
			k.runs()
			ids := map[string]bool{}
			for _, r := range k.readCommitted(k.topic, 610) {
				ids[id(r)] = true
			}
			if len(ids) != 610 {
				t.Errorf("%d ids, want 610", len(ids))
			}
		})
	}
}

// A sink that is dropped and declared anew writes everything again.
func TestSinkKafkaTransactionsAnew(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(transactionScript)
	k.rows("1.csv", 0, 5)
	k.runs()
	k.script("DROP SINK out;" + transactionScript)
	k.runs()
	k.readCommitted(k.topic, 10)
}

// Rows that the brokers refuse are rejects, the others come in one transaction; a crash behind it doubles neither.
func TestSinkKafkaTransactionRejects(t *testing.T) {
	k := newKafka(t, 1, false)
	small := "20000"
	_, err := k.adm.AlterTopicConfigs(k.ctx(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &small}}, k.topic)
	k.must(err)
	k.script(`
CREATE SOURCE ev (id BIGINT, n BIGINT) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s AS SELECT id, repeat('x', n) AS v FROM ev;
CREATE SINK out INTO KAFKA (brokers '{brokers}', topic '{topic}', transactional true) ON ROW ERROR REJECT FROM s;
`)
	put(t, filepath.Join(k.dir, "in", "1.csv"), "id,n\n1,10\n2,50000\n3,10\n4,60000\n")
	k.stopped("kill:sink-written:1")
	k.runs()
	k.is("SELECT data->>'id', left(reason, 16) FROM dsql.rejects ORDER BY id", "2|sink: the record\n4|sink: the record")
	var ids []string
	for _, r := range k.readCommitted(k.topic, 2) {
		ids = append(ids, id(r))
	}
	if got := strings.Join(ids, " "); got != "out/1/1 out/1/3" {
		t.Errorf("ids %s", got)
	}
}

// A login without the right to the transactional id is told which right it lacks.
func TestSinkKafkaTransactionDenied(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(transactionScript)
	k.rows("1.csv", 0, 5)
	var denied atomic.Bool
	denied.Store(true)
	k.fake.ControlKey(int16(kmsg.InitProducerID), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		res := req.ResponseKind().(*kmsg.InitProducerIDResponse)
		res.ErrorCode = kerr.TransactionalIDAuthorizationFailed.Code
		return res, nil, denied.Load()
	})
	k.fails(4, "--operation WRITE --transactional-id dsql.")
	denied.Store(false)
	k.runs()
	k.readCommitted(k.topic, 5)
}

// The first version after opening has no rows, and the next is at the brokers already: it isn't sent again.
func TestSinkKafkaTransactionBehindEmpty(t *testing.T) {
	k := newKafka(t, 1, false)
	script := strings.Replace(transactionScript, "scores FROM ev", "scores AS SELECT * FROM ev WHERE n >= 5", 1)
	k.script(script[:strings.Index(script, "CREATE SINK")])
	k.rows("1.csv", 0, 5)
	k.rows("2.csv", 5, 5)
	k.runs()
	k.script(script)
	k.stopped("kill:sink-written:2")
	k.runs()
	k.is("SELECT * FROM dsql.places", "out|scores|2")
	k.readCommitted(k.topic, 5)
}

// What brokers have against the producer or its transaction is no fault of a row: none is rejected, and the next run sends them all.
func TestSinkKafkaTransactionRefused(t *testing.T) {
	k := newKafka(t, 1, true)
	k.script(strings.Replace(transactionScript, ") FROM scores", ") ON ROW ERROR REJECT FROM scores", 1))
	k.rows("1.csv", 0, 5)
	var refusing atomic.Pointer[kerr.Error]
	k.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		if e := refusing.Load(); e != nil {
			return refuse(req.(*kmsg.ProduceRequest), e.Code), nil, true
		}
		return nil, nil, false
	})
	for e, text := range map[*kerr.Error]string{kerr.ProducerFenced: "another process writes as the sink out",
		kerr.InvalidTxnState: "the brokers have ended the transaction of the sink out"} {
		refusing.Store(e)
		k.fails(1, text)
	}
	refusing.Store(nil)
	var once atomic.Bool
	k.fake.ControlKey(int16(kmsg.AddOffsetsToTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		res := req.ResponseKind().(*kmsg.AddOffsetsToTxnResponse)
		res.ErrorCode = kerr.UnknownServerError.Code
		return res, nil, once.CompareAndSwap(false, true)
	})
	k.fails(1, "the brokers refuse a transaction")
	k.is("SELECT count(*) FROM dsql.rejects", "0")
	k.runs()
	k.readCommitted(k.topic, 5)
}

// Where the brokers don't hear that a transaction is aborted, what it sent isn't committed with the next.
func TestSinkKafkaTransactionUnheardAbort(t *testing.T) {
	k := newKafka(t, 1, true)
	small := "20000"
	_, err := k.adm.AlterTopicConfigs(k.ctx(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &small}}, k.topic)
	k.must(err)
	k.fake.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		res := req.ResponseKind().(*kmsg.EndTxnResponse)
		res.ErrorCode = kerr.UnknownServerError.Code
		return res, nil, !req.(*kmsg.EndTxnRequest).Commit
	})
	k.script(`
CREATE SOURCE ev (id BIGINT, n BIGINT) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s AS SELECT id, repeat('x', n) AS v FROM ev;
CREATE SINK out INTO KAFKA (brokers '{brokers}', topic '{topic}', transactional true) ON ROW ERROR REJECT FROM s;
`)
	put(t, filepath.Join(k.dir, "in", "1.csv"), "id,n\n1,10\n2,50000\n3,10\n")
	k.runs()
	k.readCommitted(k.topic, 2)
	large := "100000"
	_, err = k.adm.AlterTopicConfigs(k.ctx(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &large}}, k.topic)
	k.must(err)
	if _, code := k.dsql("exec", "--db", "s.duckdb", "REPLAY REJECTS FROM out"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, k.lastErrOutput)
	}
	k.readCommitted(k.topic, 3)
}
