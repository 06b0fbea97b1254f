package sinks

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"dsql/engine/duck"
	"dsql/engine/kind"
	"dsql/sql"
	"dsql/sql/code"
)

// opened is an open sink into a topic of a cluster of its own, and rows for it.
func opened(t *testing.T, l limits, o kind.SinkOptions) (*kfake.Cluster, kind.Outlet) {
	return openedWith(t, l, o, "")
}

func openedWith(t *testing.T, l limits, o kind.SinkOptions, more string) (*kfake.Cluster, kind.Outlet) {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	db, err := duck.Open(t.Context(), "", duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	stmts, err := sql.Parse(sql.NewSource("s.sql", "CREATE SINK x INTO KAFKA (brokers '"+fake.ListenAddrs()[0]+"', topic 't', key id"+more+") FROM s"),
		[]*sql.Syntax{Kind.Syntax})
	if err != nil {
		t.Fatal(err)
	}
	obj, err := Kind.Compile(stmts[0].Decl)
	if err != nil {
		t.Fatal(err)
	}
	s := obj.(*kafka)
	s.limits = l
	o.Columns = []duck.Column{{Name: "id", Type: "BIGINT"}}
	out, err := s.Open(t.Context(), db.Writer(), &kind.Env{}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	return fake, out
}

var rows = duck.SQL("SELECT range AS id FROM range(5000)")

// control answers every produce request.
func control(fake *kfake.Cluster, answer func(*kmsg.ProduceRequest) (*kmsg.ProduceResponse, bool)) {
	fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		res, mine := answer(req.(*kmsg.ProduceRequest))
		if !mine {
			return nil, nil, false
		}
		return res, nil, true
	})
}

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

func fails(t *testing.T, out kind.Outlet, want code.Code, text string) {
	t.Helper()
	_, err := out.Write(t.Context(), 1, rows)
	var e *sql.Error
	if !errors.As(err, &e) || e.Code != want || !strings.Contains(e.Msg, text) || e.ExitCode() != code.ExitUnreachable {
		t.Errorf("%v, want %s with %q", err, want, text)
	}
}

// Brokers that refuse on and on end a run that doesn't follow, with their reason.
func TestRefusedForEver(t *testing.T) {
	t.Parallel()
	l := defaults
	l.retries = 2
	fake, out := opened(t, l, kind.SinkOptions{})
	control(fake, func(req *kmsg.ProduceRequest) (*kmsg.ProduceResponse, bool) {
		return refuse(req, kerr.NotEnoughReplicas.Code), true
	})
	fails(t, out, code.SinkStuck, "NOT_ENOUGH_REPLICAS")
}

// Brokers that don't answer do so too; in less memory than the rows take, for what isn't acknowledged isn't made.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	l := defaults
	l.records, l.giveUp = 100, 300*time.Millisecond
	fake, out := opened(t, l, kind.SinkOptions{})
	until := make(chan struct{})
	t.Cleanup(func() { close(until) })
	control(fake, func(req *kmsg.ProduceRequest) (*kmsg.ProduceResponse, bool) {
		fake.SleepControl(func() { <-until })
		return refuse(req, kerr.NotEnoughReplicas.Code), true
	})
	fails(t, out, code.SinkStuck, "have taken no record of t")
	if n := out.(*kafkaOutlet).cl.BufferedProduceRecords(); n > 100 {
		t.Errorf("%d records are in memory, want 100 at most", n)
	}
}

// So do brokers that have refused a batch and don't answer while its records are sent one by one.
func TestNoAnswerOneByOne(t *testing.T) {
	t.Parallel()
	l := defaults
	l.giveUp = 300 * time.Millisecond
	fake, out := opened(t, l, kind.SinkOptions{})
	until := make(chan struct{})
	t.Cleanup(func() { close(until) })
	var refused atomic.Bool
	control(fake, func(req *kmsg.ProduceRequest) (*kmsg.ProduceResponse, bool) {
		if refused.Swap(true) {
			fake.SleepControl(func() { <-until })
		}
		return refuse(req, kerr.InvalidRecord.Code), true
	})
	fails(t, out, code.SinkStuck, "have taken no record of t")
}

// A run that follows waits, says so once while the brokers take nothing, once more when they stop again, and goes on when they take
// records.
func TestFollowingWaits(t *testing.T) {
	t.Parallel()
	l := defaults
	l.records, l.giveUp = 100, 100*time.Millisecond // many requests
	var first, later atomic.Int32                   // warnings before any record was taken, and behind that
	told, again := make(chan struct{}), make(chan struct{})
	var fake *kfake.Cluster
	var out kind.Outlet
	fake, out = opened(t, l, kind.SinkOptions{Follow: true, Warn: func(e *sql.Error) {
		if out.(*kafkaOutlet).acked.Load() > 0 {
			if later.Add(1) == 1 { // there may be more: brokers on a slow machine are late by themselves
				close(again)
			}
		} else if first.Add(1) == 1 {
			close(told)
		}
	}})
	until := func(event chan struct{}) {
		fake.SleepControl(func() {
			select {
			case <-event:
			case <-t.Context().Done():
			}
		})
	}
	var taken atomic.Int32
	control(fake, func(req *kmsg.ProduceRequest) (*kmsg.ProduceResponse, bool) {
		select {
		case <-told:
			if taken.Add(1) == 2 {
				until(again)
			}
			return nil, false
		default: // refused behind the warning: until they come again nothing is taken, and that was said
			until(told)
			return refuse(req, kerr.NotEnoughReplicas.Code), true
		}
	})
	n, err := out.Write(t.Context(), 1, rows)
	if n != 5000 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	if first.Load() != 1 || later.Load() == 0 {
		t.Errorf("%d warnings before a record was taken, %d behind that", first.Load(), later.Load())
	}
}

// A write that is cancelled says why it was.
func TestCancelled(t *testing.T) {
	t.Parallel()
	fake, out := opened(t, defaults, kind.SinkOptions{})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user wants it")
	control(fake, func(req *kmsg.ProduceRequest) (*kmsg.ProduceResponse, bool) {
		cancel(why)
		return refuse(req, kerr.NotEnoughReplicas.Code), true
	})
	if _, err := out.Write(ctx, 1, rows); !errors.Is(err, why) {
		t.Errorf("%v, want %v", err, why)
	}
}

// The text of a BLOB gives back its bytes.
func TestUnescape(t *testing.T) {
	t.Parallel()
	db, err := duck.Open(t.Context(), "", duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for b := range 256 {
		want := []byte{'x', byte(b), '\\', 'x', '4', '1', byte(b), byte(255 - b)}
		var text string
		if _, err := db.Writer().Scan(t.Context(), duck.SQL("SELECT {b}::VARCHAR", duck.Args{"b": duck.Lit(want)}), &text); err != nil {
			t.Fatal(err)
		}
		if got := unescape(text); string(got) != string(want) {
			t.Errorf("%q gives % x, want % x", text, got, want)
		}
	}
}

// No transaction in which rows are tried is open for long: others follow it.
func TestTriesInShortTransactions(t *testing.T) {
	t.Parallel()
	l := defaults
	l.tried = 1
	fake, out := openedWith(t, l, kind.SinkOptions{}, ", transactional true")
	var aborted atomic.Int32
	fake.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if !req.(*kmsg.EndTxnRequest).Commit {
			aborted.Add(1)
		}
		return nil, nil, false
	})
	k := out.(*kafkaOutlet)
	if n, refused, err := k.discover(t.Context(), 1, duck.SQL("SELECT range AS id FROM range(3)")); n != 3 || len(refused) > 0 || err != nil {
		t.Errorf("%d rows, %d refused, %v", n, len(refused), err)
	}
	if n := aborted.Load(); n != 3 {
		t.Errorf("%d transactions, want 3", n)
	}
}
