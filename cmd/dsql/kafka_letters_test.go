package main

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const lettersScript = `
CREATE SOURCE ev (id BIGINT FROM KEY, n BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', reject_topic '{topic}.dead');
CREATE STREAM s RULES (CONSTRAINT small EXPECT (n < 100)) FROM EV;
`

// Bad records and rows that rules reject go to the reject_topic as they were, with what Kafka Connect tells of dead letters.
func TestKafkaRejectTopic(t *testing.T) {
	k := newKafka(t, 2, false)
	k.create(k.topic+".dead", 1)
	k.script(lettersScript)
	at := time.UnixMilli(1767225600123)
	k.record(&kgo.Record{Partition: 1, Key: []byte("7"), Value: []byte(`{"n":"x"}`), Timestamp: at,
		Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte{0xff, 0}}, {Key: "none"}, {Key: "trace", Value: []byte("again")}}})
	k.record(&kgo.Record{Partition: 1, Key: []byte("8"), Value: []byte(`{"n":500}`), Timestamp: at})
	k.record(&kgo.Record{Partition: 1, Key: []byte("key"), Timestamp: at})
	k.record(&kgo.Record{Partition: 1, Key: []byte("9"), Value: []byte(`{"n":5}`), Timestamp: at})
	k.runs()
	k.runs() // nothing comes twice
	var got []string
	for _, r := range k.sent(k.topic + ".dead")[0] {
		var headers []string
		for _, h := range r.Headers {
			value := string(h.Value)
			if h.Key == "dsql-id" {
				_, value, _ = strings.Cut(value, "/")
			}
			headers = append(headers, fmt.Sprintf("%s=%q", strings.TrimPrefix(h.Key, "__connect.errors."), value))
		}
		got = append(got, fmt.Sprintf("%s %q %v %v\n%s", r.Key, r.Value, r.Value == nil, r.Timestamp.Equal(at), strings.Join(headers, " ")))
	}
	where := func(offset int) string {
		return fmt.Sprintf(`topic=%q partition="1" offset="%d" connector.name="ev" task.id="0" stage=`, k.topic, offset)
	}
	if d := cmp.Diff([]string{
		"7 \"{\\\"n\\\":\\\"x\\\"}\" false true\ntrace=\"\\xff\\x00\" none=\"\" trace=\"again\" " + where(0) +
			`"VALUE_CONVERTER" class.name="dsql" ` +
			`exception.class.name="bad_record" exception.message="bad_record: n: \"x\" is no BIGINT" exception.stacktrace="" dsql-id="dsql.rejects/ev/1"`,
		"key \"\" true true\n" + where(2) + `"KEY_CONVERTER" class.name="dsql" exception.class.name="bad_record" ` +
			`exception.message="bad_record: the key: id: key is no BIGINT" exception.stacktrace="" dsql-id="dsql.rejects/ev/2"`,
		"8 \"{\\\"n\\\":500}\" false true\n" + where(1) + `"TRANSFORMATION" class.name="dsql" exception.class.name="constraint" ` +
			`exception.message="constraint: small: n < 100" exception.stacktrace="" dsql-destination="s" dsql-rule="small" dsql-id="dsql.rejects/ev/3"`,
	}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	k.is("SELECT count(*) FROM dsql.rejects", "3")
}

// A run that ends behind the letters sends them again, under the same ids; one whose topic isn't there doesn't begin.
func TestKafkaRejectTopicCrash(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(lettersScript)
	k.record(&kgo.Record{Key: []byte("7"), Value: []byte(`{"n":"x"}`)})
	k.fails(4, "there is no topic "+k.topic+".dead")
	k.create(k.topic+".dead", 1)
	for _, fault := range []string{"kill:rejects-posted:1", "kill:after-commit:1"} {
		k.stopped(fault)
		k.record(&kgo.Record{Key: []byte("8"), Value: []byte(`{"n":true}`)})
	}
	k.runs()
	var ids []string
	for _, r := range k.sent(k.topic + ".dead")[0] {
		all := string(r.Headers[len(r.Headers)-1].Value)
		ids = append(ids, all[strings.LastIndexByte(all, '/')+1:])
	}
	if !slices.Equal(ids, []string{"1", "1", "2", "3"}) {
		t.Errorf("ids %v", ids)
	}
	k.script(strings.Replace(lettersScript, "{topic}.dead", "{topic}", 1))
	k.fails(2, "reads the topic "+k.topic+" itself")
}

// While the brokers take no letters all else goes on, and the run ends at once when it is asked to.
func TestKafkaRejectTopicAway(t *testing.T) {
	k := newKafka(t, 1, true)
	k.create(k.topic+".dead", 1)
	k.script(lettersScript)
	var healthy atomic.Bool
	k.record(&kgo.Record{Key: []byte("7"), Value: []byte(`{"n":"x"}`)})
	k.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.KeepControl()
		r := req.(*kmsg.ProduceRequest)
		if healthy.Load() || k.topic == topicOf(k, r) {
			return nil, nil, false
		}
		return refuse(r, kerr.TopicAuthorizationFailed.Code), nil, true
	})
	k.fails(4, "--operation WRITE --topic "+k.topic+".dead")
	k.is("SELECT count(*) FROM dsql.rejects", "1")
	healthy.Store(true)
	f := k.follow()
	f.sees(`"waiting"`, 1)
	if code := f.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, f.said())
	}
	if n := len(k.sent(k.topic + ".dead")[0]); n != 1 {
		t.Errorf("%d letters", n)
	}
}

// Rows that a check holds back are no letters; the place moves beyond them, so that nobody looks at them again.
func TestKafkaRejectTopicHeld(t *testing.T) {
	k := newKafka(t, 1, false)
	k.create(k.topic+".dead", 1)
	k.script(strings.Replace(lettersScript, "STREAM s RULES (CONSTRAINT small EXPECT (n < 100))",
		"STREAM s CHECKS (CHECK few EXPECT (count(*) < 2) ON FAILURE HOLD)", 1))
	k.record(&kgo.Record{Key: []byte("7"), Value: []byte(`{"n":1}`)})
	k.record(&kgo.Record{Key: []byte("8"), Value: []byte(`{"n":2}`)})
	k.runs()
	k.is("SELECT version, (SELECT count(*) FROM dsql.rejects), (SELECT max(id) FROM dsql.rejects) FROM dsql.places", "2|2|2")
	if n := len(k.sent(k.topic + ".dead")[0]); n != 0 {
		t.Errorf("%d letters", n)
	}
}

// topicOf is the topic that a request is for.
func topicOf(k *kafka, r *kmsg.ProduceRequest) string {
	for _, t := range r.Topics {
		if t.Topic != "" {
			return t.Topic
		}
		if k.fake.TopicIDInfo(t.TopicID) != nil {
			return k.fake.TopicIDInfo(t.TopicID).Topic
		}
	}
	return ""
}

// A source that is declared anew under the name of one that was dropped sends its own rejects, and none of that one's again.
func TestKafkaRejectTopicAnew(t *testing.T) {
	k := newKafka(t, 1, false)
	k.create(k.topic+".dead", 1)
	k.script(lettersScript)
	k.put(`{"n":"x"}`, `{"n":1}`)
	k.runs()
	k.script("DROP STREAM s;\nDROP SOURCE ev;")
	k.runs()
	k.put(`{"n":"y"}`)
	k.script(lettersScript)
	k.runs() // which reads the topic again
	var got []string
	for _, r := range k.sent(k.topic + ".dead")[0] {
		got = append(got, string(r.Headers[len(r.Headers)-1].Value[strings.IndexByte(string(r.Headers[len(r.Headers)-1].Value), '/'):]))
	}
	if diff := cmp.Diff([]string{"/dsql.rejects/ev/1", "/dsql.rejects/ev/2"}, got); diff != "" {
		t.Error(diff)
	}
	k.is("SELECT id FROM dsql.rejects ORDER BY id", "1\n2")
}

// ERASE KEY waits for rejects that are on their way: what it says is erased isn't sent afterwards.
func TestKafkaRejectTopicAndErase(t *testing.T) {
	k := newKafka(t, 1, true)
	k.create(k.topic+".dead", 1)
	k.script(`CREATE SOURCE ev (id BIGINT FROM KEY, n BIGINT) FROM KAFKA (brokers '{brokers}', topic '{topic}', reject_topic '{topic}.dead');
CREATE JOURNAL j KEYS (id) SEQUENCE BY o COLUMNS (n) AS SELECT id, n, _meta."offset" AS o FROM ev;
REFRESH;
ERASE KEY (7) FROM JOURNAL j;`)
	k.record(&kgo.Record{Key: []byte("7"), Value: []byte(`{"n":1}`)})
	k.record(&kgo.Record{Key: []byte("7"), Value: []byte(`{"n":"x"}`)})
	release := make(chan struct{})
	k.fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.fake.SleepControl(func() { <-release })
		return nil, nil, false
	})
	k.env = []string{"DSQL_FAULT=kill:rejects-posted:1"}
	f := k.follow()
	f.sees(`"origin":"erase"`, 1)
	close(release)
	if f.cmd.Wait() == nil { // where they are sent
		t.Error(f.said())
	}
	k.env = nil
	k.is("SELECT (SELECT count(*) FROM j), (SELECT count(*) FROM dsql.rejects)", "0|1")
	k.script("ERASE KEY (7) FROM JOURNAL j;")
	k.runs()
	k.is("SELECT (SELECT count(*) FROM j), (SELECT count(*) FROM dsql.rejects)", "0|0")
}
