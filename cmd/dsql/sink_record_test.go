package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// headersOf shows a record's own headers.
func headersOf(r *kgo.Record) string {
	var out []string
	for _, h := range r.Headers {
		switch {
		case h.Key == "dsql-id":
		case h.Value == nil:
			out = append(out, h.Key+" is null")
		default:
			out = append(out, fmt.Sprintf("%s=%q", h.Key, h.Value))
		}
	}
	return strings.Join(out, ", ")
}

// Headers, the time and keys of several columns come from columns, in any case; the value has them too.
func TestSinkKafkaHeadersAndTime(t *testing.T) {
	k := newKafka(t, 1, false)
	k.script(`
SET TimeZone = 'America/New_York';
CREATE SOURCE ev (a BIGINT, b VARCHAR, at_ VARCHAR) FROM FILES ('in/*.csv', format csv);
CREATE STREAM s AS SELECT a, b, at_::TIMESTAMP AS at_, at_::TIMESTAMP::TIMESTAMPTZ AS tz, at_::TIMESTAMP::DATE AS d, encode(b) AS raw FROM ev;
CREATE SINK s1 INTO KAFKA (brokers '{brokers}', topic '{topic}', key (A, b), headers (B, raw, a), timestamp AT_) FROM s;
CREATE SINK s2 INTO KAFKA (brokers '{brokers}', topic '{topic}', headers b, timestamp tz) FROM s;
CREATE SINK s3 INTO KAFKA (brokers '{brokers}', topic '{topic}', timestamp d) FROM s;
`)
	put(t, filepath.Join(k.dir, "in", "1.csv"), "a,b,at_\n7,é,2026-01-02 03:04:05.6789\n,,\n")
	k.runs()
	var got []string
	for _, r := range k.sent(k.topic)[0] {
		at := r.Timestamp.UTC().Format("2006-01-02 15:04:05.999")
		if r.Timestamp.Year() > 2026 || r.Timestamp.Month() > 1 {
			at = "sent"
		}
		got = append(got, fmt.Sprintf("%s %s [%s] %s", id(r), r.Key, headersOf(r), at))
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{
		`s1/1/1 {"a":7,"b":"é"} [b="é", raw="é", a="7"] 2026-01-02 03:04:05.678`,
		`s1/1/2 {"a":null,"b":null} [b is null, raw is null, a is null] sent`,
		`s2/1/1  [b="é"] 2026-01-02 08:04:05.678`,
		`s2/1/2  [b is null] sent`,
		`s3/1/1  [] 2026-01-02 00:00:00`,
		`s3/1/2  [] sent`,
	}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// A journal of two keys is an upsert by both; its tombstones have the headers of the row that is gone. A time that Kafka hasn't is told, or
// a reject.
func TestSinkKafkaUpsertOfTwoKeys(t *testing.T) {
	k := newKafka(t, 1, false)
	const script = `
CREATE SOURCE ev (a BIGINT, b VARCHAR, n BIGINT, at_ TIMESTAMP, gone BOOLEAN) FROM FILES ('in/*.csv', format csv);
CREATE JOURNAL j KEYS (a, b) SEQUENCE BY n DELETE WHEN gone COLUMNS (at_) FROM ev;
CREATE SINK out INTO KAFKA (brokers '{brokers}', topic '{topic}', key (B, a), headers (change_type, at_), timestamp at_) @errors@ FROM j;
`
	k.script(strings.Replace(script, "@errors@", "", 1))
	put(t, filepath.Join(k.dir, "in", "1.csv"), "a,b,n,at_,gone\n1,x,1,2026-01-01,\n2,y,1,2026-01-01,\n")
	put(t, filepath.Join(k.dir, "in", "2.csv"), "a,b,n,at_,gone\n1,x,2,2026-01-02,\n2,y,2,2026-01-01,true\n")
	k.runs()
	var got []string
	for _, r := range k.sent(k.topic)[0] {
		got = append(got, fmt.Sprintf("%s %s [%s] %s", r.Key, r.Value, headersOf(r), r.Timestamp.UTC().Format("2006-01-02")))
	}
	want := []string{
		`{"b":"x","a":1} {"a":1,"b":"x","at_":"2026-01-01 00:00:00"} [change_type="insert", at_="2026-01-01 00:00:00"] 2026-01-01`,
		`{"b":"y","a":2} {"a":2,"b":"y","at_":"2026-01-01 00:00:00"} [change_type="insert", at_="2026-01-01 00:00:00"] 2026-01-01`,
		`{"b":"x","a":1} {"a":1,"b":"x","at_":"2026-01-02 00:00:00"} [change_type="update_after", at_="2026-01-02 00:00:00"] 2026-01-02`,
		`{"b":"y","a":2}  [change_type="delete", at_="2026-01-01 00:00:00"] 2026-01-01`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	put(t, filepath.Join(k.dir, "in", "3.csv"), "a,b,n,at_,gone\n3,z,1,1969-12-31,\n4,z,1,infinity,\n5,z,1,2026-01-05,\n")
	k.fails(1, "has a time before 1970, or an infinite one")
	k.script(strings.Replace(script, "@errors@", "ON ROW ERROR REJECT", 1))
	k.runs()
	k.is("SELECT data->>'a', split_part(reason, ' has ', 2) FROM dsql.rejects ORDER BY id",
		"3|a time before 1970, or an infinite one\n4|a time before 1970, or an infinite one")
	last := k.sent(k.topic)[0]
	if n := len(last); string(last[n-1].Key) != `{"b":"z","a":5}` {
		t.Errorf("the last record is %s", last[n-1].Key)
	}
}
