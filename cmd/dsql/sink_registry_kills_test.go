package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// registeredSinks are sinks of rows and of states, in transactions and not: how each is declared but for its format.
var registeredSinks = []struct {
	name, options, from string
}{
	{"plain", "key id", "s"}, {"whole", "key id, transactional true", "s"},
	{"state", "key (k, half)", "j"}, {"sure", "key (k, half), transactional true", "j"},
}

// A run that follows is killed again and again, 30 times with DSQL_LONG, while its sinks write with a schema registry, each in a format of
// its own that is drawn. Who reads the topics as docs/sinks.md says, with the registry's schemas, has the exact rows and state in the end.
func TestSinkKafkaRegisteredKills(t *testing.T) {
	k := newKafka(t, 2, false)
	reg := newRegistry(t)
	connection := "CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.url + "');\n"
	script, readers, drawn := connection+`
CREATE SOURCE ev (id BIGINT, k BIGINT, half VARCHAR, v DECIMAL(9,2), seen TIMESTAMP FORMAT epoch_ms)
  FROM KAFKA (connection c, topic '{topic}', batch_time '10ms');
CREATE STREAM s FROM ev;
CREATE JOURNAL j KEYS (k, half) SEQUENCE BY id DELETE WHEN v % 7 = 0 COLUMNS (v, seen) FROM s;
`, connection, []string{}
	for _, s := range registeredSinks {
		k.create(k.topic+"."+s.name, 2)
		format := []string{"avro", "protobuf", "json_schema"}[rand.IntN(3)]
		strategy := []string{"topic_name", "record_name", "topic_record_name"}[rand.IntN(3)]
		drawn = append(drawn, s.name+" "+format+" "+strategy)
		script += "CREATE SINK " + s.name + " INTO KAFKA (connection c, topic '{topic}." + s.name + "', " + s.options + ", format " + format +
			", record 'of." + s.name + "', subject_strategy " + strategy + ") FROM " + s.from + ";\n"
		in := "id BIGINT, k BIGINT, half VARCHAR, v DECIMAL(9,2), seen TIMESTAMP"
		if s.from == "j" {
			in = "k BIGINT FROM KEY '$.k', half VARCHAR FROM KEY '$.half', v DECIMAL(9,2), seen TIMESTAMP"
		}
		readers += "CREATE SOURCE " + s.name + "_in (" + in + ") FROM KAFKA (connection c, topic '{topic}." + s.name + "', format " +
			strings.TrimSuffix(format, "_schema") + ");\nCREATE STREAM " + s.name + " AS SELECT *, _meta.\"offset\" AS nr, " +
			"_meta.tombstone AS gone, dsql.header(_meta, 'dsql-id') AS named FROM " + s.name + "_in;\n"
	}
	t.Log(strings.Join(drawn, ", "))
	k.script(script)
	n := 0
	at := []string{"sink-written", "sink-uncommitted", "sink-before-place", "before-commit", "after-commit", "journal-state"}
	k.killed(at, func() (rs []*kgo.Record) {
		for range 20 {
			value := fmt.Sprintf(`{"id":%d,"k":%d,"half":"%c","v":%d.5,"seen":%d}`, n, n%11, 'a'+n%2, n*37%100, 1767225600000+n)
			if n%5 == 0 {
				value = strings.Replace(value, ".5,", ",", 1) // some are divided by 7
			}
			rs = append(rs, &kgo.Record{Topic: k.topic, Partition: int32(n % 2), Value: []byte(value)})
			n++
		}
		return rs
	})
	rows := k.all("SELECT id, k, half, v, seen FROM s ORDER BY id")
	state := k.all("SELECT k, half, v, seen FROM j ORDER BY ALL")
	k.is("SELECT count(DISTINCT id), count(*) FROM s", fmt.Sprintf("%d|%d", n, n))

	k.args = []string{"--db", "back.duckdb"}
	k.script(readers)
	k.runs()
	k.is("SELECT reason FROM dsql.rejects", "")
	for _, s := range registeredSinks {
		if strings.Contains(s.options, "transactional") {
			k.is("SELECT count(*) - count(DISTINCT named) FROM "+s.name, "0")
		}
		once := "(SELECT * FROM " + s.name + " QUALIFY row_number() OVER (PARTITION BY named ORDER BY nr) = 1)"
		if s.from == "s" {
			k.is("SELECT id, k, half, v, seen FROM "+once+" ORDER BY id", rows)
			continue
		}
		k.is("SELECT k, half, v, seen FROM (SELECT * FROM "+once+" QUALIFY row_number() OVER (PARTITION BY k, half ORDER BY nr DESC) = 1) "+
			"WHERE NOT gone ORDER BY ALL", state)
		k.is("SELECT count(*) > 0 FROM "+s.name+" WHERE gone", "true")
	}
}
