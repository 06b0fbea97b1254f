package main

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// What Debezium's connectors wrote of a PostgreSQL 15 and a MariaDB 10.11 (bench/kafka/debezium.sh; their tables and changes stand
// in bench/kafka/debezium): stored in testdata/debezium, and in the folder that DSQL_DEBEZIUM names those
// that `make kafka-test` has just had written.

// connector puts the records of one of the forms of a database's connector into topics: one a table, of those that have a name given, and
// by the form's name that of the tables' shapes. The connection c leads to them, and to a registry with the schemas of a form in Avro.
func (k *kafka) connector(database, form string, tables ...string) (connection string, topic map[string]string) {
	k.t.Helper()
	folder := os.Getenv("DSQL_DEBEZIUM")
	if folder == "" {
		folder = filepath.Join("..", "..", "testdata", "debezium")
	}
	f, err := os.Open(filepath.Join(folder, database, form+".jsonl.gz"))
	k.must(err)
	defer f.Close()
	text, err := gzip.NewReader(f)
	k.must(err)
	topic, connection = map[string]string{}, "CREATE CONNECTION c TO KAFKA (brokers '{brokers}');\n"
	avro := strings.HasSuffix(form, "avro")
	var reg *srfake.Registry
	if avro {
		reg = srfake.New()
		k.t.Cleanup(reg.Close)
		connection = "CREATE CONNECTION c TO KAFKA (brokers '{brokers}', schema_registry '" + reg.URL() + "');\n"
	}
	bytes := func(text string) []byte {
		if !avro {
			return []byte(text)
		}
		b, err := base64.StdEncoding.DecodeString(text)
		k.must(err)
		return b
	}
	var records []*kgo.Record
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r struct {
			Topic      string
			Key, Value *string
			ID         int
			Schema     string
		}
		k.must(json.Unmarshal(lines.Bytes(), &r))
		if r.Schema != "" {
			reg.SeedSchema(fmt.Sprint(r.ID), 1, r.ID, sr.Schema{Type: sr.TypeAvro, Schema: r.Schema})
			continue
		}
		for _, t := range tables {
			if !strings.Contains(r.Topic, t) || t == form && r.Topic != form {
				continue
			}
			if topic[t] == "" {
				topic[t] = k.topic + "." + t
				k.create(topic[t], 1)
			}
			to := &kgo.Record{Topic: topic[t]}
			if r.Key != nil {
				to.Key = bytes(*r.Key)
			}
			if r.Value != nil {
				to.Value = bytes(*r.Value)
			}
			records = append(records, to)
		}
	}
	k.must(lines.Err())
	for _, t := range tables {
		if topic[t] == "" {
			k.t.Fatalf("%s of %s has no record of %s", form, database, t)
		}
	}
	k.must(k.cl.ProduceSync(k.ctx(), records...).FirstErr())
	return connection, topic
}

// realType is a column of the table types: how it is declared, in some forms otherwise, and the value of row 1, or what that is there.
type realType struct {
	name, column string
	other        map[string]string // form: column, or column => value
	want         string
}

func forms(of ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(of); i += 2 {
		m[of[i]] = of[i+1]
	}
	return m
}

// types reads a topic with the table types of a form into the stream s; the rows 1, of the snapshot, and 11, of the log, have the values
// wanted.
func (k *kafka) types(form, connection, topic string, of []realType) {
	k.t.Helper()
	columns, values, want := []string{"id INTEGER"}, []string(nil), []string(nil)
	for _, c := range of {
		column, value := c.column, c.want
		if other := c.other[strings.TrimPrefix(form, "flat")]; other != "" {
			var differs bool
			if column, other, differs = strings.Cut(other, " => "); differs {
				value = other
			}
		}
		columns, want = append(columns, c.name+" "+column), append(want, c.name+": "+value)
		values = append(values, "'"+c.name+": ' || coalesce("+c.name+"::VARCHAR, 'NULL') || chr(9)")
	}
	k.script(connection + "CREATE SOURCE ev (" + strings.Join(columns, ", ") + ") FROM KAFKA (connection c, topic '" + topic +
		"', format debezium);\nCREATE STREAM s FROM ev;")
	k.runs()
	for _, id := range []string{"1", "11"} {
		got := k.all("SELECT unnest([" + strings.Join(values, ", ") + "]) FROM s WHERE id = " + id)
		if d := cmp.Diff(want, strings.Split(strings.TrimSuffix(got, "\t"), "\t\n")); d != "" {
			k.t.Errorf("row %s (-want +got)\n%s\n%s", id, d, k.all("SELECT data->>'id', reason FROM dsql.rejects"))
		}
	}
}
