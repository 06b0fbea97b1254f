package main

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Several types of records in a topic: each destination has its own by a header, and a record that none lets pass isn't decoded: what is in
// it is no matter, and it counts as skipped.
func TestKafkaHeaderDecides(t *testing.T) {
	k := newKafka(t, 1, false)
	const script = `
CREATE SOURCE ev (id BIGINT, v VARCHAR) FROM KAFKA (brokers '{brokers}', topic '{topic}');
CREATE STREAM orders AS SELECT id, v FROM ev WHERE dsql.header(_meta, 'type') = 'order' AND id > 0;
CREATE STREAM both_ AS SELECT e.id, dsql.header(e._meta, 'type') AS type FROM ev e
  WHERE DSQL.Header(e._meta, 'type') IN ('order', 'refund')
    AND 'eu' = dsql.header(_meta, 'region');
`
	k.script(script)
	put := func(value string, headers ...string) {
		r := &kgo.Record{Value: []byte(value)}
		for i := 0; i < len(headers); i += 2 {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
		}
		k.record(r)
	}
	put(`{"id":1}`, "type", "order")
	put(`{"id":2}`, "type", "refund", "region", "eu")
	put("\x00\xffnonsense", "type", "click")
	put("none")
	put("nonsense", "type", "refund", "region", "us")
	put("nonsense", "type", "order\xff")
	put("nonsense", "type", "order", "type", "click") // the last one counts
	put(`{"id":"x"}`, "type", "order")
	put(`{"id":3}`, "type", "click", "type", "order", "region", "eu")
	put(`{"id":-3}`, "type", "order")
	k.record(&kgo.Record{Headers: []kgo.RecordHeader{{Key: "type", Value: []byte("click")}}})
	k.runs()
	k.is("SELECT id FROM orders ORDER BY id", "1\n3")
	k.is("SELECT id, type FROM both_ ORDER BY id", "2|refund\n3|order")
	k.is("SELECT rows_in, written, bad, skipped FROM dsql.version_rows WHERE kind = 'source'", "11|4|1|6")
	k.is("SELECT count(*), max(reason) FROM dsql.rejects", `1|bad_record: id: "x" is no BIGINT`)
	k.runs()
	k.is("SELECT max(version) FROM dsql.versions", "1")
	// one that looks at all of them decodes them all; the others don't get them again
	k.script(script + "CREATE STREAM all_ AS SELECT id FROM ev WHERE dsql.header(_meta, 'type') = 'order' OR id IS NULL;")
	k.runs()
	k.is("SELECT id FROM all_ ORDER BY id", "-3\n1\n3\nNULL")
	k.is("SELECT count(*) FROM orders", "2")
	k.is("SELECT count(*) FROM dsql.rejects", "6")
	k.script("DROP STREAM all_;" + strings.Replace(script, "'order' AND id > 0", "'click'", 1))
	put(`{"id":7}`, "type", "click")
	k.runs()
	k.is("SELECT id FROM orders ORDER BY id", "1\n3\n7")
}
