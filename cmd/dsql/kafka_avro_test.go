package main

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// Records of Avro are read by the schema they were written with; one that isn't good is a reject with what was understood of it, and
// a registry that is gone stops the run without a loss.
func TestKafkaAvro(t *testing.T) {
	k := newKafka(t, 1, false)
	reg := srfake.New()
	t.Cleanup(reg.Close)
	reg.SeedSchema("v", 1, 1, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"o","fields":[{"name":"id","type":"long"},{"name":"city","type":["null","string"]}]}`})
	reg.SeedSchema("v", 2, 2, sr.Schema{Type: sr.TypeAvro, Schema: `{"type":"record","name":"o","fields":[{"name":"city","type":"string"},{"name":"id","type":"int"},{"name":"extra","type":"int"}]}`})
	source := func(url string) {
		k.script("CREATE CONNECTION c TO KAFKA (brokers '" + k.brokers + "', schema_registry '" + url + "');\n" +
			"CREATE SOURCE s (id INTEGER, city VARCHAR) FROM KAFKA (connection c, topic '" + k.topic + "', format avro);\nCREATE STREAM d FROM s;")
	}
	source(reg.URL())
	k.put("\x00\x00\x00\x00\x01\x02\x02\x08Oslo", "\x00\x00\x00\x00\x02\x08Lima\x04\x06", "\x00\x00\x00\x00\x01\x06\x00", "\x00\x00\x00\x00\x01\x80\x80\x80\x80\x80\x02\x02\x08Rome", "\x00\x00\x00\x00\x09\x02", "{}")
	k.runs()
	k.is("SELECT id, city FROM d ORDER BY id", "1|Oslo\n2|Lima\n3|NULL")
	k.is(`SELECT meta."offset", reason, data FROM dsql.rejects ORDER BY 1`, `3|bad_record: id: 34359738368 is out of range for INTEGER|{"id":null,"city":"Rome"}
4|bad_record: unknown schema id 9|NULL
5|bad_record: no Avro with a schema id: 2 bytes|NULL`)

	gone := srfake.New()
	gone.Close()
	source(gone.URL())
	k.put("\x00\x00\x00\x00\x01\x08\x00")
	k.fails(4, "the schema registry can't be reached")
	k.is("SELECT count(*) FROM d", "3")
	source(reg.URL())
	k.runs()
	k.is("SELECT max(id) FROM d", "4")

	k.put("\x00\x00\x00\x00\x02\x08Lima\x04\x06")
	text, code := k.dsql("inspect", "kafka://"+k.brokers+"/"+k.topic, "--schema-registry", reg.URL())
	if code != 0 || !strings.Contains(text, "  city VARCHAR,\n  id INTEGER,\n  extra INTEGER\n) FROM KAFKA (connection ") {
		t.Errorf("exit code %d\n%s\n%s", code, text, k.lastErrOutput)
	}
}
